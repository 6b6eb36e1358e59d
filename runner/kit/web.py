"""Web pages for bots: Playwright's own Page and BrowserContext, in a browser that starts when it is needed."""

from __future__ import annotations

from runner.kit.web_browser import browsers, find_browser
from runner.kit.web_context import ClientCertificate, ContextOptions, context, page
from runner.kit.web_files import download, upload
from runner.kit.web_find import find
from runner.kit.web_signin import signed_in
from runner.kit.web_table import WebTable, table

__all__ = [
    "ClientCertificate",
    "ContextOptions",
    "WebTable",
    "close",
    "context",
    "download",
    "find",
    "find_browser",
    "page",
    "signed_in",
    "table",
    "upload",
    "warm",
]


def warm() -> None:
    """Start driver and browser ahead of the first page."""
    browsers.warm()


def close() -> None:
    """End browser and driver, if there are any. What goes wrong is of no use to anybody at this point."""
    browsers.forget()
