"""The fixtures of `runner.testing`. A test's bots run in its own process, so breakpoints and coverage work in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import pytest
from loguru import logger

from runner.core.settings import find_project
from runner.kit import web
from runner.kit.exchanges import read_recordings
from runner.kit.network_replay import Replay
from runner.kit.rehearsal import Rehearsal, Rehearsed
from runner.kit.rehearsal_queues import RehearsedQueues

ClockSetter: TypeAlias = Callable[[datetime | str], datetime]


@dataclass(frozen=True, slots=True)
class HarPortal:
    """A site as a network recording plays it. `url` is where the recording begins, as the live site was called."""

    replay: Replay

    @property
    def url(self) -> str:
        """The site's address: give it to the bot as it would get the live one."""
        return self.replay.exchanges.origin

    @property
    def missing(self) -> list[str]:
        """What was asked and is not in the recording, with what differs from the nearest request that is."""
        return self.replay.exchanges.missing


HarPortals: TypeAlias = Callable[[str | Path], HarPortal]


class BotRunner(Protocol):
    """Runs a bot of the project: its name, and its parameters by name as the form or the command line gives them."""

    def __call__(self, bot: str, /, **parameters: object) -> Rehearsed:
        """What came of it. Raises UsageError for an unknown bot, ErrorReport for parameters that do not fit."""


@pytest.fixture
def rehearsal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rehearsal]:
    """The stage on which this test's bots run; the other fixtures set it up. Its browser ends with the test."""
    with suppress(ValueError):
        logger.remove(0)  # loguru's own handler would print every line of the journal
    start = getattr(request, "path", None) or Path.cwd()
    yield Rehearsal(find_project(Path(start).parent), tmp_path / "runs")
    web.close()


@pytest.fixture
def run_bot(rehearsal: Rehearsal) -> BotRunner:
    """Run a bot: ``run_bot("post_orders", portal=portal.url, workbook="tests/orders.xlsx")``."""

    def run(bot: str, /, **parameters: object) -> Rehearsed:
        return rehearsal.run(bot, {name: _as_given(value) for name, value in parameters.items()})

    return run


@pytest.fixture
def portal_from_har(rehearsal: Rehearsal) -> Iterator[HarPortals]:
    """Have a network recording (.har, .har.zip, or a folder of them; paths in the project) answer in the place of all sites."""
    with ExitStack() as open_replays:

        def portal(path: str | Path) -> HarPortal:
            replay = open_replays.enter_context(Replay(read_recordings(rehearsal.project / path)))
            rehearsal.replay = replay
            return HarPortal(replay)

        yield portal
        rehearsal.replay = None


@pytest.fixture
def queue(rehearsal: Rehearsal) -> RehearsedQueues:
    """The work queues of this test: ``queue("orders").put("A-1", {…})`` before a run, ``queue("orders")["A-1"].status`` after it."""
    return rehearsal.queues


@pytest.fixture
def bot_secrets(rehearsal: Rehearsal) -> dict[str, str]:
    """The secrets that bots may ask for in this test, by name. Not the real ones: at least six characters each."""
    return rehearsal.secrets


@pytest.fixture
def fixed_clock(rehearsal: Rehearsal) -> ClockSetter:
    """Set the time that `date.today()`, `datetime.now()` of bots and the clock of pages say: ``fixed_clock("2026-11-24T09:00:00Z")``."""

    def stand_still(at: datetime | str) -> datetime:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        rehearsal.clock = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return rehearsal.clock

    return stand_still


def _as_given(value: object) -> Any:
    return str(value) if isinstance(value, Path) else value
