"""10,000 schedules: how long they load, what they cost while nothing is due, and 1,000 due in one second, beside APScheduler."""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil

from runner.core.clock import now
from runner.timetable.loading import load

ROOT: Final = Path(__file__).resolve().parents[1]
RUNNER: Final = Path(sys.executable).with_name("runner")
BENCH_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
IDLE_S: Final = 30
BOT: Final = """from runner import bot

@bot
def nothing() -> None:
    \"\"\"Do nothing.\"\"\"
"""


def file_of(schedules: int, together: int, due: float) -> str:
    """A schedules.yaml; the first `together` of it are due at `due`, the others at all minutes of far nights."""
    at = datetime.fromtimestamp(due, UTC)
    lines = ["schedules:"]
    for n in range(schedules):
        when = (
            f'at: "{at:%Y-%m-%d %H:%M:%S}"' if n < together else f'cron: "{n % 60} {n % 24} {n % 28 + 1} 1 *"'
        )
        lines += [
            f"  - id: schedule-{n}",
            "    bot: nothing",
            f"    {when}",
            f"    description: The {n}-th one",
        ]
    return "\n".join(lines) + "\n"


def percentile(values: Sequence[float], share: int) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * share // 100) - 1, 0)]


def loading(folder: Path, schedules: int) -> None:
    """All checks of the file, in this process."""
    path = folder / "schedules.yaml"
    path.write_text(file_of(schedules, 0, 0), "utf-8")
    wall, cpu = time.monotonic(), time.process_time()
    planned = load(path, None, now()).planned
    for one in planned:
        one.next_after(now())
    print(
        f"load {len(planned)} schedules ({path.stat().st_size / 1e6:.1f} MB) and their next due times:"
        f" {time.process_time() - cpu:.1f} s CPU, {time.monotonic() - wall:.1f} s; asked for: <= 5 s"
    )


def runner_side(folder: Path, schedules: int, together: int) -> None:
    """`runner scheduler`: idle CPU, then the burst, watched from outside: a run counts when another process can read it."""
    (folder / "bots").mkdir()
    (folder / "bots" / "nothing.py").write_text(BOT, "utf-8")
    (folder / "pyproject.toml").write_text("[tool.runner]\n", "utf-8")
    due = int(time.time()) + 45 + IDLE_S
    (folder / "schedules.yaml").write_text(file_of(schedules, together, due), "utf-8")
    environment = {**os.environ, "RUNNER_HOME": str(folder / "home")}
    with (folder / "said").open("wb") as said:
        scheduler = subprocess.Popen(
            [RUNNER, "scheduler"], cwd=folder, env=environment, stdout=said, stderr=said
        )
    try:
        began = time.monotonic()
        while b"schedules are on" not in (folder / "said").read_bytes():
            if scheduler.poll() is not None:
                raise RuntimeError((folder / "said").read_text("utf-8"))
            time.sleep(0.1)
        print(f"runner scheduler: ready after {time.monotonic() - began:.1f} s")
        process = psutil.Process(scheduler.pid)
        before = sum(process.cpu_times()[:2])
        time.sleep(IDLE_S)
        idle = (sum(process.cpu_times()[:2]) - before) / IDLE_S
        print(f"  idle: {idle:.2%} of one CPU over {IDLE_S} s; asked for: <= 0.5 %")
        print(f"  memory: {process.memory_info().rss / 1e6:.0f} MB")
        late = watched(folder / "home" / "store.sqlite3", due, together)
        tell("  runner", late, together)
    finally:
        scheduler.terminate()
        scheduler.wait(60)


def watched(database: Path, due: float, together: int) -> list[float]:
    """Seconds after `due` at which each run could be read."""
    late: list[float] = []
    with closing(sqlite3.connect(database, timeout=30)) as store:
        while len(late) < together and time.time() < due + 60:
            (count,) = store.execute("SELECT count(*) FROM store_run").fetchone()
            late += [time.time() - due] * (count - len(late))
            time.sleep(0.01)
    return late


def plain_side(kind: str, folder: Path, schedules: int, together: int) -> None:
    """The same burst in plain APScheduler."""
    done = subprocess.run(
        [BENCH_PYTHON, ROOT / "benchmarks" / "plain_apscheduler.py", kind, folder, str(schedules), str(together), "30"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr)
    due, loaded = map(float, done.stdout.split())
    with closing(sqlite3.connect(folder / "runs.sqlite3")) as store:
        late = [at - due for (at,) in store.execute("SELECT at FROM run")]
    print(f"APScheduler, {kind} job store: {schedules} jobs added in {loaded:.1f} s")
    tell(f"  {kind}", late, together)
    warnings = done.stderr.count("was missed by")
    if warnings:
        print(f"  {warnings} runs were dropped as misfires")


def tell(who: str, late: list[float], together: int) -> None:
    """One line of figures."""
    if not late:
        print(f"{who}: none of {together} runs recorded")
        return
    p50, p99 = percentile(late, 50), percentile(late, 99)
    print(
        f"{who}: {len(late)} of {together} recorded, lateness p50 {p50:.2f} s, p99 {p99:.2f} s, max {max(late):.2f} s"
    )


def main() -> int:
    """All of it, or as large as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--together", type=int, default=1_000)
    options = parser.parse_args()
    sizes = (options.schedules, options.together)
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        folder = Path(name)
        for part in ("load", "runner", "memory", "sqlalchemy"):
            (folder / part).mkdir()
        loading(folder / "load", options.schedules)
        runner_side(folder / "runner", *sizes)
        for kind in ("memory", "sqlalchemy"):
            plain_side(kind, folder / kind, *sizes)
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
    print("asked for: 1,000 due in one second, all recorded, p99 <= 1 s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
