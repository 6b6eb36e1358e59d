"""What failed ones have in common that clean ones have not: a pure function over facts, ranked by an exact test."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

Facts = Mapping[str, str]
"""What is known of one item or run, by dimension: ``data.customer``, ``bot_version``, ``host``, ``hour``, …"""

NOTABLE: Final = 0.05
_MOST_VALUES: Final = 400  # values of one dimension that are looked at, the most frequent among the failed
_CUTS: Final = 10  # parts into which the numbers of one dimension are cut
_FEWEST_NUMBERS: Final = 8  # distinct numbers from which on thresholds say more than values


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that failed ones have more often: `failed_with` of `failed`, beside `clean_with` of `clean`.

    `ratio` is how many times as often; None where no clean one has it. `chance` is the probability to see this or more by
    chance (Fisher's exact test, one-sided), multiplied by the number of values that were looked at.
    """

    dimension: str
    value: str
    failed_with: int
    failed: int
    clean_with: int
    clean: int
    chance: float

    @property
    def ratio(self) -> float | None:
        """How many times as often."""
        if not self.clean_with or not self.failed:
            return None
        return (self.failed_with / self.failed) / (self.clean_with / self.clean)

    @property
    def is_notable(self) -> bool:
        """Whether it is hardly chance."""
        return self.chance < NOTABLE


def contrast(failed: Sequence[Facts], clean: Sequence[Facts], *, most: int = 20) -> list[Finding]:
    """The values that are over-represented among `failed`, the most telling first.

    Beside the values themselves it looks at the form of texts (empty, characters outside ASCII, spaces at an end) and,
    where a dimension holds many different numbers, at thresholds. A value that only one failed one has tells nothing.
    """
    if not failed or not clean:
        return []
    dimensions = sorted({name for facts in failed for name in facts})
    candidates = [one for name in dimensions for one in _candidates(name, failed, clean)]
    tested = [
        replace(one, chance=min(1.0, fisher(one.failed_with, one.failed, one.clean_with, one.clean)))
        for one in candidates
    ]
    more = [replace(one, chance=min(1.0, one.chance * len(tested))) for one in tested]
    more.sort(key=lambda one: (one.chance, -(one.ratio or math.inf), one.dimension, one.value))
    return _distinct(more)[:most]


def fisher(failed_with: int, failed: int, clean_with: int, clean: int) -> float:
    """The probability that at least `failed_with` of `failed` have it, if all that have it were spread by chance."""
    total, having = failed + clean, failed_with + clean_with
    first = math.exp(
        _log_choose(having, failed_with)
        + _log_choose(total - having, failed - failed_with)
        - _log_choose(total, failed)
    )
    term, summed = first, 0.0
    for k in range(failed_with, min(having, failed) + 1):
        summed += term
        others = total - having - failed + k + 1
        if others <= 0 or (term < summed * 1e-17 and k > failed_with + 5):
            break
        term *= (having - k) * (failed - k) / ((k + 1) * others)
    return min(1.0, summed)


def _log_choose(n: int, k: int) -> float:
    if k < 0 or k > n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _candidates(name: str, failed: Sequence[Facts], clean: Sequence[Facts]) -> Iterator[Finding]:
    """Every value of a dimension that failed ones have more often, not tested yet."""
    bad, good = [f[name] for f in failed if name in f], [f[name] for f in clean if name in f]
    sizes = (len(failed), len(clean))
    numbers = _numbers(bad + good)
    if numbers is not None and len(set(numbers)) >= _FEWEST_NUMBERS:
        yield from _thresholds(name, numbers[: len(bad)], numbers[len(bad) :], sizes)
    else:
        yield from _values(name, Counter(bad), Counter(good), sizes)
    bad_values, good_values = Counter(bad), Counter(good)  # most values are had by many
    for form, has in _FORMS.items():
        had = [sum(n for value, n in values.items() if has(value)) for values in (bad_values, good_values)]
        yield from _more(name, form, had[0], had[1], sizes)


def _values(name: str, bad: Counter[str], good: Counter[str], sizes: tuple[int, int]) -> Iterator[Finding]:
    for value, count in bad.most_common(_MOST_VALUES):
        if value:
            yield from _more(name, value, count, good[value], sizes)


def _thresholds(name: str, bad: list[float], good: list[float], sizes: tuple[int, int]) -> Iterator[Finding]:
    everything, bad, good = sorted(bad + good), sorted(bad), sorted(good)
    cuts = sorted({everything[len(everything) * part // _CUTS] for part in range(1, _CUTS)})
    for cut in cuts:
        below, clean_below = bisect_left(bad, cut), bisect_left(good, cut)
        yield from _more(name, f"≥ {cut:g}", len(bad) - below, len(good) - clean_below, sizes)
        yield from _more(name, f"< {cut:g}", below, clean_below, sizes)


def _more(name: str, value: str, bad: int, good: int, sizes: tuple[int, int]) -> Iterator[Finding]:
    failed, clean = sizes
    if bad >= min(2, failed) and bad * clean > good * failed:
        yield Finding(name, value, bad, failed, good, clean, 1.0)


def _numbers(texts: Sequence[str]) -> list[float] | None:
    """The texts as numbers, None where one is none (or empty)."""
    try:
        found = [float(text) for text in texts]
    except ValueError:
        return None
    return found if found and all(map(math.isfinite, found)) else None


def _distinct(ranked: list[Finding]) -> list[Finding]:
    """Of the thresholds of one dimension only the most telling one."""
    seen: set[str] = set()
    kept = []
    for one in ranked:
        if one.value.startswith(("≥ ", "< ")):
            if one.dimension in seen:
                continue
            seen.add(one.dimension)
        kept.append(one)
    return kept


_FORMS: Final[Mapping[str, Callable[[str], bool]]] = {
    "(empty)": lambda text: not text.strip(),
    "(has characters outside ASCII)": lambda text: not text.isascii(),
    "(has spaces at an end)": lambda text: text != text.strip() and bool(text.strip()),
}
