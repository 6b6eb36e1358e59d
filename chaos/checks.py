"""What held and what did not, a line each, and the exit code that follows from it."""

from __future__ import annotations

import sys
import time


class Checks:
    """Collects figures and comparisons of one part, and prints each as it comes."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.failed: list[str] = []
        self.figures: dict[str, object] = {}
        self._began = time.monotonic()
        self._say(f"== {part}")

    def figure(self, what: str, value: object) -> None:
        """Something counted or measured."""
        self.figures[what] = value
        self._say(f"  {'':5} {what}: {value}")

    def that(self, what: str, seen: object, expected: object) -> bool:
        """Compare and say so."""
        holds = seen == expected
        self._say(
            f"  {'ok' if holds else 'WRONG':5} {what}: {seen}" + ("" if holds else f", expected {expected}")
        )
        if not holds:
            self.failed.append(what)
        return holds

    def at_most(self, what: str, seen: float, limit: float) -> bool:
        """A figure with a limit."""
        holds = seen <= limit
        self._say(f"  {'ok' if holds else 'WRONG':5} {what}: {seen:.2f} (at most {limit:g})")
        if not holds:
            self.failed.append(what)
        return holds

    def exit_code(self) -> int:
        """0 when all held; prints the verdict."""
        verdict = f"{len(self.failed)} did not hold: {'; '.join(self.failed)}" if self.failed else "all held"
        self._say(f"  {self.part}: {verdict} ({time.monotonic() - self._began:.0f} s)")
        return 1 if self.failed else 0

    def _say(self, text: str) -> None:
        print(text)
        sys.stdout.flush()
