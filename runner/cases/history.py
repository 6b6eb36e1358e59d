"""Everything that happened, in time order: the lines of all journals and the acts of people, merged."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from runner.core.contract import JOURNAL_FILE, SUPERVISOR_LANE
from runner.journal import Fault, Line, read_journal
from runner.journal.read import parse_line
from runner.store.models import Act

_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)

Happening = Line | Act
Progress = Callable[[int, int], None]
"""Told how many bytes of how many have been read."""
_Place = tuple[datetime, int, str, int, int]  # time; lines before acts; run, lane, seq
_Stream = Iterator[tuple[_Place, Happening]]


@dataclass(slots=True)
class JournalFile:
    """One journal on the disk. `run`, `lane`, `end`, `last_seq` and `fault` are known when it has been read."""

    path: Path
    size: int
    begins: datetime
    run: str = ""
    lane: int = SUPERVISOR_LANE
    end: int = 0
    last_seq: int = 0
    fault: Fault | None = None

    def read(self) -> _Stream:
        """Its lines in their own order, which stands above the clock: a line comes only when its turn has come."""
        reading = read_journal(self.path, after_seq=0)
        self.end, self.fault = reading.end, reading.fault
        for line in reading.lines:
            self.run, self.lane, self.last_seq = line.run, line.lane, line.seq
            yield (line.time, 0, line.run, line.lane, line.seq), line


def find_journals(runs: Path, schedulers: Path) -> list[JournalFile]:
    """The journals of all run folders below `runs`, and those that schedulers wrote into their own folder."""
    paths = sorted(path for path in runs.rglob(JOURNAL_FILE) if path.is_file())
    paths += sorted(path for path in schedulers.glob("*.jsonl") if path.is_file())
    return [JournalFile(path, path.stat().st_size, _begins(path)) for path in paths]


def merged(
    files: Iterable[JournalFile], acts: Iterable[Act], progress: Progress | None = None
) -> Iterator[Happening]:
    """Lines and acts in time order. A journal is read when its turn comes, and dropped at its end."""
    waiting = sorted(files, key=lambda file: file.begins, reverse=True)
    total, read = sum(file.size for file in waiting), 0
    heap: list[tuple[_Place, int, Happening, _Stream]] = []
    _push(heap, 0, (((act.at, 1, act.pk, 0, 0), act) for act in acts))
    opened = 0
    while heap or waiting:
        while waiting and (not heap or waiting[-1].begins <= heap[0][0][0]):
            file = waiting.pop()
            opened += 1
            _push(heap, opened, file.read())
            read += file.size
            if progress is not None:
                progress(read, total)
        if heap:
            _, number, happened, stream = heapq.heappop(heap)
            yield happened
            _push(heap, number, stream)


def _push(heap: list[tuple[_Place, int, Happening, _Stream]], number: int, stream: _Stream) -> None:
    following = next(stream, None)
    if following is not None:
        heapq.heappush(heap, (following[0], number, following[1], stream))


def _begins(path: Path) -> datetime:
    with path.open("rb") as file:
        first = parse_line(file.readline().rstrip(b"\n"))
    return _BEFORE_ALL if isinstance(first, str) else first.time
