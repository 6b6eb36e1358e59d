"""Which failures have one cause: a pure function from a failure to a value that its repetitions share, and why."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from runner.cases.wording import BLANK, first_words, locator_shape, masked

GENERIC_CODES: Final = frozenset(
    {
        "",
        "APPLICATION",
        "BAD_ROW",
        "BUSINESS",
        "CLI_USAGE",
        "CONFIG",
        "CONFLICT",
        "ENVIRONMENT",
        "ITEM_QUARANTINED",
        "OUTCOME_UNKNOWN",
        "REPORT",
        "RUN_FAILED",
        "RUNNER",
    }
)
"""Codes that say no more than the kind does."""
_OUR_CODES: Final = (
    "BOT_", "BROWSER_", "CLI_", "CONNECTION", "ITEM_", "LANE_", "LOCATOR_", "OS_", "PAGE_", "RUN_", "SCHED_", "SECRET_", "TIMEOUT",
    "UNEXPECTED", "WB_", "WEB_",
)  # fmt: skip
"""How the codes begin that Runner itself gives: they name a kind of error, not a cause in somebody's business."""
BAD_ROW: Final = "bad_row"  # why a case is open whose row never fitted the queue's model
_OURS_TO_SAY: Final = frozenset({"BadRow", "ValidationError", "OutcomeUnknown", "AttemptLost"})
_TYPE_IN_FRONT: Final = re.compile(r"^[A-Za-z_.]*(?:Error|Exception|Warning|Timeout): (?=.*\w)")
_CELL: Final = re.compile(r"!\$?([A-Z]{1,3})\$?\d+")


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a failure. `why` is ``item``, ``bad_row`` or ``quarantined``, or why a run has a case."""

    kind: str
    code: str = ""
    type: str = ""
    message: str = ""
    bot: str = ""
    step: str = ""
    where: str = ""
    page_error: str = ""
    why: str = "item"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`value` is equal for one cause. `title` is the message without its variable parts; `parts` is what was compared."""

    value: str
    title: str
    explanation: str
    parts: Mapping[str, str]


def fingerprint_of(failure: Failure) -> Fingerprint:
    """The fingerprint of a failure.

    A code that the bot gave groups by kind, code and bot alone. Otherwise kind, error type, code, step, bot, and the
    wording of message, page message and locator count; numbers, ids, dates, times, paths, addresses and quoted values
    in them do not.
    """
    words = masked(first_words(failure.message))
    parts = _parts_by_code(failure) if has_code_of_its_own(failure) else _parts_by_words(failure, words)
    spelt = "\x1f".join(f"{name}={value.casefold()}" for name, value in parts.items())
    value = hashlib.blake2b(spelt.encode(), digest_size=16).hexdigest()
    return Fingerprint(value, _title(failure, words), explain(parts), parts)


def sentence_of(title: str, parts: Mapping[str, str]) -> str:
    """A problem's title for people: without the code or type of error in front, where a sentence stands behind it."""
    code = parts.get("code") or ""
    sentence = _TYPE_IN_FRONT.sub("", title.removeprefix(f"{code}: ") if code else title)
    return sentence[:1].upper() + sentence[1:] if any(map(str.isalpha, sentence)) else title


def has_code_of_its_own(failure: Failure) -> bool:
    """Whether the bot's author named the cause: a code of their own on a business or application error."""
    if failure.code in GENERIC_CODES or failure.code.startswith(_OUR_CODES):
        return False
    return failure.type not in _OURS_TO_SAY and failure.kind != "unknown" and failure.why in {"item", "error"}


def explain(fingerprint: Fingerprint | Mapping[str, str], language: str = "en") -> str:
    """Why cases are together, in plain words. Languages: ``en`` and ``zh`` (also as ``zh-hans``, ``zh-cn``)."""
    parts = fingerprint.parts if isinstance(fingerprint, Fingerprint) else fingerprint
    return _in_chinese(parts) if language.lower().startswith("zh") else _in_english(parts)


def _parts_by_code(failure: Failure) -> dict[str, str]:
    return {"kind": failure.kind, "code": failure.code, "bot": failure.bot}


def _parts_by_words(failure: Failure, words: str) -> dict[str, str]:
    parts = {
        "kind": failure.kind,
        "code": "" if failure.code in GENERIC_CODES else failure.code,
        "type": failure.type,
        "why": "" if failure.why == "item" else failure.why,
        "step": failure.step,
        "column": _column(failure),
        "bot": failure.bot,
        "message": words,
        "locator": locator_shape(failure.message),
        "page_error": masked(first_words(failure.page_error)),
    }
    return {name: value for name, value in parts.items() if value}


def _column(failure: Failure) -> str:
    """The column of the cell that a bad row is wrong in: the cell's row changes, the column is part of the cause."""
    found = _CELL.search(failure.where) if failure.why == BAD_ROW else None
    return found[1] if found else ""


def _title(failure: Failure, words: str) -> str:
    code = "" if failure.code in GENERIC_CODES else failure.code
    shown = masked(first_words(failure.page_error))
    text = words or failure.type or failure.why
    if _column(failure):
        text = f"column {_column(failure)}: {text}"
    if shown and shown != BLANK and failure.kind == "application":
        text = f"{text} (the page says: {shown})"
    return f"{code}: {text}" if code else text


def _said(parts: Mapping[str, str], name: str) -> str:
    """The part, unless it only repeats in our own words that a row does not fit."""
    repeats = parts.get("why") == BAD_ROW and name in {"why", "type"}
    return "" if repeats else parts.get(name, "")


def _in_english(parts: Mapping[str, str]) -> str:
    named = {
        "code": "code {}",
        "type": "error type {}",
        "why": "reason {}",
        "step": "step '{}'",
        "column": "column {}",
        "bot": "bot {}",
        "message": 'message "{}"',
        "locator": "element {}",
        "page_error": 'message on the page "{}"',
    }
    same = [form.format(value) for name, form in named.items() if (value := _said(parts, name))]
    if parts.get("why") == BAD_ROW:
        same.insert(0, "a row that does not fit")
    ignored = "numbers, ids, dates, times, paths and quoted values are ignored"
    if "message" not in parts:
        ignored = "order numbers and quoted values are ignored"
    text = f"Same kind ({parts.get('kind', '')}), {', '.join(same)}; {ignored}."
    rules = {
        "where": "Split off by hand: only where {}.",
        "without": "Without what was split off by hand: {}.",
        "merged": "Merged by hand with: {}.",
    }
    return " ".join([text, *(form.format(parts[name]) for name, form in rules.items() if parts.get(name))])


def _in_chinese(parts: Mapping[str, str]) -> str:
    kinds = {"business": "业务异常", "application": "系统异常", "unknown": "结果未知"}
    named = {
        "code": "代码 {}",
        "type": "错误类型 {}",
        "why": "原因 {}",
        "step": "步骤“{}”",
        "column": "列 {}",
        "bot": "机器人 {}",
        "message": "消息“{}”",
        "locator": "页面元素 {}",
        "page_error": "页面提示“{}”",
    }
    same = [form.format(value) for name, form in named.items() if (value := _said(parts, name))]
    kind = parts.get("kind", "")
    if parts.get("why") == BAD_ROW:
        same.insert(0, "该行不符合要求")
    ignored = "编号、日期、时间、路径和引号内的值不计" if "message" in parts else "单号和引号内的值不计"
    text = f"相同的类别（{kinds.get(kind, kind)}）、{'、'.join(same)}；{ignored}。"
    rules = {"where": "手动拆分：仅限 {}。", "without": "已手动拆分出：{}。", "merged": "已手动合并：{}。"}
    return text + "".join(form.format(parts[name]) for name, form in rules.items() if parts.get(name))
