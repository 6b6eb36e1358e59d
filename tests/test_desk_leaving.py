"""What somebody has typed and not sent is not lost by leaving the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Dialog, Page, expect

from runner.store.models import Case
from tests.desk_place import Desk

pytestmark = pytest.mark.usefixtures("desk_store")


def asked_on_leaving(page: Page, *, stay: bool) -> list[str]:
    """The kinds of dialogs that come from now on; each is answered."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if stay:
            dialog.dismiss()
        else:
            dialog.accept()

    page.on("dialog", answer)
    return asked


def test_a_page_with_typed_values_asks_before_it_is_left_and_one_without_does_not(desk: Desk) -> None:
    case = Case.objects.get(key="A-1")
    page = desk.page("supervisor", f"/cases/{case.pk}/")
    asked = asked_on_leaving(page, stay=True)
    amount = page.locator('[name="data.amount"]')
    was = amount.input_value()
    amount.fill("77")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(amount).to_have_value("77")
    assert asked == ["beforeunload"]
    amount.fill(was)
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page).to_have_url(f"{desk.url}/runs/")
    assert asked == ["beforeunload"]
    assert not desk.complaints


def test_what_is_sent_and_what_only_selects_rows_asks_nothing(desk: Desk) -> None:
    case = Case.objects.get(key="A-1")
    page = desk.page("supervisor", "/cases/")
    asked = asked_on_leaving(page, stay=True)
    page.locator("[data-pick]").first.check()
    page.goto(f"{desk.url}/cases/{case.pk}/")
    page.locator('[name="data.amount"]').fill("77")
    page.locator("#retry .btn.main").click()
    expect(page.locator(".message.success")).to_be_visible()
    page.goto(f"{desk.url}/runs/")
    assert asked == []
