"""Triggers that no clock knows: a file, waiting items, another schedule; what they say, and chains that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runner.core.clock import duration_text
from runner.core.errors import ConfigurationError, did_you_mean
from runner.core.nouns import RunStatus
from runner.core.schedules_events import Ending
from runner.core.schedules_model import Schedule


@dataclass(frozen=True, slots=True)
class OnEvent:
    """A trigger without due times of its own: the engine sees when it happens."""

    schedule: Schedule

    def next_after(self, instant: datetime) -> datetime | None:
        """Return None: nobody knows when."""
        del instant
        return None

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield nothing."""
        del start, end
        yield from ()


_ENDS: Final[Mapping[RunStatus, Ending]] = {
    RunStatus.DONE: Ending.SUCCEEDED,
    RunStatus.EXCEPTIONS: Ending.EXCEPTIONS,
    RunStatus.FAILED: Ending.FAILED,
    RunStatus.LOST: Ending.FAILED,
}


def follows(status: RunStatus, wanted: Sequence[Ending]) -> bool:
    """Whether a run that ended so starts a schedule that waits for one of `wanted`; a cancelled one starts only `ended`."""
    return status.is_final and (Ending.ENDED in wanted or _ENDS.get(status) in wanted)


def check_chains(schedules: Sequence[Schedule]) -> Iterator[tuple[int, ConfigurationError]]:
    """Yield, with its index, each `after` that names no schedule or that waits for itself in the end."""
    before = {one.id: one.after.schedule for one in schedules if one.after is not None}
    known = {one.id for one in schedules}
    for index, one in enumerate(schedules):
        if one.after is None:
            continue
        if one.after.schedule not in known:
            yield (
                index,
                ConfigurationError(
                    f"waits for an unknown schedule '{one.after.schedule}'",
                    expected="the id of another schedule of this file",
                    hint=did_you_mean(one.after.schedule, known) or "see: runner schedules list",
                    code="SCHED_AFTER",
                ),
            )
            continue
        chain = [one.id]
        while chain[-1] in before and before[chain[-1]] not in chain:
            chain.append(before[chain[-1]])
        if before.get(chain[-1]) == one.id:
            shown = " after ".join([*chain, one.id])
            yield (
                index,
                ConfigurationError(
                    f"waits for itself: {shown}",
                    expected="a chain of schedules with a beginning",
                    hint="give one of them a time",
                    code="SCHED_CYCLE",
                ),
            )


def describe_event(schedule: Schedule, language: str = "en") -> str:
    """Say what a schedule waits for, in ``en`` or ``zh``."""
    chinese = language.lower().startswith("zh")
    if schedule.file is not None:
        return f"文件 {schedule.file.glob} 到达时" if chinese else f"when a file {schedule.file.glob} arrives"
    if schedule.queue is not None:
        return _queue_words(schedule, chinese=chinese)
    if schedule.manual:
        return "仅手动或通过触发链接" if chinese else "only by hand or by its trigger URL"
    if schedule.after is None:
        return ""
    ends = schedule.after.when
    if chinese:
        said = "或".join(_ZH[end] for end in ends)
        return f"{schedule.after.schedule} {said}后"
    return f"after {schedule.after.schedule} {' or '.join(_EN[end] for end in ends)}"


_EN: Final = {
    Ending.SUCCEEDED: "succeeded",
    Ending.EXCEPTIONS: "ended with exceptions",
    Ending.FAILED: "failed",
    Ending.ENDED: "ended",
}
_ZH: Final = {
    Ending.SUCCEEDED: "成功",
    Ending.EXCEPTIONS: "有异常结束",
    Ending.FAILED: "失败",
    Ending.ENDED: "结束",
}


def _queue_words(schedule: Schedule, *, chinese: bool) -> str:
    waits = schedule.queue
    if waits is None:
        return ""
    parts = []
    if waits.pending is not None:
        parts.append(f"有 {waits.pending} 条待处理" if chinese else f"{waits.pending} items wait")
    if waits.oldest is not None:
        length = duration_text(waits.oldest)
        parts.append(f"最早一条已等待 {length}" if chinese else f"the oldest one waits {length}")
    if chinese:
        return f"队列 {waits.name} {'或'.join(parts)}时"
    return f"when in queue {waits.name} {' or '.join(parts)}"
