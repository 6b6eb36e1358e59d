"""Disk and store in trouble: full, locked for a minute, read-only, a clock that jumps; no item is lost in any of it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from chaos.checks import Checks
from chaos.ledger import ledger_of
from chaos.place import SET_UP_S, Place, Service, a_place, left_over, until
from chaos.sizes import options_of, parser_of

Trouble = Callable[[Checks], None]
ITEMS: Final = 40  # where nobody says how many
_SAYS_SO_S: Final = (
    20.0  # a writer waits so long for another one before it says that the store does not answer
)
BOT: Final = '''
"""Works slowly and talks much; every tenth item is one for a person. A file stands for the other system."""
import os
import time
from pathlib import Path
from pydantic import BaseModel
from runner import BusinessError, Item, Queue, bot, log

class Entry(BaseModel):
    number: int

entries = Queue("entries", Entry, key="number")

@bot
def enter(book: Path, count: int = 40, pause: float = 0.1, words: int = 0) -> None:
    entries.put(Entry(number=n) for n in range(1, count + 1))
    entries.each(lambda item: enter_one(item, book, pause, words))

def enter_one(item: Item[Entry], book: Path, pause: float, words: int) -> None:
    time.sleep(pause)  # the other system takes its time
    if words:
        log.info("x" * words)
    if item.data.number % 10 == 0:
        raise BusinessError(f"entry {item.data.number} needs a person")
    item.irreversible("enter", lambda: write(book, f"{item.data.number}\\n".encode()))

def write(book: Path, line: bytes) -> None:
    file = os.open(book, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, line)
    os.close(file)
'''
SCHEDULE: Final = """
schedules:
  - {{id: entering, bot: enter, every: 3s, overlap: skip, parameters: {{book: '{book}', count: {count}, pause: {pause}, words: {words}}}}}
"""


@contextmanager
def at_work(
    items: int = ITEMS, *, pause: float = 0.1, words: int = 0, home: Path | None = None, **more: str
) -> Iterator[Place]:
    """A place with the bot above, `runner up` serving it every 3 s; it is as it is once the items are in the store."""
    with a_place(slots=1, standby=0, free_space=0, home=home) as place:
        place.environment.update(more)
        place.use_bot(BOT)
        place.set_schedules(SCHEDULE.format(book=_book(place), count=items, pause=pause, words=words))
        up(place)
        if not until(lambda: len(ledger_of(place.database).items) == items, SET_UP_S):
            raise RuntimeError(f"nothing was put into the queue within {SET_UP_S} s: {_said(place)[-1000:]}")
        yield place


def up(place: Place) -> Service:
    """Start `runner up`."""
    return place.service("up", "--no-desk")


def all_accounted_for(place: Place, checks: Checks, items: int = ITEMS) -> None:
    """Wait until nothing waits any more, and count: every item done or a case, nothing entered twice."""
    until(lambda: ledger_of(place.database).settled or not place.services_running(), SET_UP_S, 0.2)
    ledger = ledger_of(place.database)
    entered = _book(place).read_text("utf-8").split()
    checks.figure("done, cases", f"{ledger.count('done')} done, {ledger.count('exception')} cases")
    checks.that("items", len(ledger.items), items)
    checks.that("lost", ledger.lost(ledger.items), [])
    checks.that(
        "the failed ones are in the queue",
        {str(n) for n in range(10, items + 1, 10)} <= set(ledger.cases),
        True,
    )
    checks.that("entered twice", sorted({n for n in entered if entered.count(n) > 1}), [])
    done = {key for key, status in ledger.items.items() if status == "done"}
    checks.that("done and never entered", sorted(done - set(entered)), [])


def locked(seconds: float, checks: Checks, items: int = ITEMS) -> None:
    """Another process holds the store's write lock for that long, and from 20 s on until Runner has said so."""
    is_long = seconds > _SAYS_SO_S
    with at_work(items, pause=0.3 if is_long else 0.1) as place:
        until(lambda: ledger_of(place.database).count("done") > 2, SET_UP_S)
        with closing(sqlite3.connect(place.database, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began, before = time.monotonic(), ledger_of(place.database).count("done")
            said = until(
                lambda: "the store does not answer" in _said(place), SET_UP_S if is_long else seconds
            )
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            during = ledger_of(place.database).count("done")
            other.execute("ROLLBACK")
        checks.that("items claimed while the store was locked", during - before, 0)
        if is_long:
            checks.that("it said that the store does not answer", said, True)
        all_accounted_for(place, checks, items)


def full(checks: Checks, items: int = ITEMS) -> None:
    """The disk of the data folder, 4 MB of it, fills up in the middle, and is freed after a while."""
    with tmpfs(4) as disk:
        if disk is None:
            return checks.figure("full disk", "not tried: mounting a small disk needs root")
        with at_work(items, home=disk / "home", words=4_000) as place:
            until(lambda: ledger_of(place.database).count("done") > 2, SET_UP_S)
            ballast = disk / "ballast"
            _fill_up(ballast)
            until(lambda: "full" in _said(place) or "No space" in _said(place), SET_UP_S / 4)
            checks.figure("what was said", _last_words(place))
            ballast.unlink(missing_ok=True)
            place.set_schedules(SCHEDULE.format(book=_book(place), count=items, pause=0.1, words=0))
            checks.that("runner up still runs", place.services_running(), 1)
            all_accounted_for(place, checks, items)
            place.close()
    return None


def read_only(checks: Checks, items: int = ITEMS) -> None:
    """The data folder becomes read-only in the middle, and writable again."""
    with tmpfs(64) as disk:
        if disk is None:
            return checks.figure("read-only folder", "not tried: mounting needs root")
        with at_work(items, home=disk / "home", pause=0.2) as place:
            until(lambda: ledger_of(place.database).count("done") > 2, SET_UP_S)
            place.kill_services()  # a mount can't be made read-only under open files
            until(lambda: not left_over(disk), SET_UP_S)
            remount = ["mount", "-o", "remount,ro", str(disk)]
            done = until(lambda: subprocess.run(remount, check=False).returncode == 0, SET_UP_S, 0.5)
            checks.that("it is read-only", done, True)
            refused = place.runner("run", "enter", f"--param=book={_book(place)}")
            checks.that("a run is refused", refused.returncode, 4)
            checks.that("with the reason", "CLI_DISK" in refused.stderr or "CLI_DB" in refused.stderr, True)
            checks.that("tracebacks", refused.stderr.count("Traceback"), 0)
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            up(place)
            all_accounted_for(place, checks, items)
            place.close()
    return None


def clock_step(seconds: float, checks: Checks, items: int = ITEMS) -> None:
    """The clock jumps by `seconds` in the middle."""
    with a_place() as outer:
        clock = outer.folder / "clock"
        clock.write_text("0", "utf-8")
        with at_work(items, CHAOS_CLOCK=str(clock)) as place:
            until(lambda: ledger_of(place.database).count("done") > 2, SET_UP_S)
            clock.write_text(str(seconds), "utf-8")
            all_accounted_for(place, checks, items)


@contextmanager
def tmpfs(megabytes: int) -> Iterator[Path | None]:
    """A disk of that size, None where this process may not mount one."""
    with a_place() as place:
        disk = place.folder / "disk"
        disk.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(disk)]
        mounted = (
            os.name == "posix" and subprocess.run(words, capture_output=True, check=False).returncode == 0
        )
        try:
            yield disk if mounted else None
        finally:
            place.close()
            if mounted:
                subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)


def _fill_up(file: Path) -> None:
    with suppress(OSError), file.open("wb", buffering=0) as out:
        while True:
            out.write(b"\0" * 4096)


def _book(place: Place) -> Path:
    return place.folder / "book.txt"


def _said(place: Place) -> str:
    return (place.folder / "up.log").read_text("utf-8", errors="replace")


def _last_words(place: Place) -> list[str]:
    return [line for line in _said(place).splitlines() if "due" not in line][-3:]


def main() -> int:
    """The part, as large as its options say."""
    parser = parser_of("stores", __doc__)
    parser.add_argument("--only", choices=["locked", "full", "read_only", "clock"])
    options = options_of("stores", parser)
    count = options.items
    parts: dict[str, tuple[str, Trouble]] = {
        "locked": (f"locked for {options.locked} s", lambda c: locked(options.locked, c, count)),
        "full": ("a full disk of 4 MB", lambda c: full(c, count)),
        "read_only": ("a read-only data folder", lambda c: read_only(c, count)),
        "clock": ("the clock goes back 2 h", lambda c: clock_step(-7200, c, count)),
        "clock forward": ("the clock goes forward 2 h", lambda c: clock_step(7200, c, count)),
    }
    codes = []
    for name, (title, act) in parts.items():
        if options.only is None or name.startswith(options.only):
            checks = Checks(f"stores: {title}, {count} items, size {options.size}")
            act(checks)
            codes.append(checks.exit_code())
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
