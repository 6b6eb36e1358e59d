"""Keys that are pressed and let go again: in a recording two steps or more, for people one act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runner.recordings.model import KeyDown, Step

_ENTERS: Final = frozenset({"Enter", "NumpadEnter"})


def press_size(steps: Sequence[Step], at: int) -> int:
    """How many steps from the place `at` press keys and let them go in the opposite order; 0 where it is none or another order."""
    size = 0
    while at + size < len(steps) and isinstance(steps[at + size], KeyDown):
        size += 1
    downs, ups = steps[at : at + size], steps[at + size : at + 2 * size]
    together = len({one.target or "main" for one in (*downs, *ups)}) == 1
    mirrored = [(one.type, getattr(one, "key", "")) for one in reversed(ups)] == [
        ("keyUp", getattr(one, "key", "")) for one in downs
    ]
    return 2 * size if together and mirrored else 0


def end_of_act(steps: Sequence[Step], at: int) -> int:
    """The place of the last step of the act that begins at the place `at`: for a key that is pressed that which lets it go."""
    return at + max(press_size(steps, at), 1) - 1


def sends_off(steps: Sequence[Step], at: int) -> bool:
    """Whether the step at the place `at` presses Enter, and another page follows."""
    pressed = steps[at : at + press_size(steps, at)]
    is_enter = bool(pressed) and getattr(pressed[0], "key", "") in _ENTERS
    return is_enter and any(one.leads_to is not None for one in pressed)
