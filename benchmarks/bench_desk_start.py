"""How soon `runner desk` answers, and what memory it holds then: `python -m benchmarks.bench_desk_start`."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

import psutil

ROUNDS: Final = 7
PAGES: Final = 200


def main() -> None:
    """Print seconds from the start of the process to its first answer, and MB after some pages."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bots").mkdir()
        (Path(folder) / "pyproject.toml").touch()
        rounds = [_one(Path(folder)) for _ in range(ROUNDS + 1)][1:]  # the first one makes the store
    for name, unit, values in zip(
        ("first answer", "CPU until then", "memory"), ("s", "s", "MB"), zip(*rounds, strict=True), strict=True
    ):
        print(
            f"{name:<15} {statistics.median(values):7.2f} {unit} (from {min(values):.2f} to {max(values):.2f})"
        )


def _one(folder: Path) -> tuple[float, float, float]:
    began = time.perf_counter()
    environment = {**os.environ, "RUNNER_PROJECT": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-m", "runner", "desk", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as desk:
        assert desk.stdout is not None
        found = re.search(r"http://\S+", desk.stdout.readline())
        assert found is not None
        url = f"{found[0]}/sign-in"
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
        took = time.perf_counter() - began
        process = psutil.Process(desk.pid)
        used = process.cpu_times()
        for _ in range(PAGES):
            with urllib.request.urlopen(url, timeout=30) as answer:
                answer.read()
        memory = process.memory_info().rss / 2**20
        desk.terminate()
    return took, used.user + used.system, memory


if __name__ == "__main__":
    main()
