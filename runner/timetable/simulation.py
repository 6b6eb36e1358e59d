"""The next days as they will probably go: when each run starts and ends, what it waits for, and what will be late."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from runner.core.schedules_model import Overlap
from runner.timetable.due_times import DueTime, Planned

_MOST_RUNS: Final = 50_000
_UNKNOWN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Load:
    """What a schedule's runs cost: half end within `p50`, nine of ten within `p90`; `groups` are resources held alone.

    At most `at_once` runs of `bot` go on at a time, whoever started them; None: any number.
    """

    p50: timedelta = _UNKNOWN
    p90: timedelta = _UNKNOWN
    groups: tuple[str, ...] = ()
    bot: str = ""
    at_once: int | None = None


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


@dataclass(frozen=True, slots=True)
class Going:
    """A run that goes on when a simulation begins: whose it is, when it will probably end, and what it holds alone."""

    schedule: str
    ends: datetime
    groups: tuple[str, ...] = ()
    bot: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits when a simulation begins, since `queued`. `schedule` is empty for one that a person started."""

    schedule: str
    queued: datetime
    load: Load
    priority: int = 0


def durations_of(seconds: Iterable[float]) -> tuple[timedelta, timedelta]:
    """Return P50 and P90 of past durations (nearest rank); one minute each where there are none."""
    past = sorted(seconds)
    if not past:
        return _UNKNOWN, _UNKNOWN
    half, most = (past[max(-(-len(past) * part // 100) - 1, 0)] for part in (50, 90))
    return timedelta(seconds=half), timedelta(seconds=most)


def simulate(
    planned: Sequence[Planned],
    loads: Mapping[str, Load],
    slots: int,
    window: tuple[datetime, datetime],
    already: Sequence[Going | Waiting] = (),
) -> list[Predicted]:
    """Return every due time of the enabled schedules after the first and up to the second instant of `window`, predicted.

    They come by due time. `slots` runs can go on at once, those that go on `already` among them; of runs that
    wait, the higher priority goes first, then the earlier due time. Stops at 50,000 due times.
    """
    waiting: list[tuple[datetime, int, str, DueTime]] = []
    for number, one in enumerate(planned):
        if one.schedule.enabled:
            waiting.extend((at.due, number, one.schedule.id, at) for at in one.due_times(*window))
    waiting = sorted(waiting, key=lambda entry: entry[:3])[:_MOST_RUNS]
    return simulate_due(
        [(planned[number], at) for _, number, _, at in waiting], loads, slots, window[0], already
    )


def simulate_due(
    arrivals: Sequence[tuple[Planned, DueTime]],
    loads: Mapping[str, Load],
    slots: int,
    begin: datetime,
    already: Sequence[Going | Waiting] = (),
) -> list[Predicted]:
    """Return the predictions for due times that stand in their order; the rest as `simulate` says."""
    expected = _Day(arrivals, loads, slots, already, feared=False).go(begin)
    feared = _Day(arrivals, loads, slots, already, feared=True).go(begin)
    return [
        Predicted(
            one.schedule.id, at.due, usual.start, usual.end, worst.end, tuple(usual.waits_for), usual.skip
        )
        for (one, at), usual, worst in zip(arrivals, expected, feared, strict=True)
    ]


@dataclass(slots=True)
class _Fate:
    """How one due time went in a simulated day."""

    start: datetime | None = None
    end: datetime | None = None
    waits_for: dict[str, None] = field(default_factory=dict)  # in the order in which it met them
    skip: str = ""


class _Day:
    """A simulation: due times arrive, runs end, and what is free is given to who waits. An event costs a few steps only.

    Runs are numbered: the arrivals from 0, what there is at the beginning from -1 down.
    """

    def __init__(
        self,
        arrivals: Sequence[tuple[Planned, DueTime]],
        loads: Mapping[str, Load],
        slots: int,
        already: Sequence[Going | Waiting],
        *,
        feared: bool,
    ) -> None:
        self.arrivals = arrivals
        self.fates = [_Fate() for _ in arrivals]
        self.loads = loads
        self.slots = slots
        self.already = already
        self.feared = feared
        self.ready: list[tuple[int, datetime, int]] = []
        self.blocked: defaultdict[str, list[int]] = defaultdict(list)  # by what they wait for
        self.queued: Counter[str] = Counter()
        self.ends: list[tuple[datetime, int]] = []
        self.running: dict[str, set[int]] = defaultdict(set)
        self.held: Counter[str] = Counter()
        self.bots: Counter[str] = Counter()
        self.places = 0

    def go(self, begin: datetime) -> list[_Fate]:
        """Let the time pass from `begin` until nothing is left."""
        for number, one in enumerate(self.already, 1):
            if isinstance(one, Going):
                self._begin(-number, one.ends)
            else:
                self.queued[one.schedule] += 1
                heapq.heappush(self.ready, self._rank(-number))
        self._start_what_can(begin)
        for index, (_, at) in enumerate(self.arrivals):
            self._pass_until(at.due)
            if at.skip is not None:
                self.fates[index].skip = f"{at.skip}: {at.reason}"
                continue
            self._arrive(index, at.due)
        while self.ends:
            self._pass_until(self.ends[0][0])
        return self.fates

    def _pass_until(self, now: datetime) -> None:
        while self.ends and self.ends[0][0] <= now:
            ended, index = heapq.heappop(self.ends)
            if index in self.running[self._id(index)]:  # else another one has taken its place meanwhile
                self._leave(index)
                self._start_what_can(ended)

    def _arrive(self, index: int, now: datetime) -> None:
        schedule = self.arrivals[index][0].schedule
        active = self.running[schedule.id]
        if (active or self.queued[schedule.id]) and schedule.overlap is Overlap.SKIP:
            self.fates[index].skip = "overlap: the run before it has not ended"
            return
        if active and schedule.overlap is Overlap.REPLACE:
            for one in list(active):
                self._leave(one)
                if one >= 0:
                    self.fates[one].end = now
        self.queued[schedule.id] += 1
        heapq.heappush(self.ready, (-schedule.priority, now, index))
        self._start_what_can(now)
        if self.fates[index].start is None:
            missing = [said for _, said in self._blockers(index)]
            missing += ["a free slot"] if self.places >= self.slots else []
            self.fates[index].waits_for.update(dict.fromkeys(missing))

    def _start_what_can(self, now: datetime) -> None:
        while self.ready and self.places < self.slots:
            index = heapq.heappop(self.ready)[2]
            blockers = self._blockers(index)
            if blockers:
                if index >= 0:
                    self.fates[index].waits_for.update((said, None) for _, said in blockers)
                self.blocked[blockers[0][0]].append(index)
                continue
            load = self._load(index)
            end = now + (load.p90 if self.feared else load.p50)
            self.queued[self._id(index)] -= 1
            if index >= 0:
                self.fates[index].start, self.fates[index].end = now, end
            self._begin(index, end)

    def _begin(self, index: int, end: datetime) -> None:
        self.places += 1
        self.running[self._id(index)].add(index)
        load = self._load(index)
        self.held.update(load.groups)
        self.bots[load.bot] += 1
        heapq.heappush(self.ends, (end, index))

    def _leave(self, index: int) -> None:
        self.places -= 1
        load = self._load(index)
        self.running[self._id(index)].discard(index)
        self.held.subtract(load.groups)
        self.bots[load.bot] -= 1
        woken = (f"run {self._id(index)}", f"bot {load.bot}", *(f"group {group}" for group in load.groups))
        for key in woken:
            for one in self.blocked.pop(key, ()):
                heapq.heappush(self.ready, self._rank(one))

    def _blockers(self, index: int) -> list[tuple[str, str]]:
        """What a run has to wait for besides a free slot: the key by which it is woken, and the words."""
        load = self._load(index)
        found = [(f"group {one}", f"group {one}") for one in load.groups if self.held[one] > 0]
        if load.at_once is not None and self.bots[load.bot] >= load.at_once:
            found.append((f"bot {load.bot}", f"a free place of bot {load.bot}"))
        if self._id(index) and self.running[self._id(index)]:
            found.append((f"run {self._id(index)}", "the run before it"))
        return found

    def _rank(self, index: int) -> tuple[int, datetime, int]:
        """Who of those that wait goes first: the smallest."""
        if index >= 0:
            planned, at = self.arrivals[index]
            return -planned.schedule.priority, at.due, index
        one = self.already[-index - 1]
        return (-one.priority, one.queued, index) if isinstance(one, Waiting) else (0, one.ends, index)

    def _load(self, index: int) -> Load:
        if index >= 0:
            return self.loads.get(self._id(index), Load())
        one = self.already[-index - 1]
        return one.load if isinstance(one, Waiting) else Load(groups=one.groups, bot=one.bot)

    def _id(self, index: int) -> str:
        return self.arrivals[index][0].schedule.id if index >= 0 else self.already[-index - 1].schedule
