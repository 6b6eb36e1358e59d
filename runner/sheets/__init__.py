"""Workbooks: typed reading, lossless write-back, reports. Names are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.sheets.cellxml import Formula
    from runner.sheets.charts import Chart, Rule
    from runner.sheets.columns import Column
    from runner.sheets.editing import Edit, Page, edit
    from runner.sheets.grid import Fingerprint
    from runner.sheets.judged import BadRow, GoodRow, SourceRow
    from runner.sheets.reading import Rows, read
    from runner.sheets.reporting import Report, report, table
    from runner.sheets.results import Result, result_path, write_results
    from runner.sheets.writing import patch_cells

_HOMES = {
    "BadRow": "judged",
    "Column": "columns",
    "Chart": "charts",
    "Edit": "editing",
    "Fingerprint": "grid",
    "Formula": "cellxml",
    "GoodRow": "judged",
    "Page": "editing",
    "Report": "reporting",
    "Result": "results",
    "Rows": "reading",
    "SourceRow": "judged",
    "edit": "editing",
    "patch_cells": "writing",
    "Rule": "charts",
    "read": "reading",
    "report": "reporting",
    "table": "reporting",
    "result_path": "results",
    "write_results": "results",
}
__all__ = [
    "BadRow",
    "Chart",
    "Column",
    "Edit",
    "Fingerprint",
    "Formula",
    "GoodRow",
    "Page",
    "Report",
    "Result",
    "Rows",
    "Rule",
    "SourceRow",
    "edit",
    "patch_cells",
    "read",
    "report",
    "result_path",
    "table",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    found = getattr(importlib.import_module(f"runner.sheets.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
