"""What commands print: tables that fit a terminal, JSON, times and states in short words."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TextIO

from runner.cli.tongue import said, told, word
from runner.core.clock import from_iso, iso, now

if TYPE_CHECKING:  # rich is loaded where something is drawn: a run that reports to a file has no use for it
    from rich.console import Console
    from rich.text import Text

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STYLES: Final[Mapping[str, str]] = {
    "done": "green", "resolved": "green", "closed": "green", "ran": "green", "exceptions": "yellow",
    "exception": "yellow", "open": "yellow", "claimed": "cyan", "waiting": "cyan", "retrying": "cyan",
    "running": "cyan", "queued": "cyan", "pending": "cyan", "failed": "red", "lost": "red", "cancelled": "red",
    "rejected": "magenta",
}  # fmt: skip
_GAP: Final = 2
_NARROWEST: Final = 6
_LIKE_A_TERMINAL: Final = ("FORCE_COLOR", "TTY_COMPATIBLE")  # what rich goes by beside the stream itself
SHORT_RUN: Final = 13  # characters of a run's id that hold its time to the millisecond


@dataclass(frozen=True, slots=True)
class Col:
    """A column of a table. `fixed` ones (ids, states, numbers) are never cut; the others share what room is left."""

    title: str
    fixed: bool = False
    right: bool = False


def console(*, to_stderr: bool = False) -> Console:
    """A console that prints text as it is: no markup, no emoji codes, no colours of its own choosing."""
    from rich.console import Console

    return Console(stderr=to_stderr, markup=False, emoji=False, highlight=False)


def say(text: str = "", *, to_stderr: bool = False) -> None:
    """Print a sentence, or several lines of them, in the language of the terminal."""
    print(told(text), file=sys.stderr if to_stderr else None, flush=True)


def is_drawn_on(stream: TextIO) -> bool:
    """Whether `stream` takes colours and moving bars: a terminal, or what the environment says is like one."""
    if not stream.isatty() and not any(os.environ.get(name) for name in _LIKE_A_TERMINAL):
        return False
    return console(to_stderr=stream is sys.stderr).is_terminal


def print_json(value: Any) -> None:
    """Print a value as JSON, with instants in UTC."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def print_table(columns: Sequence[Col], rows: Iterable[Sequence[Any]], nothing: str) -> None:
    """Print rows as a table, or the sentence `nothing` when there are none; titles are said in the terminal's language.

    On a terminal it is as wide as that and long cells wrap; elsewhere each row is one line with nothing cut.
    """
    values = [list(row) for row in rows]
    if not values:
        say(nothing)
        return
    columns = [replace(column, title=said(column.title)) for column in columns]
    if not is_drawn_on(sys.stdout):
        _print_lines(columns, values)
        return
    from rich.table import Table

    out = console()
    cells = [[_cell(value) for value in row] for row in values]
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
    width = max((_cells(name) for name, _ in shown), default=0)
    if not is_drawn_on(sys.stdout):
        for name, value in shown:
            print(f"{_padded(name, width)}  {_plain_cell(value)}")
        return
    from rich.text import Text

    out = console()
    for name, value in shown:
        named = _padded(name, width)
        out.print(Text.assemble((named, "bold"), "  ", _cell(value)), soft_wrap=True)


def state(noun: str, value: str) -> Text:
    """A state or kind as a cell, in the word of the terminal's language and in its colour."""
    from rich.text import Text

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
    wanted = [max(_cells(c.title), *(row[n].cell_len for row in rows)) for n, c in enumerate(columns)]
    left = room - _GAP * (len(columns) - 1)
    flexible = [n for n, column in enumerate(columns) if not column.fixed]
    while flexible and sum(wanted) > left:
        widest = max(flexible, key=lambda n: wanted[n])
        if wanted[widest] <= _NARROWEST:
            break
        wanted[widest] -= 1
    return wanted


def _print_lines(columns: Sequence[Col], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table as plain lines whose columns stand below each other, for files and other programs."""
    lines = [
        [column.title for column in columns],
        *([" ".join(_plain_cell(value).split("\n")) for value in row] for row in rows),
    ]
    wide = [max(_cells(line[n]) for line in lines) for n in range(len(columns))]
    for line in lines:
        padded = [
            _padded(text, width, right=column.right)
            for column, text, width in zip(columns, line, wide, strict=True)
        ]
        print((" " * _GAP).join(padded).rstrip())


def _cell(value: Any) -> Text:
    from rich.text import Text

    if isinstance(value, Text):
        return value
    text = _plain_cell(value)
    return Text(text, style=_STYLES.get(text, ""))


def _plain_cell(value: Any) -> str:
    plain = getattr(value, "plain", None)  # of a rich Text, such as `state` gives
    return plain if isinstance(plain, str) else clean("" if value is None else value)


def _padded(text: str, width: int, *, right: bool = False) -> str:
    gap = " " * (width - _cells(text))
    return gap + text if right else text + gap


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes: Chinese characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value or "''"
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else str(value)
