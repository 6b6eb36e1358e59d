"""What a named step and a ranked locator cost beside a bare action of Playwright: CPU of this process, and of all."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from loguru import logger

from benchmarks.measure import table
from benchmarks.place import HERE
from runner.demo.serve import Portal
from runner.kit import web
from runner.kit.rehearsal import Rehearsal


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
    rows = []
    for way, costs in spent.items():
        added = [[one[n] - base[n] for one, base in zip(costs, spent["bare"], strict=True)] for n in range(2)]
        rows.append([
            way,
            *(statistics.fmean([one[n] for one in costs]) for n in range(2)),
            *(statistics.fmean(part) for part in added),
            statistics.stdev(added[1]) / len(costs) ** 0.5,
        ])  # fmt: skip
    print(table(["CPU ms per action", "here", "all", "added here", "added all", "+-"], rows))
    print("'bare again' shows the noise, +- the standard error of 'added all'; asked for: <= 0.3 ms each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
