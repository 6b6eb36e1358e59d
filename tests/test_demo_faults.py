"""Every fault of the demo portal does what it says, and nothing else."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PageTimeout

from runner.demo.serve import Portal
from tests.demo_clerk import Clerk, chromium, signed_in, times_entered


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("portal")) as portal:
        yield portal


@pytest.fixture
def portal(running: Portal) -> Portal:
    running.clear_faults()
    return running


@pytest.fixture
def clerk(portal: Portal) -> Clerk:
    return Clerk(portal)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def fill_order(page: Page, number: str) -> None:
    for label, text in (
        ("Order number", number),
        ("Customer", "Baltic"),
        ("Quantity", "1"),
        ("Amount", "5.00"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_label("Product").select_option("Pinboard")
    page.get_by_label("Delivery date").fill("2026-12-01")


@pytest.mark.parametrize("status", [500, 503])
def test_an_asked_error_has_an_empty_body(clerk: Clerk, status: int) -> None:
    answer = clerk.get(f"/prices?fault={status}")
    assert (answer.status, answer.text) == (status, "")
    assert clerk.get("/prices").status == 200


def test_an_unknown_fault_is_refused_with_the_known_ones(clerk: Clerk) -> None:
    answer = clerk.get("/prices?fault=fire")
    assert answer.status == 400
    assert "?fault: DEMO_FAULT: there is no fault 'fire' - one of 500, 503, slow, hang" in answer.text


def test_random_errors_come_at_the_rate_asked_and_again_the_same_with_the_same_seed(
    portal: Portal, clerk: Clerk
) -> None:
    def statuses(seed: int) -> list[int]:
        portal.set_faults(error_rate=0.3, error_seed=seed)
        return [clerk.get("/orders/new").status for _ in range(60)]

    first = statuses(7)
    assert {*first} == {200, 500, 503}
    assert 9 <= sum(status != 200 for status in first) <= 27
    assert statuses(7) == first
    assert statuses(8) != first


def test_random_errors_can_be_kept_to_one_path_and_one_method(portal: Portal, clerk: Clerk) -> None:
    portal.set_faults(error_rate=1, error_path="/orders/new", error_method="POST", error_statuses=[503])
    assert clerk.get("/prices").status == 200
    assert clerk.get("/orders/new").status == 200
    assert clerk.order("SO-random").status == 503
    assert times_entered(portal, "SO-random") == 0


def test_the_next_requests_to_a_path_fail_and_then_it_works_again(portal: Portal, clerk: Clerk) -> None:
    portal.set_faults(fail_next=[{"path": "/orders/new", "status": 502, "times": 2, "method": "POST"}])
    assert clerk.get("/orders/new").status == 200
    assert [clerk.order("SO-next").status for _ in range(3)] == [502, 502, 200]
    assert times_entered(portal, "SO-next") == 1


def test_an_order_can_be_stored_and_its_answer_lost(portal: Portal, clerk: Clerk) -> None:
    portal.set_faults(commit_then_fail=1)
    lost = clerk.order("SO-lost")
    assert (lost.status, lost.text) == (500, "")
    assert times_entered(portal, "SO-lost") == 1
    assert clerk.order("SO-lost").status == 409
    assert clerk.order("SO-asked", "/orders/new?fault=commit").status == 500
    assert times_entered(portal, "SO-asked") == 1
    assert clerk.order("SO-fine").status == 200


@pytest.mark.parametrize("query", ["?fault=slow&ms=400", ""])
def test_a_page_can_be_slow(portal: Portal, clerk: Clerk, query: str) -> None:
    if not query:
        portal.set_faults(delay_ms=0, delay_paths={"/prices": 400, "/": 0})
    started = time.monotonic()
    assert clerk.get(f"/prices{query}").status == 200
    assert time.monotonic() - started >= 0.4
    assert portal.stats()["faults_served"]["slow"] >= 1


@pytest.mark.parametrize("query", ["?fault=hang", ""])
def test_a_page_can_never_answer_while_the_others_do(portal: Portal, clerk: Clerk, query: str) -> None:
    if not query:
        portal.set_faults(hang_path="/prices")
    with pytest.raises(TimeoutError):
        clerk.get(f"/prices{query}", timeout=0.6)
    assert clerk.get("/orders/new").status == 200


def test_more_hanging_clients_than_threads_do_not_end_the_portal(portal: Portal, clerk: Clerk) -> None:
    for _ in range(30):
        with pytest.raises(TimeoutError):
            clerk.get("/prices?fault=hang", timeout=0.05)
    assert clerk.get("/orders/new").status == 200


@pytest.mark.parametrize("query", ["?fault=labels", ""])
def test_labels_can_move_while_the_fields_stay(portal: Portal, clerk: Clerk, query: str) -> None:
    portal.set_faults(moved_labels=not query)
    text = clerk.get(f"/orders/new{query}").text
    assert '<label for="number">Order no.</label>' in text
    assert "<button>Submit</button>" in text
    assert "Post order" not in text
    assert clerk.order(f"SO-moved{len(query)}").status == 200


def test_a_session_ends_after_its_number_of_requests(portal: Portal) -> None:
    portal.set_faults(session_limit=3)
    clerk = Clerk(portal)  # its first request was the home page
    assert [clerk.get("/prices").path for _ in range(3)] == ["/prices", "/prices", "/login"]
    portal.set_faults(session_limit=0)
    assert Clerk(portal).get("/prices").path == "/prices"


def test_a_session_can_end_now_and_says_so(portal: Portal, clerk: Clerk) -> None:
    answer = clerk.order("SO-ended", "/orders/new?fault=session")
    assert answer.path == "/login"
    assert "Your session has ended. Sign in again." in answer.text
    assert times_entered(portal, "SO-ended") == 0


@pytest.mark.browser
def test_a_dialog_in_the_page_blocks_it_until_it_is_closed(browser: Browser, portal: Portal) -> None:
    page = signed_in(browser, portal)
    portal.set_faults(popup="modal")
    page.goto(f"{portal.url}/orders/new")
    with pytest.raises(PageTimeout):
        page.get_by_role("button", name="Post order").click(timeout=700)
    page.get_by_role("dialog").get_by_role("button", name="Not now").click()
    fill_order(page, "SO-modal")
    page.get_by_role("button", name="Post order").click()
    page.get_by_test_id("confirmation").wait_for()
    assert times_entered(portal, "SO-modal") == 1


@pytest.mark.browser
def test_a_question_before_posting_holds_the_order_back_until_it_is_answered(
    browser: Browser, portal: Portal
) -> None:
    page = signed_in(browser, portal)
    page.goto(f"{portal.url}/orders/new?fault=confirm")
    fill_order(page, "SO-question")
    page.get_by_role("button", name="Post order").click()  # Playwright dismisses what nobody listens for
    assert times_entered(portal, "SO-question") == 0
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Post order").click()
    page.get_by_test_id("confirmation").wait_for()
    assert times_entered(portal, "SO-question") == 1


@pytest.mark.browser
def test_an_alert_comes_up_after_load(browser: Browser, portal: Portal) -> None:
    page = signed_in(browser, portal)
    with page.expect_event("dialog") as dialog:
        page.goto(f"{portal.url}/prices?fault=alert")
    assert dialog.value.type == "alert"
    dialog.value.accept()
    assert page.get_by_test_id("total").inner_text() == "180 products"


@pytest.mark.browser
def test_an_endless_script_lets_nothing_be_done_on_its_page(browser: Browser, portal: Portal) -> None:
    page = signed_in(browser, portal)
    page.goto(f"{portal.url}/orders/new?fault=endless")

    def type_until_it_hangs() -> None:  # the script starts a moment after the page has loaded
        for _ in range(1000):
            page.get_by_label("Order number").fill("SO-endless", timeout=1000)

    with pytest.raises(PageTimeout):
        type_until_it_hangs()


def test_a_wrong_setting_is_refused_with_its_place_and_changes_nothing(portal: Portal) -> None:
    before = portal.set_faults(delay_ms=5)
    body = {"error_rate": 2, "delay_m": 1, "fail_next": [{"path": "/", "status": 200}]}
    request = urllib.request.Request(
        f"{portal.url}/admin/faults", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value:
        errors = "\n".join(json.load(refused.value)["errors"])
    assert "/error_rate: DEMO_FAULT: 2 can't be used" in errors
    assert "/delay_m: DEMO_FAULT: there is no setting 'delay_m'" in errors
    assert "did you mean 'delay_ms'?" in errors
    assert "/fail_next/0/status: DEMO_FAULT: 200 can't be used" in errors
    assert portal.set_faults() == before


def test_the_admin_page_sets_and_clears_the_same_plan(portal: Portal, clerk: Clerk) -> None:
    fields = {
        "error_rate": "0.25",
        "popup": "alert",
        "moved_labels": "on",
        "hang_path": "",
        "fail_path": "/prices",
    }
    assert "Saved." in clerk.post("/admin", fields).text
    plan = portal.set_faults()
    assert (plan["error_rate"], plan["popup"], plan["moved_labels"]) == (0.25, "alert", True)
    assert plan["refuse_duplicates"] is False
    assert plan["hang_path"] is None
    assert plan["fail_next"] == [{"path": "/prices", "status": 500, "times": 1, "method": ""}]
    refused = clerk.post("/admin", {"error_rate": "often"})
    assert refused.status == 422
    assert "/error_rate: DEMO_FAULT:" in refused.text
    clerk.post("/admin", {"reset": "1"})
    assert portal.set_faults()["error_rate"] == 0
    assert portal.set_faults()["refuse_duplicates"] is True
