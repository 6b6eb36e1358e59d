"""Runs a bot in this process, with work queues in memory: for tests of bots, and for looking at a failure again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from runner.core.clock import now
from runner.core.contract import JOURNAL_FILE, ItemRetry, NoItem, Order, Viewing, lane_folder
from runner.core.errors import EnvironmentProblem, RunFailed, UsageError, did_you_mean
from runner.core.hosts import ANY
from runner.core.ids import uuid7
from runner.core.nouns import FailureKind, ItemStatus, RunStatus
from runner.journal import Line, read_journal
from runner.journal.write import Journal
from runner.kit import current, describe
from runner.kit.fixed_clock import fixed_clock
from runner.kit.network_replay import Replay
from runner.kit.rehearsal_queues import RehearsedItem, RehearsedQueues
from runner.kit.serving import serve

LANE: Final = 1
_LEASE: Final = 86_400.0
_NEVER_TOO_OLD: Final = "9000-01-01T00:00:00.000000Z"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a rehearsal: the run's status and error, what it brought out, its items by key, its journal.

    `missing` are the requests that the network recording had no answer to.
    """

    status: RunStatus
    error: Mapping[str, Any] | None
    outputs: Mapping[str, Any]
    items: Mapping[str, RehearsedItem]
    lines: tuple[Line, ...]
    folder: Path
    missing: tuple[str, ...] = ()

    def output(self, name: str) -> Path:
        """A file that the run brought out."""
        return self.folder / str(self.outputs[name])


@dataclass(slots=True)
class Rehearsal:
    """A stage for bots of `project`; runs leave their folders in `folder`. Items, secrets and sign-ins last over several runs.

    `replay` answers in the place of the network; `clock` stands still for the bot's own code and its pages.
    """

    project: Path
    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    sign_ins: dict[str, Any] = field(default_factory=dict)
    queues: RehearsedQueues = field(default_factory=RehearsedQueues)
    replay: Replay | None = None
    clock: datetime | None = None
    browser: Path | None = None
    headed: bool = False
    item_retry: ItemRetry | None = None
    viewing: Viewing = field(default_factory=Viewing)
    on_pause: Callable[[str], bool] = lambda _: True

    def run(
        self, bot: str, parameters: Mapping[str, Any] | None = None, *, file: str | None = None
    ) -> Rehearsed:
        """Run the bot of this name, which is in `file` or in a file of bots/, to its end.

        Raises UsageError (CLI_BOT) for an unknown bot, ErrorReport for parameters that do not fit, and what loading the
        file raises. What goes wrong in the bot itself is the outcome.
        """
        before = Path.cwd()
        os.chdir(self.project)
        try:
            loaded = describe.load(self.project, file or self._file_of(bot), again=False)
            spec = loaded.bot(bot)
            valid = spec.validate(parameters or {})
            order = Order(
                run=uuid7(now()), bot=bot, bot_file=loaded.file, project=str(self.project), queued=now(),
                parameters=valid.model_dump(mode="json", by_alias=True), headed=self.headed, item_retry=self.item_retry,
                browser=str(self.browser) if self.browser else None, **self.viewing.model_dump(),
            )  # fmt: skip
            return self._run(order, loaded, spec.stop_after)
        finally:
            os.chdir(before)

    def _run(self, order: Order, loaded: describe.BotFile, stop_after: int | None) -> Rehearsed:
        spec = loaded.bot(order.bot)
        folder = self.folder / order.run
        path = folder / lane_folder(LANE) / JOURNAL_FILE
        self.queues.begin_run()
        with contextlib.ExitStack() as stack:
            journal = stack.enter_context(
                Journal(path, run=order.run, lane=LANE, bot=order.bot, takes_logs=True)
            )
            answers = _Answers(self, path, stop_after)
            live = current.Running(order, LANE, folder, journal, answers, spec.secrets, spec.accounts)
            live.record_network = order.record_network or spec.record_network
            live.proxy, live.clock = self.replay.url if self.replay else "", self.clock
            current.begin(live)
            stack.callback(current.end)
            stack.enter_context(fixed_clock(self.project, self.clock))
            done = serve(live, loaded, spec)
        answers.take_in()
        lines = read_journal(path).lines
        items = {item.key: item for item in self.queues.touched.values()}
        balanced = all(line.data["ok"] for line in lines if line.event == "balance")
        bad = any(item.status is ItemStatus.EXCEPTION for item in items.values())
        status = RunStatus.EXCEPTIONS if bad else RunStatus.DONE
        if not done or not balanced or answers.down:
            status = RunStatus.FAILED
        missing = tuple(self.replay.exchanges.missing) if self.replay else ()
        last = lines[-1]
        return Rehearsed(status, last.error, last.data["outputs"], items, lines, folder, missing)

    def _file_of(self, bot: str) -> str:
        files = sorted(path for path in (self.project / "bots").glob("*.py") if not path.name.startswith("_"))
        found = next((path for path in files if f"def {bot}(" in path.read_text("utf-8")), None)
        if found is not None:
            return found.relative_to(self.project).as_posix()
        recorded = self.project / "recordings" / f"{bot}.yaml"
        if recorded.is_file():
            return recorded.relative_to(self.project).as_posix()
        raise UsageError(
            f"there is no bot '{bot}' in {self.project / 'bots'}",
            expected=did_you_mean(bot, [path.stem for path in files]) or "the name of a function marked @bot",
            code="CLI_BOT",
        )


class _Answers:
    """The worker's part, in the same process."""

    def __init__(self, rehearsal: Rehearsal, journal: Path, stop_after: int | None) -> None:
        self.down = False
        self._stage = rehearsal
        self._journal = journal
        self._stop_after = stop_after
        self._offset, self._seq = 0, 0
        self._failed: list[RehearsedItem] = []

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Answer a question of the bot."""
        known: dict[str, Callable[[], dict[str, Any]]] = {
            "put": lambda: dict(self.take_in()),
            "next": lambda: self._next(fields["queue"]),
            "results": lambda: {"items": self._results(fields["queue"], fields["keys"])},
            "secret": lambda: {"value": self._secret(fields["name"]), "hosts": [ANY]},
            "signed_in": lambda: {
                "state": self._stage.sign_ins.get(fields["account"]),
                "saved": _NEVER_TOO_OLD,
            },
            "sign_in": lambda: self._stage.sign_ins.update({fields["account"]: fields["state"]}) or {},
            "pause": lambda: {"go": self._stage.on_pause(fields["message"])},
            "progress": lambda: {"stop": False, "lease_left": _LEASE},
        }
        if op not in known:
            raise RunFailed(f"unknown request '{op}'", code="CHANNEL")
        return known[op]()

    def take_in(self) -> dict[str, int]:
        """Take in what the bot has written; counts of the rows that it has put."""
        reading = read_journal(self._journal, self._offset, self._seq)
        counts = self._stage.queues.take_in(reading.lines)
        for line in reading.lines:
            if line.event == "attempt.finished" and not line.data["will_retry"]:
                self._judge(line)
        if reading.lines:
            self._offset, self._seq = reading.end, reading.lines[-1].seq
        return counts

    def _judge(self, line: Line) -> None:
        item = self._stage.queues(line.queue or "").items.get(line.item or "")
        if item is not None and (line.error or {}).get("kind") == FailureKind.APPLICATION:
            self._failed.append(item)
        elif line.data["status"] == "done":
            self._failed.clear()

    def _next(self, queue: str) -> dict[str, Any]:
        self.take_in()
        if self._stop_after is not None and len(self._failed) >= self._stop_after:
            self.down = True
            for item in self._failed:
                item.status = ItemStatus.PENDING
            return {"item": None, "reason": NoItem.TARGET_DOWN}
        following = self._stage.queues.next(queue)
        if following is None:
            return {"item": None, "reason": NoItem.EMPTY}
        return {"item": following.order().model_dump(mode="json")}

    def _results(self, queue: str, keys: list[str]) -> dict[str, Any]:
        self.take_in()
        items = self._stage.queues(queue).items
        return {key: _result(items[key]) for key in keys if key in items}

    def _secret(self, name: str) -> str:
        if name not in self._stage.secrets:
            raise EnvironmentProblem(
                f"there is no secret '{name}' in this rehearsal",
                expected=did_you_mean(name, self._stage.secrets) or "a value for it",
                code="SECRET_MISSING",
            )
        return self._stage.secrets[name]


def _result(item: RehearsedItem) -> dict[str, Any]:
    message = str((item.error or {}).get("message") or "")
    return {"status": item.status, "message": message, "output": item.output}
