"""Locators as lists and as JSON values (fields: docs/json.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from runner.core.clock import iso
from runner.store.models import LocatorDay
from runner.store.paging import Page, page_of

SORTS: Final = {
    "day": "day",
    "bot": "bot",
    "name": "name",
    "first": "first",
    "lower": "lower",
    "seen": "seen",
}


@dataclass(frozen=True, slots=True)
class LocatorFilter:
    """Which locators on which days; an empty field asks for nothing. `decaying`: only where a lower choice matched."""

    bot: str = ""
    text: str = ""
    since: date | None = None
    decaying: bool = False


def list_locators(wanted: LocatorFilter, page: Page | None = None) -> list[dict[str, Any]]:
    """The locators of a filter, one value for each day, the latest day first. One query."""
    rows = LocatorDay.objects.all()
    if wanted.bot:
        rows = rows.filter(bot=wanted.bot)
    if wanted.since:
        rows = rows.filter(day__gte=wanted.since)
    if wanted.decaying:
        rows = rows.filter(lower__gt=0)
    for word in wanted.text.split():
        rows = rows.filter(name__icontains=word)
    return [
        {
            "bot": row.bot,
            "locator": row.name,
            "day": row.day.isoformat(),
            "first": row.first,
            "lower": row.lower,
            "first_choice": row.choice or None,
            "used_choice": row.used or None,
            "used_rank": row.rank,
            "seen": iso(row.seen),
        }
        for row in page_of(rows, page or Page(), SORTS, "-day")
    ]
