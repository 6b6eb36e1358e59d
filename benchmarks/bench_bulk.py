"""What it costs to take out, bring back and decide thousands of cases at once: `python -m benchmarks.bench_bulk FILE`.

FILE is what `python -m benchmarks.make_big_store FILE` makes; the decisions are made in a copy of it, which is removed. The
desk does each step as a browser would ask for it: where it works in parts, each part is a request of its own.
"""

from __future__ import annotations

import argparse
import io
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from benchmarks import bench_desk

if TYPE_CHECKING:
    from django.test import Client

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST_PARTS: Final = 1000


@dataclass(slots=True)
class Step:
    """One step: each of its requests in seconds of the wall and of the processor, and what it asked of the store."""

    name: str
    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    queries: int = 0
    weight: int = 0
    grown: float = 0.0

    def __str__(self) -> str:
        """The line of the table."""
        return (
            f"| {self.name} | {len(self.wall)} | {sum(self.busy):.1f} | {max(self.busy):.1f} | {sum(self.wall):.1f} |"
            f" {max(self.wall):.1f} | {self.queries} | {self.weight / 1000:.0f} | {self.grown:.0f} |"
        )


class Asking:
    """A browser that notes what its requests cost."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def step(self, name: str) -> Step:
        """A new step, with the memory that the process had at its begin."""
        return Step(name, grown=-_most_memory())

    def ask(self, step: Step, method: str, address: str, data: dict[str, Any] | None = None) -> Any:
        """The answer, whose cost is added to the step. Raises ValueError where it is refused."""
        from django.db import connection

        def count(execute: Any, *sql: Any) -> Any:
            step.queries += 1
            return execute(*sql)

        began, used = time.perf_counter(), time.process_time()
        with connection.execute_wrapper(count):
            answer = getattr(self._client, method)(address, data or {})
        step.busy.append(time.process_time() - used)
        step.wall.append(time.perf_counter() - began)
        step.weight = max(step.weight, len(answer.content))
        if answer.status_code >= 400:
            raise ValueError(f"{address}: {answer.status_code} {answer.content[:500]!r}")
        return answer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--verb", default="retry", help="what is decided about all of them at once")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.path.parent) as home:
        shutil.copyfile(wanted.path, Path(home) / "store.sqlite3")
        asking = Asking(bench_desk.signed_in(Path(home)))
        print(
            "| step | requests | processor, s | longest | wall, s | longest | queries | kB of an answer | MB more |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        first = _problems(wanted.cases, ())
        second = _problems(wanted.cases, first)
        for step in chain(_round_trip(asking, first), _at_once(asking, second, wanted.verb)):
            step.grown += _most_memory()
            print(step, flush=True)
        print(f"\nat most {_most_memory():.0f} MB; one decision in a request of its own, the middle of 50:")
        print(f"{_single(asking):.1f} ms of processor")


def _round_trip(asking: Asking, problems: list[str]) -> Iterator[Step]:
    """The spreadsheet there and back."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    step = asking.step("take out: the workbook")
    content = asking.ask(step, "post", "/corrections/export", {"of": "problem", "pick": problems}).content
    yield step
    filled = _filled(content)
    step = asking.step("bring back: keep and judge it")
    sent = SimpleUploadedFile("filled.xlsx", filled, XLSX)
    page = asking.ask(step, "post", "/corrections/look", {"file": sent})["Location"]
    yield step
    step = asking.step("bring back: the look at it")
    asking.ask(step, "get", page)
    yield step
    step = asking.step("bring back: carry it out")
    _in_parts(asking, step, f"{page}apply")
    yield step
    step = asking.step("bring back: the look after it")
    asking.ask(step, "get", page)
    yield step


def _in_parts(asking: Asking, step: Step, address: str) -> None:
    """Post to `address`, and again with what its answers say of how far it has come, until it is through."""
    query = ""
    for _part in range(_MOST_PARTS):
        answer = asking.ask(step, "post", f"{address}?{query}" if query else address)
        query = urlsplit(answer["Location"]).query
        if not query:
            break


def _at_once(asking: Asking, problems: list[str], verb: str) -> Iterator[Step]:
    """One decision about all cases of some problems."""
    from runner.store.models import BulkSelection

    step = asking.step("decide at once: freeze")
    page = urlsplit(
        asking.ask(step, "post", "/bulk/", {"of": "problem", "pick": problems, "verb": verb})["Location"]
    ).path
    yield step
    step = asking.step("decide at once: the look at it")
    asking.ask(step, "get", f"{page}?verb={verb}")
    yield step
    step = asking.step("decide at once: decide")
    stored = BulkSelection.objects.filter(pk=page.split("/")[2])
    for _part in range(_MOST_PARTS):
        asking.ask(step, "post", f"{page}apply", {"verb": verb, "note": "said for all of them"})
        if stored.get().finished is not None:
            break
    yield step
    step = asking.step("decide at once: the look after it")
    asking.ask(step, "get", page)
    yield step
    step = asking.step("decide at once: take it back")
    _in_parts(asking, step, f"{page}undo")
    yield step


def _single(asking: Asking) -> float:
    """Milliseconds of the processor for one decision with the token that its form carries."""
    from runner.store.models import Case

    step = asking.step("")
    rows = Case.objects.filter(status="open").order_by("-due", "pk").values_list("pk", "version")
    for pk, version in list(rows[:50]):
        asking.ask(step, "post", f"/cases/{pk}/claim", {"version": version, "token": f"desk:{pk}"})
    return statistics.median(step.busy) * 1000


def _problems(cases: int, without: Collection[str]) -> list[str]:
    """Problems whose waiting cases are so many together."""
    from runner.store.models import Problem

    found, left = [], cases
    rows = Problem.objects.filter(waiting__gt=0).exclude(pk__in=list(without)).order_by("-waiting", "pk")
    for pk, waiting in rows.values_list("pk", "waiting"):
        if waiting <= left:
            found.append(pk)
            left -= waiting
    if left:
        raise SystemExit(f"no problems with {cases} waiting cases together: {left} are missing")
    return found


def _filled(content: bytes) -> bytes:
    """The workbook as people would fill it in: the data of every second row corrected, the others done by hand."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book.worksheets:
        places = {str(cell.value): int(cell.column or 0) for cell in sheet[1]}
        if "case" not in places:
            continue
        for row in range(3, sheet.max_row + 1):
            if row % 2 and "data.amount" in places:
                sheet.cell(row, places["data.amount"], f"{row}.5")
            else:
                sheet.cell(row, places["decision"], "done by hand")
                sheet.cell(row, places["note"], "by telephone")
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _most_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
