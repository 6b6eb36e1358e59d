"""What this process is doing now: the run it serves, and the item and step that the present call lies in."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import JsonValue

from runner.core.contract import EVIDENCE_FOLDER, Order, lane_folder
from runner.core.errors import RunFailed
from runner.journal.write import Journal
from runner.kit.channel import Asks
from runner.kit.network import Recording
from runner.kit.uses import Uses

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext  # heavy: bots without web pages start without it


class Here(NamedTuple):
    """Where in the run the present call lies; what is None does not apply."""

    queue: str | None = None
    item: str | None = None
    attempt: int | None = None
    step: str | None = None
    parent: int | None = None
    retried_by: str | None = None  # the step whose own Retry would repeat what is done here


@dataclass(slots=True)
class Running:
    """The run that this process serves, in one of its lanes. `folder` is the run folder; journal paths are relative to it."""

    order: Order
    lane: int
    folder: Path
    journal: Journal
    channel: Asks
    secrets: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    outputs: dict[str, JsonValue] = field(default_factory=dict)
    puts: dict[str, int] = field(default_factory=dict)
    contexts: list[BrowserContext] = field(default_factory=list)
    failed_step: tuple[BaseException, str] | None = None
    results: str = "copy"  # or in place
    record_network: str = "retry"  # never, retry or always
    recordings: dict[BrowserContext, Recording] = field(default_factory=dict)
    proxy: str = ""  # a replay that answers in the place of the network
    clock: datetime | None = None  # the time at which the clock of pages stands still
    uses: Uses = field(default_factory=Uses)
    place: Here = field(default_factory=Here)  # of what happens now, in whichever thread
    sites: tuple[str, ...] | None = (
        None  # where pages may go, as of the secrets that were handed out; None: anywhere
    )

    @property
    def evidence(self) -> Path:
        """The folder for this lane's evidence; it may not be there yet."""
        return self.folder / lane_folder(self.lane) / EVIDENCE_FOLDER

    def relative(self, path: Path) -> str:
        """A path as the journal names it."""
        return path.relative_to(self.folder).as_posix()

    def named_place(self) -> dict[str, Any]:
        """The fields of a journal line that say where it is written."""
        fields = self.place._asdict()
        del fields["retried_by"]
        return fields

    def step_of(self, error: BaseException) -> str | None:
        """The innermost step that `error` came out of."""
        return self.failed_step[1] if self.failed_step and self.failed_step[0] is error else None


acting: ContextVar[str | None] = ContextVar("acting", default=None)
"""The irreversible step whose act is being done right now."""
here: ContextVar[Here] = ContextVar("here", default=Here())  # noqa: B039 - it is frozen
_running: list[Running] = []


def begin(run: Running) -> None:
    """Make `run` the run of this process."""
    _running[:] = [run]
    run.journal.context = run.named_place


def end() -> None:
    """There is no run any more."""
    _running.clear()


def running(asked_by: str) -> Running:
    """The run of this process. Raises RunFailed naming what `asked_by` when there is none."""
    if not _running:
        raise RunFailed(
            f"{asked_by} was used outside a run",
            expected="code that runs inside a bot",
            hint="start it with 'runner run BOT'",
            code="NO_RUN",
        )
    return _running[0]


def running_or_none() -> Running | None:
    """The run of this process, if it serves one."""
    return _running[0] if _running else None


def step_into(place: Here) -> Here:
    """Go to `place` (plain log lines carry it from now on) and return the place to go back to."""
    before = here.get()
    here.set(place)
    if _running:
        _running[0].place = place
    return before
