"""The example bot `post_orders` on orders that it meets in real life, with a real portal and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from runner.demo.serve import Portal
from runner.store.models import Case, Item
from tests.demo_clerk import Clerk
from tests.main_job import ROOT, Job, make_workbook, statuses

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.browser]

SHOP_LIST = ROOT.parent / "shared" / "data" / "orders.xlsx"
SHOP_PRODUCTS = ("Sauce Labs Bolt T-Shirt", "Sauce Labs Fleece Jacket", "Sauce Labs Onesie")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A worker and a portal that sells the shop's products too."""
    with Portal(tmp_path / "portal", extra_products=SHOP_PRODUCTS) as portal:
        yield Job(tmp_path, portal)


def test_what_the_portal_refuses_is_a_business_exception_in_the_portals_words(
    job: Job, tmp_path: Path
) -> None:
    source = make_workbook(
        tmp_path / "orders.xlsx", 4, [(3, "Amount", "50001.00"), (5, "Order number", "A 4")]
    )
    Clerk(job.portal).order("A-3")  # somebody else has used this number for another order

    run = job.post(source)

    assert (run.done, run.exceptions) == (1, 3)
    messages = {
        case.item.key: (case.kind, case.message) for case in Case.objects.select_related("item") if case.item
    }
    assert {key: kind for key, (kind, _) in messages.items()} == dict.fromkeys(
        ("A-2", "A-3", "A 4"), "business"
    )
    assert "Amount is over the limit of 50,000.00 EUR" in messages["A-2"][1]
    assert "Order number A-3 was entered before" in messages["A-3"][1]
    assert "Order number 'A 4' may have letters" in messages["A 4"][1]
    assert job.doubled() == []


def test_an_order_whose_answer_got_lost_is_done_with_the_portals_number(job: Job, tmp_path: Path) -> None:
    job.portal.set_faults(commit_then_fail=1)
    run = job.post(make_workbook(tmp_path / "orders.xlsx", 1))

    assert run.status == "done"
    assert Item.objects.get().output == {"confirmation": "PC-000001"}
    assert Item.objects.get().attempts_made == 1
    assert job.doubled() == []


def test_the_same_workbook_again_enters_nothing_and_gives_the_same_results(job: Job, tmp_path: Path) -> None:
    source = make_workbook(tmp_path / "orders.xlsx", 2)
    first = job.post(source)
    second = job.post(source)

    assert (first.total, second.total) == (2, 0)
    sheets = [load_workbook(job.output(run, "result"))["Orders"] for run in (first, second)]
    rows = [[[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in sheets]
    assert rows[0] == rows[1]
    assert job.portal.stats()["entries"] == 2


@pytest.mark.corpus
@pytest.mark.skipif(not SHOP_LIST.exists(), reason="../shared/data/orders.xlsx is not there")
def test_the_web_shops_list_is_entered_but_for_its_misspelt_product(job: Job) -> None:
    run = job.post(SHOP_LIST)

    assert (run.status, run.total, run.done, run.exceptions) == ("exceptions", 9, 8, 1)
    case = Case.objects.get()
    assert (case.kind, case.error and case.error["code"]) == ("business", "UNKNOWN_PRODUCT")
    assert case.message == "the portal has no product 'Sauce Labs Onesee' - did you mean 'Sauce Labs Onesie'?"
    assert statuses()["orders-0010"] == "exception"
    assert {order["notes"][:13] for order in job.portal.orders()} == {
        "Zip code 3695",
        "Zip code 4418",
        "Zip code 3013",
        "Zip code 1196",
    }
    assert job.doubled() == []
