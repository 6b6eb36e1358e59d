"""The geometry of the desk's drawings, as pure functions: numbers in, shapes out. Colours are classes of desk.css."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

SPARK_STEP: Final = 6.0
SPARK_HEIGHT: Final = 22.0
_SPARK_LEAST: Final = 1.5  # nothing is drawn as a thin line, so that the days can be counted
_SPARK_BAR: Final = 4.4


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in the units of its drawing; `css` are its classes, `title` what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    css: str = ""
    title: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line or a point in time with its text."""

    x: float
    text: str = ""
    css: str = ""


def spark(values: Sequence[float], hot: int = 2) -> list[Box]:
    """A bar for each value, the highest as high as the drawing; the last `hot` ones that are not nothing stand out."""
    most = max([*values, 0]) or 1
    bars = []
    for at, value in enumerate(values):
        height = max(_SPARK_LEAST, round((SPARK_HEIGHT - 2) * value / most, 1))
        css = "hot" if value and at >= len(values) - hot else ""
        bars.append(Box(at * SPARK_STEP, round(SPARK_HEIGHT - height, 1), _SPARK_BAR, height, css))
    return bars


def outline(bars: Iterable[Box]) -> str:
    """Bars with round shoulders as one path: a list of problems has 700 of them, and a template takes its time for each number."""
    return "".join(
        f"M{bar.x:g} {bar.y + 1:g}a1 1 0 0 1 1-1h{bar.width - 2:g}a1 1 0 0 1 1 1v{bar.height - 1:g}h-{bar.width:g}z"
        for bar in bars
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """One bar of a waterfall: its name, start and length in seconds, how deep it is nested, and how it ended."""

    name: str
    start: float
    seconds: float
    depth: int = 0
    css: str = ""
    link: str = ""


def waterfall(pieces: Sequence[Piece], width: float = 100.0) -> list[Box]:
    """A bar for each piece, along one axis from the first start to the last end; too short ones are still visible."""
    if not pieces:
        return []
    first = min(piece.start for piece in pieces)
    span = max(max(piece.start + piece.seconds for piece in pieces) - first, 1e-9)
    least = width * 0.006
    boxes = []
    for piece in pieces:
        x = width * (piece.start - first) / span
        long = max(least, width * piece.seconds / span)
        x = min(x, width - long)
        boxes.append(Box(round(x, 3), 0, round(long, 3), 10, piece.css, piece.name, piece.link))
    return boxes


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a Gantt chart: from when to when, in which row, how it looks, where it leads."""

    row: str
    start: datetime
    end: datetime
    css: str = ""
    title: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class GanttRow:
    """A row of a Gantt chart: its name, its top, and its bars."""

    name: str
    y: float
    bars: Sequence[Box]

    @property
    def baseline(self) -> float:
        """Where its name is written."""
        return self.y + 19


@dataclass(frozen=True, slots=True)
class Gantt:
    """A Gantt chart: its size, rows, lines of the time axis, and where now is (None: outside)."""

    width: float
    height: float
    left: float
    rows: Sequence[GanttRow]
    ticks: Sequence[Mark]
    now: float | None


def gantt(
    bars: Iterable[Bar], start: datetime, end: datetime, now: datetime, *, width: float = 1180.0, left: float = 170.0,
    row_height: float = 28.0, rows: Sequence[str] = (),
) -> Gantt:  # fmt: skip
    """The bars between two instants, a row for each name (those of `rows` first); bars of a row that overlap are stacked.

    Bars that reach beyond the borders are cut there and get the class ``cut``.
    """
    first, last = start.astimezone(UTC), end.astimezone(UTC)  # an hour of the clock may be none, or two
    kept = [bar for bar in bars if bar.end >= start and bar.start <= end]
    names = list(dict.fromkeys([*rows, *(bar.row for bar in kept)]))
    scale = (width - left) / max((last - first).total_seconds(), 1e-9)
    top, drawn = 26.0, []
    for name in names:
        mine = sorted((bar for bar in kept if bar.row == name), key=lambda bar: (bar.start, bar.end))
        lanes: list[datetime] = []
        boxes = []
        for bar in mine:
            lane = next((at for at, free in enumerate(lanes) if free <= bar.start), len(lanes))
            lanes[lane : lane + 1] = [bar.end]
            shown_start, shown_end = max(bar.start, first), min(bar.end, last)
            x = left + (shown_start - first).total_seconds() * scale
            long = max(3.0, (shown_end - shown_start).total_seconds() * scale)
            cut = " cut" if bar.start < start or bar.end > end else ""
            boxes.append(
                Box(round(min(x, width - 3), 1), round(top + 5 + lane * (row_height - 8), 1), round(min(long, width - min(x, width - 3)), 1),
                    row_height - 12, f"{bar.css}{cut}".strip(), bar.title, bar.link)
            )  # fmt: skip
        drawn.append(GanttRow(name, round(top, 1), boxes))
        top += row_height + max(0, len(lanes) - 1) * (row_height - 8)
    inside = left + (now - first).total_seconds() * scale
    return Gantt(
        width, round(top + 6, 1), left, drawn, ticks(start, end, left, scale),
        round(inside, 1) if start <= now <= end else None,
    )  # fmt: skip


_TICKS: Final = (1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)  # minutes between two lines


def ticks(start: datetime, end: datetime, left: float, scale: float, most: int = 12) -> list[Mark]:
    """Lines at round times of the clock that `start` is on, at most `most` of them."""
    minutes = (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / 60
    step = next((one for one in _TICKS if minutes / one <= most), math.ceil(minutes / most / 1440) * 1440)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = math.ceil((start - midnight).total_seconds() / 60 / step)
    at = midnight + timedelta(minutes=passed * step)
    marks = []
    while at <= end:
        text = f"{at:%H:%M}" if step < 1440 and (at.hour, at.minute) != (0, 0) else f"{at:%d.%m.}"
        passed_by = at.astimezone(UTC) - start.astimezone(UTC)
        marks.append(Mark(round(left + passed_by.total_seconds() * scale, 1), text))
        at += timedelta(minutes=step)
    return marks


@dataclass(frozen=True, slots=True)
class Arc:
    """A part of a ring: how long its dash is and where it begins, on a circle of 100 units."""

    length: float
    offset: float
    css: str
    title: str = ""


def donut(parts: Sequence[tuple[float, str, str]]) -> list[Arc]:
    """The parts (value, classes, words) of a ring, the first from the top, clockwise; nothing for parts of nothing."""
    total = sum(value for value, _, _ in parts)
    arcs, passed = [], 0.0
    for value, css, title in parts:
        if value <= 0:
            continue
        length = 100 * value / total
        arcs.append(Arc(round(length, 2), round(25 - passed, 2), css, title))
        passed += length
    return arcs


def progress(parts: Sequence[tuple[float, str, str]], total: float, width: float = 100.0) -> list[Box]:
    """The parts (value, classes, words) of a bar whose whole is `total`; what is missing stays empty."""
    boxes, x = [], 0.0
    for value, css, title in parts:
        if value <= 0 or total <= 0:
            continue
        long = min(width * value / total, width - x)
        boxes.append(Box(round(x, 2), 0, round(long, 2), 8, css, title))
        x += long
    return boxes


def polyline(values: Sequence[float | None], width: float, height: float, most: float = 0) -> list[str]:
    """The points of a line through the values; a None breaks it. `most` is the top of the drawing (0: the largest value)."""
    known = [value for value in values if value is not None]
    top = most or max([*known, 0]) or 1
    step = width / max(len(values) - 1, 1)
    lines: list[list[str]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{at * step:.1f},{height - height * min(value, top) / top:.1f}")
    return [" ".join(line) for line in lines if line]
