"""Reads a journal back: exactly its valid prefix, and a word about where and why it stops."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

_SEAL: Final = len(b',"crc":"01234567"}')


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal. Fields that a line does not carry are None (or empty for `data`)."""

    seq: int
    time: datetime
    run: str
    lane: int
    bot: str
    event: str
    level: str
    message: str
    queue: str | None = None
    item: str | None = None
    attempt: int | None = None
    step: str | None = None
    parent: int | None = None
    ms: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why reading stopped before the end of the file, and at which byte."""

    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The valid lines of a journal from some offset on; `end` is the offset behind the last of them."""

    lines: tuple[Line, ...]
    end: int
    fault: Fault | None = None


def read_journal(path: Path, offset: int = 0, after_seq: int | None = None) -> Reading:
    """The valid lines of `path` from byte `offset` on.

    Stops at the first line that is torn, damaged or out of sequence and says so in `fault`; it never skips over one.
    A last line without a line feed is one still being written, or torn by a crash: it is a fault with that reason.
    With `after_seq` the first line must carry the number behind it. A file that is not there reads as empty.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return Reading((), offset)
    lines: list[Line] = []
    at, expected = 0, None if after_seq is None else after_seq + 1
    while at < len(data):
        end = data.find(b"\n", at)
        if end < 0:
            return Reading(tuple(lines), offset + at, Fault(offset + at, "the last line is not complete"))
        parsed = parse_line(data[at:end])
        if isinstance(parsed, str):
            return Reading(tuple(lines), offset + at, Fault(offset + at, parsed))
        if expected is not None and parsed.seq != expected:
            reason = f"line {parsed.seq} where line {expected} was expected"
            return Reading(tuple(lines), offset + at, Fault(offset + at, reason))
        expected = parsed.seq + 1
        lines.append(parsed)
        at = end + 1
    return Reading(tuple(lines), offset + at)


def parse_line(raw: bytes) -> Line | str:
    """One line without its line feed, or the reason why it can't be believed."""
    fault = seal_fault(raw)
    if fault:
        return fault
    try:
        values = orjson.loads(raw[:-_SEAL] + b"}")
        values["time"] = datetime.fromisoformat(values["time"])
        values.pop("v")
        return Line(**values)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        return f"the line is not of the journal's format: {error}"


def seal_fault(raw: bytes) -> str:
    """Why a line without its line feed can't be believed, by its checksum alone; empty where it can."""
    body, seal = raw[:-_SEAL], raw[-_SEAL:]
    if not (seal.startswith(b',"crc":"') and seal.endswith(b'"}')):
        return "the line has no checksum at its end"
    if seal[8:16] != b"%08x" % zlib.crc32(body):
        return "the checksum does not fit the line"
    return ""
