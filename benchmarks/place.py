"""Where benchmarks run: a portal, a folder for data, workbooks with numbers that were never used, the sides' commands."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from openpyxl import Workbook

from benchmarks.form_job import COLUMNS
from benchmarks.measure import Cost, cost_of
from runner.demo.serve import Portal
from runner.kit.web_browser import find_browser

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
BARE = ROOT / ".venv-bench" / "bin" / "python"  # Playwright, openpyxl and robocorp-tasks, nothing of ours


class Place:
    """A portal that runs, and the commands of each side against its form."""

    def __init__(self, folder: Path, portal: Portal) -> None:
        self.folder = folder
        self.form = f"{portal.url}/bench/form"
        self.home = folder / "home"
        self._numbers = itertools.count(1)

    def workbook(self, rows: int) -> Path:
        """A workbook of so many good rows."""
        series = next(self._numbers)
        book = Workbook()
        sheet = book.worksheets[0]
        sheet.append(COLUMNS)
        for row in range(rows):
            sheet.append(
                [f"N{series}-{row}", "Alder & Finch", "Desk lamp", 1 + row % 9, 28.5 + row, date(2026, 12, 1)]
            )
        file = self.folder / f"orders-{series}.xlsx"
        book.save(file)
        return file

    def raw(self, rows: int) -> Cost:
        """Plain Playwright and openpyxl, in the peer's environment: in ours openpyxl would load numpy, a tool of the tests."""
        book = self.workbook(rows)
        result = self.folder / "raw.xlsx"
        python = BARE if BARE.exists() else sys.executable
        command: list[object] = [python, "-m", "benchmarks.raw_form", book, self.form, result]
        return self._cost(command, {"PYTHONPATH": str(ROOT)})

    def runner(self, rows: int, *more: str, delay: int = 0) -> Cost:
        """`runner run`, with its journal, store and results."""
        form = f"{self.form}?delay={delay}" if delay else self.form
        words = ["run", "post_form", f"--param=workbook={self.workbook(rows)}", f"--param=form={form}", *more]
        return self._cost([Path(sys.executable).with_name("runner"), *words])

    def robocorp(self, rows: int) -> Cost:
        """robocorp-tasks and robocorp-browser."""
        command = [
            BARE,
            "-m",
            "robocorp.tasks",
            "run",
            HERE / "robocorp_form.py",
            "-o",
            self.folder / "robocorp",
        ]
        environment = {
            "BENCH_WORKBOOK": str(self.workbook(rows)),
            "BENCH_FORM": self.form,
            "BENCH_RESULT": str(self.folder / "robocorp.xlsx"),
            "PYTHONPATH": str(ROOT),
        }
        return self._cost(command, environment)

    def steps(self, count: int) -> Cost:
        """A Runner bot of so many empty steps, without a browser."""
        return self._cost(
            [Path(sys.executable).with_name("runner"), "run", "count_steps", f"--param=steps={count}"]
        )

    def fills(self, count: int) -> Cost:
        """So many fills by plain Playwright."""
        return self._cost([sys.executable, "-m", "benchmarks.raw_fill", self.form, count])

    def _cost(self, command: list[object], environment: dict[str, str] | None = None) -> Cost:
        browser = find_browser()
        base = {
            "RUNNER_HOME": str(self.home),
            "RUNNER_BROWSER": str(browser or ""),
            "PYTHONDONTWRITEBYTECODE": "",  # bytecode is compiled on all sides, by the warm-up
            "PYTHONPATH": "",
            **(environment or {}),
        }
        return cost_of([str(word) for word in command], base, HERE)


@contextmanager
def a_place() -> Iterator[Place]:
    """A place with a portal of its own; nothing is left of either."""
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        folder = Path(name)
        with Portal(folder / "portal") as portal:
            yield Place(folder, portal)
