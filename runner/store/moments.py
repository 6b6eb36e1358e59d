"""Times as a database gives them to a query without a model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

# Characters of a time as SQLite keeps it: ``2026-11-24 11:36:57``, or with microseconds.
_STORED: Final = (19, 26)


def moment(value: object) -> datetime | None:
    """The time: from text or a naive one in UTC, or an aware one; None for what is none."""
    if isinstance(value, str) and value[10:11] == " " and len(value) in _STORED:
        # Ten thousands of them are read for one page, and to put the zone in afterwards takes several times as long.
        return datetime.fromisoformat(f"{value}+00:00")
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(found, datetime):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
