"""A clerk who uses the demo portal over plain HTTP, and the browser that the demo's tests look through."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from runner.demo.serve import Portal
from runner.kit.web import find_browser

GOOD_ORDER: Mapping[str, str] = {
    "number": "SO-1",
    "customer": "Alder & Finch",
    "product": "Desk lamp",
    "quantity": "3",
    "amount": "117.50",
    "delivery_date": "2026-12-01",
    "notes": "Second floor",
}


@dataclass(frozen=True)
class Answer:
    """What the portal answered, after redirects."""

    status: int
    url: str
    text: str

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path


class Clerk:
    """One person with one session; signed in unless told otherwise."""

    def __init__(self, portal: Portal, *, signed_in: bool = True) -> None:
        self._portal = portal
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        if signed_in:
            assert self.post("/login", {"user": portal.user, "password": portal.password}).path == "/"

    def get(self, path: str, *, timeout: float = 20) -> Answer:
        return self._open(urllib.request.Request(self._portal.url + path), timeout)

    def post(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        body = urllib.parse.urlencode(fields).encode()
        return self._open(urllib.request.Request(self._portal.url + path, body, dict(headers or {})), 20)

    def order(self, number: str, path: str = "/orders/new", **changes: str) -> Answer:
        return self.post(path, {**GOOD_ORDER, "number": number, **changes})

    def _open(self, request: urllib.request.Request, timeout: float) -> Answer:
        try:
            answer = self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Answer(answer.status, answer.url, answer.read().decode())


def times_entered(portal: Portal, number: str) -> int:
    """How often the portal's own store has this order number."""
    return sum(order["times_entered"] for order in portal.orders() if order["number"] == number)


@contextmanager
def chromium(prepare: Callable[[Playwright], object] = lambda _: None) -> Iterator[Browser]:
    """A real Chromium: the one that `RUNNER_BROWSER` names, the machine's, or Playwright's own."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        prepare(playwright)
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox"] if as_root else []
        )
        try:
            yield browser
        finally:
            browser.close()


def signed_in(browser: Browser, portal: Portal, width: int = 1200) -> Page:
    """A page of `browser` whose clerk has signed in."""
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(10_000)
    page.goto(portal.url)
    page.get_by_label("User name").fill(portal.user)
    page.get_by_label("Password").fill(portal.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{portal.url}/")
    return page
