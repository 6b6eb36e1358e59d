"""One step of a recording as the line of Python that does it, with locators by role, label and text first."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from runner.recordings import model
from runner.recordings.binding import BoundField
from runner.recordings.forms import NUMBER, Kind
from runner.recordings.placeholders import PLACEHOLDER, SECRET
from runner.recordings.presses import press_size
from runner.recordings.selectors import Part, Selector, SelectorKind

WIDTH: Final = 110
_BY: Final[Mapping[str, str]] = {
    "label": "get_by_label", "text": "get_by_text", "test id": "get_by_test_id", "placeholder": "get_by_placeholder",
    "alt": "get_by_alt_text", "title": "get_by_title", "css": "locator",
}  # fmt: skip
_BUTTONS: Final = {"auxiliary": "middle", "secondary": "right"}


@dataclass
class Writing:
    """What the lines written so far need: names to import, and the tabs that are open, by the recording's name for them."""

    fields: Mapping[str, BoundField] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    files: str = ""
    needs: set[str] = field(default_factory=set)
    tabs: dict[str, str] = field(default_factory=lambda: {"main": "page"})
    row: bool = False  # whether `item` can be used where the lines stand

    def page(self, step: Any) -> str:
        """The variable of the page that a step is about."""
        return self.tabs.get(step.target or "main", "page")


class Press(model.KeyDown):
    """Keys that are pressed and let go again, several at once with ``+``; in a script that is one line."""


def with_presses(steps: Sequence[model.Step]) -> list[model.Step]:
    """The steps, with one in the place of those that press keys and let them go in the opposite order."""
    found: list[model.Step] = []
    at = 0
    while at < len(steps):
        size = press_size(steps, at)
        run = steps[at : at + (size or 1)]
        found.append(_press(run) if size else run[0])
        at += len(run)
    return found


def _press(run: Sequence[model.Step]) -> Press:
    last = next((one for one in reversed(run) if one.leads_to is not None), run[-1])
    keys = "+".join(one.key for one in run if isinstance(one, model.KeyDown))
    return Press(key=keys, target=last.target, asserted_events=last.asserted_events)


def lines_of(writing: Writing, step: Any) -> list[str]:
    """The statements of one step, without indentation."""
    lines = _LINES[type(step)](writing, step)
    return [lines] if isinstance(lines, str) else lines


def locator(writing: Writing, step: Any) -> str:
    """The best selector of a step as an expression."""
    base = writing.page(step)
    for number in step.frame or ():
        base += f".frame_locator({quoted(f'iframe >> nth={number}')})"
    return base + _locate(step.selectors_parsed[0])


def expression(writing: Writing, text: str) -> str:
    """A text with placeholders and secrets as a Python expression."""
    pieces: list[str] = []
    at = 0
    marks = sorted([*PLACEHOLDER.finditer(text), *SECRET.finditer(text)], key=lambda found: found.start())
    for mark in marks:
        pieces += [quoted(text[at : mark.start()])] if mark.start() > at else []
        pieces.append(
            _secret(writing, mark[1]) if mark.re is SECRET else _value(writing, mark[1], mark[2] or "")
        )
        at = mark.end()
    pieces += [quoted(text[at:])] if at < len(text) or not pieces else []
    return " + ".join(pieces)


def quoted(text: str) -> str:
    """A text as a Python literal, in the quotes that need fewer backslashes."""
    plain = json.dumps(text, ensure_ascii=False)
    if text.count('"') <= text.count("'"):
        return plain
    inside = plain[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inside}'"


def path_of(writing: Writing, url: str) -> str:
    """An address, without scheme and host where they are the recording's own."""
    if writing.origin and (
        url == writing.origin or url.startswith((f"{writing.origin}/", f"{writing.origin}?"))
    ):
        return url[len(writing.origin) :] or "/"
    return url


def wrapped(line: str, indent: int) -> list[str]:
    """A statement, indented; a call that is too long for a line is broken as the formatter breaks it."""
    pad = " " * indent
    pair = _last_filled_brackets(line) if len(pad + line) > WIDTH else None
    if pair is None:
        return [pad + line]
    begin, end = pair
    inside = f"{pad}    {line[begin + 1 : end]}"
    parts = (
        [inside]
        if len(inside) <= WIDTH
        else [f"{pad}    {one}," for one in _arguments(line[begin + 1 : end])]
    )
    return [pad + line[: begin + 1], *parts, pad + line[end:]]


def _arguments(inside: str) -> list[str]:
    call = ast.parse(f"f({inside})", mode="eval").body
    assert isinstance(call, ast.Call)
    text = f"f({inside})"
    return [
        *(ast.get_source_segment(text, one) or "" for one in call.args),
        *(f"{one.arg}={ast.get_source_segment(text, one.value)}" for one in call.keywords),
    ]


def _last_filled_brackets(line: str) -> tuple[int, int] | None:
    """Where the last outermost pair of brackets with something in it begins and ends."""
    opened: list[int] = []
    found = None
    for token in tokenize.generate_tokens(io.StringIO(line).readline):
        at = token.start[1]
        if token.type == tokenize.OP and token.string in "([{":
            opened.append(at)
        elif token.type == tokenize.OP and token.string in ")]}":
            begin = opened.pop()
            if not opened and at > begin + 1:
                found = begin, at
    return found


def _locate(selector: Selector) -> str:
    value = quoted(selector.value)
    match selector.kind:
        case SelectorKind.ARIA if selector.role:
            return f".get_by_role({quoted(selector.role)}, name={value}, exact=True)"
        case SelectorKind.ARIA:
            return f".get_by_label({value}, exact=True)"
        case SelectorKind.TEXT:
            return f".get_by_text({value}, exact=True)"
        case SelectorKind.XPATH:
            return f".locator({quoted(f'xpath={selector.value}')})"
        case SelectorKind.PLAYWRIGHT:
            return "".join(_part(part) for part in selector.parts)
        case _:
            test_id = re.fullmatch(r'\[data-testid="([^"]+)"\]', selector.value)
            found = f".get_by_test_id({quoted(test_id[1])})" if test_id else f".locator({value})"
            return found + "".join(f".locator({quoted(inner)})" for inner in selector.inner)


def _part(part: Part) -> str:
    exact = ", exact=True" if part.exact else ""
    if part.by == "role":
        name = f", name={quoted(part.name)}{exact}" if part.name is not None else ""
        return f".get_by_role({quoted(part.value)}{name})"
    if part.by == "nth":
        return f".nth({int(part.value)})"
    if part.by in {"first", "last"}:
        return f".{part.by}"
    if part.by == "frame":
        return ".content_frame"
    if part.by in {"has-text", "has-not-text"}:
        return f".filter({part.by.replace('-', '_')}={quoted(part.value)})"
    return f".{_BY[part.by]}({quoted(part.value)}{'' if part.by in {'css', 'test id'} else exact})"


def _secret(writing: Writing, name: str) -> str:
    writing.needs.add("secret")
    return f"secret({quoted(name)})"


def _value(writing: Writing, name: str, form: str) -> str:
    bound = writing.fields.get(name)
    if bound is None or not writing.row:
        return quoted(writing.values.get(name, ""))
    source = f"item.data.{name}"
    if bound.kind is Kind.TEXT:
        return f'({source} or "")' if bound.optional else source
    shown = _shown(source, bound.kind, form)
    return f'({shown} if {source} is not None else "")' if bound.optional else shown


def _shown(source: str, kind: Kind, form: str) -> str:
    if kind is Kind.DATE:
        return _day(source, form) if form else f"{source}.isoformat()"
    if kind is Kind.YES_NO:
        yes, slash, no = form.partition("/")
        return f"({quoted(yes)} if {source} else {quoted(no)})" if slash else f"str({source}).lower()"
    found = NUMBER.fullmatch(form)
    if not form or found is None:
        return f"str({source})"
    text = f'f"{{{source}:{"," if found[1] else ""}.{len(found[4] or "")}f}}"'
    marks = str.maketrans({",": found[2] or "", ".": found[3] or "."})
    changed = {
        sign: marks[ord(sign)] for sign in ",." if marks[ord(sign)] != sign and (sign == "." or found[1])
    }
    if len(changed) == 2:
        return (
            f"{text}.translate(str.maketrans({quoted(',.')}, {quoted((found[2] or '') + (found[3] or ''))}))"
        )
    return text + "".join(f".replace({quoted(old)}, {quoted(str(new))})" for old, new in changed.items())


def _day(source: str, form: str) -> str:
    """A date in a form; days and months without a zero in front are no part of every system's `strftime`."""
    parts = [one for one in re.split(r"(%-[dm])", form) if one]
    plain = {"%-d": f"str({source}.day)", "%-m": f"str({source}.month)"}
    shown = [
        plain.get(one) or (f"{source}.strftime({quoted(one)})" if "%" in one else quoted(one))
        for one in parts
    ]
    return shown[0] if len(shown) == 1 else f"({' + '.join(shown)})"


def _navigate(writing: Writing, step: model.Navigate) -> str:
    return f"{writing.page(step)}.goto({expression(writing, path_of(writing, step.url))})"


def _click(writing: Writing, step: Any) -> str:
    button = f"button={quoted(_BUTTONS[step.button])}" if step.button in _BUTTONS else ""
    return (
        f"{locator(writing, step)}.{'dblclick' if isinstance(step, model.DoubleClick) else 'click'}({button})"
    )


def _change(writing: Writing, step: model.Change) -> str:
    value = expression(writing, step.value)
    if any(one.role in {"combobox", "listbox"} for one in step.selectors_parsed):
        writing.needs.add("choose")
        return f"choose({locator(writing, step)}, {value})"
    return f"{locator(writing, step)}.fill({value})"


def _scroll(writing: Writing, step: model.Scroll) -> str:
    place = f"scrollTo({step.x or 0:g}, {step.y or 0:g})"
    if step.selectors:
        return f"{locator(writing, step)}.evaluate({quoted(f'e => e.{place}')})"
    return f"{writing.page(step)}.evaluate({quoted(f'() => window.{place}')})"


def _wait(writing: Writing, step: model.WaitForElement) -> str:
    if step.operator == "==":
        writing.needs.add("expect")
        return f"expect({locator(writing, step)}).to_have_count({step.count})"
    return f"{locator(writing, step)}.nth({max(step.count - 1, 0)}).wait_for()"


def _upload(writing: Writing, step: model.Upload) -> str:
    files = step.parameters.files
    if writing.row and len(files) == 1 and PLACEHOLDER.search(files[0]):
        writing.needs.add("files_of")
        return f"{locator(writing, step)}.set_input_files(files_of({expression(writing, files[0])}))"
    paths = []
    for name in files:
        if PLACEHOLDER.search(name):
            paths.append(f"Path({expression(writing, name)})")
        else:
            paths.append(f"Path({quoted(f'{writing.files}/{name}')})")
    given = paths[0] if len(paths) == 1 else f"[{', '.join(paths)}]"
    return f"{locator(writing, step)}.set_input_files({given})"


def _read(writing: Writing, step: model.Read) -> str:
    text = f"{locator(writing, step)}.inner_text()"
    return f"read[{quoted(step.parameters.output)}] = {text}"


def _expect(writing: Writing, step: model.Expect) -> str:
    writing.needs.add("expect")
    value = expression(writing, step.parameters.value)
    if step.parameters.what == "title":
        return f"expect({writing.page(step)}).to_have_title({value})"
    method = {
        "text": f"to_have_text({value})", "contains": f"to_contain_text({value})",
        "not text": f"not_to_have_text({value})", "value": f"to_have_value({value})", "visible": "to_be_visible()",
        "hidden": "to_be_hidden()", "checked": "to_be_checked()", "unchecked": "not_to_be_checked()",
    }[step.parameters.what]  # fmt: skip
    return f"expect({locator(writing, step)}).{method}"


def _dialog(writing: Writing, step: model.Dialog) -> str:
    answer = "accept" if step.parameters.accept else "dismiss"
    text = quoted(step.parameters.text) if step.parameters.text else ""
    return f'{writing.page(step)}.once("dialog", lambda dialog: dialog.{answer}({text}))'


def _mouse(writing: Writing, step: model.Mouse) -> list[str]:
    page = writing.page(step)
    if step.parameters.act == "out":
        return [f"{page}.mouse.move(0, 0)"]
    return [f"{locator(writing, step)}.hover()", f"{page}.mouse.{step.parameters.act}()"]


def _act(writing: Writing, step: model.Act) -> str:
    value, found = expression(writing, step.parameters.value), locator(writing, step)
    call = {"doubleClick": "dblclick()", "change": f"fill({value})", "press": f"press({value})"}
    return f"{found}.{call.get(step.parameters.act, f'{step.parameters.act}()')}"


def _network(_writing: Writing, step: model.EmulateNetworkConditions) -> str:
    return f"# The recording sets the network to {step.download:g} bytes/s here, which bots don't."


def _foreign(_writing: Writing, step: model.CustomStep) -> str:
    return f"# The recording has a step of another tool here: {step.name}"


_LINES: Final[Mapping[type, Callable[[Writing, Any], str | list[str]]]] = {
    model.SetViewport: lambda w, s: (
        f'{w.page(s)}.set_viewport_size({{"width": {s.width}, "height": {s.height}}})'
    ),
    model.Navigate: _navigate,
    model.Click: _click,
    model.DoubleClick: _click,
    model.Hover: lambda w, s: f"{locator(w, s)}.hover()",
    model.Change: _change,
    model.KeyDown: lambda w, s: f"{w.page(s)}.keyboard.down({quoted(s.key)})",
    Press: lambda w, s: f"{w.page(s)}.keyboard.press({quoted(s.key)})",
    model.KeyUp: lambda w, s: f"{w.page(s)}.keyboard.up({quoted(s.key)})",
    model.Scroll: _scroll,
    model.Close: lambda w, s: f"{w.page(s)}.close()",
    model.EmulateNetworkConditions: _network,
    model.WaitForElement: _wait,
    model.WaitForExpression: lambda w, s: f"{w.page(s)}.wait_for_function({quoted(s.expression)})",
    model.CustomStep: _foreign,
    model.Upload: _upload,
    model.Read: _read,
    model.Expect: _expect,
    model.Dialog: _dialog,
    model.Mouse: _mouse,
    model.Pause: lambda w, s: f"{w.page(s)}.wait_for_timeout({s.parameters.ms})",
    model.Act: _act,
}
