"""Whether a cell says a value, however it is written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from runner.sheets.alike import cell_says


class Row(BaseModel):
    """One field of each kind."""

    amount: Decimal
    count: int
    rate: float | None = None
    day: dt.date
    at: dt.datetime
    opens: dt.time
    took: dt.timedelta
    paid: bool
    name: str
    kind: Literal["new", "old"] = "new"
    tags: list[str] = []


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("amount", "120.50", "120.5"),
        ("amount", 120.5, "120.50"),
        ("amount", " 120.5 ", 120.5),
        ("count", "7 ", 7),
        ("count", 7, "7"),
        ("rate", "0.10", 0.1),
        ("rate", None, ""),
        ("day", "2026-01-31", "2026-01-31"),
        ("day", "2026-01-31T00:00:00", "2026-01-31"),
        ("at", "2026-01-31", "2026-01-31T00:00:00"),
        ("at", "2026-01-31 14:30", "2026-01-31T14:30:00"),
        ("opens", "9:30", "09:30:00"),
        ("took", "1:30", "PT1H30M"),
        ("paid", "ja", True),
        ("name", "Desk  lamp ", "Desk lamp"),
        ("name", 12, "12"),
        ("kind", None, "new"),
        ("tags", None, None),
    ],
)
def test_a_value_that_is_only_written_differently_is_the_same(field: str, cell: Any, value: Any) -> None:
    assert cell_says(Row.model_fields[field], cell, value)


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("amount", "12O.50", "120.5"),
        ("amount", "1,234", "1234"),
        ("amount", None, "0"),
        ("amount", "#N/A", "1"),
        ("count", "7.5", 7),
        ("day", "soon", "2026-01-31"),
        ("day", "2026-01-30", "2026-01-31"),
        ("paid", "perhaps", True),
        ("name", "Desk lmap", "Desk lamp"),
        ("kind", "odl", "old"),
        ("kind", None, "old"),
        ("tags", "a, b", ["a", "b"]),
    ],
)
def test_another_value_and_one_that_the_field_can_not_take_are_not(field: str, cell: Any, value: Any) -> None:
    assert not cell_says(Row.model_fields[field], cell, value)


def test_the_cell_is_read_as_the_sheet_is_written_and_the_value_is_not() -> None:
    amount = Row.model_fields["amount"]
    assert cell_says(amount, "1.234,50", "1234.5", "de")
    assert not cell_says(amount, "1.234,50", "1234.5")
