"""`make chaos`: all failure tests at full size, one part after the other, each in a process of its own and within a limit."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Final

from chaos.place import ROOT

PARTS: Final[Mapping[str, int]] = {  # seconds that each part may take; together at most 25 minutes
    "mutants": 360,
    "journals": 240,
    "claims": 180,
    "hidden": 180,
    "stores": 420,
    "boundaries": 480,
    "hung": 480,
    "schedules": 420,
    "kills": 900,
}
LIMIT_S: Final = 25 * 60


def run_part(name: str, limit: float) -> int:
    """Run one part; 1 when something did not hold, 124 when it took too long. Nothing that it started is left."""
    process = subprocess.Popen([sys.executable, "-m", f"chaos.{name}"], cwd=ROOT, start_new_session=True)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        print(f"  {name}: ended after {limit:.0f} s")
        return 124
    finally:
        _end(process)


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
    parser = argparse.ArgumentParser(description="Failure tests at full size.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    chosen = options.parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    began, codes, times = time.monotonic(), {}, {}
    for name in chosen:
        start = time.monotonic()
        left = LIMIT_S - (start - began)
        codes[name] = run_part(name, max(1.0, min(PARTS[name], left)))
        times[name] = time.monotonic() - start
        print()
    for name, code in codes.items():
        print(f"{name:12} {'ok' if code == 0 else 'WRONG':6} {times[name]:5.0f} s")
    print(f"{'together':12} {'':6} {time.monotonic() - began:5.0f} s")
    return 1 if any(codes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
