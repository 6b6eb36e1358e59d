"""Many processes with many threads claim items of one queue at once: each item goes to one of them. A naive claim doubles."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chaos.checks import Checks
from chaos.place import ROOT
from chaos.sizes import options_of, parser_of

if TYPE_CHECKING:
    from runner.store.models import Item

QUEUE: Final = "orders"
RUN: Final = "chaos-run"
LIMIT_S: Final = 420
Take = Callable[[int, datetime], "Item | None"]


def fill(database: Path | str, items: int) -> None:
    """Make a store with one running run and `items` pending items (in a process of its own: one process, one store).

    `database` is a file, or the address of a database on a server, where what an earlier call left is removed first.
    """
    _python("--fill", str(items), "--store", str(database))


def claim_all(database: Path | str, processes: int, threads: int, *, naive: bool = False) -> Counter[str]:
    """How often each item was claimed when all threads of all processes claim until nothing is left."""
    words = ["--claim", str(threads), "--store", str(database), *(["--naive"] if naive else [])]
    with ThreadPoolExecutor(processes) as pool:
        claimed = list(pool.map(lambda _: _python(*words), range(processes)))
    return Counter(key for keys in claimed for key in json.loads(keys))


def _python(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "chaos.claims", *words], cwd=ROOT, check=True, capture_output=True, text=True,
        timeout=LIMIT_S,
    ).stdout  # fmt: skip


def _fill(count: int) -> None:
    from runner.store.models import Item, Queue, Run

    at = datetime.now(UTC)
    Queue.objects.filter(pk=QUEUE).delete()
    Run.objects.filter(pk=RUN).delete()
    Run.objects.create(
        pk=RUN, bot="post_orders", queued=at, status="running", epoch=1, lease_until=at + timedelta(hours=1)
    )
    Queue.objects.create(name=QUEUE)
    Item.objects.bulk_create([Item(queue_id=QUEUE, key=str(n), put_at=at) for n in range(count)])


def _claim(threads: int, take: Take) -> list[str]:
    from django.db import connections

    together = threading.Barrier(threads)

    def one(lane: int) -> list[str]:
        taken = []
        together.wait(60)
        while (item := take(lane, datetime.now(UTC))) is not None:
            taken.append(item.key)
        connections.close_all()
        return taken

    with ThreadPoolExecutor(threads) as pool:
        return [key for keys in pool.map(one, range(1, threads + 1)) for key in keys]


def _proper(lane: int, at: datetime) -> Item | None:
    from django.db import OperationalError

    from runner.store import claims

    while True:
        try:
            return claims.claim_next(QUEUE, RUN, lane, epoch=1, lease_until=at + timedelta(minutes=2), now=at)
        except OperationalError:  # as the worker does when many write at once: it comes again
            time.sleep(0.05)


def _naive(lane: int, at: datetime) -> Item | None:
    """The fault that the claim keeps out: look first, take later, with no condition on what was seen."""
    from django.db import OperationalError

    from runner.store.models import Item

    while True:
        item = Item.objects.filter(queue_id=QUEUE, status="pending").order_by("id").first()
        try:
            if item is not None:
                Item.objects.filter(pk=item.pk).update(status="running", claimed_lane=lane, lease_until=at)
        except OperationalError:
            continue
        return item


def report(claimed: Counter[str], items: int, checks: Checks) -> None:
    """Print the counts and hold them against the promise."""
    checks.that("items claimed", len(claimed), items)
    checks.that("items claimed twice", [key for key, times in claimed.items() if times > 1][:5], [])


def main() -> int:
    """The part in full size, or one of the processes of it."""
    parser = parser_of("claims", __doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--threads", type=int, default=8, help="of each process")
    parser.add_argument("--database", help="postgresql://… of an empty database, instead of a SQLite file")
    parser.add_argument("--store", help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--claim", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--naive", action="store_true", help=argparse.SUPPRESS)
    options = options_of("claims", parser)
    if options.store:
        from runner.core.store_address import ServerAddress
        from runner.store.open import open_store

        open_store(ServerAddress(options.store) if "://" in options.store else Path(options.store))
        if options.fill:
            _fill(options.fill)
        else:
            print(json.dumps(_claim(options.claim, _naive if options.naive else _proper)))
        return 0
    everybody = f"{options.processes} processes with {options.threads} threads each"
    where = "PostgreSQL" if options.database else "SQLite"
    checks = Checks(f"claims: {everybody} claim {options.items} items on {where}, size {options.size}")
    with tempfile.TemporaryDirectory(prefix="runner-chaos-") as name:
        store = options.database or Path(name) / "store.sqlite3"
        fill(store, options.items)
        began = time.monotonic()
        report(claim_all(store, options.processes, options.threads), options.items, checks)
        checks.figure("claims per second", round(options.items / (time.monotonic() - began)))
        naive = options.database or Path(name) / "naive.sqlite3"
        fill(naive, 200)
        doubled = sum(times > 1 for times in claim_all(naive, 4, 8, naive=True).values())
        checks.figure("the naive claim doubles, of 200 items", doubled)
        checks.that("the naive claim is caught", doubled > 0, True)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
