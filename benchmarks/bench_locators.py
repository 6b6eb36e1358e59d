"""What a named step and a ranked locator cost beside a bare action of Playwright: CPU of this process, and of all."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from loguru import logger

from benchmarks.measure import table
from benchmarks.place import HERE
from runner.demo.serve import Portal
from runner.kit import web
from runner.kit.rehearsal import Rehearsal

SHOWN = ("here", "driver", "page", "browser")
Costs: TypeAlias = list[dict[str, float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=150, help="of eight actions, each way")
    options = parser.parse_args()
    logger.remove()  # its own handler prints; journals have theirs
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name, Portal(Path(name) / "portal") as portal:
        parameters = {"form": f"{portal.url}/bench/form", "blocks": options.blocks}
        done = Rehearsal(HERE, Path(name) / "runs").run("measure_locators", parameters)
        web.close()
    if done.error:
        raise SystemExit(done.error["message"])
    spent = done.outputs["spent"]
    parts = sorted({part for costs in spent.values() for cost in costs for part in cost})
    rows = [_row(way, costs, spent["bare"], parts) for way, costs in spent.items()]
    print(table(["CPU ms per action", "all", *(f"+ {shown}" for shown in SHOWN), "+ all", "+-"], rows))
    print(
        "+ : more than the bare action: the medians of each kind of thread, added up; 'bare again' shows the noise, +- the"
        " standard error of '+ all'; asked for: <= 0.3 ms"
    )
    return 0


def _row(way: str, costs: Costs, bare: Costs, parts: Sequence[str]) -> list[str | float]:
    added = {
        part: [one.get(part, 0.0) - base.get(part, 0.0) for one, base in zip(costs, bare, strict=True)]
        for part in parts
    }
    medians = {part: statistics.median(found) for part, found in added.items()}
    shown = [sum(ms for part, ms in medians.items() if part.startswith(name)) for name in SHOWN]
    error = sum(_error(found) ** 2 for found in added.values()) ** 0.5
    return [way, statistics.median(sum(one.values()) for one in costs), *shown, sum(shown), error]


def _error(differences: Sequence[float]) -> float:
    """The standard error of their median, from the middle half: a few of them met something else on the machine."""
    low, _, high = statistics.quantiles(differences, n=4)
    return float(1.253 * (high - low) / 1.349 / len(differences) ** 0.5)


if __name__ == "__main__":
    sys.exit(main())
