"""Imports what Playwright's `codegen` writes as JSON lines (``--target jsonl``).

The format is not documented by Playwright. It was read off the generator in the driver of Playwright 1.65 (one line of options,
then one action a line with its locator as a chain of `next`), and lines of older versions (`pageAlias`) are understood too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from runner.core.errors import ConfigurationError, RunnerError
from runner.recordings.collecting import Collector, Refused
from runner.recordings.model import Recording
from runner.recordings.selectors import Part

_MODIFIERS: Final = ((1, "Alt"), (2, "Control"), (4, "Meta"), (8, "Shift"))
_BUTTONS: Final = {"middle": "auxiliary", "right": "secondary"}


def looks_like_jsonl(text: str) -> bool:
    """Whether a text is what ``codegen --target jsonl`` writes: its first line says how the browser was opened."""
    try:
        head = json.loads(text.partition("\n")[0])
    except ValueError:
        return False
    return (
        isinstance(head, dict) and "steps" not in head and bool({"browserName", "contextOptions"} & set(head))
    )


def import_jsonl(text: str, name: str) -> tuple[Recording | None, list[RunnerError]]:
    """The recording that the lines describe, or None, and why it can't be had: step and reason."""
    collector = Collector()
    errors: list[RunnerError] = []
    for line, entry in enumerate(text.splitlines(), start=1):
        if not entry.strip():
            continue
        try:
            plain = _object(entry)
            if line == 1:
                _options(collector, plain)
            else:
                _action(collector, plain)
        except json.JSONDecodeError as error:
            errors.append(
                ConfigurationError(
                    f"broken JSON at line {line}, column {error.colno}: {error.msg}",
                    expected="one whole JSON object a line",
                    hint="record it again",
                    where=f"{name}:{line}:{error.colno}",
                    code="REC_JSON",
                )
            )
        except Refused as refused:
            errors.append(refused.at(f"{name}: step {line - 1}"))
    return collector.recording(name), errors


def parts_of(locator: Mapping[str, Any]) -> Iterator[Part]:
    """The chain of locators that a line holds, from the outside in. Raises Refused for one that is not known here."""
    current: Any = locator
    while isinstance(current, Mapping):
        yield from _parts(str(current.get("kind")), current.get("body", ""), current.get("options") or {})
        current = current.get("next")


def _object(entry: str) -> dict[str, Any]:
    plain = json.loads(entry)
    if not isinstance(plain, dict):
        raise Refused(f"a line is {type(plain).__name__}", "an object")
    return plain


def _parts(kind: str, body: Any, options: Mapping[str, Any]) -> Iterator[Part]:  # noqa: C901 - a table of cases
    if not isinstance(body, str) or not isinstance(options.get("name", ""), str):
        raise Refused(f"a locator goes by a pattern ({kind})", "a text", "record it again by name")
    exact = bool(options.get("exact"))
    match kind:
        case "default":
            yield Part(by="css", value=body)
            if isinstance(options.get("hasText"), str):
                yield Part(by="has-text", value=options["hasText"])
        case "role":
            if options.get("attrs"):
                raise Refused("a role with attributes", "a role and a name")
            yield Part(by="role", value=body, name=options.get("name"), exact=exact)
        case "test-id":
            yield Part(by="test id", value=body)
        case "text" | "label" | "placeholder" | "alt" | "title":
            yield Part(by=kind, value=body, exact=exact)
        case "nth" | "first" | "last" | "has-text" | "frame":
            yield Part(by=kind, value=body if kind in {"nth", "has-text"} else "")
        case "has-not-text":
            yield Part(by="has-not-text", value=body)
        case "frame-locator":
            yield Part(by="css", value=body)
            yield Part(by="frame")
        case _:
            raise Refused(f"a locator of the kind '{kind}'", "one by role, label, test id, text or css")


def _options(collector: Collector, options: Mapping[str, Any]) -> None:
    viewport = (options.get("contextOptions") or {}).get("viewport")
    if isinstance(viewport, Mapping) and viewport.get("width") and viewport.get("height"):
        collector.viewport(int(viewport["width"]), int(viewport["height"]))


def _action(collector: Collector, plain: Mapping[str, Any]) -> None:
    collector.turn_to(str(plain.get("pageGuid") or plain.get("pageAlias") or "page"))
    where = list(parts_of(plain["locator"])) if plain.get("locator") else []
    frames = [Part(by="css", value=one) for one in plain.get("framePath") or ()]
    chain = [part for frame in frames for part in (frame, Part(by="frame"))] + where
    _signals(collector, plain.get("signals") or (), before=True)
    _one(collector, str(plain.get("name")), plain, chain)
    _signals(collector, plain.get("signals") or (), before=False)


def _one(collector: Collector, name: str, plain: Mapping[str, Any], chain: list[Part]) -> None:  # noqa: C901, PLR0912 - a table
    match name:
        case "openPage":
            collector.open_page(str(plain.get("url") or ""))
        case "closePage":
            collector.close()
        case "navigate":
            collector.navigate(str(plain["url"]))
        case "click" if plain.get("modifiers"):
            raise Refused("a click with a key held down", "a plain click", "record it again")
        case "click":
            act = "doubleClick" if plain.get("clickCount") == 2 else "click"
            collector.act(act, chain, button=_BUTTONS.get(str(plain.get("button"))))
        case "hover" | "check" | "uncheck":
            collector.act(name, chain)
        case "fill":
            collector.act("change", chain, str(plain.get("text", "")))
        case "select" if len(plain.get("options") or ()) == 1:
            collector.act("change", chain, str(plain["options"][0]))
        case "press":
            held = [word for bit, word in _MODIFIERS if int(plain.get("modifiers") or 0) & bit]
            collector.press(chain, "+".join([*held, str(plain["key"])]))
        case "setInputFiles":
            collector.upload(chain, [str(one) for one in plain.get("files") or ()])
        case "assertText":
            collector.expect(
                "contains" if plain.get("substring") else "text", chain, str(plain.get("text", ""))
            )
        case "assertValue":
            collector.expect("value", chain, str(plain.get("value", "")))
        case "assertChecked":
            collector.expect("checked" if plain.get("checked") else "unchecked", chain)
        case "assertVisible":
            collector.expect("visible", chain)
        case _:
            raise Refused(
                f"the action '{name}'", "one that a recording can hold", "record it again without it"
            )


def _signals(collector: Collector, signals: Any, *, before: bool) -> None:
    for signal in signals:
        kind = signal.get("name") if isinstance(signal, Mapping) else None
        if kind == "dialog" and before:
            collector.dialog(accept=False)
        elif kind == "navigation" and not before and signal.get("url"):
            collector.leads_to(str(signal["url"]))
        elif kind == "popup" and not before:
            collector.opened(str(signal.get("popupPageGuid") or signal.get("popupAlias") or ""))
