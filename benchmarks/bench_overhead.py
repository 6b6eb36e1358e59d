"""What a row costs by Runner, beside plain Playwright and openpyxl, and beside robocorp-tasks; and what a step costs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.measure import Cost, median, table
from benchmarks.place import ROOT, Place, a_place

PAIRS, SMALL, LARGE = 9, 20, 120


@dataclass(frozen=True)
class Figures:
    """One side in one round, in seconds: a row by the slope between two sizes, what is left for a run without rows."""

    row_cpu: float
    row_wall: float
    fixed_cpu: float
    fixed_wall: float

    @classmethod
    def of(cls, small: Cost, large: Cost, sizes: tuple[int, int]) -> Figures:
        """From the costs of two sizes."""
        few, many = sizes
        cpu, wall = (large.cpu - small.cpu) / (many - few), (large.wall - small.wall) / (many - few)
        return cls(cpu, wall, small.cpu - few * cpu, small.wall - few * wall)

    def total(self, rows: int) -> tuple[float, float]:
        """CPU and wall of a run of so many rows."""
        return self.fixed_cpu + rows * self.row_cpu, self.fixed_wall + rows * self.row_wall


def rounds(
    sides: Mapping[str, Callable[[int], Cost]], pairs: int, sizes: tuple[int, int]
) -> dict[str, list[Figures]]:
    """Every side once per round, interleaved, in an order that turns; one warm-up each before."""
    for work in sides.values():
        work(2)
    found: dict[str, list[Figures]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(pairs):
        order = names[number % len(names) :] + names[: number % len(names)]
        costs = {(name, rows): sides[name](rows) for rows in sizes for name in order}
        for name in names:
            found[name].append(Figures.of(costs[name, sizes[0]], costs[name, sizes[1]], sizes))
        said = ", ".join(f"{name} {found[name][-1].row_cpu * 1000:.1f} ms" for name in names)
        print(f"round {number + 1} of {pairs}: CPU a row: {said}", flush=True)
    return found


def report(found: Mapping[str, list[Figures]]) -> None:
    raw = found["raw"]
    lines = []
    for name, figures in found.items():
        per_100 = [one.total(100) for one in figures]
        ratio = median([one.row_cpu / base.row_cpu for one, base in zip(figures, raw, strict=True)])
        wall = median([one.row_wall / base.row_wall for one, base in zip(figures, raw, strict=True)])
        lines.append([
            name,
            median([one.row_cpu for one in figures]) * 1000, ratio,
            median([one.row_wall for one in figures]) * 1000, wall,
            median([one.fixed_cpu for one in figures]), median([one.fixed_wall for one in figures]),
            median([cpu for cpu, _ in per_100]), median([wall for _, wall in per_100]),
        ])  # fmt: skip
    print()
    print(
        table(
            ["side", "CPU/row ms", "x raw", "wall/row ms", "x raw", "run CPU s", "run wall s", "100 rows CPU s", "100 rows wall s"],
            lines,
        )
    )  # fmt: skip
    print("ratios: median of the rounds; asked for: CPU a row <= 1.05 x raw, wall a row <= 1.10 x raw")
    if "robocorp" in found:
        own = [one.fixed_cpu - base.fixed_cpu for one, base in zip(found["runner"], raw, strict=True)]
        other = [one.fixed_cpu - base.fixed_cpu for one, base in zip(found["robocorp"], raw, strict=True)]
        print(
            f"fixed CPU of a run beyond raw: runner {median(own):.2f} s, robocorp {median(other):.2f} s; "
            "asked for: runner's <= 0.5 x robocorp's"
        )


def report_steps(place: Place, pairs: int) -> None:
    place.steps(1)
    place.fills(1)
    steps, fills = [], []
    for _ in range(pairs):
        steps.append((place.steps(5000).cpu - place.steps(0).cpu) / 5000 * 1000)
        fills.append((place.fills(320).cpu - place.fills(20).cpu) / 300 * 1000)
    share = median(steps) / median(fills)
    print(
        f"\none step: {median(steps):.3f} ms CPU; one raw fill: {median(fills):.3f} ms CPU; "
        f"{share:.1%} of it; asked for: <= 2 %"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--rows", type=int, nargs=2, default=[SMALL, LARGE], metavar=("FEW", "MANY"))
    options = parser.parse_args()
    with a_place() as place:
        sides: dict[str, Callable[[int], Cost]] = {"raw": place.raw, "runner": place.runner}
        if (ROOT / ".venv-bench" / ".ready").exists():
            sides["robocorp"] = place.robocorp
        else:
            print("robocorp is left out: sh setup.sh bench makes its environment")
        report(rounds(sides, options.pairs, (options.rows[0], options.rows[1])))
        report_steps(place, min(3, options.pairs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
