"""Runs as bars on a line of time: what ran, what runs, what waits, and what will probably start, by bot, worker or schedule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from runner.cases.outlook import Forecast, Outlook
from runner.core.nouns import RunStatus
from runner.store.models import Run

_MOST: Final = 2000
_UNKNOWN: Final = timedelta(minutes=1)


class By(StrEnum):
    """What a row of bars stands for."""

    BOT = "bot"
    WORKER = "worker"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Bar:
    """One run. `start` is None while it waits. Of a running one `end` is expected; a `predicted` one has no id yet.

    `worst_end` is where nine of ten such runs have ended; `late` says that it ends after its deadline.
    """

    run: str
    bot: str
    schedule: str
    status: str
    start: datetime | None
    end: datetime | None
    worst_end: datetime | None = None
    due: datetime | None = None
    worker: str = ""
    exceptions: int = 0
    predicted: bool = False
    late: bool = False
    collides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BarRow:
    """The bars of one bot, worker or schedule, by start; an empty name is what no worker or schedule has."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Gantt:
    """The bars of a window; `cut` says that there were more than 2,000 of the past or of the future."""

    start: datetime
    end: datetime
    now: datetime
    rows: tuple[BarRow, ...]
    cut: bool = False


def gantt(
    outlook: Outlook, now: datetime, before: timedelta, after: timedelta, by: By = By.BOT, *, bot: str = ""
) -> Gantt:
    """The runs from `before` ago to `after` from now, those to come as the outlook foresees them; of one bot, or all.

    Three queries. Predicted runs have no worker: by worker they stand in a row of their own, without a name.
    """
    start, end = now - before, now + after
    past, is_cut = _past(start, now, bot)
    loads = outlook.durations(now)
    bars = [_bar(run, loads, now) for run in past]
    ahead = [one for one in outlook.forecast(now, end) if not one.skip and bot in {"", one.bot}]
    bars += [_predicted(one) for one in ahead[:_MOST]]
    return Gantt(start, end, now, tuple(_rows(bars, by)), is_cut or len(ahead) > _MOST)


def _past(start: datetime, now: datetime, bot: str) -> tuple[list[Run], bool]:
    ended = Run.objects.filter(finished__gte=start, finished__lte=now).exclude(started=None)
    alive = Run.objects.filter(status__in=[RunStatus.RUNNING, RunStatus.QUEUED])
    if bot:
        ended, alive = ended.filter(bot=bot), alive.filter(bot=bot)
    found = [*ended.order_by("-finished")[: _MOST + 1], *alive.order_by("queued")[: _MOST + 1]]
    return found[: 2 * _MOST], len(found) > _MOST


def _bar(run: Run, loads: dict[str, tuple[timedelta, timedelta]], now: datetime) -> Bar:
    p50, p90 = loads.get(run.schedule or "", (_UNKNOWN, _UNKNOWN))
    end, worst = run.finished, None
    if run.status == RunStatus.RUNNING and run.started is not None:
        end, worst = max(run.started + p50, now), max(run.started + p90, now)
    deadline = run.policy.get("deadline")
    return Bar(
        run=run.pk,
        bot=run.bot,
        schedule=run.schedule or "",
        status=run.status,
        start=run.started,
        end=end,
        worst_end=worst,
        due=run.due,
        worker=run.worker,
        exceptions=run.exceptions,
        late=bool(deadline and end and end > datetime.fromisoformat(deadline)),
    )


def _predicted(one: Forecast) -> Bar:
    return Bar(
        run="",
        bot=one.bot,
        schedule=one.schedule,
        status="planned",
        start=one.start,
        end=one.end,
        worst_end=one.worst_end,
        due=one.due,
        predicted=True,
        late=one.late_at_worst > timedelta(),
        collides=one.collides,
    )


def _rows(bars: Iterable[Bar], by: By) -> list[BarRow]:
    rows: dict[str, list[Bar]] = {}
    for bar in bars:
        name = {By.BOT: bar.bot, By.WORKER: bar.worker, By.SCHEDULE: bar.schedule}[by]
        rows.setdefault(name, []).append(bar)
    return [BarRow(name, tuple(sorted(found, key=_place))) for name, found in sorted(rows.items())]


def _place(bar: Bar) -> tuple[bool, float]:
    """By start; those that wait stand last, by their due time."""
    at = bar.start or bar.due
    return bar.start is None, at.timestamp() if at is not None else 0.0
