"""The main job for tests: the repository's own bots, a real portal, a worker, and a workbook of orders."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill

from runner.core.settings import Settings, prepare_home
from runner.core.vault import Vault
from runner.demo.serve import Portal
from runner.engine.worker import Worker
from runner.store.models import Item, Run

ROOT: Final = Path(__file__).resolve().parents[1]
HEADINGS: Final = ("Order number", "Customer", "Product", "Quantity", "Amount", "Delivery date", "Notes")


@dataclass
class Job:
    """A worker on the repository's bots, with run data in `home` and the portal's password in the vault."""

    home: Path
    portal: Portal
    password: str = ""
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(project=ROOT, home=self.home, slots=1, standby=0)
        prepare_home(self.settings)
        Vault(self.settings.vault, {}).set("portal/password", self.password or self.portal.password)
        self.worker = self.new_worker()

    def new_worker(self) -> Worker:
        """A worker of this process."""
        return Worker(self.settings, dict(os.environ), self.said.append)

    def post(self, workbook: Path | None, lanes: int | None = None) -> Run:
        """Run post_orders here and now; the run as the store has it."""
        run_id, _ = self.worker.run_now(
            "post_orders", self.parameters(workbook), requested_by="test", lanes=lanes
        )
        return Run.objects.get(pk=run_id)

    def parameters(self, workbook: Path | None) -> dict[str, Any]:
        """The parameters of post_orders."""
        return {"portal": self.portal.url, **({"workbook": str(workbook)} if workbook else {})}

    def output(self, run: Run, name: str) -> Path:
        """A file that a run brought out."""
        return self.settings.runs / run.folder / str(run.outputs[name])

    def doubled(self) -> list[str]:
        """The orders that the portal has more than once."""
        twice: list[str] = self.portal.stats()["entered_more_than_once"]
        return twice

    def entered(self) -> list[str]:
        """The numbers of the orders that the portal has."""
        return sorted(order["number"] for order in self.portal.orders())


def statuses() -> dict[str, str]:
    """The status of each item of the queue of orders."""
    return dict(Item.objects.filter(queue="orders").values_list("key", "status"))


def make_workbook(path: Path, count: int, changes: Sequence[tuple[int, str, str | None]] = ()) -> Path:
    """A workbook of `count` orders A-1, A-2, …; `changes` are (sheet row, heading, value) put over them."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Orders"
    sheet.append(list(HEADINGS))
    for n in range(1, count + 1):
        sheet.append([f"A-{n}", "Alder & Finch", "Desk lamp", n, n * 39.5, date(2026, 12, n), None])
        sheet.cell(n + 1, 5).number_format = "#,##0.00"
    for row, heading, value in changes:
        sheet.cell(row, HEADINGS.index(heading) + 1).value = value
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDDDDD")
    totals = book.create_sheet("Totals")
    totals.append(["Sum", f"=SUM(Orders!E2:E{count + 1})"])
    book.save(path)
    return path


def until(condition: Callable[[], object], limit: float = 120.0) -> None:
    """Return when `condition` holds; fails after `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)  # the pace of looking, not a wait: the condition decides
