"""The desk's pages of recordings: binding one to a workbook without code, and going back to what it was."""

from __future__ import annotations

import html
import json
import re

from playwright.sync_api import expect

from runner.cases.audit import verify
from runner.recordings.binding import read_binding
from runner.recordings.forms import Kind
from runner.recordings.library import Place
from runner.recordings.model import Change
from runner.recordings.placeholders import names_in
from runner.store.models import AuditEntry, Bot, Case
from tests.desk_place import Desk, assert_one_language
from tests.journal_maker import RunMaker
from tests.recordings_made import click, field, order_recording, own, recording
from tests.recordings_place import BIND, fields_of, order_book, page_of, save
from tests.test_desk_pages import violations


def test_a_recording_is_bound_as_proposed_and_is_a_bot_at_once(desk: Desk, enter_order: Place) -> None:
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
    binding = read_binding(enter_order)
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
    enter_order: Place,
) -> None:
    client = desk.client("operator")
    save(
        client, column__8="", column__9="Customer", kind__amount="text", optional__customer="1", key="amount",
        irreversible="0", each_from="3", results="in place",
    )  # fmt: skip
    binding = read_binding(enter_order)
    assert {name: one.column for name, one in binding.fields.items()}["customer"] == "Customer"
    assert (binding.fields["amount"].kind, binding.fields["customer"].optional) == (Kind.TEXT, True)
    assert (binding.key, binding.irreversible, binding.each_from) == ("amount", None, 3)
    assert binding.results == "in place"
    again = fields_of(page_of(client))
    assert (again["column.8"], again["column.9"], again["key"], again["irreversible"]) == (
        "", "Customer", "amount", "0",
    )  # fmt: skip
    assert again["optional.customer"] == "1"
    assert "product" not in names_in(enter_order.read())
    assert "Birch & Co" in enter_order.file.read_text("utf-8")


def test_a_row_does_not_fit_when_the_file_that_it_names_is_not_there(desk: Desk, enter_order: Place) -> None:
    upload = own("upload", selectors=[["#scan"]], files=["note.pdf"])
    enter_order.write(recording(field("Order number", "A-2"), upload, click("Post order", "/sent")))
    rows = [("Order number", "Scan"), ("A-1", "notes/none.pdf"), ("A-2", "notes/note.pdf")]
    inbox = desk.cli.project / "inbox"
    (inbox / "orders.xlsx").write_bytes(order_book(rows=rows))
    (inbox / "notes").mkdir()
    (inbox / "notes" / "note.pdf").write_bytes(b"%PDF")
    shown = page_of(desk.client("operator"))
    assert '<option value="Scan" selected' in shown
    preview = shown[shown.index('class="panel preview"') :]
    assert "1 row fits" in preview
    assert "1 row does not fit" in preview
    assert preview.count("there is no such file beside the workbook or in the project") == 1
    chinese = page_of(desk.client("operator", language="zh-hans"))
    assert "工作簿旁边和项目中都没有这个文件" in chinese


def test_how_a_date_is_written_for_the_site_is_chosen_by_the_look_of_the_first_row(
    desk: Desk, enter_order: Place
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

    step = enter_order.read().steps[10]
    assert isinstance(step, Change)
    assert step.value == "{{delivery_date|on %d.%m.}}"
    again = fields_of(page_of(client))
    assert (again["form.11"], again["own.11"], again["form.10"]) == ("other", "on %d.%m.", "#,##0.00")
    save(client, kind__delivery_date="text")  # the form of a date is none of a text
    assert "{{delivery_date}}" in enter_order.file.read_text("utf-8")


def test_what_can_not_be_is_said_at_its_place_and_nothing_typed_is_lost(
    desk: Desk, enter_order: Place
) -> None:
    client = desk.client("operator")
    answer = save(client, irreversible="2", title="Typed with care", output__confirmation="Number")
    text = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "has to be one of those done for each row" in text
    assert 'value="Typed with care"' in text
    assert not enter_order.binding.exists()
    answer = save(client, column__7="Nothing of the kind")
    assert answer.status_code == 422
    assert "has no such column" in answer.content.decode()
    nothing = {f"column__{n}": "" for n in (3, 7, 8, 9, 10, 11)}
    assert "Choose one of its columns" in save(client, **nothing).content.decode()


def test_two_people_do_not_overwrite_each_other_unseen(desk: Desk, enter_order: Place) -> None:
    client = desk.client("operator")
    mine = {**fields_of(page_of(client)), "act": "save", "title": "Mine"}
    save(client, title="Theirs")
    answer = client.post(BIND, mine)
    assert answer.status_code == 409
    assert "Somebody else changed this recording meanwhile" in answer.content.decode()
    assert read_binding(enter_order).title == "Theirs"
    answer = client.post(BIND, {**fields_of(answer.content.decode()), "act": "save"})
    assert answer.status_code == 302
    assert read_binding(enter_order).title == "Mine"


def test_the_former_binding_is_kept_compared_and_brought_back(desk: Desk, enter_order: Place) -> None:
    client = desk.client("operator")
    before = enter_order.file.read_text("utf-8")
    save(client, title="First")
    save(client, title="Second")
    page = client.get("/recordings/enter-order/").content.decode()
    stamps = re.findall(r"/recordings/enter-order/former/(\w+)\"", page)
    assert len(stamps) == 2
    shown = html.unescape(client.get(f"/recordings/enter-order/former/{stamps[0]}").content.decode())
    assert '+ title: "First"' in shown
    assert '− title: "Second"' in shown
    client.post(f"/recordings/enter-order/former/{stamps[0]}/back")
    assert read_binding(enter_order).title == "First"
    client.post(f"/recordings/enter-order/former/{stamps[1]}/back")
    assert not enter_order.binding.exists()
    assert enter_order.file.read_text("utf-8") == before
    assert not Bot.objects.get(pk="enter-order").present
    assert client.get("/recordings/enter-order/former/20260101T000000000000Z").status_code == 404


def test_a_recording_is_removed_and_brought_back_with_one_click(desk: Desk, enter_order: Place) -> None:
    client = desk.client("operator")
    save(client)
    answer = client.post("/recordings/enter-order/remove", follow=True)
    assert not enter_order.file.exists()
    *_, undo = re.findall(r'action="(/recordings/enter-order/former/\w+/back)"', answer.content.decode())
    client.post(undo)
    assert read_binding(enter_order).for_each == "inbox/orders.xlsx"
    assert Bot.objects.get(pk="enter-order").present
    (desk.cli.project / "schedules.yaml").write_text(
        "schedules:\n  - {id: x, recording: enter-order, every: 1h}\n"
    )
    answer = client.post("/recordings/enter-order/remove", follow=True)
    assert "the schedule x starts it" in answer.content.decode()
    assert enter_order.file.exists()


def test_a_viewer_sees_and_changes_nothing(desk: Desk, enter_order: Place) -> None:
    client = desk.client("viewer")
    page = client.get("/recordings/enter-order/").content.decode()
    assert "/recordings/enter-order/workbook" not in page
    assert client.get(BIND).status_code == 403
    assert client.post("/recordings/enter-order/remove").status_code == 403
    assert client.post("/recordings/import").status_code == 403
    assert enter_order.file.exists()
    assert client.get("/recordings/nothing/").status_code == 404


def test_the_list_says_of_each_whether_it_is_a_bot_and_how_it_ran(desk: Desk, enter_order: Place) -> None:
    (enter_order.file.parent / "broken.json").write_text("{")
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


def test_pictures_are_those_of_the_recording_and_no_other_file(desk: Desk, enter_order: Place) -> None:
    enter_order.folder.mkdir()
    (enter_order.folder / "12345678-1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    client = desk.client("viewer")
    assert client.get("/recordings/enter-order/pictures/12345678-1.png").status_code == 200
    for other in ("marks.json", "..%2Fenter-order.json", "none.png"):
        assert client.get(f"/recordings/enter-order/pictures/{other}").status_code == 404


def test_a_recording_without_a_workbook_is_a_bot_that_does_it_once(desk: Desk, enter_order: Place) -> None:
    client = desk.client("operator")
    fields = fields_of(page_of(client, f"{BIND}?workbook="))
    assert client.post(BIND, {**fields, "act": "save"}).status_code == 302
    assert read_binding(enter_order).for_each is None
    assert Bot.objects.get(pk="enter-order").description["queues"] == []


def test_an_ops_person_binds_a_recording_in_the_browser_in_chinese_on_a_phone(
    desk: Desk, enter_order: Place
) -> None:
    steps = [
        step.model_dump(mode="json", by_alias=True, exclude_none=True) for step in order_recording().steps
    ]
    enter_order.file.write_text(
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
    assert read_binding(enter_order).for_each == "inbox/订单.xlsx"
    assert "amount" not in read_binding(enter_order).fields
    page.keyboard.press("u")
    expect(page.get_by_role("heading", level=1)).to_have_text("enter-order")
    expect(page.locator("#messages")).to_contain_text("enter-order")
    assert not enter_order.binding.exists()


_TYPED = r"^(User|name|Password|Sign|in|New|order|number|Customer|Product|Amount|Delivery|date|Post|clerk|Birch|Co|Desk|lamp|A-\d|portal|http|confirmation|Order)$"


def test_pages_of_a_run_name_the_steps_of_its_recording_and_what_stopped_it_in_the_readers_language(
    desk: Desk, enter_order: Place
) -> None:
    save(desk.client("operator"))
    step = 'Choose "{{product}}" in "Product"'
    message = f"enter-order step 9: there is no option 'Lmap', at: {step}"
    with RunMaker(desk.settings.runs, "enter-order") as run:
        run.started()
        run.put("A-1")
        run.begin("A-1")
        run.step("A-1", step, status="failed")
        run.line(1, "step.finished", f"{step} done", queue="orders", item="A-1", attempt=1, step=step)
        run.fail("A-1", message=message, code="UNKNOWN_OPTION")
        secret = {
            "item": "A-1", "code": "SECRET_HOST", "where": "enter-order step 4",
            "message": "nobody has said where the secret 'portal/password' may be typed; here it would be b, at: "
            'Enter the password (portal/password) in "Password"',
        }  # fmt: skip
        run.finished(
            "failed",
            {"why": "target_down", "kind": "application"},
            error={"code": "TARGET_DOWN", "type": "RunFailed", "message": "5 items failed", "cause": secret},
        )
    row, whole = Case.objects.get(run_id=run.run, key="A-1"), Case.objects.get(run_id=run.run, key="")
    pages = (f"/cases/{row.pk}/", f"/runs/{run.run}/", f"/cases/{whole.pk}/")
    client = desk.client("operator", language="zh-hans")
    of_row, of_run, of_whole = (html.unescape(page_of(client, path)) for path in pages)
    assert "第 9 步（在“Product”中选择“‹Product›”）：没有选项“Lmap”。" in of_row
    assert of_row.count("在“Product”中选择“‹Product›”") >= 2
    journal = html.unescape(page_of(client, f"/cases/{row.pk}/journal"))
    assert "在“Product”中选择“‹Product›” 完成" in journal
    assert step not in journal
    assert "在“Product”中选择“‹Product›”" in of_run
    for shown in (of_run, of_whole):
        assert (
            "第 4 步（在“Password”中输入密码(portal/password)）：没有人说明机密“portal/password”可以在哪里输入"
            in shown
        )
        assert 'href="/recordings/enter-order/#step-4"' in shown
    client = desk.client("operator", language="en")
    of_row, of_run, of_whole = (html.unescape(page_of(client, path)) for path in pages)
    assert """Step 9 (Choose "‹Product›" in "Product"): there is no option 'Lmap'.""" in of_row
    assert "nobody has said where the secret 'portal/password' may be typed" in of_whole
    assert "the other system is probably down" not in of_whole


def test_the_forms_that_run_and_schedule_a_recording_are_in_the_readers_language(
    desk: Desk, enter_order: Place
) -> None:
    save(desk.client("operator"))
    client = desk.client("operator", language="zh-hans")
    for path in ("/bots/enter-order/start", "/schedules/new?bot=enter-order"):
        shown = page_of(client, path)
        assert ">工作簿<" in shown
        assert ">网站地址<" in shown
        assert ">Workbook<" not in shown
