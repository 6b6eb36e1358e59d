"""A worker for tests of the kit: starts the real child process and plays the other end of the channel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runner.core.contract import (
    JOURNAL_FILE,
    ORDER_FILE,
    RUN_MARKER,
    ItemOrder,
    ItemRetry,
    Order,
    lane_folder,
)
from runner.core.ids import uuid7
from runner.journal import Line, read_journal

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


class Child:
    """A child process and the two pipes to it; as a context manager it is gone at the end, whatever happened."""

    def __init__(self, console: Path, marker: str = "") -> None:
        self._console = console.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runner.kit.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._console,
            env={**os.environ, RUN_MARKER: marker},
            start_new_session=True,
        )

    def read(self) -> dict[str, Any] | None:
        """The child's next line, or None at its end."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def answer(self, request: Mapping[str, Any], **answer: Any) -> None:
        """Answer a request."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": request["id"], **answer}).encode() + b"\n")
        self.process.stdin.flush()

    def ask_for(self, work: dict[str, Any]) -> dict[str, Any]:
        """Answer `ready` with `work` and return what the child says then."""
        ready = self.read()
        assert ready is not None
        assert ready["op"] == "ready"
        self.answer(ready, ok=work)
        said = self.read()
        assert said is not None, f"the child ended with {self.process.wait(30)}"
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self.process.poll() is None:
            self.process.kill()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            code = self.process.wait(30)
        finally:
            self.process.kill()
            self.process.stdin.close()
            self.process.stdout.close()
            self._console.close()
        self.code = code


class Project:
    """A project folder with one bot file in it, and what can be asked of a child about it."""

    def __init__(self, folder: Path, source: str = "", file: str = "bots/x.py") -> None:
        self.folder = folder
        self.file = file
        self.write(source)

    def write(self, source: str, file: str | None = None) -> None:
        """Write a bot file with the usual imports left to the source."""
        path = self.folder / (file or self.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")

    def child(self, marker: str = "") -> Child:
        """A child process; its console goes to a file of the project."""
        return Child(self.folder / "console.log", marker)

    def ask(self, what: str, **fields: Any) -> dict[str, Any]:
        """What a child says to `describe`, `validate` or `load` of the bot file; it has ended then."""
        with self.child() as child:
            said = child.ask_for({what: {"project": str(self.folder), "file": self.file, **fields}})
            if said["op"] == "loaded":
                child.answer(said, ok={"end": {}})
        return said

    def run(
        self,
        bot: str,
        *,
        parameters: dict[str, Any] | None = None,
        items: list[ItemOrder] | None = None,
        lane: int = 1,
        secrets: Mapping[str, str] | None = None,
        hosts: Sequence[str] | None = None,
        also: Mapping[str, Answer] | None = None,
        queue_ends: str = "empty",
        item_retry: ItemRetry | None = None,
        viewing: Mapping[str, Any] | None = None,
    ) -> Finished:
        """Run a bot in a child with this test as its worker; rows that it puts become items, like a store would. Secrets are for `hosts`."""
        order = self.order(bot, parameters or {}).model_copy(
            update={"item_retry": item_retry, **(viewing or {})}
        )
        waiting = deque(items or [])
        folder = self.folder / "run"
        folder.mkdir(exist_ok=True)
        (folder / ORDER_FILE).write_text(order.model_dump_json(), encoding="utf-8")
        journal = folder / lane_folder(lane) / JOURNAL_FILE
        asked: list[dict[str, Any]] = []

        def put(request: dict[str, Any]) -> dict[str, Any]:
            put_lines = [line for line in read_journal(journal).lines if line.event == "items.put"]
            new = [row for line in put_lines for row in line.data["items"]]
            bad = [row for line in put_lines for row in line.data["bad"]]
            waiting.extend(
                ItemOrder(queue=request["queue"], key=r["key"], data=r["data"], attempt=1, source=r["source"])
                for r in new
            )
            return {"new": len(new), "known": 0, "bad": len(bad)}

        def following(_: dict[str, Any]) -> dict[str, Any]:
            if waiting:
                return {"item": waiting.popleft().model_dump(mode="json")}
            return {"item": None, "reason": queue_ends}

        answers: dict[str, Answer] = {
            "put": put,
            "next": following,
            "secret": lambda request: {"value": (secrets or {})[request["name"]], "hosts": hosts},
            "progress": lambda _: {"stop": False, "lease_left": 120.0},
            "finished": lambda _: {},
            **(also or {}),
        }
        with self.child(order.run) as child:
            work = {
                "project": str(self.folder),
                "file": self.file,
                "bot": bot,
                "parameters": parameters or {},
            }
            said: dict[str, Any] | None = child.ask_for({"load": work})
            assert said is not None
            assert said["op"] == "loaded", said
            child.answer(said, ok={"begin": {"folder": str(folder), "lane": lane}})
            while (said := child.read()) is not None:
                asked.append(said)
                answer = answers[said["op"]](said)
                if answer is not None:
                    child.answer(said, ok=answer)
        return Finished(folder, journal, child.code, asked, self.folder / "console.log")

    def order(self, bot: str, parameters: dict[str, Any]) -> Order:
        """An order for a run of the bot file."""
        now = datetime.now(UTC)
        return Order(
            run=uuid7(now),
            bot=bot,
            bot_file=self.file,
            project=str(self.folder),
            parameters=parameters,
            queued=now,
        )


class Finished:
    """A run that has ended: its exit code, what it asked, its journal."""

    def __init__(
        self, folder: Path, journal: Path, code: int, asked: list[dict[str, Any]], console: Path
    ) -> None:
        self.folder = folder
        self.journal = journal
        self.code = code
        self.asked = asked
        self._console = console

    @property
    def console(self) -> str:
        """What the bot printed."""
        return self._console.read_text(encoding="utf-8")

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines of the journal; it must be whole."""
        reading = read_journal(self.journal)
        assert reading.fault is None, reading.fault
        return reading.lines

    def events(self, *names: str) -> list[Line]:
        """The lines of these events, or all of them."""
        return [line for line in self.lines if not names or line.event in names]

    @property
    def story(self) -> list[str]:
        """The journal in short: event, and what distinguishes it."""
        return [_short(line) for line in self.lines]


def _short(line: Line) -> str:
    told = [line.event, line.step or "", str(line.data.get("status") or line.data.get("how") or "")]
    return " ".join(part for part in told if part)
