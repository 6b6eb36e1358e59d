"""Writes the journal of one lane: JSON lines, unbuffered append, each line sealed by its own checksum."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from datetime import UTC
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import orjson
from loguru import logger

from runner.core.reserve import gives_room
from runner.journal.redact import Redactor

if TYPE_CHECKING:
    from loguru import Message, Record

VERSION: Final = 1
# Said by Runner or by the bot's source, never by data: a secret that is an ordinary word (orders, started) must not make
# a line unreadable. The head of a line is such as well.
_NAMED_IN_CODE: Final = frozenset({"queue", "attempt", "parent"})
_CARRIED: Final = ("queue", "item", "attempt", "step", "parent", "ms", "data", "error", "evidence")


class Journal:
    """The journal of one lane of one run, written through loguru with a sink of our own.

    Every line is redacted and sealed (`crc`) before it reaches the disk. A write that fails raises in the caller:
    nothing is swallowed. `event(sync=True)` returns when the line is on the disk (fsync); the others are handed to the
    operating system at once and survive the death of the process, not that of the machine.
    An existing journal is gone on with behind its last valid line, or behind line `after_seq` where the caller knows it.
    When the disk is full, the file `reserve` is given up and the line tried once more: the last lines still fit.
    With `takes_logs` plain loguru calls (a bot's `log.info(…)`) become `log` lines of this journal.
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
        self.context: dict[
            str, Any
        ] = {}  # queue, item, attempt, step of what happens now: added to plain log lines
        self._head = {"run": run, "lane": lane, "bot": bot}
        self._takes_logs = takes_logs
        self._written = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = (
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        )
        self._file = os.open(path, flags, 0o600)
        self._seq = _last_seq(path) if after_seq is None else after_seq
        with contextlib.suppress(ValueError):  # it is gone already
            logger.remove(0)  # loguru's own handler would print every line
        self._sink = logger.add(
            self._write,
            level=0,
            format=_no_format,
            filter=self._is_mine,
            catch=False,
            diagnose=False,
            backtrace=False,
        )
        self._logger = logger.bind(journal=self)

    def event(
        self, event: str, message: str = "", *, level: str = "INFO", sync: bool = False, **fields: Any
    ) -> int:
        """Append one line and return its `seq`.

        Fields: queue, item, attempt, step, parent, ms, data (a JSON value), error, evidence; None is left out.
        Raises OSError when the line can't be written (disk full), TypeError for a field the format does not have.
        """
        unknown = fields.keys() - set(_CARRIED)
        if unknown:
            raise TypeError(f"a journal line has no field {sorted(unknown)}: put it into data")
        self._logger.bind(event=event, fields=fields).log(level, message)
        if sync:
            self.sync()
        return int(self._written.seq)

    def sync(self) -> None:
        """Return when every line so far is on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Take no more lines. May be called twice."""
        if self._file >= 0:
            logger.remove(self._sink)
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_mine(self, record: Record) -> bool:
        owner = record["extra"].get("journal")
        return owner is self or (owner is None and self._takes_logs)

    def _write(self, message: Message) -> None:
        record = message.record
        extra = record["extra"]
        fields = extra["fields"] if extra.get("journal") is self else {**self.context, **_log_fields(record)}
        self._seq += 1
        head = {
            "v": VERSION,
            "seq": self._seq,
            "time": record["time"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            **self._head,
            "event": extra.get("event", "log"),
            "level": record["level"].name.lower(),
        }
        rest = {"message": record["message"]}
        for name, value in fields.items():
            if value is not None:
                (head if name in _NAMED_IN_CODE else rest)[name] = value
        body = orjson.dumps(head)[:-1] + b"," + self._masked(rest)[1:-1]
        sealed = body + b',"crc":"%08x"}\n' % zlib.crc32(body)
        try:
            self._append(sealed)
        except OSError:
            self._seq -= 1
            raise
        self._written.seq = self._seq

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
    data = {k: v for k, v in record["extra"].items() if k not in {"journal", "event", "fields"}}
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
    """All of `data`, or the file as it was: half a line would hide everything after it from readers."""
    start = os.fstat(file).st_size
    done = 0
    try:
        while done < len(data):
            done += os.write(file, data[done:])
    except OSError:
        if done:
            os.ftruncate(file, start)
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
