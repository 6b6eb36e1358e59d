"""`runner trace`: which run wrote a cell of a workbook, for which item, with which version of its bot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli.options import Json
from runner.cli.printing import Col, ago, print_json, print_table, short_run
from runner.cli.project import open_project
from runner.core.errors import UsageError


def trace(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The workbook.")],
    cell: Annotated[str, typer.Argument(metavar="CELL", help="The cell, as in Sheet1!B7.")],
    as_json: Json = False,
) -> None:
    """Show which runs wrote a cell of a workbook, the newest first.

    What the journals say is looked up in the store; what the workbook says itself (sheets.edit(…, marked=True)) is shown, too.
    """
    sheet, row, column = _place(cell)
    open_project()
    from runner.store.workbook_lists import writes_of

    found = [{**one, "known_from": "journal"} for one in writes_of(file, sheet, row, column)]
    known = {one["run"] for one in found}
    found += [one for one in _marks(file, sheet, row, column) if one["run"] not in known]
    if as_json:
        print_json(found)
        return
    print_table(
        [Col("TIME", fixed=True), Col("RUN", fixed=True), Col("BOT"), Col("VERSION", fixed=True), Col("QUEUE"), Col("ITEM")],
        (
            (ago(one["time"]), short_run(one["run"]), one["bot"], (one["version"] or "")[:12], one["queue"] or "", one["item"] or "")
            for one in found
        ),
        f"No run is known to have written {cell} of {file.name}.",
    )  # fmt: skip


def _marks(file: Path, sheet: str, row: int, column: int) -> list[dict[str, Any]]:
    """What the workbook itself tells."""
    if not file.exists():
        return []
    from runner.core.clock import iso
    from runner.sheets.marking import marks_of

    return [
        {
            "time": iso(one.time),
            "run": one.author.run,
            "bot": one.author.bot,
            "version": one.author.version or None,
            "queue": None,
            "item": one.author.item or None,
            "file": str(file.resolve()),
            "moved": False,
            "sheet": one.sheet,
            "sha256": None,
            "known_from": "workbook",
        }
        for one in marks_of(file)
        if one.covers(sheet, row, column)
    ]


def _place(cell: str) -> tuple[str, int, int]:
    from runner.sheets.sheetxml import span

    sheet, bang, place = cell.rpartition("!")
    area = span(place)
    if not bang or area is None or area[:2] != area[2:]:
        raise UsageError(
            f"'{cell}' is no cell",
            expected="a sheet and an address, as in Sheet1!B7",
            hint="put it into quotes: 'Sheet1!B7'",
            where="CELL",
            code="CLI_CELL",
        )
    return sheet.strip("'").replace("''", "'"), area[0], area[1]
