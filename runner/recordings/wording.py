"""Steps in words, in English and Chinese: what somebody reads in a list, a journal and an SOP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from runner.recordings.model import (
    Act,
    Change,
    Click,
    Close,
    CustomStep,
    Dialog,
    DoubleClick,
    EmulateNetworkConditions,
    Expect,
    Hover,
    KeyDown,
    KeyUp,
    Mouse,
    Navigate,
    Pause,
    Read,
    Recording,
    Scroll,
    SetViewport,
    Step,
    Upload,
    WaitForElement,
    WaitForExpression,
)
from runner.recordings.placeholders import SECRET

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
_LONGEST: Final = 60

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "viewport": ("Make the window {width} × {height}", "将窗口设为 {width} × {height}"),
    "navigate": ("Open {url}", "打开 {url}"),
    "click": ("Click {name}", "点击{name}"),
    "right": ("Click {name} with the right button", "右键点击{name}"),
    "double": ("Double-click {name}", "双击{name}"),
    "hover": ("Point at {name}", "将鼠标移到{name}"),
    "change": ("Enter {value} in {name}", "在{name}中输入{value}"),
    "choose": ("Choose {value} in {name}", "在{name}中选择{value}"),
    "clear": ("Empty {name}", "清空{name}"),
    "check": ("Tick {name}", "勾选{name}"),
    "uncheck": ("Untick {name}", "取消勾选{name}"),
    "down": ("Press {key}", "按下 {key}"),
    "up": ("Let {key} go", "松开 {key}"),
    "press": ("Press {value} in {name}", "在{name}中按 {value}"),
    "scroll page": ("Scroll the page to {x}, {y}", "将页面滚动到 {x}, {y}"),
    "scroll": ("Scroll {name} to {x}, {y}", "将{name}滚动到 {x}, {y}"),
    "close": ("Close the tab", "关闭标签页"),
    "network": ("Set the speed of the network", "设置网络速度"),
    "wait element": ("Wait for {name}", "等待{name}出现"),
    "wait count": (
        "Wait until there are {operator} {count} of {name}",
        "等待{name}的数量 {operator} {count}",
    ),
    "wait expression": ("Wait until {expression}", "等待条件成立:{expression}"),
    "custom": ("Step '{name}' of another tool", "其他工具的步骤“{name}”"),
    "upload": ("Choose the file {value} in {name}", "在{name}中选择文件{value}"),
    "read": ("Read {output} from {name}", "从{name}读取 {output}"),
    "text": ("Check that {name} says {value}", "检查{name}的文字为{value}"),
    "contains": ("Check that {name} contains {value}", "检查{name}包含{value}"),
    "not text": ("Check that {name} does not say {value}", "检查{name}的文字不是{value}"),
    "value": ("Check that {name} holds {value}", "检查{name}的值为{value}"),
    "title": ("Check that the page is called {value}", "检查页面标题为{value}"),
    "visible": ("Check that {name} is visible", "检查{name}可见"),
    "hidden": ("Check that {name} is not there", "检查{name}不存在"),
    "checked": ("Check that {name} is ticked", "检查{name}已勾选"),
    "unchecked": ("Check that {name} is not ticked", "检查{name}未勾选"),
    "accept": ("Answer the dialog with OK", "对话框点“确定”"),
    "dismiss": ("Answer the dialog with Cancel", "对话框点“取消”"),
    "mouse down": ("Press the mouse button on {name}", "在{name}上按下鼠标"),
    "mouse up": ("Let the mouse button go on {name}", "在{name}上松开鼠标"),
    "mouse out": ("Move the pointer away from {name}", "将鼠标移出{name}"),
    "pause": ("Wait {ms} ms", "等待 {ms} 毫秒"),
    "page": ("the page", "页面"),
    "password": ("the password ({secret})", "密码({secret})"),
    "nothing": ("nothing", "空值"),
    "in frame": (" (in a frame)", "(在框架中)"),
    "in tab": (" (in the tab {target})", "(在标签页 {target} 中)"),
}


def words_of(step: Step, language: Language = "en") -> str:
    """One step as a sentence without a full stop: ``Enter "A-1" in "Order number"``."""
    key, parts = _TELLERS[type(step)](step)
    named = {"name": element_name(step, language), **parts}
    if "value" in named:
        named["value"] = _value(str(named["value"]), language)
    text = _say(key, language).format(**named)
    if step.frame:
        text += _say("in frame", language)
    if step.target and step.target != "main":
        text += _say("in tab", language).format(target=step.target)
    return text


def all_words(recording: Recording, language: Language = "en") -> list[str]:
    """Every step in words."""
    return [words_of(step, language) for step in recording.steps]


def element_name(step: Step, language: Language = "en") -> str:
    """What people would call the element that a step is about, in quotes; the page where it is about none."""
    selectors = step.selectors_parsed
    if not selectors:
        return _say("page", language)
    name = next((one.name for one in selectors if one.name), "") or selectors[0].value
    return _quoted(name, language)


def _value(text: str, language: Language) -> str:
    secret = SECRET.search(text)
    if secret:
        return _say("password", language).format(secret=secret[1])
    return _quoted(text, language) if text else _say("nothing", language)


def _quoted(text: str, language: Language) -> str:
    plain = " ".join(text.split())
    plain = plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
    return f"“{plain}”" if language == "zh" else f'"{plain}"'


def _say(key: str, language: Language) -> str:
    return _WORDS[key][LANGUAGES.index(language)]


def _click(step: Click) -> tuple[str, dict[str, Any]]:
    return ("right" if step.button == "secondary" else "click"), {}


def _change(step: Change) -> tuple[str, dict[str, Any]]:
    chooses = any(one.role in {"combobox", "listbox"} for one in step.selectors_parsed)
    return ("choose" if chooses else "change" if step.value else "clear"), {"value": step.value}


def _act(step: Act) -> tuple[str, dict[str, Any]]:
    key = {"doubleClick": "double"}.get(step.parameters.act, step.parameters.act)
    return key, {"value": step.parameters.value}


def _scroll(step: Scroll) -> tuple[str, dict[str, Any]]:
    return ("scroll" if step.selectors else "scroll page"), {"x": f"{step.x or 0:g}", "y": f"{step.y or 0:g}"}


def _wait(step: WaitForElement) -> tuple[str, dict[str, Any]]:
    plain = step.operator == ">=" and step.count == 1
    return ("wait element" if plain else "wait count"), {"operator": step.operator, "count": step.count}


def _expression(step: WaitForExpression) -> tuple[str, dict[str, Any]]:
    text = " ".join(step.expression.split())
    return "wait expression", {"expression": text if len(text) < 80 else f"{text[:79]}…"}


_TELLERS: Final[Mapping[type, Callable[[Any], tuple[str, dict[str, Any]]]]] = {
    SetViewport: lambda s: ("viewport", {"width": s.width, "height": s.height}),
    Navigate: lambda s: ("navigate", {"url": s.url}),
    Click: _click,
    DoubleClick: lambda _: ("double", {}),
    Hover: lambda _: ("hover", {}),
    Change: _change,
    KeyDown: lambda s: ("down", {"key": s.key}),
    KeyUp: lambda s: ("up", {"key": s.key}),
    Scroll: _scroll,
    Close: lambda _: ("close", {}),
    EmulateNetworkConditions: lambda _: ("network", {}),
    WaitForElement: _wait,
    WaitForExpression: _expression,
    CustomStep: lambda s: ("custom", {"name": s.name}),
    Upload: lambda s: ("upload", {"value": ", ".join(s.parameters.files)}),
    Read: lambda s: ("read", {"output": s.parameters.output}),
    Expect: lambda s: (s.parameters.what, {"value": s.parameters.value}),
    Dialog: lambda s: ("accept" if s.parameters.accept else "dismiss", {}),
    Mouse: lambda s: (f"mouse {s.parameters.act}", {}),
    Pause: lambda s: ("pause", {"ms": s.parameters.ms}),
    Act: _act,
}
