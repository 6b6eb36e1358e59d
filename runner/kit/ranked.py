"""A locator with several choices: one Playwright locator that takes the first choice which matches and tells if it was a lower one.

The choices become one selector: *the first, or the second where there is no first, or …*, which the browser judges anew at each
action. So there is one wait for all of them, and an ambiguous choice is Playwright's usual error. Each choice passes a selector
engine of ours, which notes that it matched (so the gates before the further ones are shut: they are not even looked for) and
tells us of a lower one. Such a selector is long, and driver and browser take it apart anew each time; so an action asks by a
short one first, *the first choice*, behind a gate with a number of its own. Where that gate is asked a second time, the driver is
looking for the element again, as it was not there; so the gate is an error, which comes out of the search for the element, when
nothing has been done yet, and only then the action is begun again with all choices.
This file is all that leans on what Playwright does not document (selectors as text, `_impl_obj`); tests hold it to it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from playwright.sync_api import Error, Locator

from runner.core.errors import ApplicationError, ConfigurationError
from runner.kit.current import acting

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Playwright

_understood: set[str] = set()  # marks of those whose choices are all known to be selectors
_actions = itertools.count(1)  # that ask for a first choice alone
TELLER: Final = "runnerTells"  # the name of the function in the page
_ENGINE: Final = "runner-choice"
_ABSENT: Final = "runner: there is no first choice of"
# The engine runs beside the page's own scripts, where Playwright does (anywhere else each action costs a third more), and our
# function among them: an event leads from one to the other.
_SCRIPT: Final = f"""(() => {{
  const found = new Set();  // marks of which a choice has matched, in the judgement that is going on
  let asked = '';  // by the last action that asked for a first choice alone
  const pass = (root, body) => {{
    if (body.endsWith('?')) {{
      if (asked === body) throw new Error('{_ABSENT} ' + body.split('.')[0] + '.');
      asked = body;
      return true;
    }}
    const [, mark, choice, gate] = body.match(/^(\\d+)\\.(\\d*)(!*)$/);
    if (!gate) {{
      found.add(mark);
      if (choice !== '1') window.dispatchEvent(new CustomEvent('{_ENGINE}', {{detail: body}}));
      return true;
    }}
    const open = !found.has(mark);
    if (gate === '!!') found.delete(mark);  // the last gate: this judgement ends
    return open;
  }};
  return {{
    query(root, body) {{ return pass(root, body) ? root : null; }},
    queryAll(root, body) {{ return pass(root, body) ? [root] : []; }},
  }};
}})()"""
_HEAR: Final = f"window.addEventListener('{_ENGINE}', event => {TELLER}(String(event.detail)))"
_INTO_FRAME: Final = "internal:control=enter-frame >> "
_WORDS: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r'internal:role=(\w+)\[name=("(?:[^"\\]|\\.)*")[is]?\]', r"\1 \2"),
        (r"internal:role=(\w+)", r"\1"),
        (r'internal:testid=\[[^=\]]+=("(?:[^"\\]|\\.)*")[is]?\]', r"test id \1"),
        (r'internal:(label|text)=("(?:[^"\\]|\\.)*")[is]?', r"\1 \2"),
        (r'internal:attr=\[(\w+)=("(?:[^"\\]|\\.)*")[is]?\]', r"\1 \2"),
        (r" >> ", " / "),
    )
)
_READS: Final = (
    "focus", "get_attribute", "hover", "inner_html", "inner_text", "input_value", "is_checked", "is_disabled", "is_editable",
    "is_enabled", "scroll_into_view_if_needed", "text_content",
)  # fmt: skip
_ACTS: Final = (
    "check", "clear", "click", "dblclick", "dispatch_event", "drag_to", "fill", "press", "press_sequentially", "select_option",
    "set_checked", "set_input_files", "tap", "type", "uncheck",
)  # fmt: skip


def teach(driver: Playwright) -> None:
    """Make the engine known to a driver, once, before its first context."""
    driver.selectors.register(_ENGINE, _SCRIPT, content_script=True)


def listen(context: BrowserContext, told: Callable[[str], None]) -> None:
    """Have `told` called with the mark of each lower choice that matches in `context`."""
    context.expose_binding(TELLER, lambda _source, mark: told(str(mark)))
    context.add_init_script(_HEAR)
    for page in context.pages:
        for frame in page.frames:
            with contextlib.suppress(Error):  # a frame that is just going away
                frame.evaluate(_HEAR)


class Ranked(Locator):
    """What `web.find` gives: a Playwright locator over all choices. Inside an irreversible step only the first choice acts."""

    def __init__(
        self,
        name: str,
        choices: Sequence[Locator],
        places: Sequence[Place],
        mark: str,
        used: Callable[[], None],
    ) -> None:
        self._name = name
        self._choices = tuple(choices)
        self._mark = mark
        self._only_first = False
        self._used: Callable[[], None] | None = used
        self._places = places
        super().__init__(choices[0]._impl_obj)  # noqa: SLF001
        self.__dict__.pop("impl")

    @property
    def _impl_obj(self) -> Any:
        self._note_use()
        if "impl" not in self.__dict__:
            self.__dict__["impl"] = self._of(_union(self._places, self._mark))
        return self.__dict__["impl"]

    @_impl_obj.setter
    def _impl_obj(self, impl: Any) -> None:
        self.__dict__["impl"] = impl

    def _of(self, selector: str) -> Any:
        impl: Any = type(self._choices[0]._impl_obj)  # noqa: SLF001
        return impl(self._places[0].frame, selector)

    def _note_use(self) -> None:
        if self._used is not None:
            used, self._used = self._used, None
            used()

    def act(self, method: Callable[..., Any], args: Any, kwargs: Any, *, only_first: bool) -> Any:
        """Do something with the element by its first choice; where that does not match now, by whichever comes.

        The first use in a process asks for all of them: a choice that can't be understood is an error then, not when it is needed.
        """
        if only_first or self._mark in _understood:
            self._note_use()
            try:
                return method(Locator(self._of(_first_alone(self._places[0], self._mark))), *args, **kwargs)
            except Error as error:
                if f"{_ABSENT} {self._mark}." not in str(error):
                    raise
        if only_first:
            self.insist_on_first()
            return method(self._choices[0], *args, **kwargs)
        done = method(self, *args, **kwargs)
        _understood.add(self._mark)
        return done

    def keep_to_first(self) -> Ranked:
        """The same locator, of which only the first choice may ever act."""
        self._only_first = True
        return self

    def insist_on_first(self) -> None:
        """Return when the first choice matches.

        Raises ApplicationError (LOCATOR_LOWER_RANK) when only a lower one does, and Playwright's own TimeoutError when
        none does in time.
        """
        self.first.wait_for(state="attached")
        if self._choices[0].count():
            return
        lower = next((n for n, one in enumerate(self._choices[1:], 2) if one.count()), 2)
        raise ApplicationError(
            f"'{self._name}' is found by choice {lower} only, {shown(self._choices[lower - 1])}",
            expected=f"its first choice, {shown(self._choices[0])}: an irreversible step takes no other",
            hint="look at the page and correct the first choice in the bot",
            code="LOCATOR_LOWER_RANK",
        )


def _by_first(name: str, *, acts: bool) -> Callable[..., Any]:
    method = getattr(Locator, name)

    @functools.wraps(method)
    def by_first(self: Ranked, *args: Any, **kwargs: Any) -> Any:
        only_first = acts and (self._only_first or acting.get() is not None)
        return self.act(method, args, kwargs, only_first=only_first)

    return by_first


for _name in (*_ACTS, *_READS):
    setattr(Ranked, _name, _by_first(_name, acts=_name in _ACTS))
Ranked.__name__ = Ranked.__qualname__ = "Locator"  # Playwright names the class in its messages


def shown(locator: Locator) -> str:
    """A locator in words: ``label "Amount"``, ``button "Post"``, ``test id "amount"``; another one as its selector."""
    return in_words(_place_of(locator).selector)


@functools.lru_cache(maxsize=1000)
def in_words(selector: str) -> str:
    """A selector in words, as `shown` tells them."""
    for pattern, words in _WORDS:
        selector = pattern.sub(words, selector)
    return selector


class Place(NamedTuple):
    """Where a locator looks: its frame (Playwright's object), the steps into inner frames, and the selector in there."""

    frame: Any
    inner: str
    selector: str


def _place_of(locator: Locator) -> Place:
    impl: Any = locator._impl_obj  # noqa: SLF001 - selectors can't be had otherwise
    inner, border, selector = impl._selector.rpartition(_INTO_FRAME)  # noqa: SLF001
    return Place(impl._frame, inner + border, selector)  # noqa: SLF001


def places_of(name: str, choices: Sequence[Locator]) -> tuple[Place, ...]:
    """Where each choice looks. Raises ConfigurationError (BOT_FIND) where that is not the same frame for all."""
    first, *lower = places = [_place_of(choice) for choice in choices]
    if any(place.frame is not first.frame or place.inner != first.inner for place in lower):
        raise ConfigurationError(
            f"the choices of '{name}' lie in different pages or frames",
            expected="choices in one page, or all in one frame",
            hint="find the frame first, and what is in it by choices within it",
            code="BOT_FIND",
        )
    return tuple(places)


def _first_alone(place: Place, mark: str) -> str:
    return f"{place.inner}{_ENGINE}={mark}.{next(_actions)}? >> {place.selector}"


def _union(places: Sequence[Place], mark: str) -> str:
    union = f"{places[0].selector} >> {_ENGINE}={mark}.1"
    for number, place in enumerate(places[1:], 2):
        gate = "!!" if number == len(places) else "!"
        lower = f"{_ENGINE}={mark}.{number}{gate} >> {place.selector} >> {_ENGINE}={mark}.{number}"
        union += f" >> internal:or={json.dumps(lower)}"
    return places[0].inner + union
