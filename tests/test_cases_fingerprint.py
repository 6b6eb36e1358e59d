"""Which failures count as one cause, and which do not."""

from __future__ import annotations

import string
import unicodedata
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cases.fingerprint import Failure, explain, fingerprint_of, sentence_of
from runner.cases.wording import BLANK, locator_shape, masked, put_aside

PLAIN = Failure(kind="application", type="TimeoutError", bot="post_orders", step="enter order")

# Lines of one group are one cause, lines of different groups are not.
SAME = [
    ["order 4711 not found", "order 12 not found", "order  99\tnot found.", "Order 4711 not found"],
    ["order 'A-17' not found", 'order "B-2" not found', "order `x y` not found", "order “Müller” not found"],
    ["customer O'Brien has no address"],
    ["value 'O'Brien' is wrong", "value 'Smith' is wrong"],
    ["amount 1,234.56 EUR is too high", "amount 12,00 EUR is too high", "amount 7 EUR is too high"],
    ["paid €12.50 twice", "paid $3 twice", "paid ¥1,000 twice"],
    ["paid in 2026-01-31", "paid in 31.12.2026", "paid in 1/2/26"],
    ["due 2026-11-24T10:00:00Z", "due 2026-11-24 10:00:00.123+01:00", "due 2026-11-24"],
    ["at 12:30 the site closed", "at 9:05:11 the site closed", "at 9:05 PM the site closed"],
    ["delivered on 24 November 2026", "delivered on Dec 1, 2025", "delivered on 3rd May 2026"],
    ["took 30000ms", "took 30 s", "took 1.5 seconds", "took 2 min"],
    ["id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 unknown", "id deadbeef01 unknown", "id 0x7ffd unknown", "id X9Z unknown"],
    ["file /data/in/orders.xlsx is locked", r"file C:\Data\März\orders.xlsx is locked", "file in/a.csv is locked"],
    ["cannot open /var/run/app/socket", "cannot open /tmp/x/y"],
    ["mail to ann@example.com bounced", "mail to b.c+d@mail.example.org bounced"],
    ["cell C7 is empty", "cell AB123 is empty", "cell $C$7 is empty"],
    ["look at Sheet1!C7 again", "look at 'My Sheet'!$D$8 again", "look at Sheet2!A1:B3 again"],
    ["'x' is in orders.xlsx/Orders!5 already", "'y' is in b.xlsx/Sheet1!C7 already"],
    ["bad value in line 12 of the form", "bad value in line 7 of the form"],
    ["rows 3, 4 and 7 are equal", "rows 1 and 2 are equal", "rows 5, 6, 7, 8 are equal"],
    ["GET http://shop.example/orders/17?x=1 failed", "GET http://shop.example:8080/orders/18 failed"],
    ["GET http://shop.example/customers/17 failed"],
    ["GET http://other.example/orders/17 failed"],
    ["refused http://127.0.0.1:5000/login", "refused http://127.0.0.1:41234/login"],
    ["the server answered HTTP 500", "the server answered HTTP  500"],
    ["the server answered HTTP 404"],
    ["status code 503 received", "status code: 503 received", "HTTP status 503 received"],
    ["status code 401 received"],
    ["产品“蓝色小部件”不在目录中", "产品“红色”不在目录中", "产品「绿色」不在目录中"],
    ["订单12345未找到", "订单 99 未找到", "订单７未找到"],
    ["客户12345未找到"],
    ["2026年11月24日的汇率缺失", "2025年1月2日的汇率缺失"],
    ["等待30秒后超时", "等待5 分钟后超时"],
    ["in the year-end report a total is missing"],
    ["net::ERR_CONNECTION_REFUSED at http://shop.example/orders", "net::ERR_CONNECTION_REFUSED at http://shop.example/orders#top"],
    ["net::ERR_NAME_NOT_RESOLVED at http://shop.example/orders"],
    ["", " "],
]  # fmt: skip


def of(message: str, like: Failure = PLAIN) -> str:
    return fingerprint_of(replace(like, message=message)).value


@pytest.mark.parametrize("group", SAME, ids=lambda group: group[0])
def test_one_cause_in_different_words_is_one_fingerprint(group: list[str]) -> None:
    assert {message: masked(message).casefold() for message in group if of(message) != of(group[0])} == {}


def test_different_causes_have_different_fingerprints() -> None:
    equal = [(a[0], b[0]) for a, b in combinations(SAME, 2) if of(a[0]) == of(b[0])]
    assert [pair for pair in equal if "" not in pair[0]] == []


@pytest.mark.parametrize("field", ["kind", "type", "bot", "step", "code", "page_error", "why"])
def test_kind_type_bot_step_code_page_message_and_reason_count(field: str) -> None:
    other = {"kind": "business", "code": "PAGE_TIMEOUT", "why": "crash"}.get(field, "Other words")
    assert of("no", replace(PLAIN, **{field: other})) != of("no")


def test_a_code_of_the_bots_own_groups_by_kind_code_and_bot_alone() -> None:
    named = Failure(kind="business", code="UNKNOWN_PRODUCT", type="BusinessError", bot="post_orders")
    variants = (
        replace(named, message="no 'Blue'"),
        replace(
            named, message="the catalogue lacks 'Red'", step="look up", where="bots/x.py:3", page_error="?"
        ),
        replace(named, type="UnknownProduct"),
    )
    assert len({fingerprint_of(v).value for v in variants}) == 1
    for field, value in (("kind", "application"), ("code", "OTHER"), ("bot", "other")):
        assert fingerprint_of(replace(named, **{field: value})).value != fingerprint_of(named).value


@pytest.mark.parametrize("code", ["BUSINESS", "PAGE_TIMEOUT", "BOT_ERROR", "WB_CELL", "ITEM_DATA"])
def test_a_code_that_runner_gives_names_no_cause(code: str) -> None:
    business = Failure(kind="business", code=code, type="BusinessError", bot="b")
    assert of("too high", business) != of("no address", business)


def test_a_bad_row_is_grouped_by_column_and_not_by_row() -> None:
    row = Failure(kind="business", code="WB_CELL_TYPE", type="BadRow", bot="b", why="bad_row")
    here = replace(row, message="cell C7 holds 'abc' - a number", where="orders.xlsx/Sheet1!C7")
    below = replace(row, message="cell C99 holds 'x' - a number", where="orders.xlsx/Sheet1!C99")
    beside = replace(row, message="cell D7 holds 'abc' - a number", where="orders.xlsx/Sheet1!D7")
    assert fingerprint_of(here).value == fingerprint_of(below).value != fingerprint_of(beside).value
    assert fingerprint_of(here).title == "WB_CELL_TYPE: column C: cell … holds … - a number"


CALL_LOG = """Locator.fill: Timeout {ms}ms exceeded.
Call log:
  - waiting for {locator}
  -     - locator resolved to <input id="f{ms}"/>
  -   {ms} × waiting for element to be visible, enabled and editable
"""


def test_a_browsers_call_log_counts_by_its_first_line_and_the_shape_of_its_locator() -> None:
    def text(ms: int, locator: str) -> str:
        return CALL_LOG.format(ms=ms, locator=locator)

    label = 'get_by_label("Invoice number")'
    assert of(text(3000, label)) == of(text(500, label))
    assert of(text(3000, label)) != of(text(3000, 'get_by_label("Amount")'))
    assert of(text(1, 'get_by_text("Blue widget")')) == of(text(1, 'get_by_text("Red")'))
    assert of(text(1, 'locator("#row-17 td")')) == of(text(1, 'locator("#row-9 td")'))
    assert of(text(1, 'locator("#row-17 td")')) != of(text(1, 'locator("#row-17 th")'))
    short = f"Locator.fill: Timeout 3000ms exceeded. - waiting for {label}"
    assert locator_shape(short) == locator_shape(text(3000, label)) == label


def test_elements_that_a_locator_found_too_many_of_do_not_count() -> None:
    first = 'Locator.click: Error: strict mode violation: locator("a") resolved to 2 elements:\n    1) <a>Home</a> aka x\n'
    second = first.replace("2 elements", "3 elements").replace("Home", "Orders") + "    2) <a>More</a>\n"
    assert of(first) == of(second)


def test_what_a_model_says_of_a_value_counts_without_the_value() -> None:
    text = "1 validation error for Order\namount\n  Input should be a valid decimal [type=decimal_parsing, input_value={}, input_type=str]\n    For further information visit https://errors.example/2.11/v/decimal_parsing"
    assert of(text.format("'abc'")) == of(text.format("None"))
    assert of(text.format("1")) != of(text.format("1").replace("amount", "date"))


NUMBERS = st.integers(0, 10**12).map(str) | st.decimals(0, 10**6, places=2).map(str)
WORDS = st.text(alphabet=string.ascii_letters + " .,-_/äé蓝色", max_size=20)
DATES = st.dates().map(lambda d: d.isoformat()) | st.dates().map(lambda d: d.strftime("%d.%m.%Y"))
IDS = st.uuids().map(str) | st.from_regex(r"[A-Z]{2,4}-[0-9]{2,8}", fullmatch=True)
TIMES = st.times().map(lambda t: t.strftime("%H:%M:%S"))
PATHS = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=4).map(
    lambda parts: "/srv/" + "/".join(parts) + ".xlsx"
)
CELLS = st.from_regex(r"[A-Z]{1,2}[1-9][0-9]{0,5}", fullmatch=True)
MAILS = st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.(com|org)", fullmatch=True)
VARIABLE = {
    "{number}": NUMBERS,
    "{date}": DATES,
    "{id}": IDS,
    "{time}": TIMES,
    "{path}": PATHS,
    "{cell}": CELLS,
    "{mail}": MAILS,
    "'{quoted}'": WORDS.map(lambda word: f"'{word}'"),
    "“{quoted}”": WORDS.map(lambda word: f"“{word}”"),
}
SENTENCES = st.lists(
    st.sampled_from(
        ["order", "is not", "known", "for customer", "产品", "未找到", "the page says", *VARIABLE]
    ),
    min_size=1,
    max_size=8,
)


@given(SENTENCES, st.data())
def test_other_variable_parts_never_make_another_fingerprint(words: list[str], data: st.DataObject) -> None:
    def said() -> str:
        return " ".join(data.draw(VARIABLE[word]) if word in VARIABLE else word for word in words)

    first, second = said(), said()
    assert of(first) == of(second), (masked(first), masked(second))


@given(st.text(max_size=200))
def test_any_text_is_masked_to_a_short_one_without_numbers(text: str) -> None:
    once = masked(text)
    assert len(once) <= 300
    assert of(text) == of(text)
    assert not any(digit in once.replace("HTTP ", "") for digit in string.digits) or "HTTP " in once


def test_masking_is_quick_on_hostile_text() -> None:
    import time

    began = time.process_time()
    for text in (
        "a" * 20_000,
        "/" * 20_000,
        "'" * 20_000,
        "1-" * 10_000,
        "a." * 10_000,
        "x@" * 10_000,
        "a/b" * 7_000,
    ):
        masked(text)
    assert time.process_time() - began < 5


def test_the_explanation_says_what_counted_in_both_languages() -> None:
    named = Failure(
        kind="business", code="UNKNOWN_PRODUCT", type="BusinessError", bot="post_orders", message="no 'x'"
    )
    mark = fingerprint_of(named)
    assert mark.explanation == (
        "Same kind (business), code UNKNOWN_PRODUCT, bot post_orders; order numbers and quoted values are ignored."
    )
    assert (
        explain(mark, "zh-Hans")
        == "相同的类别（业务异常）、代码 UNKNOWN_PRODUCT、机器人 post_orders；单号和引号内的值不计。"
    )
    assert mark.title == f"UNKNOWN_PRODUCT: no {BLANK}"
    worded = fingerprint_of(replace(PLAIN, message="Timeout 3ms", page_error="Sorry, order 7 is closed"))
    assert worded.explanation == (
        "Same kind (application), error type TimeoutError, step 'enter order', bot post_orders, message \"Timeout …\", "
        'message on the page "Sorry, order … is closed"; numbers, ids, dates, times, paths and quoted values are ignored.'
    )
    assert worded.title == "Timeout … (the page says: Sorry, order … is closed)"


def test_the_explanation_of_a_bad_row_says_so_in_plain_words() -> None:
    row = Failure(
        "business", "WB_CELL", "BadRow", "cell B18 is empty", "b", where="o.xlsx/S!B18", why="bad_row"
    )
    mark = fingerprint_of(row)
    assert mark.explanation.startswith(
        "Same kind (business), a row that does not fit, code WB_CELL, column B, bot b, "
    )
    assert "BadRow" not in mark.explanation
    assert "该行不符合要求、代码 WB_CELL、列 B" in explain(mark, "zh")


@pytest.mark.parametrize(
    ("title", "parts", "sentence"),
    [
        ("SMALL: amount … is too small", {"code": "SMALL"}, "Amount … is too small"),
        ("RuntimeError: the portal says no", {"type": "RuntimeError"}, "The portal says no"),
        ("SMALL: …", {"code": "SMALL"}, "SMALL: …"),
        ("价格不符", {}, "价格不符"),
        ("Timeout: …", {}, "Timeout: …"),
    ],
)
def test_people_read_the_sentence_without_the_code(title: str, parts: dict[str, str], sentence: str) -> None:
    assert sentence_of(title, parts) == sentence


@pytest.mark.parametrize(
    ("message", "aside"),
    [
        ("amount 1 of A-1 is too small", [" 1 ", " A-1 "]),
        ("订单 10023 的金额不符", [" 10023 "]),
        ("12 rows differ", ["12 "]),
        ("nothing varies here.", []),
        ("see https://portal.example/orders/1234 for more", []),  # rewritten, not cut out: shown whole
    ],
)
def test_what_was_put_aside_is_shown_in_its_place(message: str, aside: list[str]) -> None:
    pieces = put_aside(message)
    assert "".join(text for text, _ in pieces) == message
    assert [text for text, is_aside in pieces if is_aside] == aside


@given(st.text(max_size=80))
def test_nothing_of_a_message_is_lost_by_showing_what_was_put_aside(message: str) -> None:
    whole = "".join(text for text, _ in put_aside(message))
    assert (
        whole.split() == " ".join(unicodedata.normalize("NFKC", message).replace("...", "…").split()).split()
    )
