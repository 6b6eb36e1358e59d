"""`web.find`: an element by several choices, the best first; which one matched is counted and written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.core.errors import ConfigurationError
from runner.kit.current import Here, here, running_or_none

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

    from runner.kit.ranked import Place

_LISTENED_TO: Final = "_runner_listens"  # an attribute of contexts whose marks reach us, and of their pages


@dataclass(slots=True)
class _Find:
    """An element that is found by choices: what its marks mean. `open`: its present use was not told of yet."""

    name: str
    shown: tuple[str, ...]
    place: Here
    open: bool = False


_finds: dict[str, _Find] = {}  # by mark
_marks: dict[
    tuple[str, ...], str
] = {}  # the same element has the same mark, so that its selector is parsed once


def find(page: Page, name: str, choices: Sequence[Locator], *, irreversible: bool = False) -> Locator:
    """One locator over several choices, the best first: by role, by label, by test id, by text, by CSS.

    It is a Playwright locator: each action waits once, for whichever choice comes; the lowest-numbered one that matches at
    that moment is taken, and where that one matches several elements it is Playwright's error. A choice other than the
    first is written into the journal (`locator.fallback`) and opens a case before the bot fails for it; ``runner bots
    locators`` shows the counts. In an irreversible step, and with `irreversible`, only the first choice acts:
    ApplicationError (LOCATOR_LOWER_RANK) says so. `name` is the element's name in the bot, such as "amount".
    Raises ConfigurationError (BOT_FIND) without a name or choices, or for choices in different frames.
    """
    from runner.kit.ranked import Ranked, places_of

    if not name.strip() or not choices:
        raise ConfigurationError(
            f"web.find({name!r}) has {len(choices)} choices",
            expected="a name and at least one locator",
            hint='write it as in web.find(page, "amount", [page.get_by_label("Amount"), page.locator("#amount")])',
            code="BOT_FIND",
        )
    if not getattr(page, _LISTENED_TO, False):
        _listen(page.context)
        setattr(page, _LISTENED_TO, True)
    places = places_of(name, choices)
    mark, known = _known(name, places)
    found = Ranked(name, choices, places, mark, lambda: _used(known))
    return found.keep_to_first() if irreversible else found


def _known(name: str, places: Sequence[Place]) -> tuple[str, _Find]:
    key = (name, *(place.selector for place in places))
    mark, place = _marks.get(key), here.get()
    if mark is None:
        from runner.kit.ranked import in_words

        mark = _marks[key] = str(len(_marks) + 1)
        _finds[mark] = _Find(name, tuple(in_words(one.selector) for one in places), place)
    known = _finds[mark]
    known.place = place
    return mark, known


def _listen(context: BrowserContext) -> None:
    if not getattr(context, _LISTENED_TO, False):
        from runner.kit.ranked import listen

        listen(context, _told)
        setattr(context, _LISTENED_TO, True)


def _used(made: _Find) -> None:
    live = running_or_none()
    made.open = True
    if live is not None:
        live.uses.used(made.name)


def _told(told: str) -> None:
    """A lower choice has matched: the page says so, on the way to the action's end; once for each use."""
    mark, _, choice = told.partition(".")
    live, made = running_or_none(), _finds.get(mark)
    if live is None or made is None or not made.open:
        return
    if not choice.isdigit() or not 1 < int(choice) <= len(made.shown):
        return  # a page can call the function, too
    made.open = False
    live.uses.fell(made.name, int(choice))
    live.journal.event(
        "locator.fallback",
        f"{made.name} was found by its choice {choice}, not by its first",
        level="WARNING",
        queue=made.place.queue,
        item=made.place.item,
        attempt=made.place.attempt,
        step=made.place.step,
        parent=made.place.parent,
        data={
            "name": made.name,
            "rank": int(choice),
            "first": made.shown[0],
            "used": made.shown[int(choice) - 1],
        },
    )
