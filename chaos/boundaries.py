"""A bot's process dies at every call of the operating system between INTENT and OUTCOME; nothing is done twice or lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chaos.checks import Checks
from chaos.ledger import ledger_of, rows
from chaos.place import Place, a_place, left_over, make_orders
from chaos.sizes import options_of, parser_of
from runner.demo.serve import Portal

MOST: Final = 150
LEDGER_BOT: Final = '''
"""Writes a line into a file that stands for the other system; the line can't be taken back."""
import os
from pathlib import Path
from pydantic import BaseModel
from runner import Item, Queue, bot

class Entry(BaseModel):
    number: str

entries = Queue("entries", Entry, key="number")

@bot
def enter(number: str, book: Path) -> None:
    entries.put([Entry(number=number)])
    entries.each(lambda item: enter_one(item, book))

def enter_one(item: Item[Entry], book: Path) -> None:
    line = f"{item.data.number}\\n".encode()

    def act() -> None:
        file = os.open(book, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, line)
        os.close(file)

    item.irreversible("enter", act)
'''


@dataclass
class Deaths:
    """What came of dying at each call."""

    calls: int = 0
    deaths: int = 0
    torn: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # a known outcome that is not the true one


Run = Callable[[str, Mapping[str, str]], None]
Entered = Callable[[], Mapping[str, int]]


def die_everywhere(place: Place, run: Run, entered: Entered, *, every: int = 1, most: int = MOST) -> Deaths:
    """Run one item after the other, dying `every` calls later each time, until a run comes through.

    `run` runs the bot for the item of that key with these environment variables, `entered` says how often the other
    system has each key. At each place the process dies before the call, and in the middle of it where it writes.
    """
    out = Deaths()
    for number in range(1, most + 1, every):
        passed = place.folder / f"passed-{number}"
        base = {"CHAOS_DIE_AT": str(number), "CHAOS_PASSED": str(passed)}
        for key, torn in ((f"K{number}-1", ""), (f"T{number}-1", "1")):
            run(key, {**base, "CHAOS_TORN": torn})
            out.torn += bool(torn)
            _judge(out, place, key, entered())
            if ledger_of(place.database).items.get(key) == "pending":
                run(key, {})  # or the next run would take this one first
                out.twice += [key] if entered().get(key, 0) > 1 else []
        if passed.exists():
            out.calls = int(passed.read_text("utf-8"))
            break
        out.deaths += 2
    return out


def _judge(out: Deaths, place: Place, key: str, entered: Mapping[str, int]) -> None:
    ledger = ledger_of(place.database)
    status = ledger.items.get(key, "missing")
    end = f"{status} ({ledger.cases[key]})" if key in ledger.cases else status
    happened = entered.get(key, 0)
    out.ends[f"{end}, entered {happened} ×"] += 1
    if happened > 1:
        out.twice.append(key)
    if status not in {"done", "pending"} and key not in ledger.cases:
        out.lost.append(key)
    if status == "done" and not happened:  # pending and entered is right where OUTCOME is in the journal
        out.wrong.append(f"{key} is {end}, entered {happened} ×")


def settle(place: Place, run: Run, entered: Entered) -> list[str]:
    """Attest every unknown outcome as it truly is, run again, and name what is not entered exactly once then."""
    happened = entered()
    unknown = rows(
        place.database,
        "SELECT c.id, i.key FROM store_case c JOIN store_item i ON i.id = c.item_id WHERE c.kind = 'unknown'",
    )
    for case, key in unknown:
        answer = "--done" if happened.get(key) else "--not-done"
        done = place.runner("cases", "attest", case, answer, "--note", "looked it up")
        if done.returncode not in {0, 1}:
            return [f"attest {case}: {done.stderr}"]
    run("Z-1", {})
    ledger, at_last = ledger_of(place.database), entered()
    return [
        f"{k}: {s}, {at_last.get(k, 0)} ×"
        for k, s in ledger.items.items()
        if (s, at_last.get(k)) != ("done", 1)
    ]


def _ran(done: subprocess.CompletedProcess[str]) -> None:
    """A run may end as it likes; one that did not begin would prove nothing."""
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")


def of_ledger_bot(place: Place) -> tuple[Run, Entered]:
    """A bot without a browser, for which the other system is a file."""
    book = place.folder / "book.txt"
    place.use_bot(LEDGER_BOT)

    def run(key: str, more: Mapping[str, str]) -> None:
        _ran(place.runner("run", "enter", f"--param=number={key}", f"--param=book={book}", more=more))

    return run, lambda: Counter(book.read_text("utf-8").split() if book.exists() else [])


def of_post_orders(place: Place, portal: Portal) -> tuple[Run, Entered]:
    """post_orders, with one order a run."""
    place.use_repository_bots()
    place.set_secret("portal/password", portal.password)

    def run(key: str, more: Mapping[str, str]) -> None:
        book = make_orders(place.folder / f"{key}.xlsx", 1, key.removesuffix("-1"))
        words = [f"--param=workbook={book}", f"--param=portal={portal.url}"]
        _ran(place.runner("run", "post_orders", *words, more=more))

    def entered() -> Mapping[str, int]:
        return {order["number"]: order["times_entered"] for order in portal.orders()}

    return run, entered


def report(found: Deaths, not_once: list[str], checks: Checks, *, every: int = 1) -> None:
    """Print the counts and hold them against the promise."""
    of_them = "each of them" if every == 1 else f"of them number 1, {1 + every}, {1 + 2 * every} …"
    checks.figure("calls between INTENT and OUTCOME", f"{found.calls}, a death at {of_them}")
    checks.figure("deaths", f"{found.deaths}, half of them in the middle of the write if the call is one")
    checks.figure("what the store said then", dict(found.ends))
    checks.that("a run came through at last", found.calls > 0, True)
    checks.that("entered twice", found.twice, [])
    checks.that("lost", found.lost, [])
    checks.that("said to be known and wrong", found.wrong, [])
    checks.that("not entered exactly once when all were attested", not_once, [])


def main() -> int:
    """The part, as large as its options say."""
    options = options_of("boundaries", parser_of("boundaries", __doc__))
    checks = Checks("boundaries: a kill at every call between INTENT and OUTCOME, a bot that writes a file")
    with a_place() as place:
        run, entered = of_ledger_bot(place)
        report(die_everywhere(place, run, entered), settle(place, run, entered), checks)
    browser = Checks(f"boundaries: the same of post_orders with its browser, size {options.size}")
    with a_place() as place, Portal(place.folder / "portal") as portal:
        run, entered = of_post_orders(place, portal)
        found = die_everywhere(place, run, entered, every=options.every)
        report(found, settle(place, run, entered), browser, every=options.every)
        portal.stop()
        browser.that("processes left over", [" ".join(p.cmdline())[:80] for p in left_over(place.folder)], [])
    return max(checks.exit_code(), browser.exit_code())


if __name__ == "__main__":
    sys.exit(main())
