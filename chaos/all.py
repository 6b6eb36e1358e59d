"""`make chaos`: all failure tests, two parts at a time, each in a process of its own and within a limit.

`make chaos SIZE=ci` is the same with about a quarter of the counts (`chaos.sizes`), and all seeded faults: what the gate runs.
The limits are those of the full size for either: what takes a quarter of the time may take four times as long.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final

from chaos.place import ROOT
from chaos.sizes import CI, FULL

PARTS: Final[Mapping[str, int]] = {  # seconds that each part may take; those that take longest begin first
    "kills": 900,
    "boundaries": 720,
    "mutants": 720,
    "workbooks": 1200,
    "hung": 600,
    "schedules": 600,
    "journals": 600,
    "stores": 480,
    "hidden": 300,
    "claims": 240,
}
LIMIT_S: Final = 25 * 60  # of all together
_running: Final[set[subprocess.Popen[bytes]]] = set()


def run_part(name: str, size: str, until: float) -> tuple[int, float, str]:
    """Run one part: its exit code (124: it took too long), seconds, and what it printed. Nothing it started is left."""
    began = time.monotonic()
    limit = max(1.0, min(PARTS[name], until - began))
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", f"chaos.{name}", "--size", size],
            cwd=ROOT,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code, last = 124, f"  {name}: ended after {limit:.0f} s\n"
        _running.add(process)
        try:
            code, last = process.wait(limit), ""
        except subprocess.TimeoutExpired:
            pass
        finally:
            _end(process)
            _running.discard(process)
        printed.seek(0)
        return code, time.monotonic() - began, printed.read().decode("utf-8", "replace") + last


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it, so that it ends what it started itself, then end it by force."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                continue


def main() -> int:
    """All parts, or those that are named."""
    parser = argparse.ArgumentParser(description="Failure tests.")
    parser.add_argument(
        "--size", choices=(FULL, CI), default=FULL, help="full, or about a quarter for a gate (%(default)s)"
    )
    parser.add_argument("--at-once", type=int, default=2, help="parts that run beside each other (2)")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    chosen = options.parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    began, results = time.monotonic(), {}
    with ThreadPoolExecutor(options.at_once) as pool:
        waiting = {pool.submit(run_part, name, options.size, began + LIMIT_S): name for name in chosen}
        try:
            for done in as_completed(waiting):
                results[waiting[done]] = done.result()
                print(done.result()[2], flush=True)
        except KeyboardInterrupt:  # the parts have sessions of their own: Ctrl-C does not reach them
            pool.shutdown(wait=False, cancel_futures=True)
            for process in tuple(_running):
                _end(process)
            print("interrupted: what was still running is ended, nothing is shown by it", file=sys.stderr)
            return 130
    for name in chosen:
        code, seconds, _ = results[name]
        print(f"{name:12} {'ok' if code == 0 else 'WRONG':6} {seconds:5.0f} s")
    print(f"{'together':12} {'':6} {time.monotonic() - began:5.0f} s, size {options.size}")
    return 1 if any(code for code, _, _ in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
