"""Retry rules and the judgement of failures: what passes, how long is waited, what people are told."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import urllib.error
from collections.abc import Callable
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Error
from playwright.sync_api import TimeoutError as PageTimeout

from runner.core.errors import (
    ApplicationError,
    BusinessError,
    ConfigurationError,
    EnvironmentProblem,
    OutcomeUnknown,
)
from runner.core.nouns import FailureKind
from runner.kit.outcome import LONGEST_MESSAGE, classify
from runner.kit.retry import Retry, Wait, keep_trying, may_retry

PASSES = [
    ApplicationError("x"),
    EnvironmentProblem("x"),
    PageTimeout("x"),
    Error("x"),
    TimeoutError(),
    ConnectionRefusedError(),
    socket.gaierror(),
    ssl.SSLError(),
    OSError(errno.ENETUNREACH, "x"),
    urllib.error.URLError("x"),
    urllib.error.HTTPError("u", 503, "x", Message(), None),
    http.client.IncompleteRead(b""),
]
STAYS = [
    BusinessError("x"),
    OutcomeUnknown("x"),
    ConfigurationError("x"),
    NameError("x"),
    TypeError("x"),
    AttributeError("x"),
    ImportError("x"),
    KeyError("x"),
    ValueError("x"),
    AssertionError("x"),
    FileNotFoundError(errno.ENOENT, "x"),
    OSError(errno.ENOSPC, "x"),
    urllib.error.HTTPError("u", 404, "x", Message(), None),
    MemoryError(),
    SystemExit(1),
]


def fails_with(errors: list[BaseException]) -> Callable[[], str]:
    """A function that raises these errors one after the other and then returns."""
    left = list(errors)

    def act() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return act


@pytest.mark.parametrize("error", PASSES, ids=lambda error: type(error).__name__)
def test_a_failure_that_can_pass_is_tried_again(error: BaseException) -> None:
    waits: list[Wait] = []
    retry = Retry(times=2, wait=timedelta(0), longest_wait=timedelta(0))

    assert may_retry(error)
    assert keep_trying(retry, fails_with([error, error]), before_wait=waits.append) == "done"
    assert [wait.tries_left for wait in waits] == [2, 1]


@pytest.mark.parametrize("error", STAYS, ids=lambda error: type(error).__name__)
def test_a_failure_that_stays_is_not_tried_again(error: BaseException) -> None:
    assert not may_retry(error)
    with pytest.raises(type(error)) as raised:
        keep_trying(
            Retry(times=2, wait="1ms"), fails_with([error]), before_wait=lambda _: pytest.fail("it waited")
        )
    assert raised.value is error


@given(times=st.integers(0, 12), failures=st.integers(0, 20))
def test_there_are_as_many_tries_as_the_rule_says(times: int, failures: int) -> None:
    waits: list[Wait] = []
    retry = Retry(times=times, wait=timedelta(0), longest_wait=timedelta(0))
    act = fails_with([ApplicationError(str(n)) for n in range(failures)])
    if failures <= times:
        assert keep_trying(retry, act, before_wait=waits.append) == "done"
    else:
        with pytest.raises(ApplicationError, match=rf"{times}$"):  # the last one, as it was raised
            keep_trying(retry, act, before_wait=waits.append)
    assert len(waits) == min(times, failures)


@given(first=st.integers(1, 30), longest=st.integers(30, 300), times=st.integers(1, 20))
def test_waits_grow_and_never_pass_the_longest(first: int, longest: int, times: int) -> None:
    waits: list[float] = []
    retry = Retry(
        times=times, wait=timedelta(microseconds=first), longest_wait=timedelta(microseconds=longest)
    )
    with pytest.raises(ApplicationError):
        keep_trying(
            retry,
            fails_with([ApplicationError("x")] * 30),
            before_wait=lambda wait: waits.append(wait.seconds * 1e6),
        )
    assert len(waits) == times
    assert all(first - 0.01 <= wait <= longest + 0.01 for wait in waits)
    assert all(wait >= min(first * 2**n, longest) - 0.01 for n, wait in enumerate(waits))


@pytest.mark.parametrize(
    "values",
    [{"times": -1}, {"times": True}, {"wait": "soon"}, {"wait": "2m"}, {"longest_wait": timedelta(-1)}],
)
def test_a_rule_that_can_not_be_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="BOT_OPTION"):
        Retry(**values)  # type: ignore[arg-type]


def test_no_rule_means_no_second_try() -> None:
    with pytest.raises(ApplicationError):
        keep_trying(None, fails_with([ApplicationError("x")]), before_wait=lambda _: pytest.fail("it waited"))


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            BusinessError("sold out", expected="stock", where="A!7", code="STOCK"),
            "STOCK",
            "A!7: sold out - stock",
        ),
        (KeyError("x"), "BOT_ERROR", "KeyError: 'x'"),
        (TimeoutError(), "TIMEOUT", "TimeoutError"),
        (
            Error("net::ERR_CONNECTION_REFUSED at http://x"),
            "PAGE_NETWORK",
            "net::ERR_CONNECTION_REFUSED at http://x",
        ),
        (Error("Page crashed"), "PAGE_CRASHED", "Page crashed"),
        (Error("Target page, context or browser has been closed"), "BROWSER_GONE", None),
        (Error("strict mode violation: …"), "PAGE_AMBIGUOUS", None),
        (
            PageTimeout(
                'Timeout 5ms exceeded.\nCall log:\n  - \x1b[2mwaiting for get_by_label("A")\x1b[22m\n  - more'
            ),
            "PAGE_TIMEOUT",
            'Timeout 5ms exceeded. - waiting for get_by_label("A")',
        ),
    ],
)
def test_a_failure_has_a_stable_code_and_a_sentence(
    error: BaseException, code: str, message: str | None
) -> None:
    record = classify(error, Path.cwd())

    assert record["code"] == code
    assert message is None or record["message"] == message
    assert set(record) == {"kind", "type", "code", "message", "where", "hint"}


@given(st.text(max_size=5000))
def test_any_message_makes_a_record(text: str) -> None:
    record = classify(RuntimeError(text), Path.cwd(), kind=FailureKind.BUSINESS)

    assert record["kind"] == "business"
    assert 0 < len(record["message"]) <= LONGEST_MESSAGE
