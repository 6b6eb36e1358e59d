"""What people decide about schedules, kept beside the file: pause, resume, promote, cancel a due time, start one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import transaction

from runner.cases.audit import record_act
from runner.cases.openings import MACHINE
from runner.cases.queued import queue_run
from runner.core.clock import from_iso, iso
from runner.core.errors import ConflictError, UsageError
from runner.core.ids import uuid7
from runner.core.nouns import OccurrenceState
from runner.store.models import Act, Occurrence

SCHEDULE: Final = "schedule"


class ScheduleVerb(StrEnum):
    """What a person can do to a schedule. `START` is a run by hand, `BACKFILL` one for a due time of the past.

    `LEAVE` answers a missed due time without a run, `FIRE` is a start by the schedule's URL, `EDIT` a change of the file.
    """

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    CANCEL = "cancel"
    START = "start"
    BACKFILL = "backfill"
    LEAVE = "leave"
    FIRE = "fire"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which a schedule does not run: ``[since, until)``, open where `until` is None."""

    since: datetime
    until: datetime | None
    by: str
    reason: str

    def covers(self, at: datetime) -> bool:
        """Whether it holds at that instant."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Standing:
    """How people have set a schedule: its pauses so far, and who promoted it from pilot to production."""

    pauses: tuple[Pause, ...] = ()
    promoted_by: str = ""

    def pause_at(self, due: datetime, now: datetime) -> Pause | None:
        """The pause that holds a due time back: one at the due time, or one that holds now."""
        found = (one for one in self.pauses if one.covers(due) or one.covers(now))
        return next(found, None)


def standings(schedules: Iterable[str] | None = None) -> dict[str, Standing]:
    """How each schedule that somebody ever paused or promoted stands; others have no entry."""
    verbs = [ScheduleVerb.PAUSE, ScheduleVerb.RESUME, ScheduleVerb.PROMOTE]
    acts = Act.objects.filter(subject_kind=SCHEDULE, verb__in=verbs).order_by("at", "id")
    if schedules is not None:
        acts = acts.filter(subject__in=list(schedules))
    found: dict[str, Standing] = {}
    for act in acts:
        found[act.subject] = _after(found.get(act.subject, Standing()), act)
    return found


def _after(standing: Standing, act: Act) -> Standing:
    if act.verb == ScheduleVerb.PROMOTE:
        return Standing(standing.pauses, act.by)
    cut = tuple(
        Pause(one.since, min(one.until or act.at, act.at), one.by, one.reason) for one in standing.pauses
    )
    if act.verb == ScheduleVerb.RESUME:
        return Standing(cut, standing.promoted_by)
    until = from_iso(act.data["until"]) if act.data.get("until") else None
    return Standing((*cut, Pause(act.at, until, act.by, act.note)), standing.promoted_by)


def pause(schedule: str, *, by: str, at: datetime, reason: str, until: datetime | None = None) -> None:
    """Let the schedule's due times end as skipped from now on, up to `until`. Raises UsageError without a reason."""
    if not reason.strip():
        raise UsageError("the reason is missing", expected="a few words", where="--reason", code="CLI_USAGE")
    if until is not None and until <= at:
        raise UsageError("the end of the pause has passed", expected="a later time", where="--until")
    data = {"until": iso(until)} if until else {}
    _write(schedule, ScheduleVerb.PAUSE, reason.strip(), data, by=by, at=at)


def resume(schedule: str, *, by: str, at: datetime, note: str = "") -> None:
    """End the pause. Raises ConflictError where there is none."""
    standing = standings([schedule]).get(schedule, Standing())
    if not any(one.covers(at) for one in standing.pauses):
        raise ConflictError("it is not paused", where=f"schedule {schedule}", code="STATE")
    _write(schedule, ScheduleVerb.RESUME, note, {}, by=by, at=at)


def end_pauses(at: datetime) -> list[str]:
    """Record that pauses whose time is over have ended, each once; gives the schedules that run again.

    The end itself needs no row: `Pause.covers` knows it. The id follows from the pause, so two schedulers write one.
    """
    acts = Act.objects.filter(subject_kind=SCHEDULE, verb=ScheduleVerb.PAUSE).exclude(data={}).order_by("at")
    over = [(act, until) for act in acts if (until := from_iso(act.data["until"])) <= at]
    ids = {act.pk: uuid7(until, seed=f"{act.pk} ended") for act, until in over}
    recorded = set(Act.objects.filter(pk__in=ids.values()).values_list("pk", flat=True))
    ended = []
    for act, until in over:
        if ids[act.pk] in recorded:
            continue
        later = Act.objects.filter(subject_kind=SCHEDULE, subject=act.subject, at__gt=act.at, at__lte=until)
        if later.filter(verb__in=[ScheduleVerb.RESUME, ScheduleVerb.PAUSE]).exists():
            continue  # somebody ended it, or paused anew, before its time
        values = {
            "at": until, "by": MACHINE, "machine": True, "subject_kind": SCHEDULE, "subject": act.subject,
            "verb": ScheduleVerb.RESUME, "note": f"the pause of {act.by} was until then",
        }  # fmt: skip
        _, made = Act.objects.get_or_create(pk=ids[act.pk], defaults=values)
        ended += [act.subject] if made else []
    return ended


def promote(schedule: str, *, by: str, at: datetime, note: str = "") -> None:
    """Take the schedule from pilot to production. Raises ConflictError where somebody did already."""
    before = standings([schedule]).get(schedule, Standing()).promoted_by
    if before:
        raise ConflictError(f"{before} promoted it already", where=f"schedule {schedule}", code="STATE")
    _write(schedule, ScheduleVerb.PROMOTE, note, {}, by=by, at=at)


def cancel_due(schedule: str, due: datetime, *, by: str, at: datetime, reason: str) -> None:
    """Take one due time out before it comes. Raises ConflictError when it has an end already."""
    if not reason.strip():
        raise UsageError("the reason is missing", expected="a few words", where="--reason", code="CLI_USAGE")
    _write(schedule, ScheduleVerb.CANCEL, reason.strip(), {"due": iso(due)}, by=by, at=at)


def leave_due(schedule: str, due: datetime, *, by: str, at: datetime, reason: str) -> None:
    """Answer a missed due time without a run. Raises ConflictError where it was not missed, or somebody has answered it."""
    _write(schedule, ScheduleVerb.LEAVE, reason.strip(), {"due": iso(due)}, by=by, at=at)


def fire_due(
    schedule: str, due: datetime, row: Mapping[str, Any] | None, key: str, *, by: str, at: datetime, note: str
) -> str | None:
    """Record a start from outside, with its run, or skipped for the reason in `note` where there is no `row`.

    `key` is what the occurrence counts once by. Gives the run's id.
    """
    data: dict[str, Any] = {"due": iso(due), "key": key}
    if row is not None:
        data |= {"run": uuid7(at, f"{schedule}@{key}"), "run_row": dict(row)}
    _write(schedule, ScheduleVerb.FIRE, note, data, by=by, at=at)
    return data.get("run")


def start_due(
    schedule: str,
    due: datetime,
    row: Mapping[str, Any],
    verb: ScheduleVerb,
    *,
    by: str,
    at: datetime,
    note: str,
) -> str:
    """Queue the run of one due time by a person's decision; gives its id, which follows from schedule and due time.

    Raises ConflictError where that due time has run.
    """
    run = uuid7(at, f"{schedule}@{iso(due)}")
    _write(schedule, verb, note, {"due": iso(due), "run": run, "run_row": dict(row)}, by=by, at=at)
    return run


def apply_schedule_act(act: Act) -> None:
    """What an act does to due times and runs, live and in a rebuild. Raises ConflictError where it comes too late."""
    if "due" not in act.data:
        return
    due = from_iso(act.data["due"])
    known = Occurrence.objects.select_for_update().filter(schedule=act.subject, due=due).first()
    if known is not None and (known.decided_by, known.recorded) == (act.by, act.at):
        return  # a rebuild that has kept what this act did
    if act.verb == ScheduleVerb.CANCEL and known is not None:
        raise _has_ended(act, known)
    if known is not None and known.state == OccurrenceState.RAN and known.run != act.data.get("run"):
        raise _has_ended(act, known)
    if act.verb == ScheduleVerb.LEAVE and (
        known is None or known.state != OccurrenceState.MISSED or known.decided_by
    ):
        raise _not_missed(act)
    values = {"decided_by": act.by, "recorded": act.at, **_end(act, known)}
    Occurrence.objects.update_or_create(schedule=act.subject, due=due, defaults=values)
    if act.data.get("run_row"):
        row = {**act.data["run_row"], "schedule": act.subject, "due": act.data["due"]}
        queue_run(act.data["run"], row, act.at)


def _end(act: Act, known: Occurrence | None) -> dict[str, Any]:
    note = f": {act.note}" if act.note else ""
    if act.verb == ScheduleVerb.CANCEL:
        return {"state": OccurrenceState.CANCELLED, "reason": f"cancelled by {act.by}{note}"}
    if act.verb == ScheduleVerb.LEAVE:
        return {"reason": f"{known.reason if known else ''}; left by {act.by}{note}"}
    if act.verb == ScheduleVerb.FIRE and not act.data.get("run"):
        return {"state": OccurrenceState.SKIPPED, "reason": act.note, "key": act.data["key"]}
    before = (
        f", was {known.state}: {known.reason}"
        if known is not None and known.state != OccurrenceState.RAN
        else ""
    )
    how = {ScheduleVerb.BACKFILL: "backfilled", ScheduleVerb.FIRE: "started from outside"}
    return {
        **({"key": act.data["key"]} if "key" in act.data else {}),
        "state": OccurrenceState.RAN,
        "run": act.data["run"],
        "reason": f"{how.get(ScheduleVerb(act.verb), 'started')} by {act.by}{note}{before}",
    }


def _has_ended(act: Act, known: Occurrence) -> ConflictError:
    return ConflictError(
        f"the due time {act.data['due']} has ended already: {known.state}, {known.reason}",
        expected="a due time that has not run",
        hint=f"see: runner schedules history {act.subject}",
        where=f"schedule {act.subject}",
        code="STATE",
    )


def _not_missed(act: Act) -> ConflictError:
    return ConflictError(
        f"the due time {act.data['due']} was not missed, or somebody has answered it",
        expected="one that was missed",
        hint=f"see: runner schedules missed {act.subject}",
        where=f"schedule {act.subject}",
        code="STATE",
    )


def _write(
    schedule: str, verb: ScheduleVerb, note: str, data: dict[str, Any], *, by: str, at: datetime
) -> None:
    with transaction.atomic():
        act = Act(
            pk=uuid7(at),
            at=at,
            by=by,
            subject_kind=SCHEDULE,
            subject=schedule,
            verb=verb,
            note=note,
            data=data,
        )
        record_act(act)
        apply_schedule_act(act)
