"""What the kit writes in a journal, in the reader's language."""

from __future__ import annotations

import pytest

from runner.core.journal_words import message_in

SAID = {
    "A-1 done": "A-1 完成",
    "submit: begins": "submit 开始",
    "submit: acted": "submit：已执行",
    "submit: already done": "submit：此前已执行",
    "submit: not done": "submit：没有执行",
    "A-1 failed: too small": "A-1 失败：<too small>",
    "fill_in": "fill_in",
}


@pytest.mark.parametrize(("english", "chinese"), SAID.items())
def test_a_message_is_said_in_chinese_and_left_alone_in_english(english: str, chinese: str) -> None:
    assert message_in("zh-hans", english, lambda why: f"<{why}>") == chinese
    assert message_in("en", english, str) == english
