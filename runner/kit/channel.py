"""The child's end of the channel to its worker: JSON lines, one question at a time.

A question is ``{"id": 7, "op": "next", "queue": "orders"}`` (its fields beside `op`), its answer ``{"id": 7, "ok": {…}}`` or
``{"id": 7, "error": {FoundError}}``. `described`, `validated` and `refused` get no answer: the child ends after them.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, Self

import orjson

from runner.core.contract import FoundError
from runner.core.errors import RunFailed


class Asks(Protocol):
    """Who answers a bot's questions: a worker at the other end of a channel, or a rehearsal in the same process."""

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer. Raises RunFailed with the other side's error."""


class Channel:
    """Questions to the worker and its answers.

    A thread of its own reads the answers, so that the end of the worker (end of file) is noticed whatever the bot is
    doing: `on_end` is called then, in that thread, and should end the process.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO, on_end: Callable[[], object]) -> None:
        self._reader = reader
        self._writer = writer
        self._on_end = on_end
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._one_at_a_time = threading.RLock()
        self._asked = 0
        threading.Thread(target=self._read, name="channel", daemon=True).start()

    @classmethod
    def over_standard_streams(cls, on_end: Callable[[], object]) -> Self:
        """Take standard input and output for the channel, and leave the bot an empty input and the console as output.

        Neither end is inherited by processes that the bot starts.
        """
        reader = os.fdopen(os.dup(0), "rb")
        writer = os.fdopen(os.dup(1), "wb", buffering=0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(reader, writer, on_end)

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer, however long it takes. Raises RunFailed with the worker's error."""
        with self._one_at_a_time:
            self.tell(op, **fields)
            answer = self.answer()
            assert answer is not None
            return answer

    def tell(self, op: str, **fields: Any) -> None:
        """Send one line and go on; where an answer comes, `answer` takes it."""
        with self._one_at_a_time:
            self._asked += 1
            line = orjson.dumps({"id": self._asked, "op": op, **fields}, default=str) + b"\n"
            done = 0
            try:
                while done < len(line):
                    done += self._writer.write(line[done:])
            except OSError:
                self._on_end()
                raise

    def answer(self, within: float | None = None) -> dict[str, Any] | None:
        """The answer to the last question, or None when it has not come `within` seconds."""
        try:
            answer = self._answers.get(timeout=within)
        except queue.Empty:
            return None
        if "error" in answer:
            error = FoundError.model_validate(answer["error"])
            raise RunFailed(
                error.what, expected=error.expected, hint=error.hint, where=error.where, code=error.code
            )
        ok: dict[str, Any] = answer["ok"]
        return ok

    def _read(self) -> None:
        try:
            for line in self._reader:
                answer = json.loads(line)
                if answer.get("id") == self._asked:
                    self._answers.put(answer)
        except (OSError, ValueError):
            pass  # a broken channel is an ended one
        self._on_end()
