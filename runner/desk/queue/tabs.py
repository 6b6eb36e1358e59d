"""The tabs of the exception queue with their counts, and the line that says how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from runner.core.clock import now
from runner.desk.asking import DeskRequest
from runner.desk.navigation import MOST_COUNTED, counted
from runner.desk.queue import rows
from runner.desk.words import Word


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
    """All tabs, `here` being the one that is open. Six queries, none counts further than a thousand."""
    access = request.access
    counts = {
        "problems": counted(rows.live_problems(access)),
        "cases": counted(rows.waiting_cases(access)),
        "burning": counted(rows.burning_items(access)) + counted(rows.decided_to_retry(access)),
        "overdue": counted(rows.overdue_cases(access, now())),
        "mine": counted(rows.cases_of(access, request.person.username)),
        "waiting": counted(rows.put_aside_cases(access)),
    }
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
