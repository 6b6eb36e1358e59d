"""Keeps secrets to the sites that they are for: where pages may go once one was handed out, where a recording types one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from runner.core.errors import ConfigurationError
from runner.core.hosts import names_of, others_than, reaches, site_of
from runner.core.vault import Secret
from runner.kit.current import Running, here, running_or_none

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, Route

    from runner.recordings.model import Recording

_NO_PLACE: Final = ("about:", "blob:")  # what such a frame shows comes from the page around it


def check_site(name: str, hosts: Sequence[str] | None, url: str) -> None:
    """Raise ConfigurationError (SECRET_HOST) where a secret for `hosts` would go to the address `url`."""
    site = site_of(url) or url[:80] or "no address"
    if hosts is None:
        raise ConfigurationError(
            f"nobody has said where the secret '{name}' may be typed; here it would be {site}",
            expected="a secret with its hosts",
            hint=f"where that is right: runner secrets hosts {name} --add {site}",
            code="SECRET_HOST",
        )
    if not reaches(hosts, url):
        raise ConfigurationError(
            f"the secret '{name}' is not for {site}",
            expected=f"one of its hosts: {', '.join(hosts) or 'none'}",
            hint=f"start it at the right address; where this one is right: runner secrets hosts {name} --add {site}",
            code="SECRET_HOST",
        )


def keep_pages_to(live: Running, name: str, hosts: Sequence[str]) -> None:
    """From now on the pages of this lane stay on the sites of the secrets that it was given.

    What a page loads from elsewhere is not touched: it is the pages themselves that must not go there. Raises
    ConfigurationError (SECRET_HOST) where one is elsewhere already.
    """
    is_first = live.sites is None
    live.sites = tuple(sorted({*(live.sites or ()), *hosts}))
    for context in live.contexts:
        for page in context.pages:
            if site_of(page.url):
                check_site(name, live.sites, page.url)
        if is_first:  # later ones widen what `_stay` lets pass
            watch_over(context, live.sites)


def watch_over(context: BrowserContext, sites: Sequence[str]) -> None:
    """Refuse navigations of pages of `context` to other sites than those of the run's secrets."""
    context.route(others_than(sites), _stay)


def tell_where(name: str, url: str) -> None:
    """Write down where a secret is typed."""
    live, place = running_or_none(), here.get()
    if live is not None:
        live.journal.event(
            "log", f"the secret '{name}' is typed on {site_of(url)}", queue=place.queue, item=place.item,
            attempt=place.attempt, step=place.step, parent=place.parent, data={"secret": name, "site": site_of(url)},
        )  # fmt: skip


def only_hosts(recordings: Sequence[Recording], secrets: Iterable[Secret]) -> list[str] | None:
    """The hosts that a browser may reach in which recordings type secrets and run code of their own; None: any.

    Code (``waitForExpression``) could send elsewhere what was typed, by more ways than a page has.
    """
    from runner.recordings.model import WaitForExpression  # only recordings need its many models

    if not any(isinstance(step, WaitForExpression) for one in recordings for step in one.steps):
        return None
    found = list(secrets)
    return names_of([site for one in found for site in one.hosts or ()]) if found else None


def where_it_goes(frame: Frame) -> str:
    """The address of the page that gets what is typed in a frame."""
    at: Frame | None = frame
    while at is not None and at.parent_frame is not None and (not at.url or at.url.startswith(_NO_PLACE)):
        at = at.parent_frame
    return at.url if at is not None else ""


def _stay(route: Route) -> None:
    from playwright.sync_api import Error

    request = route.request
    try:
        is_page = request.is_navigation_request() and request.frame.parent_frame is None
    except Error:  # a page that is just opening, whose frame is not known yet
        is_page = True
    live = running_or_none()
    if not is_page or (live is not None and live.sites is not None and reaches(live.sites, request.url)):
        route.fallback()
        return
    if live is not None:
        place, host = here.get(), urlsplit(request.url).hostname or ""
        live.journal.event(
            "log", f"{host} is none of the hosts that the secrets of this run are for: the page does not go there",
            level="WARNING", queue=place.queue, item=place.item, attempt=place.attempt, step=place.step,
            parent=place.parent, data={"host": host, "url": request.url, "hosts": list(live.sites or ())},
        )  # fmt: skip
    route.abort("blockedbyclient")
