"""What a replayed step costs beside the same Playwright call: time and CPU of this process, for a field and a button.

Run with ``python -m benchmarks.bench_recordings``; it needs no network and takes about half a minute.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runner.kit.replay import Player, Script
from runner.kit.replay_window import window
from runner.recordings.reading import parse_recording

TIMES: Final = 300
PAGE: Final = "<!doctype html><label>Name <input id=name></label><button type=button>Save</button>"
STEPS: Final = [
    {"type": "navigate", "url": "http://127.0.0.1:1/"},
    {"type": "change", "value": "Ada", "selectors": [["aria/Name"], ["#name"]]},
    {"type": "click", "selectors": [['aria/Save[role="button"]'], ["button"]], "offsetX": 5, "offsetY": 5},
]


def measured(act: Callable[[], object]) -> tuple[float, float]:
    """The median time and the mean CPU time of one call, in ms."""
    act()
    times: list[float] = []
    cpu = time.process_time()
    for _ in range(TIMES):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000, (time.process_time() - cpu) * 1000 / TIMES


def main() -> None:
    """Print one line per kind of step."""
    recording = parse_recording(json.dumps({"title": "bench", "steps": STEPS}), "bench.json")
    with window(headed=False) as context:
        context.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        page = context.new_page()
        player = Player(page, Script(recording, "bench.json", Path(), Path()))
        player.play(1, 1)
        for number, name, bare in (
            (2, "fill", lambda: page.get_by_label("Name", exact=True).fill("Ada")),
            (3, "click", lambda: page.get_by_role("button", name="Save", exact=True).click()),
        ):
            plain, plain_cpu = measured(bare)
            replayed, replayed_cpu = measured(lambda number=number: player.play(number, number))  # type: ignore[misc]
            print(
                f"{name:6} Playwright {plain:6.2f} ms ({plain_cpu:5.2f} ms CPU)   replayed {replayed:6.2f} ms"
                f" ({replayed_cpu:5.2f} ms CPU)   more: {replayed - plain:5.2f} ms ({replayed_cpu - plain_cpu:5.2f} ms CPU)"
            )


if __name__ == "__main__":
    main()
