"""Takes in what journals say about locators: counts by day, and a case when the first choice of one stops matching."""

from __future__ import annotations

from django.db.models import F

from runner.cases.batch import Batch
from runner.cases.case_rows import SETTLED
from runner.cases.intake_items import note_locator
from runner.cases.openings import Opening, open_case, resolve_case
from runner.core.ids import short_id
from runner.core.nouns import FailureKind
from runner.journal import Line
from runner.store.models import Case, LocatorDay

DECAY = "locator_decay"
FIRST = 1


def locator_case_id(bot: str, name: str) -> str:
    """The id of the one case that a locator has all its life."""
    return short_id("locator", bot, name)


def locator_fallback(batch: Batch, line: Line) -> None:
    """A lower choice matched: it is counted, and somebody should look before the bot fails."""
    note_locator(batch, line)
    name, rank = str(line.data["name"]), int(line.data["rank"])
    first, used = str(line.data.get("first") or ""), str(line.data.get("used") or "")
    _count(line, name, lower=F("lower") + 1, choice=first, used=used, rank=rank)
    case_id = locator_case_id(line.bot, name)
    if Case.objects.filter(pk=case_id).exclude(status__in=SETTLED).exists():
        return
    message = (
        f"locator {name} decays: its first choice ({first}) matches nothing, choice {rank} ({used}) does"
    )
    open_case(
        Opening(
            case_id=case_id,
            line=line,
            kind=FailureKind.APPLICATION,
            why=DECAY,
            error={"type": "LocatorDecay", "code": "LOCATOR_DECAY", "message": message},
            step=name,
            run=batch.run(line.run),
        )
    )


def locator_uses(_batch: Batch, line: Line) -> None:
    """Uses that were not worth a line each; a locator that is found by its first choice again needs nobody any more."""
    for name, counted in (line.data.get("locators") or {}).items():
        if counted.get("first"):
            _count(line, name, first=F("first") + int(counted["first"]))
        if counted.get("last") == FIRST:
            note = "the first choice matches again"
            resolve_case(locator_case_id(line.bot, name), line, "first_choice", note)


def _count(line: Line, name: str, **values: object) -> None:
    mark = {"bot": line.bot, "name": name, "day": line.time.date()}
    LocatorDay.objects.get_or_create(**mark, defaults={"seen": line.time})
    LocatorDay.objects.filter(**mark).update(**values, seen=line.time)
