"""The demo portal as a clerk meets it: login, order form, search, price list, and what the store then knows."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from runner.demo.catalogue import PRODUCTS, PriceQuery, look_up, price_list
from runner.demo.serve import Portal
from tests.demo_clerk import Clerk, chromium, signed_in, times_entered


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("portal"), extra_products=["Bolt T-Shirt"]) as portal:
        yield portal


@pytest.fixture
def portal(running: Portal) -> Portal:
    running.clear_faults()
    return running


@pytest.fixture
def page(portal: Portal) -> Iterator[Page]:
    with chromium() as browser:
        yield signed_in(browser, portal, width=390)


@pytest.mark.browser
def test_an_order_with_a_file_is_entered_at_phone_width_and_found_again(
    page: Page, portal: Portal, tmp_path: Path
) -> None:
    attached = tmp_path / "drawing.pdf"
    attached.write_bytes(b"%PDF-1.4 drawing")
    page.get_by_role("link", name="New order").first.click()
    page.get_by_label("Order number").fill("SO-browser")
    page.get_by_label("Customer").fill("Dune Architects")
    page.get_by_label("Product").select_option("Office chair")
    page.get_by_label("Quantity").fill("2")
    page.get_by_label("Amount").fill("430.00")
    page.get_by_label("Delivery date").fill("2026-12-24")
    page.get_by_label("Notes").fill("Ring twice")
    page.get_by_label("Attachment").set_input_files(attached)
    page.get_by_role("button", name="Post order").click()
    confirmation = page.get_by_test_id("confirmation").inner_text()
    assert re.fullmatch(r"PC-\d{6}", confirmation)

    page.get_by_role("link", name="Find order").click()
    page.get_by_label("Order number").fill("so-brow")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("table")).to_contain_text(confirmation)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="SO-browser").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="drawing.pdf").click()
    assert download.value.path().read_bytes() == attached.read_bytes()

    (order,) = [order for order in portal.orders() if order["number"] == "SO-browser"]
    assert order["times_entered"] == 1
    assert order["confirmations"] == [confirmation]
    assert (order["product"], order["quantity"], order["amount"]) == ("Office chair", 2, "430.00")
    assert (order["delivery_date"], order["notes"]) == ("2026-12-24", "Ring twice")
    assert order["attachment"] == {
        "name": "drawing.pdf",
        "size": 16,
        "sha256": hashlib.sha256(attached.read_bytes()).hexdigest(),
    }


@pytest.mark.browser
def test_the_price_list_is_read_to_its_last_page_by_following_next(page: Page, portal: Portal) -> None:
    page.get_by_role("link", name="Prices").first.click()
    assert page.get_by_test_id("total").inner_text() == "180 products"
    seen: list[str] = []
    while True:
        seen += page.locator("tbody tr td:first-child").all_inner_texts()
        following = page.get_by_role("link", name="Next")
        if not following.count():
            break
        with page.expect_navigation():  # a click does not wait for the page that it leads to
            following.click()
    assert len(seen) == len({*seen}) == 180


@pytest.mark.browser
def test_a_refused_order_says_why_in_an_alert(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/orders/new")
    page.get_by_role("button", name="Post order").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The order was not posted.")
    expect(alert).to_contain_text("Customer is missing.")
    assert page.get_by_label("Amount").get_attribute("aria-invalid") == "true"


def test_nothing_is_shown_without_a_login(portal: Portal) -> None:
    stranger = Clerk(portal, signed_in=False)
    for path in ("/", "/orders/new", "/orders/find?number=SO", "/prices", "/orders/SO-1"):
        assert stranger.get(path).path == "/login"
    assert stranger.order("SO-stranger").path == "/login"
    assert times_entered(portal, "SO-stranger") == 0


def test_a_wrong_password_is_refused_in_words(portal: Portal) -> None:
    answer = Clerk(portal, signed_in=False).post("/login", {"user": portal.user, "password": "guess"})
    assert answer.status == 401
    assert 'role="alert"' in answer.text


def test_signing_out_ends_the_session(portal: Portal) -> None:
    clerk = Clerk(portal)
    clerk.post("/logout", {})
    assert clerk.get("/orders/new").path == "/login"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("product", "Desk lmap", "Product &#39;Desk lmap&#39; is not in the catalogue."),
        ("amount", "12,5O", "Amount &#39;12,5O&#39; must be a number"),
        ("amount", "1.234", "two decimals at most"),
        ("amount", "0.00", "above 0"),
        ("amount", "50000.01", "over the limit of 50,000.00 EUR"),
        ("customer", "  ", "Customer is missing."),
        ("delivery_date", "2026-02-30", "Delivery date &#39;2026-02-30&#39; is not a date."),
        ("quantity", "0", "whole number from 1 to 9999"),
        ("quantity", "٣", "whole number from 1 to 9999"),
        ("number", "SO 1/2", "may have letters, digits"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(
    portal: Portal, field: str, value: str, words: str
) -> None:
    before = portal.stats()["entries"]
    answer = Clerk(portal).order(**{"number": "SO-wrong", field: value})
    assert answer.status == 422
    assert words in answer.text
    assert portal.stats()["entries"] == before


def test_a_number_entered_before_is_refused_unless_that_is_switched_off(portal: Portal) -> None:
    clerk = Clerk(portal)
    assert clerk.order("SO-twice").status == 200
    refused = clerk.order("SO-twice", amount="1.00")
    assert refused.status == 409
    assert "Order number SO-twice was entered before, as PC-" in refused.text
    assert times_entered(portal, "SO-twice") == 1

    portal.set_faults(refuse_duplicates=False)
    assert clerk.order("SO-twice", amount="1.00").status == 200
    assert times_entered(portal, "SO-twice") == 2
    assert "SO-twice" in portal.stats()["entered_more_than_once"]
    assert "was entered 2 times" in clerk.get("/orders/SO-twice").text


def test_of_many_postings_of_one_number_at_the_same_time_one_is_kept(portal: Portal) -> None:
    clerks = [Clerk(portal) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda clerk: clerk.order("SO-race").status, clerks))
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]
    assert times_entered(portal, "SO-race") == 1


def test_an_entry_can_neither_be_changed_nor_taken_away(portal: Portal) -> None:
    Clerk(portal).order("SO-stays")
    with closing(sqlite3.connect(portal.data_dir / "portal.sqlite3")) as db:
        for statement in ("UPDATE entries SET amount = '1.00'", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)


def test_too_much_to_take_in_is_refused_in_words(portal: Portal) -> None:
    answer = Clerk(portal).order("SO-huge", notes="x" * 6_000_000)
    assert answer.status == 413
    assert 'role="alert"' in answer.text
    assert times_entered(portal, "SO-huge") == 0


def test_an_extra_product_can_be_ordered(portal: Portal) -> None:
    assert Clerk(portal).order("SO-extra", product="Bolt T-Shirt").status == 200


def test_an_order_that_was_never_entered_is_not_found(portal: Portal) -> None:
    clerk = Clerk(portal)
    assert "No order with number SO-none." in clerk.get("/orders/find?number=SO-none").text
    assert clerk.get("/orders/SO-none").status == 404
    assert clerk.get("/api/orders/SO-none").status == 404
    assert clerk.get("/orders/confirmation/PC-999999").status == 404


def test_the_price_list_filters_sorts_and_shows_a_product(portal: Portal) -> None:
    clerk = Clerk(portal)
    assert ">30 products<" in clerk.get("/prices?category=Seating").text
    assert ">6 products<" in clerk.get("/prices?q=desk+lamp").text
    assert "No product matches." in clerk.get("/prices?q=zebra").text
    assert 'aria-sort="descending"' in clerk.get("/prices?sort=-stock").text
    assert ">180 products<" in clerk.get("/prices?sort=nonsense&page=nonsense").text
    assert "Adjustable desk Basic" in clerk.get("/prices/SP-1001").text
    assert clerk.get("/prices/SP-9").status == 404


def test_every_sort_order_keeps_all_prices_and_a_page_too_far_is_the_last_one() -> None:
    stocks = [line.stock for n in range(1, 9) for line in look_up(PriceQuery(sort="-stock", page=n)).lines]
    assert stocks == sorted((line.stock for line in price_list()), reverse=True)
    assert look_up(PriceQuery(page=99)).page == 8
    names = {line.name for line in price_list()}
    assert len(price_list()) == len(names) == 180
    assert len(PRODUCTS) == 12


def test_a_posting_from_another_site_is_refused(portal: Portal) -> None:
    answer = Clerk(portal).post("/admin", {"delay_ms": "9"}, {"Origin": "http://elsewhere.invalid"})
    assert answer.status == 403
    request = urllib.request.Request(f"{portal.url}/health", headers={"Host": "elsewhere.invalid"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value:
        assert refused.value.status == 400


@pytest.mark.browser
def test_the_bench_form_needs_no_login_and_keeps_every_posting(portal: Portal) -> None:
    portal.set_faults(error_rate=1.0, session_limit=1, popup="modal")
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{portal.url}/bench/form?delay=300")
        for label, text in (
            ("Order number", "B-1"),
            ("Customer", "Fjord"),
            ("Quantity", "1"),
            ("Amount", "9.50"),
        ):
            page.get_by_label(label).fill(text)
        page.get_by_label("Product").select_option("Footrest")
        page.get_by_label("Delivery date").fill("2026-12-01")
        page.get_by_role("button", name="Post order").click()
        assert page.get_by_test_id("confirmation").inner_text().startswith("PC-")
    assert Clerk(portal, signed_in=False).order("B-1", "/bench/form").status == 200
    (order,) = portal.orders(form="bench")
    assert (order["number"], order["times_entered"]) == ("B-1", 2)
    assert portal.stats()["bench_entries"] == 2
