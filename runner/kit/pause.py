"""A pause after a failure, with the pages still open, until the person at the terminal has seen enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from runner.kit.current import Running

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

_LOOK: Final = 300.0  # milliseconds between two looks, in which the pages go on living


def pause(live: Running, contexts: Sequence[BrowserContext], why: str) -> None:
    """Return when the person says so, or has closed every page; at once when there is no page to look at."""
    from playwright.sync_api import Error

    message = why
    while True:
        pages = [page for context in contexts for page in context.pages if not page.is_closed()]
        if not pages or live.channel.ask("pause", message=message)["go"]:
            return
        message = ""
        try:
            pages[-1].wait_for_timeout(_LOOK)
        except Error:
            return  # the browser is gone
