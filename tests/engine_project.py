"""A small project with one bot file, and a worker on it, for the tests of the engine."""

from __future__ import annotations

import os
import signal
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runner.core.settings import Settings, prepare_home
from runner.engine import tree
from runner.engine.worker import Worker

HEAD: Final = '''
"""A bot of a test."""
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from pydantic import BaseModel
from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, log, run, secret, step

class Number(BaseModel):
    n: int

numbers = Queue("numbers", Number, key="n", retry=Retry(times=1, wait="10ms", longest_wait="10ms"))
'''


def project(folder: Path, source: str, schedules: str = "schedules: []\n", **settings: object) -> Settings:
    """Make a project in `folder` whose one bot file is HEAD and `source`; returns its settings."""
    (folder / "bots").mkdir(exist_ok=True)
    (folder / "bots" / "counting.py").write_text(HEAD + textwrap.dedent(source), "utf-8")
    (folder / "schedules.yaml").write_text(schedules, "utf-8")
    values = {"project": folder, "home": folder / ".runner", "standby": 0, **settings}
    made = Settings.model_validate(values)
    prepare_home(made)
    return made


def worker(settings: Settings, said: list[str] | None = None) -> Worker:
    """A worker on `settings` whose words go to `said`."""
    return Worker(settings, dict(os.environ), (said if said is not None else []).append)


def kill_a_worker(settings: Settings, when: Callable[[], object]) -> int:
    """Run the bot `count` in a second worker process of the same store and kill that when `when` holds; its process id."""
    pid = os.fork()
    if pid == 0:
        from django.db import connections

        connections.close_all()
        worker(settings).run_now("count", {}, requested_by="test")
        os._exit(1)
    until(when)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return pid


def until(condition: Callable[[], object], limit: float = 120.0) -> None:
    """Return when `condition` holds; fails after `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)  # the pace of looking, not a wait: the condition decides


def statuses() -> dict[str, str]:
    """The status of every item, by its key."""
    from runner.store.models import Item

    return dict(Item.objects.values_list("key", "status"))


def nothing_left() -> bool:
    """Whether no process of a worker of this test process is left."""
    marker = f"{os.uname().nodename}:{os.getpid()}:"
    return not tree.marked(marker)
