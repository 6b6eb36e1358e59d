"""What a lane's journal says so far: the attempt that is open, the last step, the lane's own verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from runner.core.nouns import AttemptStatus, FailureKind
from runner.journal import Line


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt that began and has no recorded end. `intent` names an irreversible step without an outcome."""

    queue: str
    item: str
    number: int
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that must end by a certain time: a step or an attempt, by the limit that the bot declared."""

    what: str
    seconds: float
    until: datetime


@dataclass(slots=True)
class Trail:
    """Follows the lines of one lane. `failures` are the items that failed for good, one after the other, up to now."""

    attempt: OpenAttempt | None = None
    waits: OpenAttempt | None = None  # the attempt that was announced, between two tries
    last_step: str = ""
    status: str | None = None
    error: Mapping[str, Any] | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    unbalanced: list[Mapping[str, Any]] = field(default_factory=list)
    limits: dict[int, Limit] = field(default_factory=dict)  # by the line that set them, outermost first
    attempt_seq: int = 0

    def follow(self, lines: Iterable[Line]) -> list[Line]:
        """Take `lines` in; returns those that end an item for this run (done, or failed without another try)."""
        ends = []
        for line in lines:
            self._one(line)
            if line.event == "attempt.finished" and not line.data.get("will_retry"):
                ends.append(line)
        return ends

    def overdue(self, at: datetime) -> Limit | None:
        """What should have ended by now and has not: the innermost one. May be asked while another thread follows lines."""
        limits = tuple(
            self.limits.values()
        )  # taken at once: a dict that grows while it is looked through raises
        return next((limit for limit in reversed(limits) if limit.until < at), None)

    def _one(self, line: Line) -> None:
        if line.event in {"attempt.started", "step.started"} and line.data.get("limit"):
            seconds = float(line.data["limit"])
            what = f"step {line.step}" if line.event == "step.started" else f"item {line.item}"
            self.limits[line.seq] = Limit(what, seconds, line.time + timedelta(seconds=seconds))
        match line.event:
            case "attempt.started":
                self.attempt = OpenAttempt(line.queue or "", line.item or "", line.attempt or 0)
                self.waits = None
                self.attempt_seq = line.seq
            case "attempt.finished":
                follows = OpenAttempt(line.queue or "", line.item or "", (line.attempt or 0) + 1)
                self.attempt, self.waits = None, follows if line.data.get("will_retry") else None
                self.limits = {seq: limit for seq, limit in self.limits.items() if seq < self.attempt_seq}
            case "step.finished":
                self.limits.pop(int(line.data.get("started") or 0), None)
            case "irreversible.intent" if self.attempt:
                self.attempt = OpenAttempt(
                    self.attempt.queue, self.attempt.item, self.attempt.number, line.step
                )
            case "irreversible.outcome" if self.attempt:
                self.attempt = OpenAttempt(self.attempt.queue, self.attempt.item, self.attempt.number)
            case "step.started":
                self.last_step = line.step or ""
            case "balance" if not line.data.get("ok"):
                self.unbalanced.append(line.data)
            case "run.finished":
                self.status = str(line.data.get("status"))
                self.error = line.error
                self.outputs = dict(line.data.get("outputs") or {})


def is_target_failure(line: Line) -> bool:
    """Whether this end of an attempt speaks of the target system, not of the item: what `stop_after` counts."""
    failed = line.data.get("status") == AttemptStatus.FAILED
    return failed and (line.error or {}).get("kind") == FailureKind.APPLICATION
