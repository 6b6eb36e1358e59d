"""The words of the spreadsheet round trip in English and Chinese: headings, choices, instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.core.nouns import ActVerb, FailureKind

# What can be chosen in the column `decision`: how it is spelt in each language, and what it means (verb, attest outcome).
CHOICES: Final[Mapping[str, tuple[str, str]]] = {
    "retry": ("retry", "重试"),
    "done": ("done by hand", "已手动完成"),
    "reject": ("reject", "拒绝"),
    "attest done": ("it happened", "已发生"),
    "attest not_done": ("it did not happen", "未发生"),
    "claim": ("I take it", "由我认领"),
}
NEEDS_A_NOTE: Final = frozenset({"done", "reject", "attest done", "attest not_done"})
_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    FailureKind.UNKNOWN: ("attest done", "attest not_done", "claim"),
}
_USUAL: Final = ("retry", "done", "reject", "claim")
_HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "case": ("Case", "个案编号"),
    "version": ("Version", "版本"),
    "item": ("Item", "工作项"),
    "kind": ("Kind", "类型"),
    "due": ("Due (UTC)", "到期 (UTC)"),
    "problem": ("Problem", "问题"),
    "message": ("What went wrong", "出错原因"),
    "source": ("Source", "来源"),
    "decision": ("Decision", "决定"),
    "note": ("Reason or proof", "理由或依据"),
    "comment": ("Comment", "备注"),
}
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    FailureKind.BUSINESS: ("business: data or rule", "业务异常"),
    FailureKind.APPLICATION: ("application: other system", "应用异常"),
    FailureKind.UNKNOWN: ("outcome unknown", "结果未知"),
}
_HINTS: Final[Mapping[str, tuple[str, str]]] = {
    "decision": (
        "Choose one. Corrected data without a decision means: retry with it.",
        "请选择。只改数据、不选决定时，表示用新数据重试。",
    ),
    "note": (
        "Needed for: done by hand, reject, it happened, it did not happen.",
        "选择“已手动完成”“拒绝”“已发生”“未发生”时必填。",
    ),
    "comment": ("Goes into the history; @name tells somebody.", "写入历史；用 @姓名 提醒某人。"),
}
_GUIDE: Final[tuple[tuple[str, ...], tuple[str, ...]]] = (
    (
        "How to fill this in",
        "1. Each row is one case. Yellow columns are for you; everything else is locked (without a password).",
        "2. Correct the data in the yellow columns on the right, and choose a decision. Data without a decision means: retry with it.",
        "3. 'done by hand', 'reject', 'it happened' and 'it did not happen' need a reason or proof beside them.",
        "4. Rows in which you change nothing stay as they are. You may filter, sort within the rules of your program, and save as often as you like.",
        "5. Give the file back: on the desk, or with `runner cases import FILE`. You are shown what will happen before it does.",
        "6. If somebody else has decided a case meanwhile, your row is skipped and you are told who and when. Nothing is lost.",
        "7. The same file given back twice does nothing twice. Do not delete the hidden rows, columns and sheets.",
    ),
    (
        "填写说明",
        "1. 每行是一个个案。黄色列供您填写，其余列已锁定（无密码）。",
        "2. 在右侧黄色列中更正数据，并选择决定。只改数据、不选决定时，表示用新数据重试。",
        "3. “已手动完成”“拒绝”“已发生”“未发生”需要在旁边写明理由或依据。",
        "4. 未改动的行保持不变。可以筛选，可以多次保存。",
        "5. 交回文件：在工作台上传，或运行 `runner cases import FILE`。执行前会先显示将发生什么。",
        "6. 如果其他人已先处理某个个案，您的这一行会被跳过，并告知是谁、何时处理。内容不会丢失。",
        "7. 同一文件交回两次，不会重复执行。请勿删除隐藏的行、列和工作表。",
    ),
)
_TITLES: Final[Mapping[str, tuple[str, str]]] = {"guide": ("How to", "说明"), "runs": ("runs", "运行")}
LANGUAGES: Final = ("en", "zh")


def is_chinese(language: str) -> bool:
    """Whether the words are Chinese; every other language gets English."""
    return language.lower().startswith("zh")


def heading(name: str, language: str) -> str:
    """The heading of one of our own columns."""
    return _HEADINGS[name][is_chinese(language)]


def hint(name: str, language: str) -> str:
    """What is said about a column that is filled in; empty where nothing is."""
    return _HINTS[name][is_chinese(language)] if name in _HINTS else ""


def kind_text(kind: str, language: str) -> str:
    """The kind of a failure."""
    return _KINDS[kind][is_chinese(language)] if kind in _KINDS else kind


def title(name: str, language: str) -> str:
    """The name of one of our own sheets."""
    return _TITLES[name][is_chinese(language)]


def guide(language: str) -> tuple[str, ...]:
    """The lines of the sheet of instructions; the first is its title."""
    return _GUIDE[is_chinese(language)]


def choices_for(kind: str, language: str) -> tuple[str, ...]:
    """What can be decided about a case of that kind."""
    return tuple(CHOICES[one][is_chinese(language)] for one in _OF_KIND.get(kind, _USUAL))


def choice_of(text: str) -> tuple[ActVerb, str] | None:
    """The verb, and the outcome of an attest, that a choice means in either language; None for other words."""
    wanted = text.strip().casefold()
    for name, spelt in CHOICES.items():
        if wanted in {word.casefold() for word in spelt} or wanted == name:
            verb, _, outcome = name.partition(" ")
            return ActVerb(verb), outcome
    return None


def all_choices() -> list[str]:
    """Every choice in both languages, for telling the nearest one."""
    return [word for spelt in CHOICES.values() for word in spelt]
