"""The next days as they will probably go: when each run starts and ends, what it waits for, and what will be late."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runner.core.schedules_model import Overlap
from runner.timetable.due_times import DueTime, Planned

_MOST_RUNS: Final = 50_000
_UNKNOWN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Load:
    """What a schedule's runs cost: half end within `p50`, nine of ten within `p90`; `groups` are resources held alone."""

    p50: timedelta = _UNKNOWN
    p90: timedelta = _UNKNOWN
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Predicted:
    """One due time as it will probably go. `waits_for` names what it waits for; `skip` why it will not run.

    `start` and `end` are expected (P50 durations everywhere), `late_end` is what to fear (P90 everywhere).
    """

    schedule: str
    due: datetime
    start: datetime | None
    end: datetime | None
    late_end: datetime | None
    waits_for: tuple[str, ...] = ()
    skip: str = ""

    @property
    def lateness(self) -> timedelta:
        """How long after its due time it starts."""
        return self.start - self.due if self.start is not None else timedelta()


def durations_of(seconds: Iterable[float]) -> tuple[timedelta, timedelta]:
    """Return P50 and P90 of past durations (nearest rank); one minute each where there are none."""
    past = sorted(seconds)
    if not past:
        return _UNKNOWN, _UNKNOWN
    half, most = (past[max(-(-len(past) * part // 100) - 1, 0)] for part in (50, 90))
    return timedelta(seconds=half), timedelta(seconds=most)


def simulate(
    planned: Sequence[Planned], loads: Mapping[str, Load], slots: int, after: datetime, until: datetime
) -> list[Predicted]:
    """Return every due time in ``(after, until]`` of the enabled schedules with its prediction, by due time.

    `slots` runs can go on at once; of runs that wait, the higher priority goes first, then the earlier due time. Stops
    at 50,000 due times.
    """
    waiting: list[tuple[datetime, int, str, DueTime]] = []
    for number, one in enumerate(planned):
        if one.schedule.enabled:
            waiting.extend((at.due, number, one.schedule.id, at) for at in one.due_times(after, until))
    waiting = sorted(waiting, key=lambda entry: entry[:3])[:_MOST_RUNS]
    arrivals = [(planned[number], at) for _, number, _, at in waiting]
    expected = _Day(arrivals, loads, slots, feared=False).go()
    feared = _Day(arrivals, loads, slots, feared=True).go()
    return [
        Predicted(one.schedule.id, at.due, usual.start, usual.end, worst.end, usual.waits_for, usual.skip)
        for (one, at), usual, worst in zip(arrivals, expected, feared, strict=True)
    ]


@dataclass(slots=True)
class _Fate:
    """How one due time went in a simulated day."""

    start: datetime | None = None
    end: datetime | None = None
    waits_for: tuple[str, ...] = ()
    skip: str = ""


class _Day:
    """A simulation: due times arrive, runs end, and what is free is given to who waits."""

    def __init__(
        self,
        arrivals: Sequence[tuple[Planned, DueTime]],
        loads: Mapping[str, Load],
        slots: int,
        *,
        feared: bool,
    ) -> None:
        self.arrivals = arrivals
        self.fates = [_Fate() for _ in arrivals]
        self.loads = loads
        self.slots = slots
        self.feared = feared
        self.queue: list[int] = []
        self.running: list[tuple[datetime, int]] = []

    def go(self) -> list[_Fate]:
        """Let the time pass until nothing is left."""
        for index, (_, at) in enumerate(self.arrivals):
            self._pass_until(at.due)
            if at.skip is not None:
                self.fates[index].skip = f"{at.skip}: {at.reason}"
                continue
            self._arrive(index, at.due)
            self._start_what_can(at.due)
        while self.running:
            self._pass_until(self.running[0][0])
        return self.fates

    def _pass_until(self, now: datetime) -> None:
        while self.running and self.running[0][0] <= now:
            ended, _ = heapq.heappop(self.running)
            self._start_what_can(ended)

    def _arrive(self, index: int, now: datetime) -> None:
        schedule = self.arrivals[index][0].schedule
        active = [one for _, one in self.running if self._id(one) == schedule.id]
        queued = [one for one in self.queue if self._id(one) == schedule.id]
        if (active or queued) and schedule.overlap is Overlap.SKIP:
            self.fates[index].skip = "overlap: the run before it has not ended"
            return
        if active and schedule.overlap is Overlap.REPLACE:
            self.running = [entry for entry in self.running if entry[1] not in active]
            heapq.heapify(self.running)
            for one in active:
                self.fates[one].end = now
        self.queue.append(index)

    def _start_what_can(self, now: datetime) -> None:
        self.queue.sort(
            key=lambda one: (-self.arrivals[one][0].schedule.priority, self.arrivals[one][1].due, one)
        )
        for index in list(self.queue):
            missing = self._missing(index)
            if missing:
                self.fates[index].waits_for = tuple(dict.fromkeys((*self.fates[index].waits_for, *missing)))
                continue
            load = self._load(index)
            end = now + (load.p90 if self.feared else load.p50)
            self.queue.remove(index)
            self.fates[index].start, self.fates[index].end = now, end
            heapq.heappush(self.running, (end, index))

    def _missing(self, index: int) -> list[str]:
        """Return what a run has to wait for."""
        active = [one for _, one in self.running]
        held = {group for one in active for group in self._load(one).groups}
        missing = [f"group {group}" for group in self._load(index).groups if group in held]
        if any(self._id(one) == self._id(index) for one in active):
            missing.append("the run before it")
        if len(active) >= self.slots:
            missing.append("a free slot")
        return missing

    def _load(self, index: int) -> Load:
        return self.loads.get(self._id(index), Load())

    def _id(self, index: int) -> str:
        return self.arrivals[index][0].schedule.id
