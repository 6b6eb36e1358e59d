"""What a page shows at the moment when a step fails, in a few words: its title, its headings and messages, what could be meant."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from runner.recordings.failing import Seen

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from runner.recordings.selectors import Selector

_WITHIN_MS: Final = 1_000
_MOST_NAMES: Final = 6
_LOOK: Final = """root => {
  const visible = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const flat = text => (text || '').replace(/\\s+/g, ' ').trim().slice(0, 60);
  const texts = (css, most) => [...new Set([...root.querySelectorAll(css)].filter(visible).map(e => flat(e.innerText)).filter(Boolean))].slice(0, most);
  const controls = 'button, a[href], label, summary, [role=button], [role=link], [role=tab], [role=menuitem], input[type=submit]';
  const names = [...root.querySelectorAll(controls)].filter(visible).map(e => flat(e.getAttribute('aria-label') || e.innerText || e.value));
  return {title: flat(document.title), headings: texts('h1, h2, [role=heading]', 2),
    alerts: texts('[role=alert], [aria-live=assertive], .error, .errorlist, .alert', 2), names: [...new Set(names.filter(Boolean))].slice(0, 80)};
}"""


def seen_on(page: Page, looked_for: Sequence[Selector]) -> Seen:
    """What the page shows now; never raises, and a page that does not answer within a second shows its address only."""
    from playwright.sync_api import Error

    address = urlsplit(page.url)
    place = f"{address.scheme}://{address.netloc}{address.path}" if address.netloc else page.url
    found: dict[str, Any] = {}
    with contextlib.suppress(Error):
        found = page.locator(":root").evaluate(_LOOK, timeout=_WITHIN_MS)
    names = _nearest(found.get("names", ()), [one.name for one in looked_for if one.name])
    return Seen(place, found.get("title", ""), [*found.get("headings", ()), *found.get("alerts", ())], names)


def _nearest(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The names that come nearest to those that were looked for; the first ones where none is near."""
    near = [one for name in wanted for one in difflib.get_close_matches(name, names, n=3, cutoff=0.5)]
    return list(dict.fromkeys(near or names))[:_MOST_NAMES]
