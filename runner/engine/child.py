"""The worker's hand on one child process: its start, its channel, its console, its end."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

import psutil

from runner.core.contract import RUN_MARKER, FoundError
from runner.core.errors import RunFailed
from runner.core.store_address import CREDENTIALS
from runner.core.vault import KEY_VARIABLE
from runner.engine import tree
from runner.engine.scratch import make_scratch, remove_scratch, variables
from runner.journal import Redactor

MODULE: Final = "runner.kit.child"  # started by name: the worker never imports the kit
_NOT_FOR_BOTS: Final = frozenset({KEY_VARIABLE, *CREDENTIALS})  # keys of the vault and of the store
_CONSOLE_LINE: Final = 65_536  # bytes of a line that are taken at once
_PIECES: Final = 64  # of a line without an end, before some of it is written


def worker_name(environment: Mapping[str, str]) -> str:
    """The name of this process as a worker: host, process id and start, so that another can tell that it is dead."""
    host = os.uname().nodename if hasattr(os, "uname") else environment.get("COMPUTERNAME", "windows")
    return f"{host}:{os.getpid()}:{psutil.Process().create_time():.2f}"


class Child:
    """One process of the kit. It asks, we answer: `ask` gives its next request, `answer` replies to it.

    It has a temporary folder of its own, which is removed by `end`.
    What the bot prints is kept until `console_to` says where it goes (the run folder is not known to a standby child).
    """

    def __init__(self, project: Path, marker: str, environment: Mapping[str, str]) -> None:
        # Ended by a slash, so that the marker of child 1 is not the beginning of that of child 12.
        self.marker = f"{marker}/"
        self._requests: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._request_id = 0
        self._console = _Console()
        self._scratch = make_scratch(self.marker)
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=project,
            env={
                **{name: value for name, value in environment.items() if name not in _NOT_FOR_BOTS},
                **variables(self._scratch),
                RUN_MARKER: self.marker,
                "PYTHONUNBUFFERED": "1",
            },
            **tree.group_options(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin, self._stdout, self._stderr = (
            self._process.stdin,
            self._process.stdout,
            self._process.stderr,
        )
        self._threads = [
            threading.Thread(target=self._read_requests, name=f"channel of {self.pid}", daemon=True),
            threading.Thread(
                target=self._console.follow, args=(self._stderr,), name=f"console of {self.pid}", daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def ask(self, limit: float | None = None) -> dict[str, Any] | None:
        """The child's next request, or None when its channel has closed.

        Raises TimeoutError when nothing comes within `limit` seconds.
        """
        try:
            request = self._requests.get(timeout=limit)
        except Empty:
            raise TimeoutError(f"no word from the child within {limit} s") from None
        if request is not None:
            self._request_id = request["id"]
        return request

    def answer(self, value: Mapping[str, Any]) -> None:
        """Reply to the last request. A child that died meanwhile is noticed by its closed channel, not here."""
        self._send({"id": self._request_id, "ok": dict(value)})

    def refuse(self, error: FoundError) -> None:
        """Reply to the last request with an error."""
        self._send({"id": self._request_id, "error": error.model_dump()})

    def console_to(self, path: Path, redactor: Redactor) -> None:
        """Write what the bot has printed and will print to `path`, without what `redactor` masks."""
        self._console.attach(path, redactor)

    def console_tail(self) -> str:
        """The last lines that the child printed, for the error of a child that died without a word."""
        return self._console.tail()

    def wait(self, limit: float) -> int | None:
        """The exit code (negative: the signal that killed it), or None when it still runs after `limit` seconds."""
        try:
            return self._process.wait(limit)
        except subprocess.TimeoutExpired:
            return None

    def end_processes(self, grace: float = tree.GRACE) -> int:
        """End the whole process tree; who follows the channel sees it closed. Returns how many processes there were."""
        return tree.end_tree(self.pid, self.marker, grace)

    def end(self, grace: float = tree.GRACE) -> int | None:
        """End the whole process tree and close the channel; returns the child's exit code."""
        self.end_processes(grace)
        code = self.wait(5)
        for thread in self._threads:  # what the tree said last has been read when nothing of it is left
            thread.join(5)
        self._stdin_close()
        self._console.close()
        for pipe in (self._stdout, self._stderr):
            pipe.close()
        remove_scratch(self._scratch)
        return code

    def _stdin_close(self) -> None:
        with contextlib.suppress(OSError):  # unsent bytes to a dead child
            self._stdin.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(ValueError, OSError):  # the reader sees the closed channel and says so
            self._stdin.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
            self._stdin.flush()

    def _read_requests(self) -> None:
        for line in self._stdout:
            try:
                request = json.loads(line)
                known = isinstance(request, dict) and isinstance(request.get("op"), str)
            except ValueError:
                known = False
            if not known:
                break  # not our protocol: something else got hold of the channel
            self._requests.put(request)
        self._requests.put(None)


class _Console:
    """Takes what a child prints: kept in memory until a file is named, and the last lines for ever.

    A line is written when no secret can begin in it and go on in lines to come; that is at once, unless a secret of
    several lines is registered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._last: list[bytes] = []
        self._file: int | None = None
        self._redactor = Redactor()

    def follow(self, pipe: Any) -> None:
        while line := pipe.readline(_CONSOLE_LINE):
            with self._lock:
                self._last = [*self._last[-19:], line]
                self._held.append(line)
                if self._file is None:
                    self._held = self._held[-200:]
                else:
                    self._write_out(self._redactor.line_feeds)

    def attach(self, path: Path, redactor: Redactor) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._redactor = redactor
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._write_out(redactor.line_feeds)

    def tail(self) -> str:
        with self._lock:
            return self._redactor.raw(b"".join(self._last)).decode("utf-8", "replace").strip()

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._write_out(0, at_end=True)
                os.close(self._file)
                self._file = None

    def _write_out(self, kept: int, *, at_end: bool = False) -> None:
        """Write the lines that are held, but for the last `kept` ones and those that a secret binds to them."""
        lines = self._held
        if not at_end and lines and not lines[-1].endswith(b"\n") and len(lines) < _PIECES:
            return  # a piece of a very long line: a secret may go on in the next one
        clean = self._redactor.raw
        whole = clean(b"".join(lines))
        for border in range(len(lines) - kept, 0, -1):
            first, rest = clean(b"".join(lines[:border])), clean(b"".join(lines[border:]))
            if first + rest == whole:
                self._held = lines[border:]
                self._write(first)
                return

    def _write(self, data: bytes) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what a bot merely prints must not stop it on a full disk
                os.write(self._file, data)


def died(child: Child, during: str) -> RunFailed:
    """The error for a child that ended without a word while it was `during` something."""
    return RunFailed(
        f"the bot's process ended without a result while {during}",
        expected=child.console_tail()[-500:],
        hint="see console.log of the run",
        code="BOT_DIED",
    )
