"""What makes a report easy to take in: charts beside the table, and rules that colour its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from runner.core.errors import WorkbookError, did_you_mean
from runner.sheets.columns import Column
from runner.sheets.sheetxml import MAX_ROWS

LOOKS: Final = {
    "bad": {"bg_color": "#F8D7DA", "font_color": "#7A1420"},
    "warning": {"bg_color": "#FFF0C7", "font_color": "#6B4A00"},
    "good": {"bg_color": "#D8F0DC", "font_color": "#14532D"},
}
CHART_ROWS = 18


@dataclass(frozen=True)
class Chart:
    """A chart to the right of the table: columns of numbers (`values`, by key) over the texts or dates of the column `by`."""

    kind: Literal["column", "bar", "line", "pie", "area"]
    values: str | Sequence[str]
    by: str
    title: str = ""


@dataclass(frozen=True)
class Rule:
    """How cells of the column `key` are shown: those above, below or equal to `value` in a look, or all with a bar or a scale.

    `when` "bar" and "scale" compare the numbers of the column; "twice" marks what is there more than once.
    """

    key: str
    when: Literal["above", "below", "equal", "contains", "twice", "bar", "scale"]
    value: object = None
    look: Literal["bad", "warning", "good"] = "bad"


@dataclass(frozen=True)
class Place:
    """Where a table is: its sheet, its columns, the rows of its header and of its last line, from 0."""

    sheet: str
    columns: Sequence[Column]
    header: int
    last: int

    def index(self, key: str) -> int:
        """The number of a column, from 0; WB_COLUMN where there is none."""
        keys = [column.key for column in self.columns]
        if key not in keys:
            raise WorkbookError(
                f"a chart or a rule speaks of the column '{key}'",
                expected="one of " + ", ".join(keys),
                hint=did_you_mean(key, keys) or "correct the key",
                where=self.sheet,
                code="WB_COLUMN",
            )
        return keys.index(key)


def draw(book: Any, sheet: Any, place: Place, charts: Sequence[Chart]) -> None:
    """Put the charts to the right of the table, one below the other."""
    for number, wanted in enumerate(charts):
        chart = book.add_chart({"type": wanted.kind})
        by = place.index(wanted.by)
        for key in [wanted.values] if isinstance(wanted.values, str) else wanted.values:
            at = place.index(key)
            chart.add_series({
                "name": [place.sheet, place.header, at],
                "categories": [place.sheet, place.header + 1, by, place.last, by],
                "values": [place.sheet, place.header + 1, at, place.last, at],
            })  # fmt: skip
        if wanted.title:
            chart.set_title({"name": wanted.title})
        if isinstance(wanted.values, str) and wanted.kind != "pie":
            chart.set_legend({"none": True})
        row = min(place.header + number * CHART_ROWS, MAX_ROWS - 1)
        sheet.insert_chart(row, len(place.columns) + 1, chart)


def colour(book: Any, sheet: Any, place: Place, rules: Sequence[Rule]) -> None:
    """Lay the rules over the lines of the table."""
    for rule in rules:
        at = place.index(rule.key)
        sheet.conditional_format(place.header + 1, at, place.last, at, _options(book, rule))


def _options(book: Any, rule: Rule) -> dict[str, Any]:
    if rule.when in {"bar", "scale"}:
        return {"type": "data_bar" if rule.when == "bar" else "3_color_scale"}
    look = book.add_format(LOOKS[rule.look])
    if rule.when == "twice":
        return {"type": "duplicate", "format": look}
    if rule.when == "contains":
        return {"type": "text", "criteria": "containing", "value": str(rule.value), "format": look}
    value = f'"{rule.value}"' if isinstance(rule.value, str) else rule.value
    return {"type": "cell", "criteria": _CRITERIA[rule.when], "value": value, "format": look}


_CRITERIA: Final = {"above": ">", "below": "<", "equal": "=="}
