"""What came before and after a run: its schedule, tries of the same due time, runs it started, the bot's other runs."""

from __future__ import annotations

from typing import Any

from runner.cases.cancel import CANCEL
from runner.desk.planned import timetable
from runner.store.models import Act, Occurrence, Run


def related_to(run: Run) -> dict[str, Any]:
    """The runs and people around a run. At most seven queries, each along an index."""
    acts = list(Act.objects.filter(subject_kind="run", subject=run.pk).order_by("at", "id"))
    like = next((act.data["like"] for act in acts if act.data.get("like")), "")
    return {
        "acts": acts,
        "cancelled_by": next((act for act in acts if act.verb == CANCEL), None),
        "tries": _tries(run),
        "like": Run.objects.filter(pk=like).first() if like else None,
        "began_by": _began_by(run),
        "followers": _followers(run),
        "previous": Run.objects.filter(bot=run.bot, queued__lt=run.queued).order_by("-queued").first(),
        "next": Run.objects.filter(bot=run.bot, queued__gt=run.queued).order_by("queued").first(),
    }


def _tries(run: Run) -> list[Run]:
    """The runs of the same due time, when it was tried more than once."""
    if run.schedule is None or run.due is None:
        return []
    found = list(Run.objects.filter(schedule=run.schedule, due=run.due).order_by("queued")[:20])
    return found if len(found) > 1 else []


def _began_by(run: Run) -> Run | None:
    """The run after which this one was due."""
    if run.schedule is None or run.due is None:
        return None
    key = Occurrence.objects.filter(schedule=run.schedule, due=run.due).values_list("key", flat=True).first()
    return Run.objects.filter(pk=key).first() if key else None


def _followers(run: Run) -> list[Run]:
    """The runs that were due because this one ended."""
    found = timetable()
    waiting = [one.schedule.id for one in found.planned if one.schedule.after] if found else []
    if not waiting:
        return []
    ids = Occurrence.objects.filter(schedule__in=waiting, key=run.pk).values_list("run", flat=True)
    return list(Run.objects.filter(pk__in=[pk for pk in ids if pk]))
