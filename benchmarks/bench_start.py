"""CPU of `runner --help`, and the memory of the processes that stay: `runner up` without work to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.measure import cost_of, median, table
from benchmarks.place import HERE

RUNNER = Path(sys.executable).with_name("runner")
CALLS = 11
WATCHED_S = 20
MEGABYTE = 1024 * 1024
_BROWSER = ("chrom", "msedge", "node", "headless_shell")


def help_cost() -> None:
    quiet = {"PYTHONDONTWRITEBYTECODE": ""}
    bare = [cost_of([sys.executable, "-c", "pass"], quiet, HERE) for _ in range(CALLS)]
    shown = [cost_of([RUNNER, "--help"], quiet, HERE) for _ in range(CALLS + 1)][1:]
    print(
        table(
            ["", "CPU s", "wall s"],
            [
                ["python -c pass", median([c.cpu for c in bare]), median([c.wall for c in bare])],
                ["runner --help", median([c.cpu for c in shown]), median([c.wall for c in shown])],
            ],
        )
    )
    print("asked for: runner --help <= 0.3 s CPU\n")


def memory(*options: str) -> None:
    """The memory (PSS) of the processes of `runner up` over some seconds: the most of each, and of those that stay together."""
    looks: list[dict[tuple[int, str], float]] = []
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as home:
        up = subprocess.Popen(
            [RUNNER, "up", *options],
            cwd=HERE,
            env={**os.environ, "RUNNER_HOME": home, "RUNNER_DESK_PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            parent = psutil.Process(up.pid)
            limit = time.monotonic() + WATCHED_S
            while time.monotonic() < limit and up.poll() is None:
                looks.append({})
                for process in (parent, *parent.children(recursive=True)):
                    note(process, looks[-1])
                time.sleep(0.5)
        finally:
            up.terminate()
            try:
                up.wait(60)
            except subprocess.TimeoutExpired:
                up.kill()
    if up.returncode != 0:
        print(f"runner up ended with {up.returncode}")
    most: dict[tuple[int, str], float] = {}
    for look in looks:
        most |= {key: max(size, most.get(key, 0.0)) for key, size in look.items()}
    stays = [key for key in looks[-1] if not key[1].startswith(("standby", *_BROWSER))]
    together = max(sum(look.get(key, 0.0) for key in stays) for look in looks)
    print(
        table(
            ["process", "peak PSS MB", "stays"], [[key[1], size, key in stays] for key, size in most.items()]
        )
    )
    print(
        f"those that stay, without standby children and browsers: at most {together:.0f} MB together; asked for: <= 120 MB\n"
    )


def note(process: psutil.Process, seen: dict[tuple[int, str], float]) -> None:
    try:
        words, size = process.cmdline(), process.memory_full_info().pss / MEGABYTE
    except psutil.Error:
        return
    name = Path(words[0]).name if words else "?"
    if any(word.startswith("--type=") for word in words):
        name = "chromium"  # one of its processes, seen while it takes its name
    elif "runner.kit.child" in words:
        name = "standby child"
    elif words and not name.startswith(_BROWSER):
        name = " ".join([name, *(Path(word).name for word in words[1:4])])
    seen[process.pid, name] = size


def main() -> int:
    help_cost()
    memory("--no-desk")
    memory("--desk")
    return 0


if __name__ == "__main__":
    sys.exit(main())
