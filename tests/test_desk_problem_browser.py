"""The page of one problem in a real browser: a supervisor's day, and a phone in Chinese."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from runner.cases import problems
from runner.cases.canary import watch_canary
from runner.cases.problems import Who, Why
from runner.core.clock import now
from runner.store.models import Case, Problem
from tests.cases_history import failed_run, retried_run
from tests.desk_place import Desk, assert_one_language


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.browser
def test_a_supervisors_day_from_sign_in_to_a_verified_problem(desk: Desk, failed_orders: str) -> None:
    from tests.desk_place import PASSWORD

    desk.with_password("supervisor")
    runs = desk.settings.runs
    page = desk.page()
    page.goto(desk.url + "/sign-in")
    page.locator("#username").fill("supervisor")
    page.locator("#password").fill(PASSWORD)
    page.locator("form .btn.main").click()
    page.get_by_role(
        "link", name="Product … is not in the catalogue"
    ).click()  # what keeps most waiting is in front
    expect(page).to_have_url(f"{desk.url}/problems/{failed_orders}/")
    expect(page.locator("#compare")).to_contain_text("failed items, beside")
    page.keyboard.press("v")
    page.get_by_role("button", name="Find the cause").last.click()
    expect(page.get_by_role("status")).to_contain_text("The problem is now: analysing.")

    page.keyboard.press("w")
    page.get_by_label("Why did it happen?").fill("The product is not in the list")
    page.get_by_label("Evidence").first.fill("O-1")
    page.get_by_label("Why? (2)").fill("The list is of last year")
    page.get_by_role("button", name="Remove answer 1").click()
    expect(page.get_by_label("Why did it happen?")).to_have_value("The list is of last year")
    page.get_by_label("Why? (2)").fill("Nobody sends a new one")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".whys li")).to_have_count(2)
    page.keyboard.press("o")
    page.get_by_role("button", name="Take the last why").click()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".root")).to_contain_text("Nobody sends a new one")
    page.keyboard.press("f")
    page.get_by_label("Material and data").fill("price list of last year")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".fishbone.on-wide")).to_contain_text("price list of last year")

    page.keyboard.press("n")
    page.get_by_label("What will be done").last.fill("Send the list every Monday")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".todo li")).to_contain_text("Send the list every Monday")
    page.keyboard.press("v")
    page.get_by_role("button", name="Act on it").last.click()
    expect(page.get_by_role("status")).to_contain_text("acting")
    page.get_by_role("button", name="Done: Send the list every Monday").click()
    expect(page.locator(".todo .is-done")).to_be_visible()

    page.keyboard.press("t")  # three cases first
    page.locator("#sure [data-yes]").click()
    expect(page.locator("#trial")).to_contain_text("3 not ended yet")
    canary = watch_canary(failed_orders)
    assert canary is not None
    retried_run(runs, good=tuple(Case.objects.filter(pk__in=canary.cases).values_list("key", flat=True)))
    expect(page.locator("#trial")).to_contain_text(
        "all went through", timeout=10_000
    )  # it refreshes by itself
    page.keyboard.press("l")
    page.locator("#sure [data-yes]").click()
    expect(page.get_by_role("status")).to_contain_text("3 cases follow.")
    rest = tuple(Case.objects.filter(problem=failed_orders, status="retrying").values_list("key", flat=True))
    retried_run(runs, good=rest)

    page.goto(f"{desk.url}/problems/{failed_orders}/")
    page.keyboard.press("v")
    page.get_by_label("Clean runs").fill("1")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#proof")).to_contain_text("0 of 1")
    failed_run(runs, done=("O-40", "O-41"), version="v2")
    page.reload()
    expect(page.locator("#proof")).to_contain_text("It is proven: the problem can be closed.")
    page.keyboard.press("v")
    page.locator("#sure [data-yes]").click()
    expect(page.get_by_role("status")).to_contain_text("closed")
    assert Problem.objects.get(pk=failed_orders).closed_how == "verified"
    assert not Case.objects.filter(problem=failed_orders).exclude(status="closed").exists()


@pytest.mark.browser
def test_a_problem_in_chinese_on_a_phone(desk: Desk, failed_orders: str) -> None:
    who = Who("supervisor", now())
    problems.set_whys(failed_orders, [Why("名单里没有这个产品", "O-1")], who)
    problems.set_causes(
        failed_orders, {"material": ["去年的价格表仍在使用"], "people": ["没有人被告知新产品"]}, who
    )
    problems.add_action(failed_orders, "每周一发送名单", who, owner="supervisor", due=now())
    problems.split(failed_orders, "data.customer", "Ho", who)
    page = desk.page("supervisor", f"/problems/{failed_orders}/", language="zh-hans", theme="dark", width=360)
    expect(page.locator("#compare")).to_contain_text("正常")
    assert_one_language(page, "zh-hans", allowed=r"^(Ho|Li|Wu|O-\d+|orders|order-entry)$")
    expect(page.locator(".fishbone.on-phone")).to_be_visible()
    assert fits(page)
    for path in (f"/problems/{failed_orders}/split", f"/problems/{failed_orders}/merge"):
        page.goto(desk.url + path)
        assert_one_language(page, "zh-hans", allowed=r"^(Ho|Li|Wu|O-\d+|orders|order-entry)$")
        assert fits(page)
