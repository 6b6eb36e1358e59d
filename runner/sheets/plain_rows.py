"""The cells of a workbook's first sheet as plain rows, for small tables that people keep, such as a calendar's days."""

from __future__ import annotations

from pathlib import Path

from runner.core.errors import WorkbookError


def first_sheet(path: Path) -> list[list[object]]:
    """The rows of the first sheet; dates are dates, empty cells empty texts. Raises WorkbookError (WB_DAMAGED)."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with path.open("rb") as file:
            return [
                list(row) for row in CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()
            ]
    except (CalamineError, IndexError) as error:
        raise WorkbookError(
            f"can't be read: {error}", hint="save it again as .xlsx", where=path.name
        ) from error
