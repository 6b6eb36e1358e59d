"""Plain APScheduler with many jobs, some of them due at one second: what a job store of its own makes of it."""

from __future__ import annotations

import sqlite3
import sys
import time
from datetime import UTC, datetime

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler


def record(database: str, number: int) -> None:
    """Write a run down, as durably as Runner does."""
    with sqlite3.connect(database, timeout=60) as store:
        store.execute("PRAGMA synchronous=FULL")
        store.execute("INSERT INTO run VALUES (?, ?)", (number, time.time()))


def main() -> None:
    """Arguments: memory or sqlalchemy, folder, all jobs, jobs due together, seconds to wait after the last one."""
    kind, folder, jobs, together, wait = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    database = f"{folder}/runs.sqlite3"
    with sqlite3.connect(database) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("CREATE TABLE run (number INTEGER, at REAL)")
    job_store = (
        MemoryJobStore() if kind == "memory" else SQLAlchemyJobStore(f"sqlite:///{folder}/jobs.sqlite3")
    )
    clock = BackgroundScheduler(timezone=UTC, jobstores={"default": job_store})
    began = time.time()
    clock.start(paused=True)
    for number in range(jobs - together):
        clock.add_job(
            record, "cron", args=(database, number), hour=number % 24, minute=number % 60, year=2999
        )
    allowance = (
        20.0 if kind == "memory" else 5 + (time.time() - began) * together / max(jobs - together, 1) * 2
    )
    due = int(time.time() + allowance) + 1
    for number in range(together):
        clock.add_job(record, "date", args=(database, number), run_date=datetime.fromtimestamp(due, UTC))
    loaded = time.time() - began
    clock.resume()
    time.sleep(max(due - time.time(), 0) + wait)
    print(due, loaded)
    clock.shutdown(wait=False)


if __name__ == "__main__":
    main()
