"""Rows per second of four lanes and of one, on a form that takes 300 ms to answer."""

from __future__ import annotations

import argparse
import sys

from benchmarks.measure import median, table
from benchmarks.place import a_place

DELAY_MS, FEW, MANY, ROUNDS = 300, 20, 100, 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", type=int, nargs=2, default=[FEW, MANY], metavar=("FEW", "MANY"))
    options = parser.parse_args()
    few, many = options.rows
    speed: dict[int, list[float]] = {1: [], 4: []}
    whole: dict[int, list[float]] = {1: [], 4: []}
    with a_place() as place:
        place.runner(4, "--lanes", "4", delay=DELAY_MS)
        for number in range(options.rounds):
            for lanes, found in speed.items():
                short = place.runner(few, "--lanes", str(lanes), delay=DELAY_MS)
                long = place.runner(many, "--lanes", str(lanes), delay=DELAY_MS)
                found.append((many - few) / (long.wall - short.wall))
                whole[lanes].append(many / long.wall)
            print(f"round {number + 1}: {speed[1][-1]:.2f} and {speed[4][-1]:.2f} rows a second", flush=True)
    base, base_whole = median(speed[1]), median(whole[1])
    lines = [
        [f"{lanes} lane{'s' if lanes > 1 else ''}", median(found), median(found) / base,
         median(whole[lanes]), median(whole[lanes]) / base_whole]
        for lanes, found in speed.items()
    ]  # fmt: skip
    print()
    print(table(["", "rows/s", "x one lane", f"rows/s of {many} rows, start included", "x one lane"], lines))
    print("rows/s by the slope between two sizes; asked for: >= 3.2 x one lane")
    return 0


if __name__ == "__main__":
    sys.exit(main())
