"""The exception queue in a real browser: keys alone, two people at once, the trace viewer in place, both languages, a phone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from runner.cases import decisions
from runner.cases.mentions import mentions_of
from runner.core.clock import now
from runner.store.models import Act, Attempt, Case, Item, Run
from tests.cases_history import failed_run
from tests.desk_place import PASSWORD, Desk, assert_one_language

pytestmark = pytest.mark.browser
DATA = r"^(Supervisor|invoices?|orders|accounts-payable|post(_orders)?|submit|enter|order|SMALL|A-\d|O-\d|row|evidence)$"


def case_of(key: str) -> Case:
    return Case.objects.select_related("item", "run").get(key=key)


def address(key: str) -> str:
    return f"/cases/{case_of(key).pk}/"


def fits(page: Page) -> bool:
    """Whether nothing of the page reaches beyond the right border of the window."""
    script = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(page.evaluate(script))


def test_a_case_is_worked_on_by_keys_alone(desk: Desk) -> None:
    desk.person("supervisor")
    page = desk.page("operator", "/")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous row")
    page.keyboard.press("Escape")
    page.goto(desk.url + address("A-1"))
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_contain_text("A-1: you took the case")
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("Taken back")
    assert case_of("A-1").status == "open"
    page.keyboard.press("m")
    page.get_by_role("button", name="@supervisor").click()
    page.keyboard.type("look at this")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("commented")
    assert mentions_of("supervisor", unseen=True)[0]["note"] == "@supervisor look at this"
    page.keyboard.press("d")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Say in a few words what was done.")
    page.get_by_label("What was done").fill("entered by hand")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("decided: done by hand")
    assert case_of("A-1").status == "resolved"
    page.goto(desk.url + address("A-3"))
    page.keyboard.press("r")
    expect(page.get_by_role("status")).to_contain_text("The case is settled when the new attempt succeeds")
    page.goto(f"{desk.url}/burning/")
    expect(page.get_by_role("row", name=re.compile("A-3"))).to_be_visible()


def test_rows_of_a_list_are_decided_by_keys_and_the_preview_says_what_will_happen(desk: Desk) -> None:
    failed_run(desk.settings.runs, "O-1", "O-2", "O-3")
    page = desk.page("operator", "/cases/?queue=orders&sort=opened")
    expect(page.locator(".list tbody tr")).to_have_count(3)
    page.keyboard.press("d")  # nothing is selected, and one is on no row yet: nothing happens
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#bulk")).to_contain_text("2 selected")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 cases as of")
    page.get_by_label("Note").fill("both by hand")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("decided: 2")
    assert Case.objects.filter(queue="orders", status="resolved").count() == 2
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("Taken back: 2")
    page.goto(f"{desk.url}/cases/?queue=orders")
    page.keyboard.press("j")
    page.keyboard.press("c")  # the row one is on is meant
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 case as of")


def test_of_two_people_who_decide_at_once_one_wins_and_the_other_keeps_what_was_typed(desk: Desk) -> None:
    first = desk.page("supervisor", address("A-2"))
    second = desk.page("admin", address("A-2"))
    first.get_by_label("Amount").fill("12.5")
    second.get_by_label("Amount").fill("125")
    second.get_by_label("Note").first.fill("the customer said so")
    first.get_by_role("button", name="Retry with this data").click()
    expect(first.get_by_role("status")).to_contain_text("decided: retry")
    second.get_by_role("button", name="Retry with this data").click()
    expect(second.get_by_role("alert").first).to_contain_text("supervisor was faster: decided: retry")
    expect(second.get_by_role("alert").first).to_contain_text("What you typed is still here")
    expect(second.locator("main")).to_contain_text("the customer said so")
    expect(second.locator("main")).to_contain_text("125")
    assert Item.objects.get(key="A-2").data["amount"] == "12.5"
    assert Act.objects.filter(subject=case_of("A-2").pk, machine=False).count() == 1


def test_an_open_list_shows_what_others_do_without_losing_the_selection(desk: Desk) -> None:
    page = desk.page("operator", "/cases/?queue=invoices")
    page.locator("tr", has_text="A-1").get_by_role("checkbox").check()
    decisions.claim(case_of("A-3").pk, by="ann", at=now())
    page.evaluate("window.htmx.trigger(document.getElementById('rows'), 'refresh')")
    expect(page.locator("tr", has_text="A-3")).to_contain_text("claimed")
    expect(page.locator("tr", has_text="A-1").get_by_role("checkbox")).to_be_checked()


def with_trace(desk: Desk, tmp_path: Path) -> None:
    """Give the case A-3 a trace, a picture and the page's own words, as a browser leaves them."""
    page = desk.page()
    page.context.tracing.start(screenshots=False, snapshots=True)
    page.set_content("<h1>Supplier portal</h1><p role=alert>No matches found</p>")
    page.get_by_text("No matches").click()
    page.context.tracing.stop(path=tmp_path / "trace.zip")
    case = case_of("A-3")
    assert case.run is not None
    folder = desk.settings.runs / case.run.folder / "lane-1" / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1-trace1.zip").write_bytes((tmp_path / "trace.zip").read_bytes())
    page.screenshot(path=folder / "1-page1.png")
    evidence = [
        {
            "kind": "page",
            "path": "",
            "url": "http://portal.example/new",
            "http_status": 200,
            "page_error": "No matches found",
        },
        {"kind": "screenshot", "path": "lane-1/evidence/1-page1.png"},
        {"kind": "trace", "path": "lane-1/evidence/1-trace1.zip"},
    ]
    Case.objects.filter(pk=case.pk).update(evidence=evidence)
    Attempt.objects.filter(item=case.item).update(evidence=evidence)


def test_the_page_that_failed_is_seen_with_its_trace_in_place(desk: Desk, tmp_path: Path) -> None:
    with_trace(desk, tmp_path)
    page = desk.page("operator", address("A-3"))
    expect(page.locator("main")).to_contain_text("The page says: No matches found")
    picture = page.get_by_alt_text("What the page looked like when it failed")
    picture.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('img.shot').naturalWidth > 0")
    page.get_by_text("Trace: what the bot did, step by step").click()
    viewer = page.frame_locator("iframe.viewer")
    expect(viewer.get_by_text("Click", exact=False).first).to_be_visible(timeout=20_000)
    assert viewer.locator("[class*=action]").count() > 0


def test_a_supervisor_attests_with_the_password(desk: Desk) -> None:
    from datetime import timedelta

    from runner.desk.people.models import SignIn

    desk.with_password("supervisor")
    page = desk.page("supervisor")
    SignIn.objects.update(confirmed=now() - timedelta(minutes=11))
    page.goto(desk.url + address("A-4"))
    page.keyboard.press("t")
    page.get_by_label("It happened: the item is done.").check()
    page.get_by_label("What you saw").fill("C-17 in the portal")
    page.get_by_label("Your own password, to confirm").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Attest").click()
    expect(page.get_by_role("status")).to_contain_text("attested the outcome")
    assert case_of("A-4").status == "resolved"


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_all_pages_are_in_one_language_and_fit(desk: Desk, theme: str, width: int) -> None:
    failed_run(desk.settings.runs, "O-1", "O-2")
    decisions.claim(case_of("O-1").pk, by="operator", at=now())
    page = desk.page("supervisor", language="zh-hans", theme=theme, width=width)
    lists = [
        "/",
        "/cases/",
        "/burning/",
        "/cases/overdue/",
        "/cases/mine/",
        "/cases/waiting/",
        "/cases/closed/",
    ]
    for path in [*lists, *map(address, ["A-1", "A-2", "A-4", "O-1"]), "/corrections/"]:
        page.goto(desk.url + path)
        page.locator("main h1").first.wait_for()
        assert_one_language(page, "zh-hans", DATA)
        assert fits(page), path


def test_a_correction_of_many_words_does_not_get_lost_on_a_narrow_screen(desk: Desk) -> None:
    page = desk.page("operator", address("A-2"), width=360)
    page.get_by_label("Amount").fill("a lot")
    page.get_by_role("button", name="Retry with this data").click()
    expect(page.locator("#why-amount")).to_contain_text("A number is expected")
    expect(page.get_by_label("Amount")).to_have_value("a lot")
    assert not Run.objects.filter(status="queued").exists()
    assert fits(page)
