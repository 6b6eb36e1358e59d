"""Hung pages, stopped browsers, killed renderers and drivers, one after the other: the item goes back in time, nothing is left."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from chaos.checks import Checks
from chaos.ledger import ledger_of
from chaos.place import Place, a_place, left_over, until
from chaos.sizes import options_of, parser_of
from runner.journal import read_journal

TOGETHER: Final = (
    10  # rounds of one run: each of them may cost a process, and a lane may have twenty new ones
)
LIMIT_S: Final = 2.0
RELEASED_S: Final = LIMIT_S + 10
LEFT_S: Final = 5.0
BREAKS: Final = ("endless script", "stopped browser", "killed renderer", "killed driver")
BOT: Final = '''
"""Each item's first attempt breaks its browser."""
import os
import signal
import psutil
from playwright.sync_api import Page
from pydantic import BaseModel
from runner import Item, Queue, Retry, bot, step, web

class Round(BaseModel):
    number: int
    breaks: str

rounds = Queue("rounds", Round, key="number", retry=Retry(times=1, wait="10ms", longest_wait="10ms"))

@bot
def endure(first: int, count: int, kinds: list[str]) -> None:
    rounds.put(Round(number=n, breaks=kinds[n % len(kinds)]) for n in range(first, first + count))
    rounds.each(one, session=lambda: web.page(timeout="60s"))

def send(number: int, *words: str) -> None:
    family = psutil.Process().children(recursive=True)
    found = [p for p in family if all(word in " ".join(p.cmdline()) for word in words)]
    assert found, words
    for process in found:
        process.send_signal(number)

def one(item: Item[Round], page: Page) -> None:
    page.set_content("<h1>here</h1>")
    if item.attempt == 1:
        with step("look", limit="LIMITs"):
            match item.data.breaks:
                case "endless script":
                    page.evaluate("while (true) {}")
                case "stopped browser":
                    send(signal.SIGSTOP, "chrom")
                case "killed renderer":
                    send(signal.SIGKILL, "--type=renderer")
                case "killed driver":
                    send(signal.SIGKILL, "run-driver")
            page.get_by_role("heading").inner_text()
            page.get_by_role("button").click()
'''


@dataclass
class Endured:
    """What came of all rounds. `released` are the seconds from the break until its attempt had ended, by kind."""

    rounds: Counter[str] = field(default_factory=Counter)
    released: dict[str, list[float]] = field(default_factory=dict)
    not_done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def endure(rounds: int, at_once: int = 2) -> Endured:
    """So many rounds, in runs of ten, `at_once` runs at a time; the browser processes are counted after each run."""
    out = Endured()
    starts = range(0, rounds, TOGETHER)
    with ThreadPoolExecutor(at_once) as pool:
        for part in pool.map(lambda first: _run(first, min(TOGETHER, rounds - first)), starts):
            out.rounds += part.rounds
            out.not_done += part.not_done
            out.left += part.left
            for kind, seconds in part.released.items():
                out.released.setdefault(kind, []).extend(seconds)
    return out


def _run(first: int, count: int) -> Endured:
    out = Endured()
    with a_place() as place:
        place.use_bot(BOT.replace("LIMIT", f"{LIMIT_S:g}"))
        words = [f"--param=first={first}", f"--param=count={count}", f"--param=kinds={json.dumps(BREAKS)}"]
        place.runner("run", "endure", *words, limit=120 + 60 * count)
        until(lambda: not left_over(place.folder), LEFT_S)
        out.left += [" ".join(p.cmdline())[:120] for p in left_over(place.folder)]
        items = ledger_of(place.database).items
        out.not_done += [str(n) for n in range(first, first + count) if items.get(str(n)) != "done"]
        _read(place, out)
    return out


def _read(place: Place, out: Endured) -> None:
    """When each first attempt broke, and when its end was recorded: by its process, or by the worker for it."""
    broke: dict[str, datetime] = {}
    ends: dict[str, datetime] = {}
    kinds: dict[str, Any] = {}
    for path in sorted(place.home.glob("runs/**/journal.jsonl"), key=lambda p: len(p.parts), reverse=True):
        for line in read_journal(Path(path)).lines:
            if line.event == "items.put":
                kinds |= {row["key"]: row["data"]["breaks"] for row in line.data["items"]}
            elif line.item is not None and line.attempt == 1:
                if line.event == "step.started":
                    broke[line.item] = line.time
                elif line.event == "attempt.finished":
                    ends.setdefault(line.item, line.time)
    for key, began in broke.items():
        out.rounds[kinds[key]] += 1
        seconds = (ends[key] - began).total_seconds() if key in ends else float("inf")
        out.released.setdefault(kinds[key], []).append(seconds)


def report(found: Endured, rounds: int, checks: Checks) -> None:
    """Print the counts and hold them against the promise."""
    checks.that("rounds", found.rounds.total(), rounds)
    for kind in BREAKS:
        times = sorted(found.released.get(kind, [float("nan")]))
        middle, last = times[len(times) // 2], times[-1]
        checks.figure(
            f"{kind}, {len(times)} ×", f"attempt ended after {middle:.1f} s (median), {last:.1f} s (longest)"
        )
    slowest = max((s for times in found.released.values() for s in times), default=float("inf"))
    checks.at_most(f"seconds until the item was released, with a limit of {LIMIT_S:g} s", slowest, RELEASED_S)
    checks.that("items that were not done at last", found.not_done, [])
    checks.that(f"processes left over after {LEFT_S:g} s", found.left, [])


def main() -> int:
    """The part, as large as its options say."""
    options = options_of("hung", parser_of("hung", __doc__))
    checks = Checks(f"hung: {options.rounds} rounds of {', '.join(BREAKS)}, size {options.size}")
    began = time.monotonic()
    report(endure(options.rounds), options.rounds, checks)
    checks.figure("seconds per round", round((time.monotonic() - began) / options.rounds, 1))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
