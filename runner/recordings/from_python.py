"""Imports the Python that Playwright's `codegen` writes, by reading it; nothing of it is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final

from runner.core.errors import ConfigurationError, RunnerError
from runner.recordings.collecting import Collector, Refused
from runner.recordings.model import Recording
from runner.recordings.selectors import Part

_LOCATORS: Final = {
    "get_by_role": "role", "get_by_label": "label", "get_by_text": "text", "get_by_test_id": "test id",
    "get_by_placeholder": "placeholder", "get_by_alt_text": "alt", "get_by_title": "title", "locator": "css",
}  # fmt: skip
_ACTS: Final = {
    "click": "click",
    "dblclick": "doubleClick",
    "hover": "hover",
    "check": "check",
    "uncheck": "uncheck",
}
_EXPECTED: Final = {
    "to_have_text": "text", "to_contain_text": "contains", "not_to_have_text": "not text", "to_have_value": "value",
    "to_be_visible": "visible", "to_be_hidden": "hidden", "not_to_be_visible": "hidden", "to_be_checked": "checked",
    "not_to_be_checked": "unchecked", "to_be_empty": "value",
}  # fmt: skip
_BUTTONS: Final = {"middle": "auxiliary", "right": "secondary"}
_BROWSER_ONLY: Final = frozenset({"launch", "new_context", "new_page", "close", "start", "stop"})
_Call = tuple[str, list[Any], dict[str, Any]]


def looks_like_python(text: str) -> bool:
    """Whether a text is a Python script that uses Playwright."""
    return "playwright" in text and ("page.goto(" in text or "get_by_" in text or ".locator(" in text)


def import_python(text: str, name: str) -> tuple[Recording | None, list[RunnerError]]:
    """The recording that the script describes, or None, and why it can't be had: line, step and reason."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        return None, [
            ConfigurationError(
                f"invalid Python at line {line}",
                expected="a script as Playwright's codegen writes it",
                where=f"{name}:{line}",
                code="REC_FORMAT",
            )
        ]
    collector = Collector()
    errors: list[RunnerError] = []
    for number, statement in enumerate(_statements(tree), start=1):
        try:
            _statement(collector, statement)
        except Refused as refused:
            errors.append(refused.at(f"{name}:{statement.lineno}: step {number}"))
    return collector.recording(name), errors


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """What is done with pages, in the order of the file: bodies of functions, and of the usual `with` around everything."""
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.With) and not _is_popup(node):
            yield from (one for one in _body(node.body) if not _calls(one, functions))


def _calls(node: ast.stmt, functions: set[str]) -> bool:
    """Whether a statement only calls a function of the file, as codegen's last line does."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in functions


def _body(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.With | ast.AsyncWith) and "sync_playwright" in ast.dump(
            node.items[0].context_expr
        ):
            yield from _body(node.body)
        elif not _is_scaffold(node):
            yield node


def _is_scaffold(node: ast.stmt) -> bool:
    """Lines that only open and close the browser, and plain comments in quotes."""
    if isinstance(node, ast.Pass | ast.Import | ast.ImportFrom):
        return True
    value = getattr(node, "value", None)
    if isinstance(node, ast.Expr) and isinstance(value, ast.Constant):
        return True
    if not isinstance(node, ast.Assign | ast.Expr) or value is None:
        return False
    calls = _chain(value.value if isinstance(value, ast.Await) else value)
    if calls is None:
        return isinstance(node, ast.Assign) and isinstance(value, ast.Attribute) and value.attr == "value"
    subject, steps = calls
    last = steps[-1][0] if steps else ""
    if last == "new_page":
        return not _names_page(node)
    return not subject.startswith("page") and (
        last in _BROWSER_ONLY or subject in {"run", "playwright", "browser"}
    )


def _names_page(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id != "page"
    )


def _statement(collector: Collector, node: ast.stmt) -> None:
    if isinstance(node, ast.With | ast.AsyncWith) and (alias := _is_popup(node)):
        for inner in node.body:
            _statement(collector, inner)
        collector.opened(alias.removesuffix("_info"))
        return
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "value":
        return  # page1 = page1_info.value
    value = node.value if isinstance(node, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    found = _chain(value) if value is not None else None
    if found is None or not found[1] or not found[0].startswith(("page", "expect")):
        kind = type(node).__name__
        raise Refused(
            f"'{ast.unparse(node).splitlines()[0][:80]}' ({kind})", "a call on a page, as codegen writes it"
        )
    subject, calls = found
    if subject == "expect":
        _expect(collector, calls)
    else:
        collector.turn_to(subject)
        _act(collector, calls)


def _is_popup(node: ast.stmt) -> str:
    """The name that ``with page.expect_popup() as NAME`` gives; empty for another statement."""
    if not isinstance(node, ast.With | ast.AsyncWith) or len(node.items) != 1:
        return ""
    item = node.items[0]
    found = _chain(item.context_expr)
    if found and found[1] and found[1][-1][0] in {"expect_popup", "expect_download"}:
        return item.optional_vars.id if isinstance(item.optional_vars, ast.Name) else "popup"
    return ""


def _chain(node: ast.expr) -> tuple[str, list[_Call]] | None:
    """``page.a(…).b.c(…)`` as its subject and its calls; None for anything else."""
    calls: list[_Call] = []
    while True:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            calls.append(
                (node.func.attr, _values(node.args), {k.arg or "**": _value(k.value) for k in node.keywords})
            )
            node = node.func.value
        elif isinstance(node, ast.Attribute):
            calls.append((node.attr, [], {}))
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "expect":
            inner = node.args[0] if node.args else node.func
            return "expect", [("expect", [inner], {}), *reversed(calls)]
        elif isinstance(node, ast.Name):
            return node.id, calls[::-1]
        else:
            return None


def _values(nodes: list[ast.expr]) -> list[Any]:
    return [_value(node) for node in nodes]


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return node  # a pattern, a lambda, a locator


def _expect(collector: Collector, calls: list[_Call]) -> None:
    inner = calls[0][1][0]
    what = _EXPECTED.get(calls[-1][0])
    found = _chain(inner) if isinstance(inner, ast.expr) else None
    if what is None or found is None or len(calls) != 2:
        raise Refused(f"the check '{calls[-1][0]}'", f"one of {', '.join(_EXPECTED)}")
    subject, locators = found
    collector.turn_to(subject)
    collector.expect(what, list(_parts(locators)), _text(calls[-1][1][0]) if calls[-1][1] else "")


def _act(collector: Collector, calls: list[_Call]) -> None:  # noqa: C901 - a table of cases
    name, arguments, options = calls[-1]
    chain = list(_parts(calls[:-1]))
    match name:
        case "goto":
            collector.navigate(_text(arguments[0]))
        case "close":
            collector.close()
        case "set_viewport_size":
            size = arguments[0]
            collector.viewport(int(size["width"]), int(size["height"]))
        case "once" | "on" if arguments and arguments[0] == "dialog":
            collector.dialog(accept=".accept(" in ast.unparse(arguments[1]))
        case "click" if options.get("modifiers"):
            raise Refused("a click with a key held down", "a plain click")
        case "click" | "dblclick" | "hover" | "check" | "uncheck":
            collector.act(_ACTS[name], chain, button=_BUTTONS.get(str(options.get("button"))))
        case "fill" | "press_sequentially" | "type":
            collector.act("change", chain, _text(arguments[0]))
        case "select_option":
            chosen = arguments[0]
            collector.act(
                "change", chain, _text(chosen[0] if isinstance(chosen, list) and len(chosen) == 1 else chosen)
            )
        case "press":
            collector.press(chain, _text(arguments[0]))
        case "set_input_files":
            files = arguments[0] if isinstance(arguments[0], list) else [arguments[0]]
            collector.upload(chain, [_text(one) for one in files])
        case _:
            raise Refused(f"the action '{name}'", "one that a recording can hold")


def _parts(calls: list[_Call]) -> Iterator[Part]:
    for name, arguments, options in calls:
        if name in _LOCATORS:
            shown = options.get("name")
            yield Part(
                by=_LOCATORS[name],
                value=_text(arguments[0]),
                name=None if shown is None else _text(shown),
                exact=bool(options.get("exact")),
            )
            if "has_text" in options:
                yield Part(by="has-text", value=_text(options["has_text"]))
        elif name in {"first", "last"}:
            yield Part(by=name)
        elif name == "nth":
            yield Part(by="nth", value=str(arguments[0]))
        elif name == "filter" and set(options) <= {"has_text", "has_not_text"}:
            for key, value in options.items():
                yield Part(by=key.replace("_", "-"), value=_text(value))
        elif name == "content_frame":
            yield Part(by="frame")
        elif name == "frame_locator":
            yield Part(by="css", value=_text(arguments[0]))
            yield Part(by="frame")
        else:
            raise Refused(f"the locator '{name}'", f"one of {', '.join(_LOCATORS)}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        shown = ast.unparse(value) if isinstance(value, ast.AST) else repr(value)
        raise Refused(f"'{shown[:80]}' is no plain text", "a text in quotes")
    return value
