"""The predicted days as a table and as a picture: one row a schedule, one bar a run, drawn with the page's own classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from runner.timetable.simulation import Predicted
from runner.timetable.zones import local_of

_LEFT: Final = 170
_WIDTH: Final = 1180
_TOP: Final = 26
_ROW: Final = 52
_WEEKDAYS: Final = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}


def table(predicted: Sequence[Predicted], zone: ZoneInfo) -> list[tuple[str, str, str, str, str, str]]:
    """Return rows of text: schedule, due, start, end, end at worst, and what is worth knowing (waits, skipped)."""
    rows = []
    for one in predicted:
        note = one.skip or (f"waits for {', '.join(one.waits_for)}" if one.lateness > timedelta() else "")
        times = [
            f"{local_of(at, zone):%a %d %b %H:%M}" if at else "–"
            for at in (one.due, one.start, one.end, one.late_end)
        ]
        rows.append((one.schedule, times[0], times[1], times[2], times[3], note))
    return rows


def svg(
    predicted: Sequence[Predicted],
    captions: Mapping[str, str],
    zone: ZoneInfo,
    window: tuple[datetime, datetime],
    language: str = "en",
) -> str:
    """Return the picture of a window as an SVG element without a style of its own.

    `captions` has a line of words for each schedule to show, in order (its description); the title of each bar has
    due time, start, end and note. Classes: ``tt-day``, ``tt-weekend``, ``tt-run``, ``tt-late``, ``tt-skipped``,
    ``tt-name``, ``tt-caption``; colours are the page's.
    """
    start, end = window
    height = _TOP + _ROW * max(len(captions), 1) + 8
    label = "运行时间表" if language.startswith("zh") else "Timetable"
    parts = [
        f'<svg class="timetable" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}" font-size="12">'
    ]
    parts.extend(_days(start, end, zone, height, "zh" if language.startswith("zh") else "en"))
    for row, (name, caption) in enumerate(captions.items()):
        top = _TOP + _ROW * row + 14
        parts.append(f'<text class="tt-name" x="0" y="{top + 12}">{escape(name)}</text>')
        parts.append(f'<text class="tt-caption" x="0" y="{top + 28}" font-size="11">{escape(caption)}</text>')
        parts.extend(_bar(one, start, end, zone, top) for one in predicted if one.schedule == name)
    return "".join([*parts, "</svg>"])


def _x(at: datetime, start: datetime, end: datetime) -> float:
    share = (at - start) / (end - start)
    return round(_LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT), 1)


def _days(start: datetime, end: datetime, zone: ZoneInfo, height: int, language: str) -> list[str]:
    """Draw a line and a name for each local day; a day at which clocks change is as long as it is."""
    parts: list[str] = []
    day = local_of(start, zone).date()
    while True:
        begin = datetime.combine(day, datetime.min.time(), zone)
        if begin >= end:
            return parts
        left, right = (
            _x(begin, start, end),
            _x(datetime.combine(day + timedelta(days=1), datetime.min.time(), zone), start, end),
        )
        if day.weekday() >= 5:
            parts.append(
                f'<rect class="tt-weekend" x="{left}" y="{_TOP}" width="{round(right - left, 1)}" height="{height - _TOP - 8}"/>'
            )
        parts.append(f'<line class="tt-day" x1="{left}" x2="{left}" y1="22" y2="{height - 8}"/>')
        if right - left >= 40:
            parts.append(
                f'<text class="tt-caption" x="{left + 8}" y="16">{_WEEKDAYS[language][day.weekday()]} {day.day}</text>'
            )
        day += timedelta(days=1)


def _bar(one: Predicted, start: datetime, end: datetime, zone: ZoneInfo, top: int) -> str:
    begin, stop = one.start or one.due, one.end or one.due
    left = _x(begin, start, end)
    width = max(round(_x(stop, start, end) - left, 1), 4)
    kind = "tt-skipped" if one.skip else "tt-late" if one.lateness > timedelta(minutes=1) else "tt-run"
    told = table([one], zone)[0]
    title = escape(f"{told[0]}: {told[1]} → {told[2]} – {told[3]} ({told[4]}) {told[5]}".strip())
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="20" rx="3"><title>{title}</title></rect>'
