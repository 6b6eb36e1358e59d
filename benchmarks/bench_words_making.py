"""What making the index of words beside the work costs on a large store: `python -m benchmarks.bench_words_making FILE`.

FILE is what `python -m benchmarks.make_big_store FILE` makes. Its index is begun anew, as if the store were opened by a
version with another one, and is whole at the end. Meanwhile somebody writes, twenty times a second.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from pathlib import Path
from typing import Final

from benchmarks.bench_desk import p95

PAUSE: Final = 0.05  # seconds between two writes


def main() -> None:
    """Print how long the store can't be opened, how long the rest takes, and how long writes wait meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long writes are looked at")
    wanted = parser.parse_args()
    from runner.store.open import open_store

    open_store(wanted.path)
    from django.db import connection

    from runner.store import word_index
    from runner.store.word_index_making import WordIndexMaker

    with connection.cursor() as cursor:
        word_index.stop_keeping(cursor.execute)
    began = time.perf_counter()
    word_index.ensure(connection)
    print(f"opening: {time.perf_counter() - began:.1f} s")
    maker = WordIndexMaker()
    thread = threading.Thread(target=maker.serve)
    began = time.perf_counter()
    thread.start()
    waits = []
    while not word_index.is_whole():
        if time.perf_counter() - began < wanted.seconds:
            waits.append(_write() * 1000)
        time.sleep(PAUSE)
    print(f"all rows: {time.perf_counter() - began:.0f} s")
    print(
        f"writes: {statistics.median(waits):.0f} ms (middle), {p95(waits):.0f} ms (p95), {max(waits):.0f} ms (longest)"
    )
    maker.stop()
    thread.join()


def _write() -> float:
    """Seconds that a small write takes, with the wait for its turn."""
    from django.db import connection, transaction

    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE store_run SET priority = priority WHERE id = (SELECT id FROM store_run LIMIT 1)"
        )
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
