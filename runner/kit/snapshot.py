"""Reads what an open page shows, within a time limit, whatever state the page is in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

ANSWERS_WITHIN: Final = 2.0  # seconds for one question to a page
MOST_TEXT: Final = 200_000
MOST_FRAMES: Final = 6
PICTURE_WITHIN: Final = 5.0

# Runs in the page: the status of its document, what it says went wrong, and what stands in its fields (to look for
# secrets before a picture is taken).
_LOOK: Final = """
root => {
  const seen = new Set();
  const visible = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const tell = text => { text = (text || '').replace(/\\s+/g, ' ').trim(); if (text) seen.add(text.slice(0, 300)); };
  const label = e => (e.labels && e.labels[0] && e.labels[0].innerText) || e.getAttribute('aria-label') || e.name || e.id;
  const words = '[role=alert], [aria-live=assertive], .error, .errors, .errorlist, .error-message, .alert, .alert-danger,'
    + ' .alert-error, .alert-warning, .invalid-feedback, .field-error, .validation-error, .message-error, .text-danger';
  root.querySelectorAll(words).forEach(e => { if (visible(e)) tell(e.innerText); });
  root.querySelectorAll('input:user-invalid, select:user-invalid, textarea:user-invalid').forEach(
    e => { if (visible(e)) tell(label(e) + ': ' + e.validationMessage); });
  const told = [...seen].filter(text => ![...seen].some(other => other !== text && other.includes(text)));
  const fields = [...root.querySelectorAll('input:not([type=password]), textarea')].map(e => e.value).join('\\n');
  const entry = performance.getEntriesByType('navigation')[0];
  return {status: entry ? entry.responseStatus || null : null, errors: told.slice(0, 5), fields};
}
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a page showed. `text` is None when the page did not answer; `picture` tells whether the file was written."""

    url: str
    text: str | None
    http_status: int | None
    page_error: str | None
    picture: bool


def read_page(page: Page, picture: Path, may_show: Callable[[str], bool]) -> Snapshot:
    """Text, status, visible error message and a picture of `page`; never raises for what the page does.

    Every question has a limit of its own, and a page that does not answer the first is asked no more. `may_show` is told
    all readable text and says whether a picture may be taken. Password fields are covered in it.
    """
    deadline = time.monotonic() + 3 * ANSWERS_WITHIN
    texts: list[str] = []
    errors: list[str] = []
    fields: list[str] = []
    status = None
    for frame in page.frames[:MOST_FRAMES]:
        looked = _look(frame)
        if looked is None and frame is page.main_frame:
            return Snapshot(page.url, None, None, None, picture=False)  # it hangs, or has crashed
        if looked is not None:
            text, seen = looked
            texts.append(text)
            errors += seen["errors"]
            fields.append(seen["fields"])
            status = seen["status"] if frame is page.main_frame else status
        if time.monotonic() > deadline:
            break
    shown = "\n\n".join(texts)[:MOST_TEXT]
    taken = may_show("\n".join([shown, *fields])) and _take_picture(page, picture)
    return Snapshot(page.url, shown, status, " | ".join(dict.fromkeys(errors)) or None, taken)


def _look(frame: Frame) -> tuple[str, dict[str, Any]] | None:
    """Text and facts of a frame, or None when it does not answer or is gone."""
    from playwright.sync_api import Error

    limit = ANSWERS_WITHIN * 1000
    root = frame.locator(":root")
    try:
        text = root.inner_text(timeout=limit)  # has a time limit; evaluate has none, so it comes second
        return text, root.evaluate(_LOOK, timeout=limit)
    except Error:
        return None


def _take_picture(page: Page, path: Path) -> bool:
    from playwright.sync_api import Error

    try:
        page.screenshot(path=path, timeout=PICTURE_WITHIN * 1000, mask=[page.locator("input[type=password]")])
    except Error:
        return False
    return True
