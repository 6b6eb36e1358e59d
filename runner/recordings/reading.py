"""Reads a recording and says of each mistake at which step it is and what to do; warns of selectors that will not last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from runner.core.errors import ConfigurationError, ErrorReport, RunnerError, did_you_mean
from runner.recordings.model import OURS, OWN_STEPS, STEP_TYPES, CustomStep, Navigate, Recording, Step
from runner.recordings.passwords import literal_passwords
from runner.recordings.placeholders import PLACEHOLDER

LARGEST_FILE: Final = 20_000_000
MOST_STEPS: Final = 5_000
_STEP: Final[TypeAdapter[Step]] = TypeAdapter(Step)


def read_recording(path: Path, name: str | None = None) -> Recording:
    """The recording in a file; `name` is how errors call it.

    Raises what `parse_recording` raises, and ConfigurationError (REC_MISSING) for a file that can't be read.
    """
    return parse_recording(text_of(path, name or path.name), name or path.name)


def text_of(path: Path, name: str) -> str:
    """The text of a recording's file. Raises ConfigurationError: REC_MISSING, REC_LIMIT, REC_FORMAT (not UTF-8)."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _wrong(
                name,
                f"the file has {path.stat().st_size:,} bytes",
                f"at most {LARGEST_FILE:,}",
                code="REC_LIMIT",
            )
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise _wrong(
            name,
            f"the recording can't be read: {error.strerror}",
            "a file",
            "see: runner recordings list",
            "REC_MISSING",
        ) from error
    except UnicodeDecodeError as error:
        raise _wrong(name, "the file is not text in UTF-8", "a recording", "export it again") from error


def parse_recording(text: str, name: str) -> Recording:
    """The recording in `text`.

    Raises ErrorReport with every mistake: REC_JSON, REC_FORMAT, REC_EMPTY, REC_ACTION (an unknown type), REC_STEP (a field of
    a step), REC_SELECTOR (an empty one), REC_URL (another scheme than http and https), REC_SECRET (a password in clear), REC_LIMIT.
    """
    plain = json_of(text, name)
    recording, errors = check_steps(plain, name)
    if recording is not None:
        errors += [password_problem(name, number) for number in literal_passwords(recording)]
    if errors or recording is None:
        raise ErrorReport(errors)
    return recording


def json_of(text: str, name: str) -> Any:
    """`text` as JSON. Raises ErrorReport (REC_JSON) with line and column."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        reason = "unexpected end" if ended else error.msg
        raise ErrorReport([
            _wrong(
                f"{name}:{error.lineno}:{error.colno}",
                f"broken JSON at line {error.lineno}, column {error.colno}: {reason}",
                "a whole JSON file", "export or copy it again", "REC_JSON",
            )
        ]) from error  # fmt: skip
    except RecursionError as error:
        raise ErrorReport(
            [_wrong(name, "the JSON is nested too deep", "a recording", "export it again")]
        ) from error


def check_steps(plain: Any, name: str) -> tuple[Recording | None, list[RunnerError]]:
    """The recording that a JSON value is, or None, and what is wrong with it; passwords are not looked for."""
    if not isinstance(plain, dict) or not isinstance(plain.get("steps"), list):
        seen = (
            "one single step"
            if isinstance(plain, dict) and plain.get("type") in STEP_TYPES
            else "a JSON file"
        )
        return None, [
            _wrong(
                name, f"not a recording: it is {seen} with no 'steps'",
                "a recording of the Chrome DevTools Recorder, with 'title' and 'steps'",
                "open the recording there and export it as JSON",
            )
        ]  # fmt: skip
    steps = plain["steps"]
    if not steps:
        return None, [_wrong(name, "the recording has no steps", "at least one", "record again", "REC_EMPTY")]
    if len(steps) > MOST_STEPS:
        return None, [
            _wrong(name, f"{len(steps):,} steps", f"at most {MOST_STEPS:,}", "split it", "REC_LIMIT")
        ]
    errors = [
        error for number, step in enumerate(steps, 1) for error in _check(step, f"{name}: step {number}")
    ]
    if errors:
        return None, errors
    try:
        return Recording.model_validate(plain), []
    except ValidationError as error:
        return None, [_field(name, found) for found in error.errors()]


def warnings_of(recording: Recording, name: str) -> list[ConfigurationError]:
    """What will not last: steps that are found by their position on the page only, and steps of other tools."""
    found = []
    for number, step in enumerate(recording.steps, start=1):
        where = f"{name}: step {number}"
        selectors = step.selectors_parsed
        if selectors and all(one.is_position for one in selectors):
            found.append(
                _wrong(
                    where, f"warning: position-only selector '{selectors[0].value}'",
                    "a name, a label, a test id or a text, which stay when the page changes",
                    "record this step again, or add a selector", "REC_SELECTOR",
                )
            )  # fmt: skip
        if isinstance(step, CustomStep):
            found.append(
                _wrong(
                    where, f"warning: the step '{step.name}' of another tool can't be replayed",
                    f"a step of DevTools, or one of {', '.join(OWN_STEPS)}", "remove it, or record again", "REC_ACTION",
                )
            )  # fmt: skip
    return found


def check_address(url: str) -> str:
    """Why an address may not be opened, or an empty text."""
    if PLACEHOLDER.match(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "is no address"
    if parts.scheme in {"http", "https"} and parts.netloc:
        return ""
    if url == "about:blank":
        return ""
    return f"has the scheme '{parts.scheme}'" if parts.scheme else "is no whole address"


def _check(step: Any, where: str) -> list[RunnerError]:  # noqa: PLR0911 - a table of cases
    if not isinstance(step, Mapping):
        return [
            _wrong(
                where, f"a step is {type(step).__name__}", "an object with 'type'", "record again", "REC_STEP"
            )
        ]
    kind = step.get("type")
    if kind not in STEP_TYPES:
        hint = did_you_mean(str(kind), STEP_TYPES) or "record this step again"
        return [
            _wrong(where, f"unknown action '{kind}'", f"one of {', '.join(STEP_TYPES)}", hint, "REC_ACTION")
        ]
    name = step.get("name")
    if kind == "customStep" and isinstance(name, str) and name.startswith(OURS) and name not in OWN_STEPS:
        return [
            _wrong(
                where,
                f"unknown action '{name}'",
                f"one of {', '.join(OWN_STEPS)}",
                did_you_mean(name, OWN_STEPS),
                "REC_ACTION",
            )
        ]
    try:
        found = _STEP.validate_python(step)
        _ = found.selectors_parsed
    except ValidationError as error:
        return [_field(where, one) for one in error.errors()]
    except ValueError as error:
        return [
            _wrong(where, str(error), "a selector of an element", "record this step again", "REC_SELECTOR")
        ]
    if isinstance(found, Navigate) and (why := check_address(found.url)):
        shown = found.url if len(found.url) <= 200 else f"{found.url[:200]}…"
        return [
            _wrong(
                where, f"the address '{shown}' {why}", "http and https only", "correct the address", "REC_URL"
            )
        ]
    return []


def _field(where: str, found: Mapping[str, Any]) -> ConfigurationError:
    place = ".".join(str(part) for part in found["loc"][1:]) or "step"
    seen = "is missing" if found["type"] == "missing" else f"is {str(found['input'])[:80]!r}"
    return _wrong(where, f"'{place}' {seen}", found["msg"], "correct the field, or record again", "REC_STEP")


def password_problem(name: str, number: int) -> ConfigurationError:
    """The error of a step that holds a password in clear; the value is not in it."""
    return _wrong(
        f"{name}: step {number}", f"step {number} contains a literal password",
        "passwords are replaced by ${secret:NAME} and never stored",
        "runner recordings import FILE --secret NAME does it; then: runner secrets set NAME", "REC_SECRET",
    )  # fmt: skip


def _wrong(
    where: str, what: str, expected: str, hint: str = "", code: str = "REC_FORMAT"
) -> ConfigurationError:
    return ConfigurationError(what, expected=expected, hint=hint, where=where, code=code)
