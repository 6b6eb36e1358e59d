"""Times in templates: every one is a `<time>` with the exact instant behind it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runner.core.clock import from_iso, iso, now
from runner.desk import times

register = template.Library()


def _instant(value: object) -> datetime | None:
    """A time as the store has it, or as `--json` writes it; None for nothing."""
    if isinstance(value, str) and value:
        return from_iso(value)
    return value if isinstance(value, datetime) else None


def _time(at: datetime, text: str, kind: str = "") -> SafeString:
    html = (
        '<time datetime="{}" title="{}" class="{}">{}</time>'
        if kind
        else '<time datetime="{}" title="{}">{}</time>'
    )
    parts = (iso(at), times.moment_exact(at), *([kind] if kind else []), text)
    return format_html(html, *parts)


@register.filter
def moment(value: object) -> str:
    """``24 Nov 2026, 14:02``."""
    at = _instant(value)
    return _time(at, times.moment(at)) if at else "–"


@register.filter
def short(value: object) -> str:
    """``14:02``, ``Fri 09:00``, ``24 Nov``: for narrow columns."""
    at = _instant(value)
    return _time(at, times.short(at, now())) if at else "–"


@register.filter
def ago(value: object) -> str:
    """``5 min ago``, ``in 2 h``."""
    at = _instant(value)
    return _time(at, times.ago(at, now())) if at else "–"


@register.filter
def due(value: object) -> str:
    """``2 h late`` in red, ``in 25 min`` in amber."""
    at = _instant(value)
    if at is None:
        return "–"
    text, urgency = times.due(at, now())
    return _time(at, text, f"due {urgency}".strip())


@register.filter
def day(value: object) -> str:
    """``24 Nov 2026``."""
    at = _instant(value)
    return _time(at, times.day(at)) if at else "–"


@register.filter
def short_clock(value: object) -> str:
    """``14:02``: where the day is clear."""
    at = _instant(value)
    return _time(at, f"{times.local(at):%H:%M}") if at else "–"


@register.filter
def near(value: object, other: object) -> str:
    """``14:02`` on the same day as `other`, ``24 Nov 14:02`` on another."""
    at, beside = _instant(value), _instant(other)
    if at is None or beside is None:
        return "–"
    same = times.local(at).date() == times.local(beside).date()
    return _time(at, f"{times.local(at):%H:%M}" if same else times.day_and_clock(at, now()))


@register.filter
def clock(value: object) -> str:
    """``14:02:05.123``: for journals."""
    at = _instant(value)
    return _time(at, f"{times.local(at):%H:%M:%S}.{at.microsecond // 1000:03d}") if at else ""


@register.filter
def lasted(value: object) -> str:
    """A length: a timedelta, or milliseconds as a number."""
    if isinstance(value, timedelta):
        return times.lasted(value)
    if isinstance(value, int | float):
        return times.lasted(timedelta(milliseconds=value))
    return "–"


@register.simple_tag
def took(start: object, end: object = None) -> str:
    """How long from `start` to `end` (now, while there is no end)."""
    first, last = _instant(start), _instant(end) or now()
    return times.lasted(last - first) if first else "–"


@register.simple_tag
def took_seconds(seconds: float) -> str:
    """A length given in seconds."""
    return times.lasted(timedelta(seconds=seconds))
