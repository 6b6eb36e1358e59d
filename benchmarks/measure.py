"""What a command costs with everything it starts: wall and CPU seconds, whoever its processes' parents were."""

from __future__ import annotations

import ctypes
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """Seconds of one call, and its exit code."""

    wall: float
    cpu: float
    code: int


def cost_of(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Cost:
    """Run `command` and wait until it, and every process that it left to its parent, has ended (Linux only).

    Raises RuntimeError with its last words when it fails.
    """
    done = subprocess.run(
        [sys.executable, __file__, *map(str, command)],
        env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    *words, figures = done.stderr.splitlines() or [""]
    cost = Cost(**json.loads(figures)) if figures.startswith("{") else None
    if cost is None or cost.code:
        said = "\n".join([*done.stdout.splitlines()[-20:], *words[-20:], figures])
        raise RuntimeError(f"{' '.join(map(str, command))}\n{said}")
    return cost


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A plain table: the first column to the left, the others to the right."""
    texts = [list(headings), *([f"{v:.3f}" if isinstance(v, float) else str(v) for v in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(headings))]
    lines = [
        "  ".join(
            t.ljust(w) if i == 0 else t.rjust(w) for i, (t, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in texts
    ]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])


def _measure(command: Sequence[str]) -> None:
    """In a process of its own: adopt what the command leaves behind, and add up what each one used."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    started, cpu, code = time.perf_counter(), 0.0, -1
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    wall = 0.0
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu += usage.ru_utime + usage.ru_stime
        if pid == child.pid:
            code, wall = os.waitstatus_to_exitcode(status), time.perf_counter() - started
            child.returncode = code
    print(json.dumps({"wall": wall, "cpu": cpu, "code": code}), file=sys.stderr)


if __name__ == "__main__":
    _measure(sys.argv[1:])
