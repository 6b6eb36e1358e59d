"""What a run of one row costs when `runner up` waits for it, and by `runner run`; beside raw and robocorp-tasks.

The CPU of a run by `runner up` is counted until the next standby child waits, less what the service spends in as much
time in which it has nothing to do: it would have spent that without the run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

from benchmarks.measure import Cost, median, table
from benchmarks.place import HERE, Place, a_place
from runner.core.clock import now
from runner.core.ids import uuid7
from runner.core.settings import load_settings
from runner.store.open import open_store

ROUNDS = 9
LIMIT_S = 60.0
SAMPLE_S = 0.02
IDLE_S = 10.0


class Service:
    """A `runner up` that waits, and the store that a run is put into."""

    def __init__(self, place: Place, process: psutil.Process) -> None:
        self._place = place
        self._process = process
        self._seen: dict[tuple[int, float], tuple[psutil.Process, float]] = {}
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        self.idle = 0.0

    def rests(self) -> None:
        """Measure what the service spends with nothing to do: `idle`, CPU seconds a second."""
        before, began = self.rest(), time.perf_counter()
        time.sleep(IDLE_S)
        self.idle = (self._spent() - before) / (time.perf_counter() - began)

    def one_row(self) -> Cost:
        """Queue a run of one row: wall until it is recorded as done, CPU until the next standby child waits."""
        from runner.cases.queued import queue_run
        from runner.store.models import Run

        book = str(self._place.workbook(1))
        before, began = self.rest(), time.perf_counter()
        row = {"bot": "post_form", "parameters": {"workbook": book, "form": self._place.form}}
        run = queue_run(uuid7(now()), row, now())
        while (status := Run.objects.get(pk=run.pk).status) in {"queued", "running"}:
            if time.perf_counter() - began > LIMIT_S:
                raise RuntimeError(f"run {run.pk} is still {status} after {LIMIT_S:.0f} s")
            time.sleep(0.01)
        if status != "done":
            raise RuntimeError(f"run {run.pk} ended as {status}")
        wall = time.perf_counter() - began
        spent = self.rest() - before
        return Cost(wall, spent - self.idle * (time.perf_counter() - began), 0)

    def rest(self) -> float:
        """The CPU seconds of the service and all it ever started, once they have come to rest."""
        last, quiet = self._spent(), 0
        limit = time.perf_counter() + LIMIT_S
        while quiet < 4 and time.perf_counter() < limit:
            time.sleep(0.5)
            spent = self._spent()
            quiet = quiet + 1 if spent - last < 0.03 else 0
            last = spent
        return last

    def end(self) -> None:
        """Sample no more."""
        self._over.set()
        self._sampler.join()

    def _spent(self) -> float:
        return sum(spent for _, spent in list(self._seen.values()))

    def _sample(self) -> None:
        """Keep what every process of the service has spent by itself: a killed one's time is added to no parent's."""
        while not self._over.wait(SAMPLE_S):
            with suppress(psutil.Error):
                for process in (self._process, *self._process.children(recursive=True)):
                    self._seen.setdefault((process.pid, process.create_time()), (process, 0.0))
            for key, (process, _) in list(self._seen.items()):
                with suppress(psutil.Error):
                    self._seen[key] = (process, sum(process.cpu_times()[:2]))


@contextmanager
def a_service(place: Place) -> Iterator[Service]:
    """`runner up` in the benchmarks' project, ended at the end."""
    home = place.home / "up"
    environment = {
        **os.environ, "RUNNER_HOME": str(home), "RUNNER_PROJECT": str(HERE), "PYTHONDONTWRITEBYTECODE": "",
    }  # fmt: skip
    home.mkdir(parents=True)
    open_store(load_settings(HERE, environment).database)
    command = [sys.executable, "-m", "runner", "up", "--no-desk"]
    process = subprocess.Popen(
        command, cwd=HERE, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    service = Service(place, psutil.Process(process.pid))
    try:
        yield service
    finally:
        service.end()
        process.terminate()
        process.wait(60)


def main() -> int:
    """Every side once a round, interleaved; medians, and ratios to robocorp-tasks pair by pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    with a_place() as place, a_service(place) as service:
        sides: dict[str, Callable[[], Cost]] = {
            "raw": lambda: place.raw(1),
            "runner up": service.one_row,
            "runner run": lambda: place.runner(1),
            "robocorp-tasks": lambda: place.robocorp(1),
        }
        for side in sides.values():
            side()
        service.rests()
        found: dict[str, list[Cost]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                found[name].append(side())
    lines = []
    for name, costs in found.items():
        pairs = list(zip(costs, found["robocorp-tasks"], strict=True))
        ratios = [median([a.cpu / b.cpu for a, b in pairs]), median([a.wall / b.wall for a, b in pairs])]
        lines.append([name, median([c.cpu for c in costs]), median([c.wall for c in costs]), *ratios])
    print(
        f"one run of one row, {rounds} rounds; the service by itself: {service.idle:.3f} CPU s a second, taken off"
    )
    print(table(["", "CPU s", "wall s", "CPU x robocorp", "wall x robocorp"], lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
