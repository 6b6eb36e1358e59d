"""Files that arrive in a folder: seen by looking again and again, handed on when they are whole, tidied away at the end."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from runner.core.schedules_events import FileArrives

_UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".partial", ".download")
_RESULT: Final = ".result"  # `orders.result.xlsx`: what a bot writes beside its source


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that is whole. `key` names this arrival of it: path, size, and the times of content and place."""

    path: Path
    key: str
    stamp: datetime


class FileWatch:
    """Remembers what a folder looked like, to tell which files have stopped growing.

    Plain looking, so that it works on network folders too: a file is handed on at the first look at least `stable`
    after the last change that was seen. `really` is a clock in seconds that nobody sets.
    """

    def __init__(
        self, project: Path, wanted: FileArrives, really: Callable[[], float] = time.monotonic
    ) -> None:
        self._pattern = project / wanted.glob
        self._stable = wanted.stable.total_seconds()
        self._really = really
        self._seen: dict[Path, tuple[str, float]] = {}

    def look(self, busy: Collection[str] = ()) -> Iterator[Arrival]:
        """Yield the files that are whole now, in the order of their times; those of runs at work (`busy`) are left."""
        found: dict[Path, tuple[str, float]] = {}
        whole: list[Arrival] = []
        at = self._really()
        for path in _matching(self._pattern):
            if str(path) in busy:
                continue
            facts = _facts(path)
            if facts is None:
                continue
            key = _key(path, facts)
            known = self._seen.get(path)
            since = known[1] if known is not None and known[0] == key else at
            found[path] = (key, since)
            if at - since >= self._stable and not _is_open(path):
                whole.append(Arrival(path, key, datetime.fromtimestamp(facts.st_mtime, UTC)))
        self._seen = found
        yield from sorted(whole, key=lambda one: (one.stamp, one.path))


def tidy(path: Path, folder: str, at: datetime, ended: datetime) -> Path | None:
    """Move the file of a run that has `ended` into `folder` beside it; where it is now, None where nothing was moved.

    Left alone: a file that came (or was put back) after the run's end, and every file where `folder` is empty. A file
    of the same name in there is kept: the new one gets the time into its name.
    """
    facts = _facts(path)
    if not folder or facts is None or facts.st_ctime > ended.timestamp():
        return None
    target = path.parent / folder / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target = target.with_name(f"{path.stem} {at:%Y-%m-%d %H%M%S%f}{path.suffix}")
    with contextlib.suppress(FileNotFoundError):  # another scheduler was faster
        path.rename(target)
        return target
    return None


def _matching(pattern: Path) -> Iterator[Path]:
    """Yield the files of a folder by a pattern of names; a folder that is not there (yet) has none."""
    try:
        names = sorted(pattern.parent.glob(pattern.name))
    except OSError:  # a network folder that is away
        return
    yield from (path for path in names if not _is_unfinished(path.name))


def _is_unfinished(name: str) -> bool:
    lower = name.lower()
    return lower.startswith(("~$", ".")) or lower.endswith(_UNFINISHED) or _RESULT in Path(lower).suffixes


def _facts(path: Path) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        facts = path.stat()
        return facts if path.is_file() else None
    return None


def _key(path: Path, facts: os.stat_result) -> str:
    """Name one arrival. The time of the last change of place (ctime) tells a file that was put back from the same one."""
    told = f"{path}\x1f{facts.st_size}\x1f{facts.st_mtime_ns}\x1f{facts.st_ctime_ns}"
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _is_open(path: Path) -> bool:
    """Whether somebody works on it: Excel's or LibreOffice's mark lies beside it, or the system refuses to write."""
    marks = (path.with_name(f"~${path.name}"), path.with_name(f".~lock.{path.name}#"))
    if any(mark.exists() for mark in marks):
        return True
    if os.name != "nt":
        return False
    try:
        with path.open("r+b"):
            return False
    except PermissionError:
        return True
    except OSError:
        return False
