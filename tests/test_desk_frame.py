"""The desk's frame: every address has a permission, nobody gets in without signing in, and the pages open in a browser."""

from __future__ import annotations

import pytest

from runner.desk.access import endpoints
from tests.desk_place import Desk

PAGES = [
    "/",
    "/cases/",
    "/runs/",
    "/schedules/",
    "/bots/",
    "/queues/",
    "/processes/",
    "/people/",
    "/health/",
    "/me/",
    "/search/?q=small",
]


def test_every_address_carries_a_permission() -> None:
    assert all(one.permission for one in endpoints())


def test_nobody_gets_in_without_signing_in(desk: Desk) -> None:
    client = desk.client()
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert "sign in" in answer.content.decode()


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens(desk: Desk, language: str) -> None:
    page = desk.page("admin", language=language)
    for path in PAGES:
        answer = page.goto(desk.url + path)
        assert answer is not None
        assert answer.status == 200, path
        page.locator("main h1").wait_for()
