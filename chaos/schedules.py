"""Three schedulers on one store, periods of seconds, SIGKILL at random: no due time lost, none doubled, each with an end."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from chaos.checks import Checks
from chaos.ledger import rows
from chaos.place import SET_UP_S, Place, a_place, until
from chaos.sizes import options_of, parser_of

SEED: Final = 20_261_124
SCHEDULERS: Final = 3
PERIODS_S: Final = (3, 5, 7, 11)
POLICIES: Final = (
    "overlap: queue",
    "overlap: skip",
    "overlap: queue, jitter: 20s",
    "overlap: queue, enabled: no",
)
ENDS: Final = {"ran", "coalesced", "missed", "skipped", "cancelled"}
BOT: Final = '''"""A bot that nobody runs here."""
from runner import bot

@bot
def nothing() -> None:
    """Do nothing."""
'''


@dataclass
class Found:
    """What the store said at the end."""

    kills: int = 0
    due: int = 0
    recorded: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    not_planned: list[str] = field(default_factory=list)
    without_run: list[str] = field(default_factory=list)
    runs_without_due_time: int = 0
    latest_s: float = 0.0


def file_of(schedules: int) -> str:
    """A schedules.yaml whose due times come every few seconds."""
    lines = (
        f"  - {{id: s{n}, bot: nothing, every: {PERIODS_S[n % 4]}s, {POLICIES[(n // 4) % 4]}}}\n"
        for n in range(schedules)
    )
    return "schedules:\n" + "".join(lines)


def storm(kills: int, schedules: int, seed: int) -> Found:
    """Kill one of the schedulers `kills` times, start it again each time, and read the ledger when all is quiet."""
    chance = random.Random(seed)
    found = Found()
    with a_place() as place:
        place.use_bot(BOT)
        place.set_schedules(file_of(schedules))
        services = [place.service("scheduler") for _ in range(SCHEDULERS)]
        until(lambda: (place.home / "store.sqlite3").exists() and _counted(place) >= schedules, SET_UP_S, 0.2)
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 1.2))
            victim = chance.choice(services)
            victim.kill()
            victim.start()
            found.kills += 1
        until(lambda: _behind(place) < timedelta(seconds=25), SET_UP_S, 0.5)
        for service in services:
            service.end()
        _read(found, place)
    return found


def _counted(place: Place) -> int:
    try:
        return int(rows(place.database, "SELECT count(*) FROM store_watermark")[0][0])
    except Exception:  # noqa: BLE001 - the tables are being made
        return 0


def _behind(place: Place) -> timedelta:
    since = rows(place.database, "SELECT min(since) FROM store_watermark")[0][0]
    return datetime.now(UTC) - _at(since)


def _read(found: Found, place: Place) -> None:
    """Hold the ledger against what was due by plain arithmetic: multiples of the period since a Monday in UTC."""
    recorded: dict[str, list[datetime]] = {}
    runs = {row[0] for row in rows(place.database, "SELECT id FROM store_run")}
    named = set()
    for name, due, state, run, at in rows(
        place.database, "SELECT schedule, due, state, run, recorded FROM store_occurrence"
    ):
        recorded.setdefault(name, []).append(_at(due))
        found.ends[state] += 1
        found.latest_s = max(found.latest_s, (_at(at) - _at(due)).total_seconds())
        if state == "ran":
            named.add(run)
            found.without_run += [] if run in runs else [f"{name} {due}"]
    found.runs_without_due_time = len(runs - named)
    for name, begun, since in rows(place.database, "SELECT schedule, begun, since FROM store_watermark"):
        planned = _planned(int(PERIODS_S[int(name[1:]) % 4]), _at(begun), _at(since))
        had = Counter(recorded.pop(name, []))
        found.due += len(planned)
        found.recorded += had.total()
        found.lost += [f"{name} {due}" for due in planned if due not in had]
        found.doubled += [f"{name} {due}" for due, times in had.items() if times > 1]
        found.not_planned += [f"{name} {due}" for due in had if due not in planned and due <= _at(since)]
    found.not_planned += list(recorded)


def _planned(period: int, after: datetime, until_: datetime) -> set[datetime]:
    monday = datetime(2024, 1, 1, tzinfo=UTC)
    step = timedelta(seconds=period)
    first = (after - monday) // step + 1
    last = (until_ - monday) // step
    return {monday + n * step for n in range(first, last + 1)}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def report(found: Found, checks: Checks) -> None:
    """Print the counts and hold them against the promises."""
    checks.figure("kills", found.kills)
    checks.figure("due times", f"{found.due}, ended as {dict(found.ends)}")
    checks.figure("longest time from a due time to its record", f"{found.latest_s:.1f} s")
    checks.that("due times lost", found.lost[:5], [])
    checks.that("due times twice", found.doubled[:5], [])
    checks.that("recorded and never due", found.not_planned[:5], [])
    checks.that("states that are no end", sorted(set(found.ends) - ENDS), [])
    checks.that("due times that ran without a run", found.without_run[:5], [])
    checks.that("runs without a due time", found.runs_without_due_time, 0)


def main() -> int:
    """The part in full size, or as large as the arguments say."""
    parser = parser_of("schedules", __doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    options = options_of("schedules", parser)
    checks = Checks(
        f"schedules: {SCHEDULERS} schedulers, {options.schedules} schedules, {options.kills} SIGKILLs,"
        f" size {options.size}"
    )
    report(storm(options.kills, options.schedules, options.seed), checks)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
