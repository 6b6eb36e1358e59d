"""What each step of a recording does in a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.core.errors import ApplicationError, BusinessError, ConfigurationError, did_you_mean
from runner.kit.replay_find import candidates, find, poll
from runner.kit.replay_pages import Tabs
from runner.recordings import model
from runner.recordings.reading import check_address

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Locator, Position

_BUTTONS: Final[Mapping[str, Any]] = {"primary": "left", "auxiliary": "middle", "secondary": "right"}
_LOOK: Final = """e => ({tag: e.tagName.toLowerCase(), type: (e.type || '').toLowerCase(), most: e.maxLength ?? -1,
    options: e.tagName === 'SELECT' ? [...e.options].map(o => [o.value, o.label.trim()]) : []})"""
_OPTIONS_WITHIN_MS: Final = 3000
_EXACT: Final = frozenset({"date", "time", "month", "week", "datetime-local", "color", "range", "number"})
_REFUSED_VALUE: Final = ("Cannot type text into input", "Malformed value")


@dataclass
class Doing:
    """A step at the moment when it is done: filled in, in its frame, with what time it has."""

    step: model.Step
    number: int
    frame: Frame
    tabs: Tabs
    files: Callable[[str], Path | None]
    within_ms: float
    outputs: dict[str, str]
    only_first: bool = False
    rank: int = 0
    found: Locator | None = None
    on_found: Callable[[Locator], None] = lambda _found: None

    def element(self, *, visible: bool = True) -> Locator:
        """The element that the step is about."""
        return self.element_and("() => null", visible=visible)[0]

    def element_and(self, ask: str, *, visible: bool = True) -> tuple[Locator, Any]:
        """The element that the step is about, and what `ask`, a function of JavaScript, says of it."""
        found = find(
            self.frame, self.step.selectors_parsed, within_ms=self.within_ms, visible=visible,
            most_rank=1 if self.only_first else None, ask=ask,
        )  # fmt: skip
        self.rank, self.found = found.rank, found.locator
        self.on_found(found.locator)
        return found.locator, found.seen


def do(doing: Doing) -> None:
    """Do the step. Raises what Playwright raises, and RunnerError where the page or the data are at fault."""
    _ACTS[type(doing.step)](doing, doing.step)


def fill_in(doing: Doing, value: str) -> None:
    """Fill in the step's field, of whatever kind; an option is chosen by its value or its words.

    Raises BusinessError: UNKNOWN_OPTION, VALUE_REFUSED (letters in a number, a date that is none, a text that is cut off).
    """
    locator, seen = doing.element_and(_LOOK)
    within_ms = doing.within_ms
    if seen["tag"] == "select":
        _choose(locator, value, within_ms)
    elif seen["type"] in {"checkbox", "radio"}:
        locator.set_checked(value.lower() in {"true", "on", "1", "yes"}, timeout=within_ms)
    else:
        look = seen["type"] in _EXACT or 0 <= seen["most"] < len(value)
        _type_in(locator, value, seen["type"], within_ms, look=look)


def _type_in(locator: Locator, value: str, kind: str, within_ms: float, *, look: bool) -> None:
    """Fill in a text, and look whether the field took it: a date that is none leaves the field empty without a word."""
    from playwright.sync_api import Error

    try:
        locator.fill(value, timeout=within_ms)
    except Error as error:
        if not any(words in str(error) for words in _REFUSED_VALUE):
            raise
        raise _refused_value(value, kind) from error
    if not look:
        return
    taken = locator.input_value(timeout=within_ms)
    exact = kind in _EXACT and taken.casefold() != value.casefold()
    if exact or (len(taken) < len(value) and value.startswith(taken)):
        raise _refused_value(value, kind)


def _refused_value(value: str, kind: str) -> BusinessError:
    return BusinessError(
        f"the field does not take '{value}'",
        expected=f"a value for a field of the kind {kind}",
        hint="correct the value and retry",
        code="VALUE_REFUSED",
    )


def _choose(locator: Locator, value: str, within_ms: float) -> None:
    def options() -> list[list[str]]:
        found: list[list[str]] = locator.evaluate(_LOOK)["options"]
        return found

    def matching() -> dict[str, Any] | None:
        for index, (own, label) in enumerate(options()):
            if value in (own, label):
                return {"index": index}
        return None

    chosen = poll(locator.page.main_frame, matching, min(within_ms, _OPTIONS_WITHIN_MS))
    if chosen is None:
        words = [label for _, label in options() if label]
        near = did_you_mean(value, words)
        raise BusinessError(
            f"there is no option '{value}'",
            expected=near or f"one of {', '.join(words[:20])}",
            hint="correct the value and retry",
            code="UNKNOWN_OPTION",
        )
    locator.select_option(**chosen, timeout=within_ms)


def _navigate(doing: Doing, step: model.Navigate) -> None:
    why = check_address(step.url)
    if why:
        raise ConfigurationError(
            f"the address '{step.url}' {why}",
            expected="http and https only",
            code="REC_URL",
            hint="correct it",
        )
    answer = doing.frame.page.goto(step.url, timeout=doing.within_ms)
    if answer is not None and answer.status >= 400:
        raise ApplicationError(f"the site answers {step.url} with {answer.status}", code="REC_STATUS")


def _viewport(doing: Doing, step: model.SetViewport) -> None:
    doing.frame.page.set_viewport_size({"width": step.width, "height": step.height})


def _click(doing: Doing, step: model.Click | model.DoubleClick) -> None:
    locator, place = _clicked(doing, step)
    button: Any = _BUTTONS.get(step.button or "primary", "left")
    if isinstance(step, model.DoubleClick):
        locator.dblclick(button=button, position=place, timeout=doing.within_ms)
    else:
        locator.click(
            button=button, position=place, timeout=doing.within_ms, delay=min(step.duration or 0, 2000)
        )


def _clicked(doing: Doing, step: model.Click | model.DoubleClick) -> tuple[Locator, Position | None]:
    """What to click, and where. A place outside the element (it is smaller today) is not used: its middle is."""
    if step.offset_x is None or step.offset_y is None:
        return doing.element(), None
    locator, seen = doing.element_and("e => [e.offsetWidth, e.offsetHeight, e.clientLeft, e.clientTop]")
    width, height, border_left, border_top = seen
    if width is None or not (0 <= step.offset_x < width and 0 <= step.offset_y < height):
        return locator, None
    return locator, {
        "x": step.offset_x - border_left,
        "y": step.offset_y - border_top,
    }  # Playwright counts from inside it


def _scroll(doing: Doing, step: model.Scroll) -> None:
    place = {"left": step.x or 0, "top": step.y or 0, "behavior": "instant"}
    if step.selectors:
        doing.element().evaluate("(e, place) => e.scrollTo(place)", place)
    else:
        doing.frame.evaluate("place => window.scrollTo(place)", place)


def _network(doing: Doing, step: model.EmulateNetworkConditions) -> None:
    session = doing.tabs.context.new_cdp_session(doing.frame.page)
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": step.download == 0,
            "downloadThroughput": step.download,
            "uploadThroughput": step.upload,
            "latency": step.latency,
        },
    )


def _wait_element(doing: Doing, step: model.WaitForElement) -> None:
    compare: Callable[[int], bool] = {
        ">=": lambda n: n >= step.count, "==": lambda n: n == step.count, "<=": lambda n: n <= step.count,
    }[step.operator]  # fmt: skip
    wanted = {"attributes": step.attributes or {}, "properties": step.properties or {}}
    fits = """(all, wanted) => all.filter(e =>
        Object.entries(wanted.attributes).every(([k, v]) => e.getAttribute(k) === v) &&
        Object.entries(wanted.properties).every(([k, v]) => JSON.stringify(e[k]) === JSON.stringify(v))).length"""
    tried = [
        one if step.visible is None else one.filter(visible=step.visible)
        for _, one in candidates(doing.frame, step.selectors_parsed)
    ]
    seen = [0]

    def look() -> bool:
        seen[:] = [int(one.evaluate_all(fits, wanted)) for one in tried]
        return any(compare(count) for count in seen)

    if not poll(doing.frame, look, doing.within_ms):
        raise ApplicationError(
            f"there are {max(seen)} after {doing.within_ms / 1000:g} s",
            expected=f"{step.operator} {step.count}",
            code="REC_NOT_FOUND",
        )


def _wait_expression(doing: Doing, step: model.WaitForExpression) -> None:
    if not poll(doing.frame, lambda: doing.frame.evaluate(f"!!({step.expression})"), doing.within_ms):
        raise ApplicationError(
            f"it is not true after {doing.within_ms / 1000:g} s",
            expected=step.expression[:200],
            code="REC_EXPECTED",
        )


def _upload(doing: Doing, step: model.Upload) -> None:
    files = []
    for name in filter(str.strip, step.parameters.files):  # an empty cell of a column that may be empty
        found = doing.files(name)
        if found is None:
            raise BusinessError(
                f"there is no file '{name}'",
                expected="a file beside the workbook, or elsewhere in the project",
                hint="put it there or correct the value, then retry",
                code="FILE_MISSING",
            )
        files.append(found)
    doing.element(visible=False).set_input_files(files, timeout=doing.within_ms)


def _read(doing: Doing, step: model.Read) -> None:
    locator = doing.element()
    text = ""

    def look() -> bool:
        nonlocal text
        field = locator.evaluate("e => 'value' in e && /^(INPUT|TEXTAREA|SELECT)$/.test(e.tagName)")
        text = locator.input_value() if field else locator.inner_text()
        return bool(text.strip())

    poll(doing.frame, look, doing.within_ms)
    doing.outputs[step.parameters.output] = text.strip()


def _expect(doing: Doing, step: model.Expect) -> None:
    from playwright.sync_api import expect

    wanted, limit = step.parameters.value, doing.within_ms
    if step.parameters.what == "title":
        expect(doing.frame.page).to_have_title(wanted, timeout=limit)
        return
    if step.parameters.what == "hidden":
        (_, first), *_others = candidates(doing.frame, step.selectors_parsed)
        expect(first.filter(visible=True)).to_have_count(0, timeout=limit)
        return
    found = expect(doing.element())
    {
        "text": lambda: found.to_have_text(wanted, timeout=limit),
        "contains": lambda: found.to_contain_text(wanted, timeout=limit),
        "not text": lambda: found.not_to_have_text(wanted, timeout=limit),
        "value": lambda: found.to_have_value(wanted, timeout=limit),
        "visible": lambda: found.to_be_visible(timeout=limit),
        "checked": lambda: found.to_be_checked(timeout=limit),
        "unchecked": lambda: found.not_to_be_checked(timeout=limit),
    }[step.parameters.what]()


def _dialog(doing: Doing, step: model.Dialog) -> None:
    wanted = step.parameters.message
    if not wanted:
        doing.tabs.answer(step)
    elif not poll(doing.frame, lambda: wanted in doing.tabs.dialogs, doing.within_ms):
        seen = doing.tabs.dialogs[-1] if doing.tabs.dialogs else None
        raise ApplicationError(f"the last dialog said {seen!r}", expected=repr(wanted), code="REC_EXPECTED")


def _mouse(doing: Doing, step: model.Mouse) -> None:
    mouse = doing.frame.page.mouse
    if step.parameters.act == "out":
        mouse.move(0, 0)
        return
    locator = doing.element()
    locator.scroll_into_view_if_needed(timeout=doing.within_ms)
    box = locator.bounding_box() or {"x": 0, "y": 0, "width": 0, "height": 0}
    x, y = step.parameters.offset_x, step.parameters.offset_y
    mouse.move(
        box["x"] + (box["width"] / 2 if x is None else x), box["y"] + (box["height"] / 2 if y is None else y)
    )
    mouse.down() if step.parameters.act == "down" else mouse.up()


def _act(doing: Doing, step: model.Act) -> None:
    if step.parameters.act == "change":
        fill_in(doing, step.parameters.value)
        return
    locator, limit = doing.element(), doing.within_ms
    value = step.parameters.value
    {
        "click": lambda: locator.click(timeout=limit),
        "doubleClick": lambda: locator.dblclick(timeout=limit),
        "hover": lambda: locator.hover(timeout=limit),
        "press": lambda: locator.press(value, timeout=limit),
        "check": lambda: locator.check(timeout=limit),
        "uncheck": lambda: locator.uncheck(timeout=limit),
    }[step.parameters.act]()


def _foreign(_doing: Doing, step: model.CustomStep) -> None:
    raise ConfigurationError(
        f"the step '{step.name}' of another tool can't be replayed",
        expected="a step of DevTools or of Runner",
        hint="remove it, or record again",
        code="REC_ACTION",
    )


_ACTS: Final[Mapping[type, Callable[[Doing, Any], object]]] = {
    model.SetViewport: _viewport,
    model.Navigate: _navigate,
    model.Click: _click,
    model.DoubleClick: _click,
    model.Hover: lambda doing, _: doing.element().hover(timeout=doing.within_ms),
    model.Change: lambda doing, step: fill_in(doing, step.value),
    model.KeyDown: lambda doing, step: doing.frame.page.keyboard.down(step.key),
    model.KeyUp: lambda doing, step: doing.frame.page.keyboard.up(step.key),
    model.Scroll: _scroll,
    model.Close: lambda doing, _: doing.frame.page.close(),
    model.EmulateNetworkConditions: _network,
    model.WaitForElement: _wait_element,
    model.WaitForExpression: _wait_expression,
    model.CustomStep: _foreign,
    model.Upload: _upload,
    model.Read: _read,
    model.Expect: _expect,
    model.Dialog: _dialog,
    model.Mouse: _mouse,
    model.Pause: lambda doing, step: doing.frame.page.wait_for_timeout(step.parameters.ms),
    model.Act: _act,
}
