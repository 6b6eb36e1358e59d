"""What reading gives: rows that fit their model and rows that don't, each with where it came from.

The rows that fit are tuples with names: of a long sheet there are very many, and they are made without a call of Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel

from runner.core.errors import WorkbookError

M = TypeVar("M", bound=BaseModel)
Json: TypeAlias = str | int | float | bool | None


class SourceRow(NamedTuple):
    """Where a row came from: file, sheet ("" in a text table) and the row number people see."""

    file: Path
    sheet: str
    row: int

    def __str__(self) -> str:
        return f"{self.file.name}/{self.sheet}!{self.row}" if self.sheet else f"{self.file.name}!{self.row}"


class GoodRow(NamedTuple, Generic[M]):
    """A row that fits the model."""

    data: M
    source: SourceRow


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that doesn't fit: its cells by field name as JSON values, and one error per cell that is wrong."""

    raw: dict[str, Json]
    errors: tuple[WorkbookError, ...]
    source: SourceRow
