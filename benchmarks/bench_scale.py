"""What everything costs on a large store, in one table: `python -m benchmarks.bench_scale FILE`.

FILE is what `python -m benchmarks.make_big_store FILE` makes. Measured are all addresses of `bench_desk` (wall and
processor time, queries, bytes), searches, the lists of the JSON interface with their orders and filters, the time until
a browser shows a page, and the start of `runner desk`. The table is Markdown, as it stands in docs/desk.md.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import bench_desk
from benchmarks.bench_desk import QUERIES, TIME, WEIGHT, Cost

if TYPE_CHECKING:
    from django.test import Client

PAINT: Final = 1000.0  # ms until the first paint
SEARCHES: Final = (
    "N0950001", "0950", "wrong", "wrong -portal", "product price", '"price is wrong"', "amount", "amount:12.5", "supplier:上海明华贸易有限公司",
    "上海", "物流", "海", "Northwind", "kind:business wrong", "kind:unknown owner:mei wrong", "is:overdue", "in:items 上海 0950",
    "in:runs post_orders", "owner:ann due:<today", "nothing-has-this", "customer:C1 amount:9",
)  # fmt: skip
PAGES: Final = (
    "/", "/cases/", "/cases/closed/", "{case}", "{problem}", "/runs/", "{run}", "/queues/", "/processes/",
    "/search/?q=wrong", "/bots/", "/schedules/",
)  # fmt: skip


_PAINTED: Final = """new Promise(done => new PerformanceObserver(seen => {
    const first = seen.getEntriesByName("first-contentful-paint")[0];
    if (first) done(first.startTime);
}).observe({type: "paint", buffered: true}))"""


@dataclass(frozen=True, slots=True)
class Program:
    """A client of the JSON interface: the desk's test client with a key."""

    client: Client
    key: str

    def get(self, address: str) -> Any:
        """The answer to a GET."""
        return self.client.get(address, headers={"authorization": f"Bearer {self.key}"})


def main() -> int:
    """Print the table; 1 where something is over a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--parts", default="pages,search,programs,paint,start", help="which parts, apart by commas"
    )
    parser.add_argument(
        "--processor", action="store_true", help="processor time alone, where other work is on the machine"
    )
    parser.add_argument(
        "--address",
        action="append",
        default=[],
        help="only this one, with the middle and the p95; can be said again",
    )
    wanted = parser.parse_args()
    measured = partial(_measured, rounds=wanted.rounds, by_processor=wanted.processor)
    parts = set(wanted.parts.split(","))
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "store.sqlite3").symlink_to(wanted.path.resolve())
        client = bench_desk.signed_in(Path(home))
        if wanted.address:
            return _print_each(client, wanted.address, measured)
        over = _print(_groups(client, parts, measured))
        if "paint" in parts:
            over += _print_paints(Path(home), client)
        if "start" in parts:
            _print_start(Path(home))
    return 1 if over else 0


def _groups(client: Client, parts: set[str], measured: Callable[[Any, str], Cost]) -> dict[str, list[Cost]]:
    """The costs of all addresses, by area."""
    groups: dict[str, list[Cost]] = defaultdict(list)
    if "pages" in parts:
        for address in bench_desk.addresses(client, ""):
            groups[_area(address)].append(measured(client, address))
        for days in (7, 90):
            groups["processes"].append(measured(client, f"/processes/p1/numbers?days={days}"))
    if "search" in parts:
        for text in SEARCHES:
            for path, name in (("/search/", "q"), ("/search/suggest", "q"), ("/cases/", "text")):
                groups["words"].append(measured(client, f"{path}?{_query(**{name: text})}"))
    if "programs" in parts:
        program = _program(client)
        for address in _of_programs():
            groups["JSON interface"].append(measured(program, address))
    return groups


def _measured(client: Any, address: str, rounds: int, *, by_processor: bool) -> Cost:
    cost = bench_desk.cost_of(client, address, rounds, by_processor=by_processor)
    if address.startswith("/api/"):  # a program asks for as many rows as it wants
        cost = replace(cost, weight=0)
    if cost.is_over:
        print(f"over: {cost}", file=sys.stderr, flush=True)
    return cost


def _area(address: str) -> str:
    first = address.strip("/").partition("/")[0].partition("?")[0]
    return {"": "front page", "cases": "cases", "problems": "a problem"}.get(first, first)


def _query(**values: str) -> str:
    from urllib.parse import urlencode

    return urlencode(values)


def _program(client: Client) -> Program:
    from runner.desk.people.models import Person
    from runner.desk.people.tokens import make_token

    scopes = ("cases.see", "runs.see", "queues.see", "problems.see")
    return Program(client, make_token(Person.objects.get(username="bench"), "bench", scopes, 1))


def _of_programs() -> Iterator[str]:
    """The lists of the JSON interface in each order, with each kind of filter."""
    from runner.store import case_lists, item_lists, problem_lists, run_lists
    from runner.store.models import Problem, Queue

    queue = Queue.objects.order_by("name").values_list("pk", flat=True)[0]
    problem = Problem.objects.order_by("-total").values_list("pk", flat=True)[0]
    filters = {
        ("cases", tuple(case_lists.SORTS)): (
            "", "status=all", "status=closed", "kind=business", f"queue={queue}", "assignee=ann", "priority=urgent", "overdue=true",
            f"problem={problem}", "text=N0950001", "process=p1&status=all",
        ),
        ("runs", tuple(run_lists.SORTS)): ("", "status=failed", "bot=post_orders", "process=p1", "since=2026-11-01T00:00:00Z"),
        ("problems", tuple(problem_lists.SORTS)): ("", "live=true&trend=true", "kind=business", "owner=ann"),
        (f"queues/{queue}/items", tuple(item_lists.SORTS)): ("", "status=exception", "status=done", "text=N0950001"),
    }  # fmt: skip
    for (path, sorts), wanted in filters.items():
        for one in wanted:
            for sort in ("", *sorts, *(f"-{name}" for name in sorts)):
                yield f"/api/v1/{path}?{one}{f'&sort={sort}' if sort else ''}"


def _print(groups: dict[str, list[Cost]]) -> int:
    print(
        "| addresses | how many | p95 of all, ms | slowest: p95, ms | its processor time | most queries | most kB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    total = [cost for costs in groups.values() for cost in costs]
    for name, costs in (*groups.items(), ("**all**", total)):
        if costs:
            print(_line(name, costs), flush=True)
    over = [cost for cost in total if cost.is_over]
    print(
        f"\n{len(total)} addresses, {len(over)} over {TIME:.0f} ms, {QUERIES} queries or {WEIGHT // 1000} kB"
    )
    for cost in over:
        print(
            f"- {cost.address}: {cost.most:.0f} ms ({cost.busy:.0f} of processor), {cost.queries}, {cost.weight / 1000:.0f} kB"
        )
    return len(over)


def _print_each(client: Client, addresses: Sequence[str], measured: Callable[[Any, str], Cost]) -> int:
    print("| address | middle, ms | p95, ms | queries |")
    print("| --- | --- | --- | --- |")
    caller, over = _program(client), 0
    for address in addresses:
        cost = measured(caller if address.startswith("/api/") else client, address)
        print(f"| `{address}` | {cost.half:.0f} | {cost.most:.0f} | {cost.queries} |", flush=True)
        over += cost.is_over
    return min(1, over)


def _line(name: str, costs: Sequence[Cost]) -> str:
    slowest = max(costs, key=lambda cost: cost.most)
    return (
        f"| {name} | {len(costs)} | {bench_desk.p95([cost.most for cost in costs]):.0f} | {slowest.most:.0f} `{slowest.address}` |"
        f" {slowest.busy:.0f} | {max(cost.queries for cost in costs)} | {max(cost.weight for cost in costs) / 1000:.0f} |"
    )


def _print_paints(home: Path, client: Client) -> int:
    """When Chromium shows something of each page, and how many bytes came for it; the desk is a process of its own."""
    from playwright.sync_api import sync_playwright

    from runner.kit.web_browser import find_browser

    key, over, name = client.session.session_key or "", 0, _cookie_name()
    paths = list(_pages())
    with _served(home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": name, "value": key, "url": url}])
        page = context.new_page()
        print("\n| page | first paint, ms (middle of 5) | longest | kB that came for it |")
        print("| --- | --- | --- | --- |")
        for path in paths:
            shown = [_paint(page, url + path) for _ in range(6)][1:]
            paints = [paint for paint, _bytes in shown]
            over += max(paints) > PAINT
            print(
                f"| `{path}` | {statistics.median(paints):.0f} | {max(paints):.0f} | {shown[-1][1] / 1000:.0f} |",
                flush=True,
            )
        browser.close()
    return over


def _paint(page: Any, url: str) -> tuple[float, int]:
    page.goto(url, wait_until="load")
    painted: float = page.evaluate(_PAINTED)
    weight: int = page.evaluate("performance.getEntriesByType('navigation')[0].decodedBodySize")
    return painted, weight


def _pages() -> Iterator[str]:
    from runner.store.models import Case, Problem, Run

    named = {
        "case": f"/cases/{Case.objects.filter(waits=True).values_list('pk', flat=True)[0]}/",
        "problem": f"/problems/{Problem.objects.order_by('-total').values_list('pk', flat=True)[0]}/",
        "run": f"/runs/{Run.objects.order_by('-queued').values_list('pk', flat=True)[0]}/",
    }
    for page in PAGES:
        yield page.format(**named)


def _cookie_name() -> str:
    from django.conf import settings

    return settings.SESSION_COOKIE_NAME


class _served:  # noqa: N801 (used like a function)
    """`runner desk` on a data folder, in a process of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __enter__(self) -> str:
        project = self._home / "project"
        (project / "bots").mkdir(parents=True, exist_ok=True)
        (project / "pyproject.toml").touch()
        environment = {**os.environ, "RUNNER_PROJECT": str(project), "RUNNER_HOME": str(self._home)}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runner", "desk", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r"http://[^\s/]+", self.process.stdout.readline())
        assert found is not None
        return found[0]

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(20)


def _print_start(home: Path) -> None:
    """Seconds until the first answer, and MB then and after each page of the table of paints."""
    import urllib.request

    import psutil

    took, memory = [], []
    for _ in range(5):
        served = _served(home)
        with served as url:
            with urllib.request.urlopen(f"{url}/sign-in", timeout=30) as answer:
                answer.read()
            took.append(time.perf_counter() - served.began)
            for _page in range(200):
                with urllib.request.urlopen(f"{url}/sign-in", timeout=30) as answer:
                    answer.read()
            memory.append(psutil.Process(served.process.pid).memory_info().rss / 2**20)
    print(
        f"\nstart of `runner desk` on this store: first answer after {statistics.median(took):.2f} s (at most {max(took):.2f})"
    )
    print(f"its memory after 200 pages: {statistics.median(memory):.0f} MB")


if __name__ == "__main__":
    raise SystemExit(main())
