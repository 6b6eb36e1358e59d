"""Seals a journal whose writer may still live: what it writes from now on lands beside it, not in it."""

from __future__ import annotations

import os
from pathlib import Path

from runner.journal.read import Reading, read_journal


def seal(path: Path, taken: int = 0, after_seq: int | None = None) -> Reading:
    """Put the journal's valid part in its place as a new file; the old file is kept beside it as ``….stale-1``.

    A writer that lost its lease holds the old file open: it can't reach the new one. Bytes before `taken` have been taken
    into the store (up to line `after_seq`) and stay as they are; behind them, valid lines only. Returns the reading from
    `taken` on. A journal that is not there stays so.
    """
    reading = read_journal(path, taken, after_seq)
    if not path.exists():
        return reading
    fresh = path.with_name(f"{path.name}.fresh")
    with path.open("rb") as old, fresh.open("wb") as new:
        new.write(old.read(reading.end))
        new.flush()
        os.fsync(new.fileno())
    fresh.chmod(0o600)
    path.rename(_stale_name(path))
    fresh.rename(path)
    return reading


def _stale_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.name}.stale-{number}")).exists():
        number += 1
    return name
