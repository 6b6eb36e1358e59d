"""Every page of the address table in a real browser: accessible, in one language, usable on a phone, quiet on the console."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from runner.desk.access import endpoints
from runner.engine.bot_watch import take_stock
from tests.desk_language import assert_one_language
from tests.desk_place import Desk
from tests.test_desk_access import filled

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PARTS = 3  # so that several processes can share the pages
LINK = re.compile(r'<a [^>]*href="(/[^"#]*)')
SIGNED_OUT = ("people:sign_in", "people:welcome")
# Pages whose content comes from files of the project or the machine, which speak English.
ENGLISH_CONTENT = ("health:page",)


def pages(desk: Desk) -> dict[str, str]:
    """The address of every page, by its name; what is no page (a style, a part of a page, a file) is left out."""
    take_stock(desk.settings, changed_only=True)
    client = desk.client("admin")
    found = {}
    for endpoint in endpoints():
        if "GET" not in endpoint.methods or endpoint.name in SIGNED_OUT:
            continue
        answer = client.get(filled(endpoint), headers={"accept": "text/html"})
        is_page = answer.headers.get("Content-Type", "").startswith("text/html")
        if is_page and answer.status_code == 200 and b"<html" in answer.content:
            found[endpoint.name] = filled(endpoint)
        answer.close()
    return found


def faults(page: Page, name: str, language: str) -> list[str]:
    """What is wrong with the page that is open."""
    found = [f"{name}: {one}" for one in violations(page)]
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > 360:
        found.append(f"{name}: {wide} px wide on a phone")
    if language == "en":  # once is enough: what differs by language is the width
        found += [f"{name} at 360 px: {one}" for one in violations(page)]
    page.set_viewport_size({"width": 1280, "height": 900})
    if name not in ENGLISH_CONTENT:
        try:
            assert_one_language(page, language)
        except AssertionError as mixed:
            found.append(f"{name}: {mixed}")
    return found


def violations(page: Page) -> list[str]:
    """The rules of axe-core that the page breaks, with the places."""
    result: dict[str, Any] = Axe().run(page, options=RULES).response
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:200]}"
        for one in result["violations"]
        for node in one["nodes"][:3]
    ]


@pytest.mark.browser
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh-hans", "dark")])
def test_every_page_is_accessible_and_in_one_language(
    desk: Desk, language: str, theme: str, part: int
) -> None:
    wanted = pages(desk)
    assert {"queue:problems", "runs:list", "people:list", "health:page"} <= set(wanted)
    page = desk.page("admin", language=language, theme=theme)
    found = []
    for name, path in list(wanted.items())[part::PARTS]:
        page.goto(desk.url + path)
        page.locator("main h1").first.wait_for()
        found += faults(page, name, language)
    assert not found, "\n".join(found)


@pytest.mark.browser
@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("zh-hans", "light")])
def test_the_pages_before_signing_in_are_too(desk: Desk, language: str, theme: str) -> None:
    from runner.desk.people.links import make_link

    page = desk.page(language=language, theme=theme)
    found = []
    for path in ("/sign-in", "/runs/", make_link(None, "test"), "/welcome/none"):
        page.goto(desk.url + path)
        found += faults(page, path, language)
    page.goto(desk.url + "/sign-in")
    for _ in range(6):
        page.locator("#username, h1").last.wait_for()
        if page.locator("#username").count():
            page.locator("#username").fill("nobody")
            page.locator("#password").fill("wrong")
            page.locator("form .btn.main").click()
    found += faults(page, "locked", language)
    assert not found, "\n".join(found)


def test_every_link_leads_to_a_page(desk: Desk) -> None:
    client = desk.client("admin")
    shown = {
        path: client.get(path, headers={"accept": "text/html"}).content.decode()
        for path in pages(desk).values()
    }
    links = {link.replace("&amp;", "&"): path for path, text in shown.items() for link in LINK.findall(text)}

    dead = {}
    for link, path in sorted(links.items()):
        answer = client.get(link, headers={"accept": "text/html"}, follow=True)
        if answer.status_code != 200:
            dead[link] = f"{answer.status_code} on {path}"
        answer.close()
    assert any(link.startswith("/problems/") for link in links)
    assert dead == {}
