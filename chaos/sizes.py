"""How much each part of the failure tests does: one table, with the full size and the one of the gate (about a quarter)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FULL: Final = "full"
CI: Final = "ci"


@dataclass(frozen=True, slots=True)
class Count:
    """One count of a part, in both sizes, and what it counts."""

    full: int
    ci: int
    what: str


# The faults of `mutants` are not counted here: all of them are tried in either size.
COUNTS: Final[Mapping[str, Mapping[str, Count]]] = {
    "boundaries": {"every": Count(1, 5, "of a browser's calls each n-th one; those of the file all")},
    "claims": {"items": Count(3_000, 750, "items claimed")},
    "hidden": {"secrets": Count(200, 50, "secrets told")},
    "hung": {"rounds": Count(100, 24, "browsers broken")},
    "journals": {"each": Count(5_000, 1_250, "truncations, and as many bit flips")},
    "kills": {"kills": Count(200, 50, "SIGKILLs"), "orders": Count(60, 20, "orders of a round")},
    "mutants": {},
    "schedules": {
        "kills": Count(200, 50, "SIGKILLs"),
        "schedules": Count(200, 100, "schedules"),
    },
    "stores": {
        "locked": Count(60, 25, "seconds for which the store is locked"),
        "items": Count(40, 20, "items of each trouble"),
    },
    "workbooks": {"workbooks": Count(10_000, 2_500, "damaged workbooks"), "points": Count(50, 12, "killed saves")},
}  # fmt: skip


def parser_of(part: str, about: str | None) -> argparse.ArgumentParser:
    """The command line of a part: its size, and an option for each of its counts."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--size", choices=(FULL, CI), default=FULL, help="where no count is given (%(default)s)"
    )
    for name, count in COUNTS[part].items():
        parser.add_argument(
            f"--{name}", type=int, help=f"{count.what}: {count.full:,} in full, {count.ci:,} in size ci"
        )
    return parser


def options_of(part: str, parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options as they were given, with the counts of the size for those that were not."""
    options = parser.parse_args()
    for name, count in COUNTS[part].items():
        if getattr(options, name) is None:
            setattr(options, name, count.ci if options.size == CI else count.full)
    return options
