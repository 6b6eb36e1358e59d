"""Judges an exception: its kind, a stable code, the sentence for people and the bot's own line it came from."""

from __future__ import annotations

import builtins
import re
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from runner.core.errors import BusinessError, OutcomeUnknown, RunnerError
from runner.core.nouns import FailureKind
from runner.kit.retry import is_page_expectation

LONGEST_MESSAGE: Final = 2000
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# What a ranked locator is made of beside its choices (kit/ranked.py).
_FIRST_CHOICE: Final = re.compile(r'locator\("runner-choice=[\d.]+\?"\)\.')
_LOWER_CHOICES: Final = re.compile(
    r'\.locator\("runner-choice=[\d.]+"\)(?:\.or_\(.*runner-choice=[\d.]+"\)\)+)?'
)
_OURS: Final = Path(__file__).resolve().parent.parent
_MISTAKES: Final = (
    NameError, TypeError, AttributeError, ImportError, SyntaxError, LookupError, ValueError, ArithmeticError,
    AssertionError, NotImplementedError, RecursionError,
)  # fmt: skip
_PAGE_CODES: Final = (
    ("PAGE_CRASHED", re.compile(r"(target|page) crashed", re.IGNORECASE)),
    (
        "BROWSER_GONE",
        re.compile(r"has been closed|browser (was )?(closed|disconnected)|connection closed", re.IGNORECASE),
    ),
    ("PAGE_NETWORK", re.compile(r"net::|NS_ERROR_", re.IGNORECASE)),
    ("PAGE_AMBIGUOUS", re.compile(r"strict mode violation", re.IGNORECASE)),
)


def classify(error: BaseException, project: Path, *, kind: FailureKind | None = None) -> dict[str, Any]:
    """The `error` field of a journal line: kind, type, code, message, where, hint.

    `kind` overrules the judgement. A pure function of the exception and its traceback.
    """
    if isinstance(error, RunnerError):
        sentence = " - ".join(part for part in (error.what, error.expected) if part)
        message = f"{error.where}: {sentence}" if error.where else sentence
        hint = error.hint
    else:
        message, hint = _plain(error), ""
    return {
        "kind": str(kind or _kind(error)),
        "type": type(error).__name__,
        "code": _code(error),
        "message": message[:LONGEST_MESSAGE],
        "where": where_in_project(error, project),
        "hint": hint,
    }


def where_in_project(error: BaseException, project: Path) -> str:
    """``bots/x.py:12``: the deepest line of the project's own code that `error` passed through, or an empty text."""
    place = deepest_frame(error.__traceback__, project)
    if place is None:
        return ""
    return f"{place[0].relative_to(project.resolve()).as_posix()}:{place[1]}"


def deepest_frame(trace: TracebackType | None, project: Path) -> tuple[Path, int] | None:
    """File and line of the deepest frame inside `project`, without its virtual environment and without this package."""
    found = None
    root = project.resolve()
    for frame, line in traceback.walk_tb(trace):
        name = frame.f_code.co_filename
        if name.startswith("<"):
            continue
        path = Path(name).resolve()
        if _is_of(path, root):
            found = (path, line)
    return found


def _is_of(path: Path, root: Path) -> bool:
    if not path.is_relative_to(root) or path.is_relative_to(_OURS) or "site-packages" in path.parts:
        return False
    prefix = Path(sys.prefix)
    return not (prefix.is_relative_to(root) and prefix != root and path.is_relative_to(prefix))


def _kind(error: BaseException) -> FailureKind:
    if isinstance(error, BusinessError):
        return FailureKind.BUSINESS
    return FailureKind.UNKNOWN if isinstance(error, OutcomeUnknown) else FailureKind.APPLICATION


def _code(error: BaseException) -> str:  # noqa: PLR0911 - a table of cases
    if isinstance(error, RunnerError):
        return error.stable_code
    if isinstance(error, SystemExit):
        return "BOT_EXIT"
    if isinstance(error, AssertionError) and is_page_expectation(error):
        return "PAGE_EXPECTATION"
    if type(error).__module__.startswith("playwright."):
        if type(error).__name__ == "TimeoutError":
            return "PAGE_TIMEOUT"
        return next((code for code, pattern in _PAGE_CODES if pattern.search(str(error))), "PAGE_ERROR")
    if isinstance(error, TimeoutError):
        return "TIMEOUT"
    if isinstance(error, ConnectionError):
        return "CONNECTION"
    if isinstance(error, OSError):
        return "OS_ERROR"
    return "BOT_ERROR" if isinstance(error, _MISTAKES) else "UNEXPECTED"


def _in_words(choices: re.Match[str]) -> str:
    return " or a lower choice" if ".or_(" in choices[0] else ""


def _plain(error: BaseException) -> str:
    """The message without colours, and of Playwright's call log only what it was waiting for."""
    if isinstance(error, SystemExit):
        return f"the bot called sys.exit({error.code!r})"
    text = _FIRST_CHOICE.sub("", _ANSI.sub("", str(error)))
    text = _LOWER_CHOICES.sub(_in_words, text).strip()
    head, log_found, call_log = text.partition("Call log:")
    if log_found:
        waiting = [line.strip(" -\t") for line in call_log.splitlines() if "waiting for" in line]
        text = " - ".join([head.strip(), *waiting[:1]])
    if (type(error).__module__ == "builtins" and hasattr(builtins, type(error).__name__)) or not text:
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text
