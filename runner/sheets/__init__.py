"""Workbooks: typed reading, lossless write-back, reports. Names are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.sheets.reading import BadRow, GoodRow, Rows, SourceRow, read

_HOMES = {
    "BadRow": "reading",
    "GoodRow": "reading",
    "Rows": "reading",
    "SourceRow": "reading",
    "read": "reading",
}
__all__ = ["BadRow", "GoodRow", "Rows", "SourceRow", "read"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"runner.sheets.{_HOMES[name]}"), name)
