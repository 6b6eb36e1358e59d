"""The language of what ops staff read on the command line: Chinese where the terminal speaks it, in the words of the desk.

`RUNNER_LANG` (``zh``, ``en``) goes before the locale of the terminal. ``--json`` is the same in every language.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_CHINESE: Final[Mapping[str, str]] = {
    # heads of columns
    "RUN": "运行", "BOT": "机器人", "STATUS": "状态", "STARTED": "开始", "TOOK": "耗时", "ITEMS": "工作项", "EXC": "异常",
    "SCHEDULE": "计划", "CASE": "个案", "KIND": "类型", "ITEM": "工作项", "DUE": "到期", "WHO": "负责人", "WHAT": "内容",
    "WHEN": "何时", "NEXT": "下次", "LAST": "上次",
    # names of facts
    "case": "个案", "status": "状态", "what failed": "失败的是", "kind": "类型", "message": "消息", "page says": "页面提示", "page": "页面",
    "step": "步骤", "data": "数据", "from": "来源", "bot": "机器人", "where": "位置", "run": "运行", "problem": "问题", "due": "到期",
    "evidence": "证据", "history": "历史", "decide": "可作决定", "in words": "说明",
    # sentences
    "waits": "等待中",
    "now": "现在",
    "off": "停用",
    "No run yet. Start one with: runner run BOT": "还没有运行。启动一次：runner run BOT",
    "No case waits for a person.": "没有等待处理的个案。",
    "No case.": "没有个案。",
    "No schedule yet. Add one to schedules.yaml.": "还没有计划。请在 schedules.yaml 中添加。",
    "Nothing is due.": "没有到期的计划。",
    "{time} ago": "{time}前",
    "in {time}": "{time}后",
    "d": "天", "h": "小时", "min": "分钟", "s": "秒",
    "the run of {bot}": "{bot} 的运行",
    "{run}, tries so far: {tries}": "{run}，已尝试 {tries} 次",
    "with {who}": "负责人 {who}",
    "put aside, back {time}": "已搁置，{time}恢复",
    "{verb} by {who}": "{who} {verb}",
    "paused by {who}": "已由 {who} 暂停",
    "moved from {day}": "由 {day} 移来",
    "it happened: the item is done": "已发生：该工作项已完成",
    "it did not happen: try again": "没有发生：重试",
    "done by hand": "已手动完成",
    "business exception: data or a rule is wrong, a person decides": "业务异常：数据或规则有误，由人决定",
    "application exception: the other system failed, tries are used up": "系统异常：对方系统出错，重试次数已用完",
    "outcome unknown: look into the target system whether it happened": "结果未知：请到对方系统查看是否已发生",
    "Mon": "周一", "Tue": "周二", "Wed": "周三", "Thu": "周四", "Fri": "周五", "Sat": "周六", "Sun": "周日",
}  # fmt: skip


def in_chinese(environment: Mapping[str, str] | None = None) -> bool:
    """Whether to speak Chinese; the first variable that is set decides."""
    known = os.environ if environment is None else environment
    asked = next((known[name] for name in ("RUNNER_LANG", *_LOCALE) if known.get(name)), "")
    return asked.lower().startswith("zh")


def said(text: str, **values: object) -> str:
    """A text of the command line in the language of the terminal; one without a translation stays English."""
    told = _CHINESE.get(text, text) if in_chinese() else text
    return told.format(**values) if values else told


def word(noun: str, value: str) -> str:
    """The word of the desk for a state or a kind; in English the value itself, which options and ``--json`` take."""
    if not in_chinese():
        return value
    _speak()
    from runner.desk.words import word as desk_word

    return desk_word(noun, value)


def told_message(error: Mapping[str, Any] | None, message: str) -> str:
    """The message of a failure; in Chinese the sentence that the desk has for it."""
    if not in_chinese():
        return message
    _speak()
    from runner.desk.errors.telling import told

    return str(told(error, message))


def told_reason(reason: str) -> str:
    """Why a due time ends as it does."""
    if not in_chinese():
        return reason
    _speak()
    from runner.desk.schedules.reasons import told

    return told(reason)


@cache
def _speak() -> None:
    """Let Django speak Chinese with the catalogues of the desk; the store is open by then."""
    from django.conf import settings
    from django.utils import translation

    desk = Path(__file__).resolve().parents[1] / "desk"
    settings.LOCALE_PATHS = [str(path) for path in (desk / "locale", *sorted(desk.glob("*/locale")))]
    translation.activate("zh-hans")
