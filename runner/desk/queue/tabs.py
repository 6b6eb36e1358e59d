"""The tabs of the exception queue with their counts, and the line that says how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from runner.core.clock import now
from runner.desk.asking import DeskRequest
from runner.desk.navigation import MOST_COUNTED
from runner.desk.queue import rows
from runner.desk.words import Word
from runner.store.counts import counted_together


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its name in addresses, words, address, and how much it holds (None: not counted)."""

    key: str
    title: Word
    path: str
    count: int | None
    here: bool
    tone: str = ""
    most: int = MOST_COUNTED


TITLES: Final[dict[str, tuple[Word, str]]] = {
    "problems": (_("Problems"), "/"),
    "cases": (_("Cases"), "/cases/"),
    "burning": (_("Burning"), "/burning/"),
    "overdue": (_("Overdue"), "/cases/overdue/"),
    "mine": (_("Mine"), "/cases/mine/"),
    "waiting": (_("Waiting"), "/cases/waiting/"),
    "closed": (_("Closed"), "/cases/closed/"),
}


def tabs_of(request: DeskRequest, here: str) -> list[Tab]:
    """All tabs, `here` being the one that is open. One query, which counts no further than a thousand of each."""
    access = request.access
    asked = {
        "problems": rows.live_problems(access),
        "cases": rows.waiting_cases(access),
        "burning": rows.burning_items(access),
        "decided": rows.decided_to_retry(access),
        "overdue": rows.overdue_cases(access, now()),
        "mine": rows.cases_of(access, request.person.username),
        "waiting": rows.put_aside_cases(access),
    }
    counts = dict(zip(asked, counted_together(list(asked.values()), MOST_COUNTED), strict=True))
    counts["burning"] += counts.pop("decided")
    return [
        Tab(
            key,
            title,
            path,
            counts.get(key),
            key == here,
            "bad" if key == "overdue" and counts["overdue"] else "",
        )
        for key, (title, path) in TITLES.items()
    ]
