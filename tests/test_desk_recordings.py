"""The desk's pages of recordings: taking one in, binding it to a workbook without code, going back to what it was."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import html
import io
import json
import re
from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook
from playwright.sync_api import expect

from runner.cases.audit import verify
from runner.recordings.binding import read_binding
from runner.recordings.forms import Kind
from runner.recordings.library import Place
from runner.recordings.model import Change, identities
from runner.recordings.placeholders import names_in
from runner.store.models import AuditEntry, Bot
from tests.cli_project import empty, ran  # noqa: F401 (fixtures)
from tests.desk_place import Desk, assert_one_language, desk, desk_store  # noqa: F401 (fixtures)
from tests.recordings_made import click, field, order_recording, own
from tests.test_desk_pages import violations

ORDERS: list[tuple[Any, ...]] = [
    ("Order number", "Customer", "Product", "Amount", "Delivery date"),
    ("A-1", "Alder & Finch", "Desk lamp", 39.5, datetime(2026, 12, 1)),  # noqa: DTZ001 - a cell has no zone
    ("A-2", "Birch & Co", "Desk lamp", 1250.5, datetime(2026, 12, 2)),  # noqa: DTZ001
    ("A-3", "Cedar", "Desk lamp", "12,5O", datetime(2026, 12, 3)),  # noqa: DTZ001
    ("A-4", None, "Bookcase", 5, datetime(2026, 12, 4)),  # noqa: DTZ001
    ("A-2", "Birch & Co", "Bookcase", 7, datetime(2026, 12, 4)),  # noqa: DTZ001
]
BIND = "/recordings/enter-order/bind"
WORKBOOK = "?workbook=inbox/orders.xlsx"


def order_book(*, rows: list[tuple[Any, ...]] | None = None, sheet: str = "Orders") -> bytes:
    """A workbook of orders; the second row is what was typed while recording."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = sheet
    for row in rows or ORDERS:
        page.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.fixture
def recorded(desk: Desk) -> Place:
    """The place of a recording of one order, on a desk whose project has the workbook it was made with."""
    place = Place(desk.cli.project, "enter-order")
    place.write(order_recording())
    inbox = desk.cli.project / "inbox"
    inbox.mkdir()
    (inbox / "orders.xlsx").write_bytes(order_book())
    return place


def fields_of(text: str) -> dict[str, str]:
    """What the form on a page would send."""
    form = text[text.index('<form id="bind"') :]
    form = form[: form.index("</form>")]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if given.get("type") in {"radio", "checkbox"} and " checked" not in tag:
            continue
        if "name" in given:
            found[given["name"]] = html.unescape(given.get("value", ""))
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    return found


def page_of(client: Client, path: str = BIND + WORKBOOK) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def save(client: Client, **changes: str) -> Any:
    """Send the form as the page shows it, with some fields changed."""
    fields = {**fields_of(page_of(client)), "act": "save"}
    return client.post(
        BIND, {**fields, **{name.replace("__", "."): value for name, value in changes.items()}}
    )


def test_a_recording_is_bound_as_proposed_and_is_a_bot_at_once(desk: Desk, recorded: Place) -> None:
    client = desk.client("operator")
    shown = html.unescape(page_of(client))
    assert "row 2 below the headings has it" in shown
    assert '<option value="#.##0,00" selected>1.250,50</option>' in shown
    assert re.search(r"4\s+rows fit", shown)
    assert re.search(r"1\s+row does not fit: it becomes a case", shown)
    assert re.search(r"1\s+row repeats a key", shown)
    assert "1.250,50" in shown
    assert "This must be: number" in shown

    answer = save(client, process="order-entry", output__confirmation="Confirmation no.")

    assert answer.status_code == 302, answer.content.decode()
    binding = read_binding(recorded)
    assert (binding.key, binding.each_from, binding.irreversible) == ("order_number", 6, 12)
    assert binding.outputs == {"confirmation": "Confirmation no."}
    assert binding.process == "order-entry"
    assert binding.sheet == "Orders"
    bot = Bot.objects.get(pk="enter-order")
    assert (bot.process, bot.error, bot.file) == ("order-entry", "", "recordings/enter-order.yaml")
    assert Bot.objects.filter(pk="invoice", present=True).exists()  # nobody had taken stock before
    page = client.get("/recordings/enter-order/").content.decode()
    assert 'href="/bots/enter-order/start"' in page
    assert "never done twice" in page
    assert client.get("/bots/enter-order/start").status_code == 200
    assert AuditEntry.objects.filter(what="recording.bind", by="operator").count() == 1
    assert verify().broken is None


def test_what_a_person_chooses_counts_and_stays_when_the_form_is_opened_again(
    desk: Desk,
    recorded: Place,
) -> None:
    client = desk.client("operator")
    save(
        client, column__8="", column__9="Customer", kind__amount="text", optional__customer="1", key="amount",
        irreversible="0", each_from="3", results="in place",
    )  # fmt: skip
    binding = read_binding(recorded)
    assert {name: one.column for name, one in binding.fields.items()}["customer"] == "Customer"
    assert (binding.fields["amount"].kind, binding.fields["customer"].optional) == (Kind.TEXT, True)
    assert (binding.key, binding.irreversible, binding.each_from) == ("amount", None, 3)
    assert binding.results == "in place"
    again = fields_of(page_of(client))
    assert (again["column.8"], again["column.9"], again["key"], again["irreversible"]) == (
        "", "Customer", "amount", "0",
    )  # fmt: skip
    assert again["optional.customer"] == "1"
    assert "product" not in names_in(recorded.read())
    assert "Birch & Co" in recorded.file.read_text("utf-8")


def test_how_a_date_is_written_for_the_site_is_chosen_by_the_look_of_the_first_row(
    desk: Desk, recorded: Place
) -> None:
    client = desk.client("operator")
    fields = {**fields_of(page_of(client)), "act": "look"}
    assert fields["form.11"] == "%d.%m.%Y"
    shown = client.post(BIND, {**fields, "form.11": "%Y年%-m月%-d日"}).content.decode()
    assert '<option value="%Y年%-m月%-d日" selected>2026年12月1日</option>' in shown
    assert "2026年12月4日" in shown[shown.index('class="panel preview"') :]
    other = client.post(BIND, {**fields, "form.11": "other"}).content.decode()
    assert fields_of(other)["own.11"] == "%d.%m.%Y"
    wrong = client.post(
        BIND, {**fields, "form.11": "other", "own.11": "%Q", "form.10": "0.00", "act": "save"}
    )
    assert wrong.status_code == 422
    assert "Dates are written in forms such as" in wrong.content.decode()
    assert {k: v for k, v in fields_of(wrong.content.decode()).items() if k in {"own.11", "form.11", "form.10"}} == {
        "form.10": "0.00", "form.11": "other", "own.11": "%Q",
    }  # fmt: skip

    save(client, form__11="other", own__11="on %d.%m.", form__10="#,##0.00")

    step = recorded.read().steps[10]
    assert isinstance(step, Change)
    assert step.value == "{{delivery_date|on %d.%m.}}"
    again = fields_of(page_of(client))
    assert (again["form.11"], again["own.11"], again["form.10"]) == ("other", "on %d.%m.", "#,##0.00")
    save(client, kind__delivery_date="text")  # the form of a date is none of a text
    assert "{{delivery_date}}" in recorded.file.read_text("utf-8")


def test_what_can_not_be_is_said_at_its_place_and_nothing_typed_is_lost(desk: Desk, recorded: Place) -> None:
    client = desk.client("operator")
    answer = save(client, irreversible="2", title="Typed with care", output__confirmation="Number")
    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "has to be one of those done for each row" in text
    assert 'value="Typed with care"' in text
    assert not recorded.binding.exists()
    answer = save(client, column__7="Nothing of the kind")
    assert answer.status_code == 422
    assert "has no such column" in answer.content.decode()
    nothing = {f"column__{n}": "" for n in (3, 7, 8, 9, 10, 11)}
    assert "Choose one of its columns" in save(client, **nothing).content.decode()


def test_two_people_do_not_overwrite_each_other_unseen(desk: Desk, recorded: Place) -> None:
    client = desk.client("operator")
    mine = {**fields_of(page_of(client)), "act": "save", "title": "Mine"}
    save(client, title="Theirs")
    answer = client.post(BIND, mine)
    assert answer.status_code == 409
    assert "Somebody else changed this recording meanwhile" in answer.content.decode()
    assert read_binding(recorded).title == "Theirs"
    answer = client.post(BIND, {**fields_of(answer.content.decode()), "act": "save"})
    assert answer.status_code == 302
    assert read_binding(recorded).title == "Mine"


def test_the_former_binding_is_kept_compared_and_brought_back(desk: Desk, recorded: Place) -> None:
    client = desk.client("operator")
    before = recorded.file.read_text("utf-8")
    save(client, title="First")
    save(client, title="Second")
    page = client.get("/recordings/enter-order/").content.decode()
    stamps = re.findall(r"/recordings/enter-order/former/(\w+)\"", page)
    assert len(stamps) == 2
    shown = html.unescape(client.get(f"/recordings/enter-order/former/{stamps[0]}").content.decode())
    assert '+ title: "First"' in shown
    assert '− title: "Second"' in shown
    client.post(f"/recordings/enter-order/former/{stamps[0]}/back")
    assert read_binding(recorded).title == "First"
    client.post(f"/recordings/enter-order/former/{stamps[1]}/back")
    assert not recorded.binding.exists()
    assert recorded.file.read_text("utf-8") == before
    assert not Bot.objects.get(pk="enter-order").present
    assert client.get("/recordings/enter-order/former/20260101T000000000000Z").status_code == 404


def test_a_recording_is_removed_and_brought_back_with_one_click(desk: Desk, recorded: Place) -> None:
    client = desk.client("operator")
    save(client)
    answer = client.post("/recordings/enter-order/remove", follow=True)
    assert not recorded.file.exists()
    *_, undo = re.findall(r'action="(/recordings/enter-order/former/\w+/back)"', answer.content.decode())
    client.post(undo)
    assert read_binding(recorded).for_each == "inbox/orders.xlsx"
    assert Bot.objects.get(pk="enter-order").present
    (desk.cli.project / "schedules.yaml").write_text(
        "schedules:\n  - {id: x, recording: enter-order, every: 1h}\n"
    )
    answer = client.post("/recordings/enter-order/remove", follow=True)
    assert "the schedule x starts it" in answer.content.decode()
    assert recorded.file.exists()


def test_a_viewer_sees_and_changes_nothing(desk: Desk, recorded: Place) -> None:
    client = desk.client("viewer")
    page = client.get("/recordings/enter-order/").content.decode()
    assert "/recordings/enter-order/workbook" not in page
    assert client.get(BIND).status_code == 403
    assert client.post("/recordings/enter-order/remove").status_code == 403
    assert client.post("/recordings/import").status_code == 403
    assert recorded.file.exists()
    assert client.get("/recordings/nothing/").status_code == 404


def send(client: Client, file: str, content: bytes | str, **more: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post("/recordings/import", {"file": SimpleUploadedFile(file, data), **more})


def test_a_recording_is_taken_in_and_its_password_is_not(desk: Desk) -> None:
    client = desk.client("operator")
    plain = {
        "title": "Enter an order",
        "steps": [
            {"type": "navigate", "url": "http://portal.example/"},
            field("Password", "open-sesame-1", "#password"),
            click("Sign in", "/"),
        ],
    }
    answer = send(client, "mine.json", json.dumps(plain))
    assert answer.status_code == 302
    assert answer["Location"] == "/recordings/enter-an-order/"
    text = (desk.cli.project / "recordings" / "enter-an-order.json").read_text("utf-8")
    assert "${secret:mine/password}" in text
    page = html.unescape(client.get(answer["Location"]).content.decode())
    assert "a reference to the vault stands in its place" in page
    assert "not in the vault" in page
    kept = [path for path in desk.cli.project.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"open-sesame-1" in path.read_bytes()]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a.json", json.dumps({"steps": [{"type": "clik"}]}), "Step 1"),
        ("a.json", "{", "The file is broken"),
        ("a.json", "<html></html>", "This is no recording"),
        ("a.exe", "MZ", "A file that ends with .json"),
        ("a.py", "import os\nos.system('x')\n", "There are no steps in it"),
    ],
)
def test_what_is_refused_is_said_with_its_step_and_the_reason(
    desk: Desk,
    file: str,
    content: str,
    said: str,
) -> None:
    client = desk.client("operator")
    assert said in html.unescape(send(client, file, content).content.decode())
    assert not list((desk.cli.project).glob("recordings/a*"))


def test_of_a_project_of_selenium_each_test_is_taken_in_or_refused(desk: Desk) -> None:
    plain = [
        {"command": "open", "target": "/", "value": ""},
        {"command": "click", "target": "id=a", "value": ""},
    ]
    loop = [
        *plain,
        {"command": "while", "target": "1", "value": ""},
        {"command": "end", "target": "", "value": ""},
    ]
    tests = [{"id": n, "name": n, "commands": made} for n, made in (("good", plain), ("looping", loop))]
    side = {"id": "x", "version": "2.0", "name": "x", "url": "http://portal.example", "tests": tests}
    answer = send(desk.client("operator"), "x.side", json.dumps(side))
    text = html.unescape(answer.content.decode())
    assert "This command controls the flow" in text
    assert "Step 3" in text
    assert (desk.cli.project / "recordings" / "good.json").exists()
    assert not (desk.cli.project / "recordings" / "looping.json").exists()


def test_a_name_that_is_taken_is_only_written_over_when_one_says_so(desk: Desk, recorded: Place) -> None:
    client = desk.client("operator")
    other = json.dumps({"title": "Other", "steps": [{"type": "navigate", "url": "http://portal.example/"}]})
    answer = send(client, "a.json", other, name="enter-order")
    assert answer.status_code == 422
    assert 'value="enter-order"' in answer.content.decode()
    assert len(recorded.read().steps) == 13
    send(client, "a.json", other, name="enter-order", overwrite="1")
    assert len(recorded.read().steps) == 1
    page = client.get("/recordings/enter-order/").content.decode()
    undo = re.search(r'action="(/recordings/enter-order/former/\w+/back)"', page)
    assert undo
    client.post(undo[1])
    assert len(recorded.read().steps) == 13
    assert "make a name" in html.unescape(send(client, "a.json", other, name="../x").content.decode())


def test_a_workbook_is_sent_into_the_inbox_and_never_over_another_unasked(
    desk: Desk, recorded: Place
) -> None:
    client, inbox = desk.client("operator"), desk.cli.project / "inbox"
    other = order_book(rows=[*ORDERS, ("A-9", "Elm", "Desk lamp", 1, datetime(2026, 12, 9))])  # noqa: DTZ001

    def sent(content: bytes, name: str = "orders.xlsx") -> Any:
        return client.post("/recordings/enter-order/workbook", {"file": SimpleUploadedFile(name, content)})

    assert sent(order_book(), "new.xlsx")["Location"] == f"{BIND}?workbook=inbox%2Fnew.xlsx"
    first = (inbox / "orders.xlsx").read_bytes()
    asked = sent(other)
    assert asked.status_code == 409
    ticket = re.search(r'name="ticket" value="([^"]+)"', asked.content.decode())
    assert ticket
    for decided, file in (
        ("present", "orders.xlsx"),
        ("beside", "orders-2.xlsx"),
        ("replace", "orders.xlsx"),
    ):
        answer = client.post(
            "/recordings/enter-order/workbook", {"ticket": html.unescape(ticket[1]), "decided": decided}
        )
        assert answer["Location"] == f"{BIND}?workbook=inbox%2F{file}"
        assert (inbox / "orders.xlsx").read_bytes() == (other if decided == "replace" else first)
    assert (inbox / "orders-2.xlsx").read_bytes() == other
    kept = [path.read_bytes() for path in (desk.settings.home / "uploads").rglob("*.xlsx")]
    assert first in kept
    assert sent(b"PK\x03\x04 no workbook").status_code == 422
    for path in ("../secret.xlsx", "inbox/none.xlsx", "recordings/enter-order.json"):
        answer = client.post("/recordings/enter-order/workbook", {"workbook": path})
        assert answer.status_code == 422
        assert f'value="{path}"' in answer.content.decode()


def test_the_list_says_of_each_whether_it_is_a_bot_and_how_it_ran(desk: Desk, recorded: Place) -> None:
    (recorded.file.parent / "broken.json").write_text("{")
    client = desk.client("operator")
    save(client)
    page = client.get("/recordings/").content.decode()
    rows = {
        found: row for row in page.split("<tr>") for found in re.findall(r'/recordings/([\w-]+)/"><b>', row)
    }
    assert "is a bot" in rows["enter-order"]
    assert "never ran" in rows["enter-order"]
    assert "can&#x27;t be used" in rows["broken"]
    assert "broken" not in client.get("/recordings/?state=bound").content.decode().split("<tbody>")[1]
    assert "enter-order" in client.get("/recordings/?text=order").content.decode()
    assert client.get("/recordings/?export=xlsx")["Content-Type"].startswith("application/vnd")
    assert client.get("/recordings/?sort=-steps").status_code == 200
    assert "The file is broken" in client.get("/recordings/broken/").content.decode()


def test_pictures_are_those_of_the_recording_and_no_other_file(desk: Desk, recorded: Place) -> None:
    recorded.folder.mkdir()
    (recorded.folder / "12345678-1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    client = desk.client("viewer")
    assert client.get("/recordings/enter-order/pictures/12345678-1.png").status_code == 200
    for other in ("marks.json", "..%2Fenter-order.json", "none.png"):
        assert client.get(f"/recordings/enter-order/pictures/{other}").status_code == 404


def test_a_recording_travels_with_its_pictures_from_one_desk_to_another(desk: Desk, recorded: Place) -> None:
    assert "no pictures yet" in desk.client("viewer").get("/recordings/enter-order/").content.decode()
    name = list(identities(recorded.read()))[3]
    recorded.write_pictures({name: b"\x89PNG\r\n\x1a\n"}, {name: [1, 2, 3, 4, 1280, 800]})
    answer = desk.client("viewer").get("/recordings/enter-order/bundle")
    assert answer["Content-Disposition"] == 'attachment; filename="enter-order.zip"'
    sent = SimpleUploadedFile("enter-order.zip", answer.content)
    taken = desk.client("operator").post("/recordings/import", {"file": sent, "name": "again"})
    assert taken.status_code == 302
    page = desk.client("viewer").get("/recordings/again/").content.decode()
    assert f"/recordings/again/pictures/{name}.png" in page
    assert "no pictures yet" not in page


def test_a_recording_without_a_workbook_is_a_bot_that_does_it_once(desk: Desk, recorded: Place) -> None:
    client = desk.client("operator")
    fields = fields_of(page_of(client, f"{BIND}?workbook="))
    assert client.post(BIND, {**fields, "act": "save"}).status_code == 302
    assert read_binding(recorded).for_each is None
    assert Bot.objects.get(pk="enter-order").description["queues"] == []


def test_an_ops_person_binds_a_recording_in_the_browser_in_chinese_on_a_phone(
    desk: Desk, recorded: Place
) -> None:
    steps = [
        step.model_dump(mode="json", by_alias=True, exclude_none=True) for step in order_recording().steps
    ]
    recorded.file.write_text(
        json.dumps({"title": "录入订单", "steps": [*steps, own("pause", ms=5)]}), encoding="utf-8"
    )
    page = desk.page("operator", "/recordings/enter-order/", language="zh-hans", width=360)
    assert_one_language(page, "zh-hans", allowed=_TYPED)
    assert violations(page) == []
    page.keyboard.press("b")
    page.get_by_role("heading", level=1, name="哪个工作簿").wait_for()
    assert violations(page) == []
    page.get_by_label("工作簿").set_input_files(
        {"name": "订单.xlsx", "mimeType": "application/octet-stream", "buffer": order_book(sheet="订单")}
    )
    page.locator("form", has=page.locator("#file")).get_by_role("button", name="下一步").click()
    expect(page.get_by_text("4 行可用")).to_be_visible()
    page.locator("#column-10").select_option("")  # the page asks the desk again by itself
    expect(page.get_by_text("5 行可用")).to_be_visible()
    assert_one_language(page, "zh-hans", allowed=_TYPED)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("button[value=save]").click()
    expect(page.locator("#messages")).to_contain_text("enter-order")
    assert read_binding(recorded).for_each == "inbox/订单.xlsx"
    assert "amount" not in read_binding(recorded).fields
    page.keyboard.press("u")
    expect(page.get_by_role("heading", level=1)).to_have_text("enter-order")
    expect(page.locator("#messages")).to_contain_text("enter-order")
    assert not recorded.binding.exists()


_TYPED = r"^(User|name|Password|Sign|in|New|order|number|Customer|Product|Amount|Delivery|date|Post|clerk|Birch|Co|Desk|lamp|A-\d|portal|http|confirmation|Order)$"
