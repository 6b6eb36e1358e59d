"""The titles of problems: sentences that ops staff understand, in both languages; no call logs, no names of exceptions alone."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from runner.cases.fingerprint import Failure, fingerprint_of
from runner.desk.errors.telling import told
from runner.desk.errors.titles import title_of
from runner.store.models import Act, Attempt, Case
from tests.desk_place import Desk

TECHNICAL = re.compile(
    r"Locator|Timeout|Errno|net::|get_by_|Traceback|Input should|holds the text|strict mode|exit code"
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
FILL = 'Locator.fill: Timeout 800ms exceeded. - waiting for get_by_label("Invoice number 77")'
STRICT = 'Locator.click: Error: strict mode violation: get_by_role("button", name="A") resolved to 2 elements:\n    1) <button>A</button>\n - waiting for get_by_role("button", name="A")'
HEADING = "AssertionError: Locator expected to have text 'Invoices'\nActual value: Orders - waiting for get_by_role(\"heading\")"
STEP = {"bot": "b", "step": "enter"}
FAILURES = [
    (Failure("application", "PAGE_TIMEOUT", "TimeoutError", FILL, **STEP), "The page did not show in time what was waited for (“Invoice number …”, step “enter”)"),
    (Failure("application", "PAGE_AMBIGUOUS", "Error", STRICT, **STEP), "Several elements of the page fit where one was looked for: the page has changed (“A”, step “enter”)"),
    (Failure("application", "PAGE_EXPECTATION", "AssertionError", HEADING, **STEP), "The page does not show what was expected (step “enter”)"),
    (Failure("application", "PAGE_NETWORK", "Error", "Page.goto: net::ERR_CONNECTION_REFUSED at http://127.0.0.1:9/x", **STEP), "The page could not be reached over the network (step “enter”)"),
    (Failure("application", "PAGE_ERROR", "Error", "Locator.click: Error: boom", page_error="Limit of the day is reached", **STEP), "The page did not do what was asked for (step “enter”, the page says: Limit of the day is reached)"),
    (Failure("application", "BOT_ERROR", "NameError", "NameError: name 'total' is not defined", **STEP), "The bot's own code failed: this is for its developer (NameError, step “enter”)"),
    (Failure("application", "OS_ERROR", "FileNotFoundError", "FileNotFoundError: [Errno 2] No such file or directory: '/x'", **STEP), "The machine refused something: a file, a folder or a connection (FileNotFoundError, step “enter”)"),
    (Failure("application", "BOT_DIED", "RunFailed", "the bot's process ended without a result (exit code 7; the signal or exit code says how); last step: enter", "b", why="crash"), "The bot's process ended without a result, in the step “enter”"),
    (Failure("application", "RUN_TIME_LIMIT", "RunFailed", "the run was ended at its time limit of 2s; no last step: it ended before its first one", "b", why="time_limit"), "The run took longer than its time limit, and was ended before its first step"),
    (Failure("application", "RUN_MEMORY", "RunFailed", "the run was ended: its processes took more than the memory limit; last step: x", "b", why="memory"), "The bot used more memory than it may, and was ended"),
    (Failure("application", "SECRET_MISSING", "RunFailed", "there is no secret 'p' - a secret of this name in the vault", "b", why="error"), "A secret that the bot needs is not in the vault"),
    (Failure("application", "TARGET_DOWN", "RunFailed", "3 items failed one after the other: the target is down", "b", why="target_down"), "Several items failed one after the other, so the other system is thought to be down; the rest was not tried"),
    (Failure("application", "", "AttemptLost", "the process ended 3 times while it worked on this item (crashed)", "b", "enter", why="quarantined"), "The bot died several times while working on this item, so it was taken out (step “enter”)"),
    (Failure("business", "BALANCE", "RunFailed", "rows: read 10, entered 9", "b", why="balance"), "The control totals do not agree: not everything that was read was entered"),
    (Failure("unknown", "OUTCOME_UNKNOWN", "OutcomeUnknown", "'submit' of item A failed while it was being done, and nobody knows whether it happened - a recorded outcome", **STEP), "A step that can't be taken back was begun and broke off, and nobody knows whether it happened"),
    (Failure("business", "WB_CELL", "BadRow", "cell B3 is empty - a value for 'Pieces' - fill in the cell", "b", where="Sheet1!B3", why="bad_row"), "Column B: A cell that needs a value is empty"),
    (Failure("business", "ITEM_DATA", "BadRow", "the value is '12,5O' - Input should be a valid decimal", "b", where="amount", why="bad_row"), "A value does not fit. A number is expected, such as 12.50"),
    (Failure("business", "ITEM_DATA", "BadRow", "missing - Field required - correct the value and retry", "b", where="amount", why="bad_row"), "A value that is needed is missing"),
    (Failure("application", "WB_NOT_FOUND", "WorkbookError", "x.xlsx: there is no file 'inbox/x.xlsx'", "b", why="error"), "The workbook is not there"),
]  # fmt: skip


@pytest.mark.parametrize(("failure", "english"), FAILURES, ids=lambda one: getattr(one, "code", ""))
def test_a_title_is_a_sentence_in_both_languages(failure: Failure, english: str) -> None:
    found = fingerprint_of(failure)
    with translation.override("en"):
        assert title_of(found.title, found.parts) == english
    with translation.override("zh-hans"):
        chinese = title_of(found.title, found.parts)
        assert CHINESE.search(chinese)
        assert not TECHNICAL.search(chinese)
        assert fingerprint_of(failure) == found


@pytest.mark.parametrize(
    ("message", "code"), [("amount 7 is above the limit of 5", "BUSINESS"), ("no product 'X'", "NO_PRODUCT")]
)
def test_what_a_bot_s_author_says_stays_the_title(message: str, code: str) -> None:
    found = fingerprint_of(Failure("business", code, "BusinessError", message, **STEP))
    with translation.override("zh-hans"):
        title = title_of(found.title, found.parts)
    assert not CHINESE.search(title)
    assert title[0].isupper()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("failure", "_english"), FAILURES[:7], ids=lambda one: getattr(one, "code", ""))
def test_the_words_of_a_case_are_plain_and_the_technical_ones_are_kept(
    failure: Failure, _english: str, language: str
) -> None:
    with translation.override(language):
        shown = told({"code": failure.code, "message": failure.message, "where": "bots/b.py:7"})
    assert not TECHNICAL.search(shown.text), shown.text
    assert shown.technical == failure.message
    assert "bots/b.py:7" in shown.text


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_of_a_case_has_the_technical_words_folded_away_only(desk: Desk, language: str) -> None:
    case = Case.objects.exclude(item=None).order_by("key").first()
    assert case is not None
    error = {"code": "PAGE_TIMEOUT", "type": "TimeoutError", "message": FILL, "where": "bots/b.py:7"}
    Case.objects.filter(pk=case.pk).update(error=error, message=FILL)
    Attempt.objects.filter(item=case.item_id).update(error=error)
    Act.objects.filter(subject=case.pk, machine=True).update(note=FILL)
    page = desk.client("viewer", language=language).get(f"/cases/{case.pk}/").content.decode()
    shown = re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)
    assert "Locator.fill" not in shown
    assert "Locator.fill" in page
