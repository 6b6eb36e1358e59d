"""Process trees: starting a child as the head of its own group, and making sure that nothing of it is left.

Playwright's driver puts the browser into a group of its own, so a tree is found three ways: by parents (psutil), by the
marker that every process of it inherited in its environment, and by its temporary folder, which a browser's parts name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psutil

from runner.core.contract import RUN_MARKER
from runner.engine.scratch import scratch_of

GRACE: Final = 5.0  # seconds between the request to end and the kill


def group_options() -> dict[str, Any]:
    """The `Popen` arguments that make a child the head of its own process group."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def marked(prefix: str) -> list[psutil.Process]:
    """The processes that belong to a marker which starts with `prefix`, this one left out.

    They carry it in their environment; or, as parts of a browser that overwrite theirs with a title, they name the
    temporary folder of their tree on their command line.
    """
    folders = [str(folder) for folder in scratch_of(prefix)] if prefix else []
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            if pid != os.getpid() and _belongs(pid, prefix, folders):
                found.append(psutil.Process(pid))
    return found


if sys.platform == "linux":  # as psutil would, but without taking each environment apart: five times as fast

    def _belongs(pid: int, prefix: str, folders: Sequence[str]) -> bool:
        if f"\0{RUN_MARKER}={prefix}".encode() in b"\0" + _said_of(pid, "environ"):
            return True
        line = _said_of(pid, "cmdline") if folders else b""
        return any(os.fsencode(folder) in line for folder in folders)

    def _said_of(pid: int, what: str) -> bytes:
        with open(f"/proc/{pid}/{what}", "rb", buffering=0) as file:  # noqa: PTH123 (some hundred times in a row)
            return file.readall()

else:

    def _belongs(pid: int, prefix: str, folders: Sequence[str]) -> bool:
        process = psutil.Process(pid)
        if process.environ().get(RUN_MARKER, "").startswith(prefix):
            return True
        words = process.cmdline() if folders else []
        return any(folder in word for word in words for folder in folders)


def marker_of(pid: int) -> str:
    """The marker of one process; empty when it carries none, or has gone."""
    with contextlib.suppress(psutil.Error, OSError):
        return psutil.Process(pid).environ().get(RUN_MARKER, "")
    return ""


def markers() -> dict[int, str]:
    """The marker of every process that carries one, by process id, this one left out."""
    found = {}
    for process in marked(""):
        with contextlib.suppress(psutil.Error, OSError):  # it has ended in between
            mark = process.environ().get(RUN_MARKER)
            if mark:
                found[process.pid] = mark
    return found


def end_tree(pid: int, marker: str, grace: float = GRACE) -> int:
    """End the process `pid`, everything below it and everything that carries `marker`; returns how many there were.

    Asks first (TERM), waits up to `grace` seconds, then stops and kills all that is left, and looks again until nothing
    is found: a tree that forks faster than it is killed is frozen first.
    """
    processes = _tree(pid, marker)
    ended = len(processes)
    if processes and grace > 0:
        _each(processes, lambda process: process.send_signal(signal.SIGTERM))
        processes = _still_there(processes, grace)
    for _ in range(50):
        # What was seen once stays in view: a stopped child of a process that has ended has lost its place in the tree.
        processes = list({*processes, *_tree(pid, marker)})
        if not processes:
            break
        ended = max(ended, len(processes))
        _each(processes, lambda process: process.suspend())
        _each(processes, lambda process: process.kill())
        processes = _still_there(processes, 1.0)
    return ended


@dataclass(frozen=True, slots=True)
class Load:
    """What a process tree takes: resident memory in bytes (shared pages counted in each process), and processes."""

    memory: int
    processes: int


def load_of(pid: int, marker: str) -> Load:
    """What the tree of `pid` takes now; a tree that has gone takes nothing."""
    memory, processes = 0, _tree(pid, marker)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            facts = process.memory_info()
            memory += facts.rss - getattr(facts, "shared", 0)
    return Load(memory, len(processes))


def is_alive(pid: int, started: float) -> bool:
    """Whether the process `pid` that started at `started` (seconds of the epoch) still runs."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _tree(pid: int, marker: str) -> list[psutil.Process]:
    found = {process.pid: process for process in marked(marker)}
    with contextlib.suppress(psutil.Error):
        head = psutil.Process(pid)
        if head.environ().get(RUN_MARKER, "").startswith(marker):
            found.update({p.pid: p for p in (head, *head.children(recursive=True))})
    return [p for p in found.values() if _counts(p)]


def _still_there(processes: Iterable[psutil.Process], limit: float) -> list[psutil.Process]:
    """Wait up to `limit` seconds for them to end; returns those that have not.

    One that has ended and was not yet collected by its parent counts as ended: in a container nobody may ever do it.
    """
    until, pause = time.monotonic() + limit, 0.001
    left = [process for process in processes if _counts(process)]
    while left and time.monotonic() < until:
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
        left = [process for process in left if _counts(process)]
    return left


def _counts(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _each(processes: Iterable[psutil.Process], act: Callable[[psutil.Process], object]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            act(process)
