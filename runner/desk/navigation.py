"""The frame around every page: the menu with its live counts, who is signed in, language and theme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from runner.core.clock import now
from runner.core.nouns import ItemStatus, RunStatus
from runner.desk.asking import Access
from runner.desk.people.models import CONFIRMED_FOR
from runner.desk.settings import LANGUAGES
from runner.desk.words import Word
from runner.store.counts import counted_together
from runner.store.models import Case, Item, Run

MOST_COUNTED: Final = 1000  # beyond it the menu says "999+": counting a million rows for every page is no use


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu: the area it leads to, its address, the permission it takes, and what it counts."""

    area: str
    title: Word
    path: str
    permission: str
    count: Callable[[Access], QuerySet[Any]] | None = None
    tone: str = ""
    after_line: bool = False


def _cases(access: Access) -> QuerySet[Any]:
    return access.limit(Case.objects.filter(waits=True), "cases.see")


def _runs(access: Access) -> QuerySet[Any]:
    return access.limit(Run.objects.filter(status=RunStatus.RUNNING), "runs.see")


def _items(access: Access) -> QuerySet[Any]:  # noqa: ARG001 (a queue belongs to no process)
    return Item.objects.filter(status=ItemStatus.PENDING)


MENU: Final = (
    Entry("queue", _("Exception queue"), "/", "cases.see", _cases, "bad"),
    Entry("runs", _("Runs"), "/runs/", "runs.see", _runs),
    Entry("schedules", _("Schedules"), "/schedules/", "schedules.see"),
    Entry("bots", _("Bots"), "/bots/", "bots.see"),
    Entry("recordings", _("Recordings"), "/recordings/", "recordings.see"),
    Entry("queues", _("Work queues"), "/queues/", "queues.see", _items),
    Entry("processes", _("Processes"), "/processes/", "processes.see"),
    Entry("people", _("People"), "/people/", "people.see", after_line=True),
    Entry("secrets", _("Secrets"), "/secrets/", "secrets.see"),
    Entry("webhooks", _("Webhooks"), "/webhooks/", "webhooks.edit"),
    Entry("audit", _("Audit trail"), "/audit/", "audit.see"),
    Entry("health", _("Health"), "/health/", "health.see"),
)


def counted(rows: QuerySet[Any], most: int = MOST_COUNTED) -> int:
    """How many rows there are, counted no further than `most`."""
    return rows.order_by()[:most].count()


def menu_of(access: Access, area: str) -> list[dict[str, Any]]:
    """The lines of the menu that these roles may open, with their counts. One query."""
    entries = [entry for entry in MENU if access.may(entry.permission)]
    asked = {entry.area: entry.count(access) for entry in entries if entry.count}
    counts = dict(zip(asked, counted_together(list(asked.values()), MOST_COUNTED), strict=True))
    return [
        {
            "title": entry.title,
            "path": entry.path,
            "here": entry.area == area,
            "count": counts.get(entry.area),
            "tone": entry.tone,
            "most": MOST_COUNTED,
            "after_line": entry.after_line,
        }
        for entry in entries
    ]


def around_every_page(request: HttpRequest) -> dict[str, Any]:
    """What the layout needs beside what a view gives it."""
    access = getattr(request, "access", Access())
    person = getattr(request, "person", None)
    signed_in = bool(getattr(request, "sign_in", None))
    language = get_language() or "en"
    match = request.resolver_match
    area = match.namespace if match else ""
    return {
        "access": access,
        "area": area,
        "menu": menu_of(access, area) if signed_in and not request.headers.get("HX-Request") else [],
        "language": language,
        "other_language": next((code, name) for code, name in LANGUAGES if code != language),
        "person": person,
        "password_needed": signed_in and now() - request.sign_in.confirmed > CONFIRMED_FOR,  # type: ignore[attr-defined]
        "signed_in": signed_in,
        "theme": getattr(person, "theme", "auto") if signed_in else "auto",
    }
