"""What each page of the desk costs the server on a large store: `python -m benchmarks.bench_desk FILE`.

FILE is what `python -m benchmarks.make_big_store FILE` makes. Pages come from the address table; of each list also every
order that its heads offer, its next page and its filters by choice. The desk's own tables are added to the file.
"""

from __future__ import annotations

import argparse
import html
import math
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from django.test import Client

TIME: Final = 150.0  # ms of server time
QUERIES: Final = 20
WEIGHT: Final = 150_000  # bytes of a page, unpacked
ROUNDS: Final = 7
MOST_OF_ONE_PAGE: Final = 30
_PART: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_MORE: Final = re.compile(r'(?:<th[^>]*><a|rel="next") href="(\?[^"]*)"')
_SELECT: Final = re.compile(r'<select id="filter-[^"]*" name="([^"]*)">(.*?)</select>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one address costs: milliseconds (half of them below, 95 % below; `busy`: of the processor), queries, bytes."""

    address: str
    half: float
    most: float
    busy: float
    queries: int
    weight: int

    @property
    def is_over(self) -> bool:
        """Whether it is beyond a limit."""
        return self.most > TIME or self.queries > QUERIES or self.weight > WEIGHT


def main() -> int:
    """Print the cost of every address; 1 where one is over a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="", help="addresses that begin so")
    parser.add_argument(
        "--processor", action="store_true", help="processor time alone, where other work is on the machine"
    )
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "store.sqlite3").symlink_to(wanted.path.resolve())
        client = signed_in(Path(home))
        costs = []
        print(f"{'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8} {'queries':>8} {'kB':>6}  page")
        for address in addresses(client, wanted.only):
            cost = cost_of(client, address, wanted.rounds, by_processor=wanted.processor)
            costs.append(cost)
            print(
                f"{cost.half:>8.1f} {cost.most:>8.1f} {cost.busy:>8.1f} {cost.queries:>8} {cost.weight / 1000:>6.0f}  {address}{'  over' * cost.is_over}",
                flush=True,
            )
    over_limit = sum(cost.is_over for cost in costs)
    print(
        f"{len(costs)} addresses, {over_limit} over {TIME:.0f} ms, {QUERIES} queries or {WEIGHT // 1000} kB"
    )
    return 1 if over_limit else 0


def signed_in(home: Path) -> Client:
    """The desk on the store in `home`, opened as an admin."""
    from runner.cli.desk import place_of
    from runner.cli.project import Project
    from runner.core.clock import now
    from runner.core.settings import load_settings
    from runner.desk.serve import open_desk

    settings = load_settings(Path.cwd(), {"RUNNER_HOME": str(home), "RUNNER_API_RATE": "1000000"})
    open_desk(place_of(Project(settings, {}, "bench")))
    from django.contrib.auth import get_user_model
    from django.test import Client

    from runner.desk.people.models import Person, SignIn

    assert get_user_model() is Person
    person, _ = Person.objects.get_or_create(username="bench", defaults={"role": "admin", "created": now()})
    client = Client(headers={"host": "localhost"})
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    key = client.session.session_key or ""
    SignIn.objects.create(session=key, person=person, started=now(), seen=now(), confirmed=now())
    return client


def addresses(client: Client, only: str) -> Iterator[str]:
    from runner.desk.access import endpoints
    from runner.store.models import Case, Problem, Queue, Run

    known = {"username": "bench"}
    for name, rows in (
        ("case", Case.objects.filter(waits=True)),
        ("problem", Problem.objects.order_by("-total")),
        ("run", Run.objects.order_by("-queued")),
        ("queue", Queue.objects.order_by("name")),
    ):
        some = str(rows.values_list("pk", flat=True)[0])
        known |= {name: some, f"{name}_id": some, f"{name}s": some}
    known["process"] = Problem.objects.order_by("-total").values_list("process", flat=True)[0]
    for endpoint in endpoints():
        parts = _PART.findall(endpoint.pattern)
        if "GET" not in endpoint.methods or not set(parts) <= set(known):
            continue
        path = "/" + _PART.sub(lambda part: known[part[1]], endpoint.pattern)
        if path.startswith(only):
            yield from _variants(client, path)


def _variants(client: Client, path: str) -> Iterator[str]:
    """A page, and what its list offers: orders, the next page, each choice of each filter."""
    answer = client.get(path)
    if answer.status_code != 200 or not answer.headers.get("Content-Type", "").startswith("text/html"):
        answer.close()
        return
    yield path
    text = answer.content.decode()
    offered = [html.unescape(one) for one in _MORE.findall(text)]
    for name, options in _SELECT.findall(text):
        offered += [f"?{name}={value}" for value in re.findall(r'<option value="([^"]+)"', options)]
    for query in list(dict.fromkeys(offered))[:MOST_OF_ONE_PAGE]:
        yield f"{path}{query}"


def cost_of(client: Any, address: str, rounds: int, *, by_processor: bool = False) -> Cost:
    """What an address costs; `by_processor`: its milliseconds are those of the processor alone. Raises ValueError where it is refused."""
    from django.db import connection

    queries: list[str] = []

    def count(execute: Any, sql: Any, *rest: Any) -> Any:
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        answer = client.get(address)
    if answer.status_code >= 400:
        raise ValueError(f"{address}: {answer.status_code} {answer.content[:300]!r}")
    weight = len(answer.content)
    times, busy = [], []
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        client.get(address)
        busy.append((time.process_time() - used) * 1000)
        times.append((time.perf_counter() - began) * 1000)
    times = busy if by_processor else times
    return Cost(address, statistics.median(times), p95(times), p95(busy), len(queries), weight)


def p95(values: Sequence[float]) -> float:
    """Below which 95 of 100 are."""
    return sorted(values)[max(0, math.ceil(0.95 * len(values)) - 1)]


if __name__ == "__main__":
    raise SystemExit(main())
