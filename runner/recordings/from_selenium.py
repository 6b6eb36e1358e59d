"""Imports Selenium IDE projects (`.side`): plain commands become steps, a command that controls the flow is refused by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urljoin

from runner.core.errors import RunnerError
from runner.recordings.collecting import Collector, Refused
from runner.recordings.model import Recording

_FLOW: Final = frozenset({
    "if", "elseIf", "else", "end", "while", "do", "repeatIf", "times", "forEach",
})  # fmt: skip
_VARIABLES: Final = frozenset({
    "store", "storeAttribute", "storeElementCount", "storeJson", "storeTitle", "storeValue", "storeXpathCount", "assert",
    "verify", "executeScript", "executeAsyncScript", "runScript",
})  # fmt: skip
_IGNORED: Final = frozenset(
    {"echo", "setSpeed", "debugger", "storeWindowHandle", "bringToFront", "emulateCapability"}
)
_ACTS: Final = {
    "click": "click", "clickAt": "click", "doubleClick": "doubleClick", "doubleClickAt": "doubleClick",
    "check": "check", "uncheck": "uncheck", "mouseOver": "hover", "mouseMoveAt": "hover",
}  # fmt: skip
_MOUSE: Final = {
    "mouseDown": "down",
    "mouseDownAt": "down",
    "mouseUp": "up",
    "mouseUpAt": "up",
    "mouseOut": "out",
}
_EXPECTED: Final = {
    "Text": "text", "NotText": "not text", "Value": "value", "SelectedLabel": "text", "SelectedValue": "value",
    "Title": "title", "ElementPresent": "visible", "ElementNotPresent": "hidden", "Checked": "checked",
    "NotChecked": "unchecked",
}  # fmt: skip
_WAITS: Final = {
    "waitForElementVisible": "visible", "waitForElementPresent": "visible", "waitForElementEditable": "visible",
    "waitForElementNotVisible": "hidden", "waitForElementNotPresent": "hidden", "waitForText": "text",
}  # fmt: skip
_KEY: Final = re.compile(r"\$\{KEY_(\w+)\}")
_KEYS: Final = {
    "ENTER": "Enter", "TAB": "Tab", "ESC": "Escape", "ESCAPE": "Escape", "BACKSPACE": "Backspace", "BKSP": "Backspace",
    "DELETE": "Delete", "DEL": "Delete", "UP": "ArrowUp", "DOWN": "ArrowDown", "LEFT": "ArrowLeft", "RIGHT": "ArrowRight",
    "HOME": "Home", "END": "End", "PAGE_UP": "PageUp", "PAGE_DOWN": "PageDown", "SPACE": "Space",
}  # fmt: skip
_VARIABLE: Final = re.compile(r"\$\{(?!KEY_|secret:)[^}]*\}")
_NESTED: Final = 10


def looks_like_side(plain: Any) -> bool:
    """Whether a JSON value is a project of Selenium IDE."""
    return isinstance(plain, dict) and isinstance(plain.get("tests"), list) and "steps" not in plain


def import_side(
    plain: Mapping[str, Any], name: str
) -> Iterator[tuple[str, Recording | None, list[RunnerError]]]:
    """For each test of the project its name, its recording or None, and why it can't be had: step and reason."""
    tests = {str(test.get("name")): test for test in plain["tests"] if isinstance(test, Mapping)}
    for title, test in tests.items():
        reader = _Test(str(plain.get("url") or ""), tests, f"{name}: test '{title}'", title)
        reader.take(test)
        recording = reader.collector.recording(name)
        errors = sorted(reader.errors, key=lambda error: error.stable_code != "REC_FLOW") or (
            [] if recording else reader.collector.errors(f"{name}: test '{title}'")
        )
        yield title, None if errors else recording, errors


class _Test:
    """Reads one test. Frames and windows that commands turn to hold for those behind them."""

    def __init__(self, base: str, tests: Mapping[str, Any], where: str, title: str) -> None:
        self.collector = Collector(title)
        self.collector.turn_to("root")
        self.errors: list[RunnerError] = []
        self._base = base
        self._tests = tests
        self._where = where
        self._refused: set[str] = set()

    def take(self, test: Mapping[str, Any], depth: int = 0) -> None:
        for number, command in enumerate(test.get("commands") or (), start=1):
            word = str(command.get("command", ""))
            if not word or word.startswith("//") or word in _IGNORED:
                continue
            try:
                if word == "run" and depth < _NESTED:
                    self.take(self._other(command), depth + 1)
                else:
                    self._command(word, command)
            except Refused as refused:
                if refused.code not in self._refused:  # the first of its kind says enough
                    self._refused.add(refused.code)
                    self.errors.append(refused.at(f"{self._where}, step {number}"))

    def _other(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = self._tests.get(str(command.get("target")))
        if found is None:
            raise Refused(
                f"'run' names the test '{command.get('target')}'", "a test of the same file", code="REC_RUN"
            )
        return found

    def _command(self, word: str, command: Mapping[str, Any]) -> None:
        target, value = str(command.get("target") or ""), str(command.get("value") or "")
        if word in _FLOW:
            raise Refused(
                f"the command '{word}' controls the flow", "plain commands, one after the other",
                "record the plain part, and write the rest as a bot: runner new BOT --from X", "REC_FLOW",
            )  # fmt: skip
        if word in _VARIABLES:
            raise Refused(
                f"the command '{word}' works with variables", "plain commands",
                "remove it, or write it as a bot: runner new BOT --from X", "REC_VARIABLE",
            )  # fmt: skip
        for text in (target, value):
            if (variable := _VARIABLE.search(text)) and not text.startswith("handle="):
                raise Refused(
                    f"'{word}' uses the variable {variable[0]}", "a plain value", code="REC_VARIABLE"
                )
        where = _selectors(command) if target else []
        action = self._table().get(word)
        if action:
            action(target, value)
        elif word in _ACTS:
            self.collector.act(_ACTS[word], where, offset=_offset(value) if word.endswith("At") else None)
        elif word in _MOUSE:
            self.collector.mouse(_MOUSE[word], where, _offset(value))
        elif word in {"type", "select", "sendKeys"}:
            self._typed(word, where, value)
        else:
            self._checked(word, where, target, value)
        if command.get("opensWindow") and command.get("windowHandleName"):
            self.collector.opened(str(command["windowHandleName"]))

    def _table(self) -> Mapping[str, Callable[[str, str], None]]:
        return {
            "open": lambda target, _: self._open(target),
            "setWindowSize": lambda target, _: self.collector.viewport(*_size(target)),
            "selectFrame": lambda target, _: self._frame(target),
            "selectWindow": lambda target, _: self._window(target),
            "close": lambda *_: self.collector.close(),
            "pause": lambda target, value: self.collector.pause(_whole(target or value)),
            "chooseOkOnNextConfirmation": lambda *_: self.collector.dialog(accept=True),
            "chooseCancelOnNextConfirmation": lambda *_: self.collector.dialog(accept=False),
            "chooseCancelOnNextPrompt": lambda *_: self.collector.dialog(accept=False),
            "answerOnNextPrompt": lambda target, _: self.collector.dialog(accept=True, text=target),
        }

    def _open(self, target: str) -> None:
        self.collector.frame = []
        self.collector.navigate(urljoin(self._base, target))

    def _frame(self, target: str) -> None:
        kind, _, value = target.partition("=")
        if kind == "index" and value.isdecimal():
            self.collector.frame.append(int(value))
        elif target == "relative=parent":
            self.collector.frame = self.collector.frame[:-1]
        elif target in {"relative=top", "relative=root"}:
            self.collector.frame = []
        else:
            raise Refused(
                f"'selectFrame' names the frame '{target}'", "index=N or relative=parent", code="REC_FRAME"
            )

    def _window(self, target: str) -> None:
        handle = re.fullmatch(r"handle=\$\{(\w+)\}", target)
        if handle is None:
            raise Refused(f"'selectWindow' names the window '{target}'", "handle=${…}", code="REC_WINDOW")
        self.collector.frame = []
        self.collector.turn_to(handle[1])

    def _typed(self, word: str, where: list[str], value: str) -> None:
        if word == "sendKeys" and (key := _KEY.fullmatch(value)):
            if key[1] not in _KEYS:
                raise Refused(f"the key '{key[1]}'", f"one of {', '.join(sorted(_KEYS))}", code="REC_KEY")
            self.collector.press(where, _KEYS[key[1]])
        elif _KEY.search(value):
            raise Refused(f"'{word}' mixes text and keys", "a text, or one key", code="REC_KEY")
        else:
            kind, equals, rest = value.partition("=")
            chosen = word == "select" and equals and kind in {"label", "value"}
            self.collector.act("change", where, rest if chosen else value)

    def _checked(self, word: str, where: list[str], target: str, value: str) -> None:
        if word in _WAITS:
            self.collector.expect(_WAITS[word], where, value if word == "waitForText" else "")
            return
        kind = (
            _EXPECTED.get(re.sub(r"^(assert|verify)", "", word))
            if word.startswith(("assert", "verify"))
            else None
        )
        if kind == "title":
            self.collector.expect(kind, [], target)
        elif kind:
            self.collector.expect(kind, where, value)
        elif word in {"assertAlert", "assertConfirmation", "assertPrompt"}:
            self.collector.dialog(accept=True, message=target)
        else:
            raise Refused(
                f"the command '{word}' is not known", "a plain command of Selenium IDE", code="REC_ACTION"
            )


def _selectors(command: Mapping[str, Any]) -> list[str]:
    """The command's own target first, the others that the tool noted behind it; those by position last."""
    noted = [str(one[0]) for one in command.get("targets") or () if isinstance(one, Sequence) and one]
    found = [_selector(one) for one in dict.fromkeys([str(command["target"]), *noted])]
    return list(dict.fromkeys(one for one in found if one))


def _selector(target: str) -> str:  # noqa: PLR0911 - a table of cases
    kind, _, value = target.partition("=")
    match kind:
        case "id":
            return f"#{value}" if re.fullmatch(r"[A-Za-z_][\w-]*", value) else f"[id={json.dumps(value)}]"
        case "name":
            return f"[name={json.dumps(value)}]"
        case "css":
            return value
        case "xpath":
            return f"xpath/{value}"
        case "linkText":
            return f'aria/{value}[role="link"]'
        case "partialLinkText":
            return f"text/{value}"
        case _ if target.startswith("//"):
            return f"xpath/{target}"
    return ""


def _offset(value: str) -> tuple[float, float] | None:
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*", value)
    return (float(found[1]), float(found[2])) if found else None


def _size(target: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", target)
    if not found:
        raise Refused(f"the window size '{target}'", "one such as 1280x720", code="REC_STEP")
    return int(found[1]), int(found[2])


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise Refused(f"'pause' for '{text}'", "a number of milliseconds", code="REC_STEP")
    return min(int(text), 60_000)
