"""How often each ranked locator was used, and by which of its choices: counted here, written once for many uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypedDict

from runner.journal.write import Journal

FIRST: Final = 1
_ATTEMPTS_A_LINE: Final = 200


class Counted(TypedDict):
    """What a journal line says of one locator: uses by its first choice and by a lower one, and the choice used last."""

    first: int
    lower: int
    last: int


@dataclass(slots=True)
class _Count:
    uses: int = 0
    lower: int = 0
    last: int = FIRST


@dataclass(slots=True)
class Uses:
    """Counts since the last line. What was used in an attempt that failed is not kept: nobody knows whether it matched."""

    _open: dict[str, _Count] = field(default_factory=dict)
    _kept: dict[str, Counted] = field(default_factory=dict)
    _attempts: int = 0

    def used(self, name: str) -> None:
        """A locator is about to be used; by its first choice unless `fell` says otherwise."""
        count = self._open.setdefault(name, _Count())
        count.uses += 1
        count.last = FIRST

    def fell(self, name: str, choice: int) -> None:
        """A lower choice matched."""
        count = self._open.setdefault(name, _Count())
        count.lower += 1
        count.last = choice

    def keep(self) -> None:
        """What was used has been found: the attempt, or the run, went through."""
        for name, count in self._open.items():
            so_far = self._kept.setdefault(name, Counted(first=0, lower=0, last=FIRST))
            so_far["first"] += max(0, count.uses - count.lower)
            so_far["lower"] += count.lower
            so_far["last"] = count.last
        self._open.clear()

    def drop(self) -> None:
        """The attempt failed."""
        self._open.clear()

    def write(self, journal: Journal, *, at_end: bool = False) -> None:
        """Write the line about what was kept: at the end of a lane, and every 200 attempts before it."""
        self._attempts += 1
        if not self._kept or (self._attempts < _ATTEMPTS_A_LINE and not at_end):
            return
        counts, self._kept, self._attempts = self._kept, {}, 0
        journal.event("locator.uses", f"{len(counts)} locators were used", data={"locators": counts})
