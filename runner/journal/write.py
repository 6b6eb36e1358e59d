"""Writes the journal of one lane: JSON lines, unbuffered append, each line sealed by its own checksum."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from runner.core.clock import iso, now_iso
from runner.core.reserve import gives_room
from runner.journal.redact import Redactor

if TYPE_CHECKING:
    from loguru import Message, Record

VERSION: Final = 1
# Said by Runner or by the bot's source, never by data: a secret that is an ordinary word (orders, started) must not make
# a line unreadable. The head of a line is such as well.
_NAMED_IN_CODE: Final = frozenset({"queue", "attempt", "parent"})
_CARRIED: Final = frozenset({"queue", "item", "attempt", "step", "parent", "ms", "data", "error", "evidence"})


class Journal:
    """The journal of one lane of one run.

    Every line is redacted and sealed (`crc`) before it reaches the disk. A write that fails raises in the caller:
    nothing is swallowed. `event(sync=True)` returns when the line is on the disk (fsync); the others are handed to the
    operating system at once and survive the death of the process, not that of the machine.
    An existing journal is gone on with behind its last valid line, or behind line `after_seq` where the caller knows it.
    When the disk is full, the file `reserve` is given up and the line tried once more: the last lines still fit.
    With `takes_logs` loguru calls (a bot's `log.info(…)`) become `log` lines of this journal, by a sink of our own; loguru
    is loaded for that alone.
    """

    def __init__(
        self,
        path: Path,
        *,
        run: str,
        lane: int,
        bot: str,
        redactor: Redactor | None = None,
        takes_logs: bool = False,
        after_seq: int | None = None,
        reserve: Path | None = None,
    ) -> None:
        self.path = path
        self._reserve = reserve
        self.redactor = redactor or Redactor()
        self.context: Callable[[], Mapping[str, Any]] = dict  # what plain log lines say of their place
        self._head = {"run": run, "lane": lane, "bot": bot}
        self._kinds: dict[tuple[str, str], bytes] = {}
        self._writing = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = (
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        )
        self._file = os.open(path, flags, 0o600)
        self._seq = _last_seq(path) if after_seq is None else after_seq
        self._sink = self._take_logs() if takes_logs else None

    def event(
        self, event: str, message: str = "", *, level: str = "INFO", sync: bool = False, **fields: Any
    ) -> int:
        """Append one line and return its `seq`.

        Fields: queue, item, attempt, step, parent, ms, data (a JSON value), error, evidence; None is left out.
        Raises OSError when the line can't be written (disk full), TypeError for a field the format does not have.
        """
        if not fields.keys() <= _CARRIED:
            unknown = sorted(fields.keys() - _CARRIED)
            raise TypeError(f"a journal line has no field {unknown}: put it into data")
        seq = self._write(now_iso(), event, level, message, fields)
        if sync:
            self.sync()
        return seq

    def sync(self) -> None:
        """Return when every line so far is on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Take no more lines. May be called twice."""
        if self._file >= 0:
            if self._sink is not None:
                from loguru import logger

                logger.remove(self._sink)
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_logs(self) -> int:
        from loguru import logger

        with contextlib.suppress(ValueError):  # it is gone already
            logger.remove(0)  # loguru's own handler would print every line
        return logger.add(
            self._take_log, level=0, format=_no_format, catch=False, diagnose=False, backtrace=False
        )

    def _take_log(self, message: Message) -> None:
        record = message.record
        fields = {**self.context(), **_log_fields(record)}
        self._write(iso(record["time"]), "log", record["level"].name, record["message"], fields)

    def _write(self, time: str, event: str, level: str, message: str, fields: Mapping[str, Any]) -> int:
        """A line is written between two actions, when little of this is in the processor's caches: what need not be done isn't."""
        rest: dict[str, Any] = {"message": message}
        named: dict[str, Any] = {}
        for name, value in fields.items():
            if value is not None:
                (named if name in _NAMED_IN_CODE else rest)[name] = value
        masked = self._masked(rest)[
            1:-1
        ]  # before the turn: values may be objects of a bot, whose text may log
        where = b"," + orjson.dumps(named)[1:-1] if named else b""
        kind = self._kinds.get((event, level)) or self._kind(event, level)
        with self._writing:
            seq = self._seq + 1
            body = b'{"v":%d,"seq":%d,"time":"%b",%b%b,%b' % (
                VERSION, seq, time.encode(), kind, where, masked,
            )  # fmt: skip
            self._append(b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body)))
            self._seq = seq
        return seq

    def _kind(self, event: str, level: str) -> bytes:
        """What is the same in all lines of one event and level."""
        said = {**self._head, "event": event, "level": level.lower()}
        kind = self._kinds[event, level] = orjson.dumps(said)[1:-1]
        return kind

    def _masked(self, values: dict[str, Any]) -> bytes:
        return self.redactor.json(orjson.dumps(values, default=str, option=orjson.OPT_NON_STR_KEYS))

    def _append(self, sealed: bytes) -> None:
        try:
            _write_all(self._file, sealed)
        except OSError as error:
            if not gives_room(self._reserve, error):
                raise
            _write_all(self._file, sealed)


def _log_fields(record: Record) -> dict[str, Any]:
    data = dict(record["extra"])
    data["where"] = f"{record['file'].name}:{record['line']}"
    exception = record["exception"]
    error = (
        {"type": exception.type.__name__, "message": str(exception.value)}
        if exception and exception.type
        else None
    )
    return {"data": data, "error": error}


def _no_format(_: Record) -> str:
    return ""


def _write_all(file: int, data: bytes) -> None:
    """All of `data`, or the file as it was (nobody else writes it): half a line would hide everything after it from readers."""
    done = 0
    try:
        while done < len(data):
            done += os.write(file, data[done:])
    except OSError:
        if done:
            os.ftruncate(file, os.fstat(file).st_size - done)
        raise


def _last_seq(path: Path) -> int:
    """The number to go on from when a journal is opened again (a worker that takes over a run's own journal)."""
    from runner.journal.read import read_journal

    if path.stat().st_size == 0:
        return 0
    reading = read_journal(path)
    if reading.end < path.stat().st_size:
        os.truncate(path, reading.end)  # a torn last line would hide what is written behind it
    return reading.lines[-1].seq if reading.lines else 0
