"""What commands print: tables that fit a terminal, JSON, times and states in short words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.cli.tongue import said, told, word
from runner.core.clock import from_iso, iso, now

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STYLES: Final[Mapping[str, str]] = {
    "done": "green", "resolved": "green", "closed": "green", "ran": "green", "exceptions": "yellow",
    "exception": "yellow", "open": "yellow", "claimed": "cyan", "waiting": "cyan", "retrying": "cyan",
    "running": "cyan", "queued": "cyan", "pending": "cyan", "failed": "red", "lost": "red", "cancelled": "red",
    "rejected": "magenta",
}  # fmt: skip
_GAP: Final = 2
_NARROWEST: Final = 6
SHORT_RUN: Final = 13  # characters of a run's id that hold its time to the millisecond


@dataclass(frozen=True, slots=True)
class Col:
    """A column of a table. `fixed` ones (ids, states, numbers) are never cut; the others share what room is left."""

    title: str
    fixed: bool = False
    right: bool = False


def console(*, to_stderr: bool = False) -> Console:
    """A console that prints text as it is: no markup, no emoji codes, no colours of its own choosing."""
    return Console(stderr=to_stderr, markup=False, emoji=False, highlight=False)


def say(text: str = "", *, to_stderr: bool = False) -> None:
    """Print a sentence, or several lines of them, in the language of the terminal."""
    print(told(text), file=sys.stderr if to_stderr else None, flush=True)


def print_json(value: Any) -> None:
    """Print a value as JSON, with instants in UTC."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def print_table(columns: Sequence[Col], rows: Iterable[Sequence[Any]], nothing: str) -> None:
    """Print rows as a table, or the sentence `nothing` when there are none; titles are said in the terminal's language.

    On a terminal it is as wide as that and long cells wrap; elsewhere each row is one line with nothing cut.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        say(nothing)
        return
    columns = [replace(column, title=said(column.title)) for column in columns]
    out = console()
    if not out.is_terminal:
        _print_lines(columns, cells)
        return
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column, width in zip(columns, _widths(columns, cells, out.width), strict=True):
        table.add_column(
            column.title,
            width=width,
            no_wrap=column.fixed,
            overflow="ellipsis" if column.fixed else "fold",
            justify="right" if column.right else "left",
        )
    for row in cells:
        table.add_row(*row)
    out.print(table)


def print_facts(facts: Sequence[tuple[str, Any]]) -> None:
    """Print names (said in the terminal's language) and values below each other, unwrapped so that commands can be copied.

    Empty values are left out.
    """
    shown = [(said(name), value) for name, value in facts if value not in (None, "", [], {})]
    width = max((cell_len(name) for name, _ in shown), default=0)
    out = console()
    for name, value in shown:
        named = name + " " * (width - cell_len(name))
        out.print(Text.assemble((named, "bold"), "  ", _cell(value)), soft_wrap=True)


def state(noun: str, value: str) -> Text:
    """A state or kind as a cell, in the word of the terminal's language and in its colour."""
    return Text(word(noun, value), style=_STYLES.get(value, ""))


def clean(text: object) -> str:
    """Text of foreign origin without the control characters that could steer a terminal."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", str(text))


def short_run(run: str | None) -> str:
    """The beginning of a run's id, enough to name it."""
    return (run or "")[:SHORT_RUN]


def ago(at: datetime | str | None) -> str:
    """How long ago, or until, in one unit: ``3 min ago``, ``in 2 h``."""
    if not at:
        return ""
    instant = from_iso(at) if isinstance(at, str) else at
    distance = now() - instant
    size = abs(distance)
    text = next((f"{size // unit} {said(name)}" for unit, name in _UNITS if size >= unit), "")
    if not text:
        return said("now")
    return said("{time} ago" if distance > timedelta() else "in {time}", time=text)


def lasted(start: datetime | str | None, end: datetime | str | None) -> str:
    """How long something took: ``41 s``, ``3 min 20 s``."""
    if not start or not end:
        return ""
    first, last = (from_iso(t) if isinstance(t, str) else t for t in (start, end))
    seconds = (last - first).total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} {said('s')}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{n} {said(unit)}" for n, unit in parts if n) or f"0 {said('s')}"


def one_line(text: object, longest: int = 2000) -> str:
    """The text on one line, cut at `longest`."""
    line = " ".join(clean(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def in_words(values: Mapping[str, Any] | None) -> str:
    """Fields and their values on one line: ``number A-1, amount 12.50``."""
    return ", ".join(f"{name} {_value(value)}" for name, value in (values or {}).items())


def warn(text: str) -> None:
    """Say something beside the result, on the standard error stream."""
    print(clean(told(text)), file=sys.stderr)


_UNITS: Final = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


def _widths(columns: Sequence[Col], rows: Sequence[Sequence[Text]], room: int) -> list[int]:
    """Give each column the width of its widest cell; where that is too much, the widest of the others shrink."""
    wanted = [max(cell_len(c.title), *(row[n].cell_len for row in rows)) for n, c in enumerate(columns)]
    left = room - _GAP * (len(columns) - 1)
    flexible = [n for n, column in enumerate(columns) if not column.fixed]
    while flexible and sum(wanted) > left:
        widest = max(flexible, key=lambda n: wanted[n])
        if wanted[widest] <= _NARROWEST:
            break
        wanted[widest] -= 1
    return wanted


def _print_lines(columns: Sequence[Col], rows: Sequence[Sequence[Text]]) -> None:
    """Print a table as plain lines whose columns stand below each other, for files and other programs."""
    wide = [max(cell_len(c.title), *(row[n].cell_len for row in rows)) for n, c in enumerate(columns)]
    for cells in (
        [column.title for column in columns],
        *([" ".join(text.plain.split("\n")) for text in row] for row in rows),
    ):
        padded = []
        for column, text, width in zip(columns, cells, wide, strict=True):
            gap = " " * (width - cell_len(text))
            padded.append(gap + text if column.right else text + gap)
        print((" " * _GAP).join(padded).rstrip())


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    text = clean("" if value is None else value)
    return Text(text, style=_STYLES.get(text, ""))


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value or "''"
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else str(value)
