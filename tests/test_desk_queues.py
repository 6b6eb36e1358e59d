"""The desk's pages of work queues: items by state, one item, and items that people put, take out and put back."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from django.test import Client
from openpyxl import Workbook, load_workbook
from playwright.sync_api import expect

from runner.engine.bot_watch import take_stock
from runner.store.models import Act, Item
from tests.cli_project import empty, ran  # noqa: F401 (fixtures)
from tests.desk_place import Desk, desk, desk_store  # noqa: F401 (fixtures)


def workbook(path: Path, *rows: tuple[object, ...]) -> Path:
    """A workbook with these rows below the headings."""
    book = Workbook()
    for row in (("Number", "Amount"), *rows):
        book.worksheets[0].append(list(row))
    book.save(path)
    return path


def keys_at(client: Client, path: str) -> list[str]:
    """The keys of the items that a page lists."""
    return re.findall(r'item\?key=[^"]*"><b>([^<]*)</b>', client.get(path).content.decode())


def test_items_are_listed_by_state_run_and_words(desk: Desk) -> None:  # noqa: F811
    client = desk.client("viewer")
    assert re.findall(r'class="count[^"]*">(\d+)<', client.get("/queues/invoices/").content.decode())[
        -5:
    ] == ["0", "0", "4", "1", "0"]

    def keys(query: str) -> list[str]:
        return sorted(keys_at(client, f"/queues/invoices/?{query}"))

    assert keys("status=exception") == ["A-1", "A-2", "A-3", "A-4"]
    assert keys("text=12,5") == ["A-2"]
    assert keys("run=nothing") == []
    assert client.get("/queues/nothing/").status_code == 404
    assert client.get("/queues/invoices/item?key=nothing").status_code == 404


def test_an_item_shows_its_data_its_attempts_and_its_case(desk: Desk) -> None:  # noqa: F811
    page = desk.page("viewer", "/queues/invoices/")
    page.get_by_role("link", name="A-4", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A-4")
    expect(page.locator("main")).to_contain_text("Attempt 1")
    expect(page.locator("main")).to_contain_text("began, outcome unknown")
    expect(page.locator(".fall")).to_contain_text("post")
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1)).to_have_text("A-3")
    page.keyboard.press("c")
    expect(page).to_have_url(f"{desk.url}/cases/{Item.objects.get(key='A-3').case.pk}/")


def test_one_item_is_put_taken_out_and_put_back(desk: Desk) -> None:  # noqa: F811
    take_stock(desk.settings, changed_only=True)
    page = desk.page("operator", "/queues/invoices/")
    page.keyboard.press("a")
    page.get_by_label("Number").fill("N-1")
    page.get_by_label("Amount").fill("many")
    page.get_by_role("button", name="Put it into the queue").click()
    expect(page.locator(".field.refused")).to_contain_text("number")
    page.get_by_label("Amount").fill("12.50")
    page.get_by_role("button", name="Put it into the queue").click()
    expect(page.locator("#messages")).to_contain_text("N-1 is pending")
    item = Item.objects.get(key="N-1")
    assert (item.status, item.data["amount"]) == ("pending", "12.50")
    page.get_by_role("button", name="Take out").click()
    page.get_by_label("Why").fill("paid already")
    page.get_by_role("dialog").get_by_role("button", name="Take out").click()
    expect(page.locator(".hist")).to_contain_text("paid already")
    assert Item.objects.get(key="N-1").status == "rejected"
    page.keyboard.press("b")
    expect(page.locator("#messages")).to_contain_text("pending again")
    assert list(Act.objects.filter(subject_kind="item").values_list("by", "verb")) == [
        ("operator", "take_out"),
        ("operator", "put_back"),
    ]


def test_a_key_that_is_there_leads_to_its_item_and_keeps_what_was_typed(desk: Desk) -> None:  # noqa: F811
    answer = desk.client("operator").post(
        "/queues/invoices/add", {"p-number": "A-0", "p-amount": "7", "token": "t"}
    )
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "/queues/invoices/item?key=A-0" in text
    assert 'value="7"' in text
    assert Item.objects.get(key="A-0").data["amount"] == "0"


def test_an_item_that_moved_meanwhile_is_left_alone(desk: Desk) -> None:  # noqa: F811
    answer = desk.client("operator").post(
        "/queues/invoices/move", {"key": "A-0", "verb": "take_out", "note": "x"}, follow=True
    )
    assert "Nothing was changed: the item is “done” now." in answer.content.decode()
    assert Item.objects.get(key="A-0").status == "done"


def test_a_workbook_is_shown_before_it_counts_and_counts_once(desk: Desk, tmp_path: Path) -> None:  # noqa: F811
    file = workbook(
        tmp_path / "new.xlsx", ("N-1", 5), ("A-0", 7), ("N-2", "much"), ("N-3", 2.5), ("N-1", 6), (None, 8)
    )
    page = desk.page("operator", "/queues/invoices/add")
    page.get_by_label("Workbook").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    for words in (
        "2 rows are new",
        "1 is in the queue already",
        "1 repeats a key",
        "2 rows do not fit",
        "Sheet!B4",
    ):
        expect(page.locator("main")).to_contain_text(words)
    assert not Item.objects.filter(key__startswith="N-").exists()
    page.get_by_role("button", name="Put 2 items").click()
    expect(page.locator("#messages")).to_contain_text("2 items are pending now")
    assert list(Item.objects.filter(status="pending").order_by("id").values_list("key", flat=True)) == [
        "N-1",
        "N-3",
    ]
    page.go_back()
    page.get_by_role("button", name="Put 2 items").click()
    page.locator("#messages .message").wait_for()
    assert Item.objects.filter(key__startswith="N-").count() == 2


@pytest.mark.parametrize(("name", "content"), [("a.xlsx", b"PK\x03\x04 broken"), ("a.csv", b"colour\nred\n")])
def test_a_file_that_fits_nothing_is_refused_in_a_sentence(desk: Desk, name: str, content: bytes) -> None:  # noqa: F811
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = desk.client("operator").post(
        "/queues/invoices/upload", {"workbook": SimpleUploadedFile(name, content)}
    )
    assert answer.status_code == 422
    assert name in answer.content.decode()


def test_the_blank_workbook_has_the_headings_of_the_model(desk: Desk) -> None:  # noqa: F811
    answer = desk.client("operator").get("/queues/invoices/blank.xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["Number", "Amount", "Lines"]


def test_a_changed_ticket_puts_nothing(desk: Desk) -> None:  # noqa: F811
    answer = desk.client("operator").post(
        "/queues/invoices/confirm", {"ticket": "/etc/passwd:x", "token": "t"}
    )
    assert answer.status_code == 422


def test_a_viewer_puts_nothing(desk: Desk) -> None:  # noqa: F811
    client = desk.client("viewer")
    assert "Add items" not in client.get("/queues/invoices/").content.decode()
    for path in ("add", "upload", "confirm", "move"):
        assert client.post(f"/queues/invoices/{path}").status_code == 403


def test_a_queue_that_only_a_bot_describes_takes_items(desk: Desk) -> None:  # noqa: F811
    take_stock(desk.settings, changed_only=True)
    client = desk.client("operator")
    assert client.get("/queues/waits/").status_code == 200
    answer = client.post("/queues/waits/add", {"p-number": "W-1", "p-amount": "1", "token": "t"})
    assert answer.status_code == 302, answer.content.decode()
    assert Item.objects.get(queue_id="waits").key == "W-1"
