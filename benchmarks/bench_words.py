"""What the index of words costs when items come in: `python -m benchmarks.bench_words`.

The same journals (items put, tried, done or failed) are taken into a new store, by turns with the index and without it.
Processor time is compared, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from loguru import logger

from runner.core.clock import iso
from runner.core.contract import JOURNAL_FILE, lane_folder, run_folder
from runner.core.ids import uuid7
from runner.journal.write import Journal

CUSTOMERS: Final = ("Northwind Tools Ltd", "上海明华贸易有限公司", "Blue River Paper", "北京远洋物流")


def main() -> None:
    """Print the processor time per item with and without the index, and what the difference is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    logger.remove()  # journals have sinks of their own
    with tempfile.TemporaryDirectory() as folder:
        from runner.store.open import open_store

        open_store(Path(folder) / "store.sqlite3")
        plain, indexed = [], []
        for number in range(wanted.rounds):
            indexed.append(_round(Path(folder) / f"i{number}", wanted.items, index=True))
            plain.append(_round(Path(folder) / f"p{number}", wanted.items, index=False))
    without, with_it = min(plain), min(indexed)  # the rounds that other work disturbed least
    print(f"{'without the index':<20} {without * 1e6:>8.0f} µs an item")
    print(f"{'with it':<20} {with_it * 1e6:>8.0f} µs an item  {(with_it / without - 1) * 100:+.1f} %")


def _round(runs: Path, items: int, *, index: bool) -> float:
    """Seconds of processor time per item of one run that is taken in, 50 items at a time, as a worker does."""
    from django.db import connection

    from runner.cases.intake import take_in_journal
    from runner.store import word_index

    with connection.cursor() as cursor:
        if index:
            word_index.ensure(connection)
        else:
            word_index.stop_keeping(cursor.execute)
    run, queued = uuid7(datetime.now(UTC)), datetime.now(UTC)
    folder = runs / run_folder(run, queued)
    own = Journal(folder / JOURNAL_FILE, run=run, lane=0, bot="post_orders")
    own.event(
        "run.started",
        data={"bot_file": "b.py", "bot_version": "v", "queued": iso(queued), "lanes": 1, "process": "p"},
    )
    take_in_journal(folder / JOURNAL_FILE, run, 0)
    lane = Journal(folder / lane_folder(1) / JOURNAL_FILE, run=run, lane=1, bot="post_orders")
    lane.event(
        "run.started",
        data={"pid": 1, "host": "h", "queues": [{"name": "orders", "key": "number", "fields": {}}]},
    )
    spent = 0.0
    for start in range(0, items, 50):
        _write(lane, run, range(start, start + 50))
        begun = time.process_time()
        take_in_journal(folder / lane_folder(1) / JOURNAL_FILE, run, 1)
        spent += time.process_time() - begun
    return spent / items


def _write(lane: Journal, run: str, numbers: range) -> None:
    keys = [f"{run[-6:]}-{number:06}" for number in numbers]
    lane.event(
        "items.put",
        queue="orders",
        data={"bad": [], "items": [_item(key, at) for key, at in zip(keys, numbers, strict=True)]},
    )
    for key, number in zip(keys, numbers, strict=True):
        place: dict[str, Any] = {"queue": "orders", "item": key, "attempt": 1}
        lane.event("attempt.started", **place)
        if number % 20:
            lane.event(
                "attempt.finished",
                ms=12.0,
                data={"status": "done", "output": {"confirmation": "C-1"}},
                **place,
            )
            continue
        error = {"kind": "business", "type": "BusinessError", "code": "UNKNOWN_PRODUCT", "message": f"no product 'P{number}' in the catalogue"}  # fmt: skip
        lane.event(
            "attempt.finished", ms=12.0, error=error, data={"status": "failed", "will_retry": False}, **place
        )


def _item(key: str, number: int) -> dict[str, Any]:
    data = {
        "number": key, "customer": CUSTOMERS[number % len(CUSTOMERS)], "product": f"P-{number % 977:04}",
        "quantity": number % 50, "amount": f"{number * 7 % 90_000 / 100:.2f}", "currency": "EUR", "due": "2026-12-01",
    }  # fmt: skip
    return {"key": key, "data": data, "source": f"orders.xlsx/Sheet1!{number + 2}"}


if __name__ == "__main__":
    main()
