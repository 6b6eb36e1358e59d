"""What is said of a step that failed is read again: the step, what was looked for, what the page shows, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.recordings.failing import Seen, failed_step, step_failure, told_failure
from tests.recordings_made import order_recording

TRIED = "it is not on the page after 30 s, tried aria 'Post order', css '#post'"
SEEN = Seen(
    "http://portal.example/login", "Sign in - it's here; really", ["Session ended"], ["User name", "Sign in"]
)


def message(what: str, seen: Seen | None = SEEN, words: str = 'Click "Post order"') -> str:
    """A message as the journal has it."""
    return f"enter-order step 12: {failed_step(what, words, seen)} - one element"


def test_a_failure_is_told_in_english_with_all_that_is_known() -> None:
    failure = step_failure(message(TRIED))
    assert failure is not None
    assert (failure.recording, failure.number, failure.words) == ("enter-order", 12, 'Click "Post order"')
    assert failure.tried == "aria 'Post order', css '#post'"
    assert told_failure(failure, "REC_NOT_FOUND", order_recording(), "en") == (
        'Step 12 (Click "Post order"): it is not on the page after 30 s. '
        "It was looked for by aria 'Post order', css '#post'. "
        "The page is 'Sign in – it’s here, really' at http://portal.example/login, it shows 'Session ended', "
        "on it are 'User name', 'Sign in'."
    )


def test_a_failure_is_told_in_chinese_with_all_that_is_known() -> None:
    failure = step_failure(message(TRIED))
    assert failure is not None
    assert told_failure(failure, "REC_NOT_FOUND", order_recording(), "zh") == (
        "第 12 步（点击“Post order”）：页面上没有要找的元素。查找依据：aria 'Post order', css '#post'。"
        "当时的页面：“Sign in – it’s here, really”（http://portal.example/login），显示 'Session ended'，"
        "上面有 'User name', 'Sign in'。"
    )


@pytest.mark.parametrize(
    ("code", "what", "said"),
    [
        ("REFUSED", "the page refuses it: Amount is not a number", "页面拒绝了输入的数据（Amount is not a number）。"),
        ("UNKNOWN_OPTION", "there is no option 'Lmap'", "）：没有选项“Lmap”。"),
        ("FILE_MISSING", "there is no file 'a.pdf'", "）：没有文件“a.pdf”。"),
        ("SECRET_HOST", "nobody has said where the secret 'a' may be typed; here it would be b", "没有人说明机密“a”可以在哪里输入"),
        ("OF_ANOTHER", "something else", "：something else。"),
    ],
)  # fmt: skip
def test_what_the_page_or_the_data_say_stands_beside_the_reason(code: str, what: str, said: str) -> None:
    failure = step_failure(message(what, None))
    assert failure is not None
    assert said in told_failure(failure, code, order_recording(), "zh")


@pytest.mark.parametrize(
    ("code", "what", "more", "english", "chinese"),
    [
        ("UNKNOWN_OPTION", "there is no option 'Desk lmap'", "did you mean 'Desk lamp'?", "no option 'Desk lmap'. Did you mean 'Desk lamp'?", "没有选项“Desk lmap”。是否想写“Desk lamp”？"),
        ("UNKNOWN_OPTION", "there is no option '台登'", "did you mean '台灯 - 白色'?", "no option '台登'. Did you mean '台灯 – 白色'?", "没有选项“台登”。是否想写“台灯 – 白色”？"),
        ("UNKNOWN_OPTION", "there is no option '台登'", "one of 书柜, 椅子", "no option '台登'. Expected: one of 书柜, 椅子.", "没有选项“台登”。预期：以下之一：书柜, 椅子。"),
        ("UNKNOWN_OPTION", "there is no option '台登'", f"one of {'书柜, ' * 40}椅子", "no option '台登'.", "没有选项“台登”。"),
        ("VALUE_REFUSED", "the field does not take '八十九'", "a value for a field of the kind number", "Expected: a value for a field of the kind number.", "该字段不接受“八十九”。预期：适合 number 类字段的值。"),
        ("REFUSED", "the page refuses it: 金额不对", "something that the page says", "refuses it: 金额不对.", "页面拒绝了输入的数据（金额不对）。"),
    ],
)  # fmt: skip
def test_what_was_expected_stands_behind_it_where_it_is_short(
    code: str, what: str, more: str, english: str, chinese: str
) -> None:
    words = 'Choose "{{产品 - 名称}}" in "产品 - 名称"'
    failure = step_failure(f"录入订单 step 9: {failed_step(what, words)} - {more}")
    assert failure is not None
    assert (failure.recording, failure.words, failure.more) == ("录入订单", words, more)
    assert told_failure(failure, code, None, "en").endswith(english)
    assert told_failure(failure, code, None, "zh").endswith(chinese)


def test_a_recording_that_has_changed_since_lends_no_words() -> None:
    failure = step_failure(message(TRIED, words='Click "Something that was there"'))
    assert failure is not None
    assert '第 12 步（Click "Something that was there"）' in told_failure(
        failure, "", order_recording(), "zh"
    )
    assert '第 12 步（Click "Something that was there"）' in told_failure(failure, "", None, "zh")


def test_other_messages_are_not_of_a_recording() -> None:
    for other in ("amount 1 of A-1 is too small", "", "cell C7 is empty", "bots/x.py:12: step 3 failed"):
        assert step_failure(other) is None


@given(
    st.text(max_size=40),
    st.lists(st.text(max_size=30), max_size=3),
    st.lists(st.text(max_size=30), max_size=3),
)
def test_whatever_a_page_shows_the_step_is_found_again(
    title: str, shows: list[str], names: list[str]
) -> None:
    failure = step_failure(message(TRIED, Seen("http://portal.example/", title, shows, names)))
    assert failure is not None
    assert (failure.number, failure.words) == (12, 'Click "Post order"')
    for language in ("en", "zh"):
        assert "http://portal.example/" in told_failure(failure, "REC_NOT_FOUND", None, language)
