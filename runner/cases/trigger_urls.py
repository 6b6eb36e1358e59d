"""Starts of schedules from outside: a URL with a token for each, made, revoked and used; every use is an occurrence."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from runner.cases.audit import record_act
from runner.cases.run_requests import checked_parameters
from runner.cases.schedule_acts import SCHEDULE, Standing, fire_due, standings
from runner.cases.schedule_requests import row_by_hand
from runner.core.errors import ConflictError, UsageError
from runner.core.ids import short_id, uuid7
from runner.core.nouns import OccurrenceState, RunStatus
from runner.store.models import Act, Bot, Occurrence, Run, TriggerUrl
from runner.timetable.due_times import Planned
from runner.timetable.policies import Cause, OverlapMove, decide_overlap

_TOKEN_BYTES: Final = 32
_TICK: Final = timedelta(microseconds=1)
PlannedOf = Callable[[str], Planned | None]


@dataclass(frozen=True, slots=True)
class NewUrl:
    """A trigger URL as it is shown once: the token is kept nowhere."""

    id: int
    token: str


@dataclass(frozen=True, slots=True)
class Fired:
    """What a call came to: `ran` with its run, or `skipped` for a reason. `again`: the same call had come before."""

    schedule: str
    due: datetime
    state: OccurrenceState
    reason: str
    run: str | None = None
    again: bool = False


def make_trigger_url(schedule: str, *, label: str, by: str, at: datetime) -> NewUrl:
    """Make a way to start `schedule` from outside; `label` says for whom. Raises UsageError without a label."""
    if not label.strip():
        raise UsageError(
            "the label is missing", expected="who will call it", where="--label", code="CLI_USAGE"
        )
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with transaction.atomic():
        url = TriggerUrl.objects.create(
            schedule=schedule, label=label.strip(), token_hash=_hash(token), made_by=by, made=at
        )
        _note(schedule, "url", label.strip(), {"url": url.pk}, by=by, at=at)
    return NewUrl(url.pk, token)


def revoke_trigger_url(url_id: int, *, by: str, at: datetime) -> None:
    """Let the URL start nothing any more. Raises UsageError (NOT_FOUND), ConflictError where somebody did already."""
    with transaction.atomic():
        url = TriggerUrl.objects.filter(pk=url_id).first()
        if url is None:
            raise UsageError(
                f"trigger URL {url_id} not found", hint="see: runner schedules urls", code="NOT_FOUND"
            )
        if not TriggerUrl.objects.filter(pk=url_id, revoked=None).update(revoked=at, revoked_by=by):
            raise ConflictError(
                f"{url.revoked_by} revoked it already", where=f"trigger URL {url_id}", code="STATE"
            )
        _note(url.schedule, "url-revoked", url.label, {"url": url.pk}, by=by, at=at)


def trigger_urls(schedule: str = "") -> list[TriggerUrl]:
    """The trigger URLs, of one schedule or all, the newest first; revoked ones too."""
    rows = TriggerUrl.objects.order_by("-made", "-pk")
    return list(rows.filter(schedule=schedule) if schedule else rows)


def schedule_of_token(token: str) -> str | None:
    """Which schedule a token starts; None for one that starts nothing."""
    url = _url_of(token)
    return url.schedule if url else None


def fire_by_url(
    token: str,
    planned_of: PlannedOf,
    *,
    at: datetime,
    parameters: Mapping[str, Any] | None = None,
    by: str = "",
    call: str = "",
) -> Fired:
    """Start the schedule of a token, with `parameters` over those of the file; recorded as an occurrence of its own.

    `call` names the call for its sender: the same one again gives the first answer and starts nothing. A paused schedule,
    one that is off and one whose last run goes on (`overlap: skip`) is recorded as skipped, with the reason.
    Raises UsageError (TRIGGER_TOKEN) for an unknown or revoked token, UsageError (NOT_FOUND) where the schedule is gone,
    ErrorReport with one error per parameter.
    """
    url = _url_of(token)
    if url is None:
        raise UsageError("the token starts nothing", expected="one that is not revoked", code="TRIGGER_TOKEN")
    planned = planned_of(url.schedule)
    if planned is None:
        raise UsageError(f"schedule '{url.schedule}' is not in the file", code="NOT_FOUND")
    key = f"url {short_id(str(url.pk), call)}" if call else f"url {uuid7(at)}"
    who = by or f"url:{url.label}"
    with transaction.atomic():
        known = Occurrence.objects.exclude(key="").filter(schedule=url.schedule, key=key).first()
        if known is not None:
            return _fired(known, again=True)
        _fire(planned, key, parameters or {}, by=who, at=at)
        TriggerUrl.objects.filter(pk=url.pk).update(last_used=at, uses=F("uses") + 1)
        return _fired(Occurrence.objects.get(schedule=url.schedule, key=key), again=False)


def _fire(planned: Planned, key: str, parameters: Mapping[str, Any], *, by: str, at: datetime) -> None:
    name, due = planned.schedule.id, at
    row = row_by_hand(planned, due, at, by=by)
    values = {**row["parameters"], **parameters}
    bot = Bot.objects.filter(pk=row["bot"]).first()
    row["parameters"] = checked_parameters(bot, values) if bot is not None and parameters else values
    while Occurrence.objects.filter(schedule=name, due=due).exists():
        due += _TICK
    why = _why_not(planned, at)
    fire_due(name, due, None if why else row, key, by=by, at=at, note=why)


def _why_not(planned: Planned, at: datetime) -> str:
    """Why nothing is started now; does what `overlap: replace` asks for."""
    name = planned.schedule.id
    pause = standings([name]).get(name, Standing()).pause_at(at, at)
    if pause is not None:
        return f"paused: by {pause.by}: {pause.reason}"
    if not planned.schedule.enabled:
        return "paused: enabled: no in schedules.yaml"
    active = list(
        Run.objects.filter(schedule=name, status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).values_list(
            "status", flat=True
        )
    )
    running, waiting = active.count(RunStatus.RUNNING), active.count(RunStatus.QUEUED)
    move = decide_overlap(running, waiting, Cause.ON_TIME, planned.schedule.overlap)
    if move is OverlapMove.LEAVE_OUT:
        return "overlap: the last run had not ended"
    if move is OverlapMove.CANCEL_EARLIER:
        by = f"schedule {name} (overlap: replace)"
        Run.objects.filter(schedule=name, status=RunStatus.RUNNING).update(stop_asked_by=by)
    return ""


def _fired(row: Occurrence, *, again: bool) -> Fired:
    return Fired(row.schedule, row.due, OccurrenceState(row.state), row.reason, row.run, again)


def _url_of(token: str) -> TriggerUrl | None:
    wanted = _hash(token)
    url = TriggerUrl.objects.filter(token_hash=wanted, revoked=None).first()
    return url if url is not None and hmac.compare_digest(url.token_hash, wanted) else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _note(schedule: str, verb: str, note: str, data: dict[str, Any], *, by: str, at: datetime) -> None:
    act = Act(pk=uuid7(at), at=at, by=by, subject_kind=SCHEDULE, subject=schedule)
    act.verb, act.note, act.data = verb, note, data
    record_act(act)
