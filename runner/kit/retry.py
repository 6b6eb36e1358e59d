"""How often something is tried again, and what for: the one file that knows tenacity."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

import tenacity

from runner.core.clock import duration
from runner.core.errors import ApplicationError, ConfigurationError, EnvironmentProblem, RunnerError

T = TypeVar("T")

_NETWORK_ERRNOS: Final = frozenset(
    getattr(errno, name)
    for name in (
        "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EHOSTDOWN", "EHOSTUNREACH",
        "ENETDOWN", "ENETRESET", "ENETUNREACH", "ENOTCONN", "EPIPE", "ETIMEDOUT",
    )
    if hasattr(errno, name)
)  # fmt: skip
# Libraries that this package does not import, by the full name of the class at the root of their network errors.
_NETWORK_CLASSES: Final = frozenset({
    "playwright._impl._errors.Error",
    "httpx.TransportError",
    "requests.exceptions.ConnectionError",
    "requests.exceptions.Timeout",
    "urllib3.exceptions.HTTPError",
})  # fmt: skip
_PASSING_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Retry:
    """Try again up to `times` times, waiting from `wait` on, doubling up to `longest_wait`, with some jitter.

    ``Retry(times=3)`` means at most four tries. Waits are texts like ``"2s"`` or timedeltas. Only failures that can pass
    are tried again (see `may_retry`). Raises ConfigurationError for values that can't be.
    """

    times: int = 3
    wait: str | timedelta = "2s"
    longest_wait: str | timedelta = "1m"

    def __post_init__(self) -> None:
        if isinstance(self.times, bool) or not isinstance(self.times, int) or not 0 <= self.times <= 100:
            raise _bad_option("times", self.times, "a whole number from 0 to 100")
        for name, value in (("wait", self.wait), ("longest_wait", self.longest_wait)):
            try:
                if duration(value) < timedelta(0):
                    raise _bad_option(name, value, "a duration of zero or more")
            except ValueError as error:
                raise _bad_option(name, value, str(error)) from error
        if duration(self.wait) > duration(self.longest_wait):
            raise _bad_option("longest_wait", self.longest_wait, f"at least wait={self.wait}")


@dataclass(frozen=True, slots=True)
class Wait:
    """The pause before another try: what failed, for how many seconds, and how many tries are left."""

    error: BaseException
    seconds: float
    tries_left: int


def keep_trying(
    retry: Retry | None,
    act: Callable[[], T],
    *,
    before_wait: Callable[[Wait], None],
    passes: Callable[[BaseException], bool] | None = None,
    wait_for: Callable[[float], None] = time.sleep,
) -> T:
    """What `act` returns at last. Its last exception comes out unchanged when the tries are used up or it can't pass.

    `wait_for` sleeps for so many seconds between two tries; what it raises comes out, and ends them.
    """
    if retry is None or retry.times == 0:
        return act()
    first, longest = duration(retry.wait).total_seconds(), duration(retry.longest_wait).total_seconds()

    def announce(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        assert error is not None
        before_wait(Wait(error, state.upcoming_sleep, 1 + retry.times - state.attempt_number))

    grows = tenacity.wait_exponential(multiplier=first, max=longest) + tenacity.wait_random(0, first / 2)
    rule = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(1 + retry.times),
        wait=lambda state: min(longest, grows(state)),
        retry=tenacity.retry_if_exception(passes or may_retry),
        sleep=wait_for,
        before_sleep=announce,
        reraise=True,
    )
    return rule(act)


def longest_wait(retry: Retry, tries_made: int) -> float:
    """The most seconds that are waited after so many tries, jitter included."""
    first, longest = duration(retry.wait).total_seconds(), duration(retry.longest_wait).total_seconds()
    return min(longest, first * 2.0 ** (tries_made - 1) + first / 2)


def may_retry(error: BaseException) -> bool:  # noqa: PLR0911 - a table of cases
    """Whether a failure can pass by itself: the page, the network, the other system or the machine.

    Never a business exception, an unknown outcome, or a mistake in the bot's code (NameError, TypeError, KeyError, …):
    those fail the same way again.
    """
    if isinstance(error, RunnerError):
        return isinstance(error, ApplicationError | EnvironmentProblem)
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _PASSING_STATUS
    if isinstance(
        error, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError | urllib.error.URLError
    ):
        return True
    if isinstance(error, http.client.HTTPException):
        return True
    if isinstance(error, AssertionError):
        return is_page_expectation(error)
    if isinstance(error, OSError) and error.errno in _NETWORK_ERRNOS:
        return True
    return any(f"{c.__module__}.{c.__qualname__}" in _NETWORK_CLASSES for c in type(error).__mro__)


def is_page_expectation(error: BaseException) -> bool:
    """Whether `error` is Playwright's ``expect(…)`` that was not met in time: it raises a plain AssertionError."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("playwright.")


def retry_of_irreversible(name: str) -> ConfigurationError:
    """The error of asking for a retry around something irreversible."""
    return ConfigurationError(
        f"step '{name}' is irreversible and has a Retry around it",
        expected="an irreversible step cannot be retried: it might be done twice",
        hint="take the Retry away and give item.irreversible(…, already_done=…), which looks before it acts",
        code="BOT_RETRY_IRREVERSIBLE",
    )


def _bad_option(name: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"Retry({name}={value!r})", expected=expected, code="BOT_OPTION")
