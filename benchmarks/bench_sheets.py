"""Workbooks at size: typed reading and a status column, beside plain openpyxl, each in a process of its own.

``python benchmarks/bench_sheets.py [rows]``. Prints seconds (CPU) and peak memory, and the ratio to openpyxl.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

COLUMNS = 20
ROOT = Path(__file__).parents[1]

MEASURED = """
import json, sys, time
sys.path.insert(0, {root!r})
from benchmarks import bench_sheets as bench
start, wall = time.process_time(), time.perf_counter()
said = getattr(bench, sys.argv[1])(sys.argv[2])
peak = bench.peak_megabytes()
print(json.dumps([time.process_time() - start, time.perf_counter() - wall, peak, said]))
"""


def peak_megabytes() -> float:
    """The peak of this process alone (the usual counter also has that of the process it was started from)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def make(path: str, rows: int) -> None:
    """A formatted workbook as a person would have it: texts (shared strings), money, whole numbers, dates, borders."""
    import xlsxwriter

    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet("Data")
    money = book.add_format({"num_format": "0.00", "border": 1})
    day, text = book.add_format({"num_format": "yyyy-mm-dd", "border": 1}), book.add_format({"border": 1})
    page.write_row(0, 0, [f"field {at}" for at in range(COLUMNS)])
    for row in range(1, rows + 1):
        for at in range(0, COLUMNS, 4):
            page.write_string(row, at, f"customer {row * (at + 1) % 9973}", text)
            page.write_number(row, at + 1, row * 1.25 + at, money)
            page.write_number(row, at + 2, row + at, text)
            page.write_number(row, at + 3, 40_000 + row % 3000, day)
    book.close()


def read_runner(path: str) -> str:
    """Typed, validated rows."""
    from pydantic import create_model

    from runner import sheets

    kinds: list[type] = [str, Decimal, int, dt.date]
    fields = {f"field_{at}": (kinds[at % 4], ...) for at in range(COLUMNS)}
    model = create_model("Row", **fields)  # type: ignore[call-overload]
    rows = sheets.read(path, model)
    bad = sum(isinstance(row, sheets.BadRow) for row in rows)
    return f"{len(rows)} rows, {bad} bad"


def read_ruled(path: str) -> str:
    """The same with a limit on each field."""
    from pydantic import create_model

    return _read_limited(path, create_model("Row", **_limited()))


def read_checked(path: str) -> str:
    """The same with a validator as well, so that pydantic looks at every row."""
    from pydantic import create_model, field_validator

    def is_text(value: str) -> str:
        return value

    return _read_limited(
        path, create_model("Row", __validators__={"check": field_validator("field_0")(is_text)}, **_limited())
    )


def _limited() -> dict[str, Any]:
    from typing import Annotated

    from pydantic import Field

    kinds: list[object] = [
        Annotated[str, Field(max_length=40)], Annotated[Decimal, Field(ge=0)], Annotated[int, Field(gt=0)],
        Annotated[dt.date, Field(ge=dt.date(1990, 1, 1))],
    ]  # fmt: skip
    return {f"field_{at}": (kinds[at % 4], ...) for at in range(COLUMNS)}


def _read_limited(path: str, model: type[BaseModel]) -> str:
    from runner import sheets

    return f"{sum(isinstance(row, sheets.BadRow) for row in sheets.read(path, model))} bad"


def read_openpyxl(path: str) -> str:
    """Values only, nothing validated."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    return f"{sum(1 for _ in book.worksheets[0].iter_rows(values_only=True)) - 1} rows"


def read_calamine(path: str) -> str:
    """Values only, nothing validated."""
    import python_calamine

    with python_calamine.CalamineWorkbook.from_path(path) as book:
        return f"{len(book.get_sheet_by_index(0).to_python()) - 1} rows"


def write_runner(path: str) -> str:
    """A status in a column that does not exist yet, in every row, in place; read again and compared."""
    from runner import sheets

    rows = int(path.rpartition("-")[2].partition(".")[0])
    sheets.patch_cells(path, path, "Data", {(row, COLUMNS + 1): "done" for row in range(2, rows + 2)})
    return f"{rows} rows"


def write_openpyxl(path: str) -> str:
    """Load, set, save."""
    import openpyxl

    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    for row in range(2, page.max_row + 1):
        page.cell(row, COLUMNS + 1).value = "done"
    book.save(f"{path}.openpyxl.xlsx")
    return f"{page.max_row - 1} rows"


def write_results(path: str) -> str:
    """Status, message and one output per row, into a copy."""
    from runner import sheets

    rows = int(path.rpartition("-")[2].partition(".")[0])
    results = (sheets.Result(row, "done", "", {"confirmation": f"C-{row}"}) for row in range(2, rows + 2))
    sheets.write_results(path, None, results)
    return f"{rows} rows"


def write_status(path: str) -> str:
    """Status and message per row, into a copy."""
    from runner import sheets

    rows = int(path.rpartition("-")[2].partition(".")[0])
    sheets.write_results(
        path, f"{path}.status.xlsx", (sheets.Result(row, "done") for row in range(2, rows + 2))
    )
    return f"{rows} rows"


def report_runner(path: str) -> str:
    """Ten times as many rows of five columns into a new workbook."""
    from runner import sheets

    rows = 10 * int(path.rpartition("-")[2].partition(".")[0])
    day = dt.date(2026, 1, 1)
    lines = (
        {"a": f"text {at}", "b": at, "c": at * 0.5, "d": day, "e": True} for at in range(min(rows, 1_000_000))
    )
    sheets.table(f"{path}.report.xlsx", lines)
    return f"{rows} rows"


def measure(job: str, path: str) -> tuple[float, float, float, str]:
    """CPU seconds, wall seconds, peak MB and what the job says, in a fresh process."""
    code = MEASURED.format(root=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", code, job, path], capture_output=True, text=True, check=True, cwd=ROOT
    )
    cpu, wall, peak, said = json.loads(done.stdout)
    return cpu, wall, peak, said


def main() -> None:
    """Make the workbook, run each job in turn, print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/bench-{rows}.xlsx"
        make(path, rows)
        print(f"{rows:,} rows x {COLUMNS} columns, {Path(path).stat().st_size / 1e6:.1f} MB")
        for baseline, jobs in (
            ("read_openpyxl", ("read_calamine", "read_runner", "read_ruled", "read_checked")),
            ("write_openpyxl", ("write_results", "write_status", "write_runner")),
            ("", ("report_runner",)),
        ):
            base = measure(baseline, path) if baseline else None
            for job in (baseline, *jobs) if baseline else jobs:
                cpu, wall, peak, said = base if base and job == baseline else measure(job, path)
                ratio = f"{cpu / base[0]:5.2f} x time {peak / base[2]:5.2f} x memory" if base else ""
                print(f"{job:15} {cpu:7.2f} s cpu {wall:7.2f} s {peak:7.0f} MB  {ratio}  ({said})")


if __name__ == "__main__":
    main()
