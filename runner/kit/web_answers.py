"""An error of the site without any content ends a navigation as an error, in every browser.

Chrome and Chromium do so themselves, as they then show a page of their own. Their headless shell has no such page and shows nothing:
a bot that only opens an address would take an empty 503 for success.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

_NAVIGATIONS: Final = ("goto", "reload")
_LEAST_ERROR: Final = 400  # HTTP status


def insist_on_content(page: Page) -> None:
    """Have the navigations of `page` raise Playwright's Error where the answer is an HTTP error without content."""
    for name in _NAVIGATIONS:
        setattr(page, name, _insisting(name, getattr(page, name)))


def _insisting(name: str, navigate: Callable[..., Response | None]) -> Callable[..., Response | None]:
    @functools.wraps(navigate)
    def insisting(*args: object, **options: object) -> Response | None:
        answer = navigate(*args, **options)
        if answer is not None and answer.status >= _LEAST_ERROR and not _has_content(answer):
            from playwright.sync_api import Error

            raise Error(f"Page.{name}: net::ERR_HTTP_RESPONSE_CODE_FAILURE at {answer.url}")
        return answer

    return insisting


def _has_content(answer: Response) -> bool:
    from playwright.sync_api import Error

    try:
        return bool(answer.body())
    except Error:  # the page has gone on meanwhile: there was something in it
        return True
