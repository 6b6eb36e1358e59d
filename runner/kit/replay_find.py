"""Finds the element that a step of a recording means: its selectors in order, within one wait, exactly one match."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from runner.core.errors import ApplicationError
from runner.recordings.selectors import Part, Selector, SelectorKind

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Locator

T = TypeVar("T")
POLL_MS: Final = 50
# What DevTools calls a thing by its name alone, without a role: looked for among the roles that people act on.
_ROLES: Final = (
    "button", "link", "textbox", "combobox", "checkbox", "radio", "searchbox", "spinbutton", "listbox", "option", "tab",
    "menuitem", "switch", "slider", "heading", "img", "cell", "row", "treeitem",
)  # fmt: skip


def candidates(frame: Frame, selectors: Sequence[Selector]) -> list[tuple[int, Locator]]:
    """The locators to try, the best first, each with the rank (from 1) of the selector it comes from."""
    return list(_candidates(frame, selectors))


class Found(NamedTuple):
    """The element of a step, the rank of the selector that found it (from 1), and what was asked about it."""

    locator: Locator
    rank: int
    seen: Any


def find(
    frame: Frame,
    selectors: Sequence[Selector],
    *,
    within_ms: float,
    visible: bool = True,
    most_rank: int | None = None,
    ask: str = "() => null",
) -> Found:
    """The one element that the first selector with exactly one match names.

    Raises ApplicationError when none has one within the time: REC_AMBIGUOUS where some matched several, REC_NOT_FOUND.
    `most_rank`: selectors behind that rank are not tried. `ask`: a function of JavaScript, answered for the element in the same
    question that counts the matches: each further one costs as much as the act itself.
    """
    tried = _Remembered(
        (rank, one.filter(visible=True) if visible else one)
        for rank, one in _candidates(frame, selectors)
        if most_rank is None or rank <= most_rank
    )
    counts: list[int] = []

    def look() -> Found | None:
        counts.clear()
        for rank, locator in tried:
            count, seen = locator.evaluate_all(
                f"all => [all.length, all.length === 1 ? ({ask})(all[0]) : null]"
            )
            if count == 1:
                return Found(locator, rank, seen)
            counts.append(count)
        return None

    found = poll(frame, look, within_ms)
    if found is None:
        raise _not_found(selectors, counts, within_ms)
    return found


def poll(frame: Frame, look: Callable[[], T], within_ms: float) -> T:
    """What `look` gives as soon as it gives something; its last answer (false) when the time is up."""
    end = time.monotonic() + within_ms / 1000
    while not (found := look()) and time.monotonic() < end:
        frame.page.wait_for_timeout(POLL_MS)
    return found


class _Remembered(Generic[T]):
    """What an iterator gives, made when it is first wanted and kept: usually the first locator is enough."""

    def __init__(self, source: Iterator[T]) -> None:
        self._source = source
        self._known: list[T] = []

    def __iter__(self) -> Iterator[T]:
        yield from self._known
        for one in self._source:
            self._known.append(one)
            yield one


def _candidates(frame: Frame, selectors: Sequence[Selector]) -> Iterator[tuple[int, Locator]]:
    for rank, selector in enumerate(selectors, 1):
        for one in _locators(frame, selector):
            yield rank, one


def _locators(frame: Frame, selector: Selector) -> Iterator[Locator]:
    value = selector.value
    match selector.kind:
        case SelectorKind.ARIA if selector.role:
            role: Any = selector.role
            yield frame.get_by_role(role, name=value, exact=True)
            yield frame.get_by_role(role, name=value)
        case SelectorKind.ARIA:
            yield frame.get_by_label(value, exact=True)
            yield _by_any_role(frame, value)
            yield frame.get_by_text(value, exact=True)
        case SelectorKind.TEXT:
            yield frame.get_by_text(value, exact=True)
            yield frame.get_by_text(value)
        case SelectorKind.XPATH:
            yield frame.locator(f"xpath={value}")
        case SelectorKind.PLAYWRIGHT:
            yield _chained(frame, selector.parts)
        case _:
            found = frame.locator(f"css={value}")
            for inner in selector.inner:
                found = found.locator(f"css={inner}")
            yield found


def _by_any_role(frame: Frame, name: str) -> Locator:
    roles: Any = _ROLES
    first, *others = [frame.get_by_role(role, name=name, exact=True) for role in roles]
    for other in others:
        first = first.or_(other)
    return first


def _chained(frame: Frame, parts: Sequence[Part]) -> Locator:
    base: Any = frame
    for part in parts:
        base = _next(base, part)
    found: Locator = base
    return found


def _next(base: Any, part: Part) -> Any:  # noqa: C901, PLR0911, PLR0912 - a table of cases
    value, exact = part.value, part.exact
    match part.by:
        case "role":
            return base.get_by_role(
                value, **({"name": part.name, "exact": exact} if part.name is not None else {})
            )
        case "label":
            return base.get_by_label(value, exact=exact)
        case "text":
            return base.get_by_text(value, exact=exact)
        case "test id":
            return base.get_by_test_id(value)
        case "placeholder":
            return base.get_by_placeholder(value, exact=exact)
        case "alt":
            return base.get_by_alt_text(value, exact=exact)
        case "title":
            return base.get_by_title(value, exact=exact)
        case "nth":
            return base.nth(int(value))
        case "first" | "last":
            return getattr(base, part.by)
        case "has-text":
            return base.filter(has_text=value)
        case "has-not-text":
            return base.filter(has_not_text=value)
        case "frame":
            return base.content_frame
        case _:
            return base.locator(value)


def _not_found(selectors: Sequence[Selector], counts: Sequence[int], within_ms: float) -> ApplicationError:
    tried = ", ".join(f"{one.kind} '{one.value}'" for one in selectors)
    several = [count for count in counts if count > 1]
    if several:
        return ApplicationError(
            f"{min(several)} elements match, tried {tried}",
            expected="exactly one element",
            hint="record the step again, or make a selector more exact",
            code="REC_AMBIGUOUS",
        )
    return ApplicationError(
        f"it is not on the page after {within_ms / 1000:g} s, tried {tried}",
        expected="one element",
        hint="look at the picture of the page; where the page has changed, record the step again",
        code="REC_NOT_FOUND",
    )
