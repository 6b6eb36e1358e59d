"""Numbers over time as pure values: what is counted in each stretch of time, and the share that it is of something else."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of time that follow each other: `edges` are their n + 1 borders (aware, ascending).

    The first half is the time before, the second half the time that is looked at: both are equally many stretches.
    """

    edges: tuple[datetime, ...]

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def half(self) -> int:
        """How many stretches are the time before."""
        return len(self) // 2

    @property
    def begin(self) -> datetime:
        """Where the time before begins."""
        return self.edges[0]

    @property
    def since(self) -> datetime:
        """Where the time that is looked at begins."""
        return self.edges[self.half]

    @property
    def end(self) -> datetime:
        """Where it ends."""
        return self.edges[-1]

    def find(self, at: datetime) -> int | None:
        """The number of the stretch that holds an instant; None outside of them all."""
        found = bisect_right(self.edges, at) - 1
        return found if 0 <= found < len(self) else None


@dataclass(slots=True)
class Series:
    """A sum for each stretch, or with `wholes` a share or mean: `parts` divided by `wholes`."""

    stretches: Stretches
    is_share: bool = False
    parts: list[float] = field(default_factory=list)
    wholes: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parts = self.parts or [0.0] * len(self.stretches)
        self.wholes = self.wholes or [0.0] * len(self.stretches)

    def add(self, at: datetime | None, part: float, whole: float = 0.0) -> None:
        """Count something that happened at `at`; what happened outside of all stretches does not count."""
        place = self.stretches.find(at) if at is not None else None
        if place is not None:
            self.parts[place] += part
            self.wholes[place] += whole

    @property
    def value(self) -> float | None:
        """The number of the time that is looked at; None for a share of nothing."""
        half = self.stretches.half
        return self._over(self.parts[half:], self.wholes[half:])

    @property
    def before(self) -> float | None:
        """The same of the time before."""
        half = self.stretches.half
        return self._over(self.parts[:half], self.wholes[:half])

    @property
    def counted(self) -> float:
        """How much the number rests on: the whole of a share, the sum of a sum."""
        half = self.stretches.half
        return sum((self.wholes if self.is_share else self.parts)[half:])

    @property
    def trend(self) -> list[float | None]:
        """A number for each stretch of the time that is looked at; None where a share has no whole."""
        half = self.stretches.half
        pairs = zip(self.parts[half:], self.wholes[half:], strict=True)
        return [self._over([part], [whole]) for part, whole in pairs]

    def _over(self, parts: Sequence[float], wholes: Sequence[float]) -> float | None:
        if not self.is_share:
            return sum(parts)
        return sum(parts) / sum(wholes) if sum(wholes) else None
