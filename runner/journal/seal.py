"""Seals a journal whose writer may still live: what it writes from now on lands beside it, not in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from runner.journal.read import Reading, read_journal


def seal(path: Path, taken: int = 0, after_seq: int | None = None) -> Reading:
    """Put the journal's valid part in its place as a new file; the old file is kept beside it as ``….stale-1``.

    A writer that lost its lease holds the old file open: it can't reach the new one. Bytes before `taken` have been taken
    into the store (up to line `after_seq`) and stay as they are; behind them, valid lines only. Returns the reading from
    `taken` on; of a journal that is shorter than `taken` (its tail was lost) the valid part from its beginning: its `end`
    is before `taken` then. Whenever the process dies, there is a whole journal under the name. One that is not there stays so.
    """
    if not path.exists():
        return Reading((), 0)
    if path.stat().st_size < taken:
        taken, after_seq = 0, None
    reading = read_journal(path, taken, after_seq)
    fresh = path.with_name(f"{path.name}.fresh")
    with path.open("rb") as old, fresh.open("wb") as new:
        new.write(old.read(reading.end))
        new.flush()
        os.fsync(new.fileno())
    fresh.chmod(0o600)
    _keep_beside(path)
    fresh.replace(path)
    return reading


def _keep_beside(path: Path) -> None:
    """Give the old file a second name: its first one must never name nothing, for then its open intents are forgotten."""
    stale = _stale_name(path)
    try:
        os.link(path, stale)
    except OSError:  # a file system without such names
        shutil.copyfile(path, stale)
        stale.chmod(0o600)


def _stale_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.name}.stale-{number}")).exists():
        number += 1
    return name
