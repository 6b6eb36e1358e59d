"""`web.find`: an element by several choices, the best first; which one matched is counted and written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from runner.core.errors import ConfigurationError
from runner.kit.current import Here, here, running_or_none

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

_LISTENED_TO: Final = "_runner_listens"  # an attribute of a context whose marks reach us


@dataclass(frozen=True, slots=True)
class _Find:
    """One call of `find`: what its marks mean."""

    name: str
    choices: Sequence[Locator]
    place: Here


_finds: dict[str, _Find] = {}
_numbers = count(1)
_MOST_FINDS: Final = 1000  # whose marks are still understood


def find(page: Page, name: str, choices: Sequence[Locator], *, irreversible: bool = False) -> Locator:
    """One locator over several choices, the best first: by role, by label, by test id, by text, by CSS.

    It is a Playwright locator: each action waits once, for whichever choice comes; the lowest-numbered one that matches at
    that moment is taken, and where that one matches several elements it is Playwright's error. A choice other than the
    first is written into the journal (`locator.fallback`) and opens a case before the bot fails for it; ``runner bots
    locators`` shows the counts. In an irreversible step, and with `irreversible`, only the first choice acts:
    ApplicationError (LOCATOR_LOWER_RANK) says so. `name` is the element's name in the bot, such as "amount".
    Raises ConfigurationError (BOT_FIND) without a name or choices, or for choices in different frames.
    """
    from runner.kit.ranked import Ranked

    if not name.strip() or not choices:
        raise ConfigurationError(
            f"web.find({name!r}) has {len(choices)} choices",
            expected="a name and at least one locator",
            hint='write it as in web.find(page, "amount", [page.get_by_label("Amount"), page.locator("#amount")])',
            code="BOT_FIND",
        )
    _listen(page.context)
    number = str(next(_numbers))
    _finds[number] = _Find(name, choices, here.get())
    if len(_finds) > _MOST_FINDS:
        del _finds[next(iter(_finds))]
    found = Ranked(name, choices, number, lambda: _used(name))
    return found.keep_to_first() if irreversible else found


def _listen(context: BrowserContext) -> None:
    if not getattr(context, _LISTENED_TO, False):
        from runner.kit.ranked import listen

        listen(context, _told)
        setattr(context, _LISTENED_TO, True)


def _used(name: str) -> None:
    live = running_or_none()
    if live is not None:
        live.uses.used(name)


def _told(mark: str) -> None:
    """A lower choice has matched: the page says so, on the way to the action's end."""
    number, _, choice = mark.partition(".")
    live, made = running_or_none(), _finds.get(number)
    if live is None or made is None or not choice.isdigit() or not 1 < int(choice) <= len(made.choices):
        return  # a page can call the function, too
    from runner.kit.ranked import shown

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
            "first": shown(made.choices[0]),
            "used": shown(made.choices[int(choice) - 1]),
        },
    )
