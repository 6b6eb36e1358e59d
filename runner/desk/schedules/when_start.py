"""What the form of a schedule begins with: the plainest kind of trigger that says the same as the keys of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from runner.core.clock import duration
from runner.core.schedules_model import TRIGGER_KEYS

_SIMPLE: Final = re.compile(r"(\d{1,2}) ([\d,]+) (\*|\d{1,2}|L|LW) \* (\*|[\d,-]+)")
_TIME: Final = re.compile(r"\d{1,2}:\d{2}")
_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


def begin(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of an entry of the file: the plainest kind that says the same."""
    key = next((key for key in TRIGGER_KEYS if entry.get(key) is not None), "cron")
    value = entry.get(key)
    makers: Mapping[str, Any] = {
        "cron": _from_cron, "every": _from_every, "at": _from_at, "workday": _from_workday, "file": _from_file, "queue": _from_queue,
        "after": _from_after, "manual": lambda _value, _entry: {"kind": "manual"},
    }  # fmt: skip
    found: dict[str, Any] = makers[key](value, entry)
    return found


def _from_cron(value: Any, _entry: Mapping[str, Any]) -> dict[str, Any]:
    plain = _SIMPLE.fullmatch(" ".join(str(value).split()))
    raw = {"kind": "cron", "cron": str(value)}
    if plain is None or (plain[3] != "*" and plain[4] != "*"):
        return raw
    times = ", ".join(f"{int(hour):02}:{int(plain[1]):02}" for hour in plain[2].split(",") if hour)
    if plain[3] != "*":
        return {"kind": "month", "month_day": plain[3], "month_times": times}
    days = _days_of(plain[4])
    return {"kind": "days", "weekdays": days, "times": times} if days else raw


def _from_every(value: Any, entry: Mapping[str, Any]) -> dict[str, Any]:
    seconds = int(duration(str(value)).total_seconds())
    unit = next((unit for unit, size in _SECONDS.items() if seconds % size == 0), "s")
    anchor = str(entry.get("anchor") or "")
    return {
        "kind": "every", "count": seconds // _SECONDS[unit], "unit": unit,
        "anchor": (anchor if len(anchor) > 10 else f"{anchor} 00:00").replace(" ", "T")[:16] if anchor else "",
    }  # fmt: skip


def _from_at(value: Any, _entry: Mapping[str, Any]) -> dict[str, Any]:
    lines = [str(one) for one in (value if isinstance(value, list) else [value])]
    if all(_TIME.fullmatch(line.strip()) for line in lines):
        return {"kind": "days", "weekdays": list("1234560"), "times": ", ".join(lines)}
    return {"kind": "dates", "dates": "\n".join(lines)}


def _from_workday(value: Any, _entry: Mapping[str, Any]) -> dict[str, Any]:
    nth = {"first": 1, "last": -1}.get(str(value.get("nth")), value.get("nth"))
    at = value.get("at")
    times = ", ".join(at) if isinstance(at, list) else str(at)
    return {"kind": "workday", "nth": str(nth), "period": value.get("of", "month"), "workday_times": times}


def _from_file(value: Any, _entry: Mapping[str, Any]) -> dict[str, Any]:
    said = {"glob": value} if isinstance(value, str) else value
    kept = {name: said[name] for name in ("glob", "stable", "archive", "rejected") if name in said}
    return {"kind": "file", "file_parameter": said.get("parameter", "workbook"), **kept}


def _from_queue(value: Any, _entry: Mapping[str, Any]) -> dict[str, Any]:
    said = {"name": value} if isinstance(value, str) else value
    kept = {name: said[name] for name in ("pending", "oldest", "again") if name in said}
    return {"kind": "queue", "queue": said.get("name", ""), **kept}


def _from_after(value: Any, _entry: Mapping[str, Any]) -> dict[str, Any]:
    said = {"schedule": value} if isinstance(value, str) else value
    when = said.get("when", ["succeeded"])
    return {"kind": "after", "after": said.get("schedule", ""), "endings": [when] if isinstance(when, str) else list(when)}  # fmt: skip


def _days_of(text: str) -> list[str]:
    """The days of a simple day field; empty for one that is not simple."""
    if text == "*":
        return list("1234560")
    found: list[str] = []
    for part in text.split(","):
        bounds = part.split("-")
        if not all(bound.isdecimal() for bound in bounds) or len(bounds) > 2:
            return []
        first, last = int(bounds[0]), int(bounds[-1])
        found += [str(day % 7) for day in range(first, last + 1)] if last <= 7 else []
    return found
