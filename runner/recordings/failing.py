"""What is said of a step that failed: which one, what was looked for, what the page shows; written in English, read in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runner.core import phrase_book
from runner.recordings.model import Recording
from runner.recordings.wording import Language, words_of

_LINES: Final = tuple(
    re.compile(
        rf"(?P<name>[^\n:]+) step (?P<number>\d+): (?:[A-Z_]+: )?(?P<what>.*?), at: (?P<words>{words})"
        r"(?:; the page is (?P<page>.*?))?(?: - (?P<more>.*))?$",
        re.DOTALL,
    )
    for words in (r'(?:[^"]|"[^"\n]*")*?', ".*?")  # a name in quotes can have a dash of its own
)
_LOOKED: Final = re.compile(r", tried (?P<tried>.*)$", re.DOTALL)
_PAGE: Final = re.compile(
    r"(?:'(?P<title>[^']*)' at )?(?P<address>[^\s,;]+)(?:, it shows (?P<shows>'.*?'))?(?:, on it are (?P<names>'.*'))?$"
)

_REASONS: Final[Mapping[str, str]] = {
    "REC_NOT_FOUND": "页面上没有要找的元素",
    "REC_AMBIGUOUS": "页面上有多个元素符合",
    "REC_NO_TAB": "没有要切换到的标签页",
    "REC_NO_FRAME": "页面中没有录制时的框架",
    "REC_NAVIGATION": "没有到达预期的页面",
    "REC_STATUS": "网站返回了错误页面",
    "PAGE_NETWORK": "网站没有应答",
    "REC_EXPECTED": "预期的情况没有出现",
    "REC_FAILED": "这一步没有完成",
    "REC_ACTION": "这一步是其他工具的步骤，无法重放",
    "REC_URL": "这个网址不能打开",
    "REFUSED": "页面拒绝了输入的数据",
    "UNKNOWN_OPTION": "下拉框中没有这个选项",
    "VALUE_REFUSED": "字段不接受这个值",
    "FILE_MISSING": "没有要上传的文件",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page showed: its address (no query), title, headings and messages, and names of what is on it."""

    address: str
    title: str = ""
    shows: Sequence[str] = ()
    names: Sequence[str] = ()

    def __str__(self) -> str:
        text = f"'{_plain(self.title)}' at {self.address}" if self.title else self.address
        if self.shows:
            text += f", it shows {_listed(self.shows)}"
        return f"{text}, on it are {_listed(self.names)}" if self.names else text


@dataclass(frozen=True, slots=True)
class StepFailure:
    """A failure taken apart again.

    `tried` are the selectors, `page` is what the page was, `more` what was expected or is to be done; empty where nobody said.
    """

    recording: str
    number: int
    what: str
    words: str
    tried: str = ""
    page: str = ""
    more: str = ""


def failed_step(what: str, words: str, seen: Seen | None = None) -> str:
    """The sentence of an error: what went wrong, at which step, and what the page shows."""
    text = f"{what}, at: {words}"
    return f"{text}; the page is {seen}" if seen else text


def step_failure(message: str) -> StepFailure | None:
    """The failure that a message tells of (``enter-order step 13: …``); None for a message of anything else."""
    found = next(filter(None, (line.match(message) for line in _LINES)), None)
    if found is None:
        return None
    tried = _LOOKED.search(found["what"])
    what = found["what"][: tried.start()] if tried else found["what"]
    return StepFailure(
        found["name"], int(found["number"]), what, found["words"], tried["tried"] if tried else "", found["page"] or "",
        found["more"] or "",
    )  # fmt: skip


def told_failure(failure: StepFailure, code: str, recording: Recording | None, language: Language) -> str:
    """The failure for people, in their language: the step in words, what happened, what was looked for, what the page shows.

    `recording` gives the words of the step; without it, or where it has changed, they stay as they were written down.
    """
    if language == "en":
        looked = f" It was looked for by {failure.tried}." if failure.tried else ""
        page = f" The page is {failure.page}." if failure.page else ""
        return f"Step {failure.number} ({_words(failure, recording, 'en')}): {failure.what}.{_advice(failure, code, 'en')}{looked}{page}"
    said = phrase_book.told_whole(failure.what, language) if code in _OURS else ""
    what = said or _REASONS.get(code, "") or failure.what
    if not said and code in _OWN_WORDS:
        what = f"{what}（{failure.what.removeprefix(_REFUSES)}）"
    text = f"第 {failure.number} 步（{_words(failure, recording, 'zh')}）：{what}。{_advice(failure, code, 'zh')}"
    if failure.tried:
        text += f"查找依据：{failure.tried}。"
    return text + _page_in_chinese(failure.page)


_OWN_WORDS: Final = frozenset({"REFUSED", "UNKNOWN_OPTION", "VALUE_REFUSED", "FILE_MISSING", "REC_EXPECTED", "REC_STATUS", "REC_NAVIGATION"})  # fmt: skip
"""Reasons that need the page's or the data's own words beside them."""
_OURS: Final = frozenset({"UNKNOWN_OPTION", "VALUE_REFUSED", "FILE_MISSING", "SECRET_HOST"})
"""Failures of which every word is Runner's, but for values in quotes; what a page says is never translated."""
_REFUSES: Final = "the page refuses it: "
_LONGEST_ADVICE: Final = 120  # characters; more is read in the error's own words


def _advice(failure: StepFailure, code: str, language: Language) -> str:
    """What was expected, or is meant (``Did you mean 'Desk lamp'?``), as a sentence; empty where it is long or not Runner's."""
    text = failure.more.replace(
        " - ", " – "
    )  # a dash of a value: the book takes it for one between two sentences
    said = phrase_book.told_whole(text, "zh") if code in _OURS and len(text) <= _LONGEST_ADVICE else ""
    if not said:
        return ""
    if text.endswith("?"):
        return said if language == "zh" else f" {text[0].upper()}{text[1:]}"
    return f"预期：{said}。" if language == "zh" else f" Expected: {text}."


def _words(failure: StepFailure, recording: Recording | None, language: Language) -> str:
    steps = recording.steps if recording else []
    if failure.number > len(steps) or words_of(steps[failure.number - 1]) != failure.words:
        return failure.words
    return words_of(steps[failure.number - 1], language)


def _page_in_chinese(page: str) -> str:
    found = _PAGE.match(page)
    if found is None:
        return f"当时的页面：{page}。" if page else ""
    text = f"当时的页面：{found['address']}"
    if found["title"]:
        text = f"当时的页面：“{found['title']}”（{found['address']}）"
    if found["shows"]:
        text += f"，显示 {found['shows']}"
    return f"{text}，上面有 {found['names']}。" if found["names"] else f"{text}。"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(f"'{_plain(one)}'" for one in texts)


def _plain(text: str) -> str:
    """Without the signs that stand between the parts."""
    return " ".join(text.replace("'", "’").replace(";", ",").replace(" - ", " – ").split())
