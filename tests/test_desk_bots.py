"""The desk's pages of bots: how they are doing, their forms, what changed between versions."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from runner.core.vault import Vault
from runner.desk.bots.diffs import marked
from runner.desk.outside import place
from runner.engine.bot_watch import take_stock
from runner.store.bot_health import bot_health
from runner.store.bot_lists import FileDiff
from runner.store.models import Bot, Run
from tests.cli_project import empty, ran  # noqa: F401 (fixtures)
from tests.desk_place import Desk, desk, desk_store  # noqa: F401 (fixtures)

FORMS = '''
"""A bot with one parameter of each kind."""
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from runner import bot


@bot(process="month-end")
def close(
    month: date,
    workbook: Path | None = None,
    currency: Literal["EUR", "CNY"] = "EUR",
    limit: Annotated[int, Field(ge=1, le=9, description="How many at most")] = 3,
    rate: Decimal = Decimal("1.5"),
    dry: bool = True,
    names: list[str] = [],
    portal_password: str = "",
) -> None:
    """Close the month.

    It reads the workbook and closes what is in it.
    """
'''


def token_in(answer: Any) -> str:
    """The token of the form on a page."""
    found = re.search(r'name="token" value="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return html.unescape(found[1])


@pytest.fixture
def closing(desk: Desk) -> Desk:  # noqa: F811
    """A desk with that bot."""
    (desk.cli.project / "bots" / "closing.py").write_text(FORMS, "utf-8")
    take_stock(desk.settings, changed_only=True)
    return desk


def test_the_list_says_how_each_bot_is_doing(desk: Desk) -> None:  # noqa: F811
    take_stock(desk.settings, changed_only=True)
    page = desk.page("viewer", "/bots/")
    row = page.locator("tbody tr").filter(has_text="invoice").first
    expect(row.locator("svg.strip a")).to_have_attribute("href", f"/runs/{Run.objects.get().pk}/")
    expect(row).to_contain_text("100 %")
    expect(row.get_by_role("link", name="4", exact=True)).to_have_attribute("href", "/cases/?bot=invoice")
    expect(row).to_contain_text("in ")
    expect(page.locator("tbody tr").filter(has_text="slow")).to_contain_text("never ran")


def test_a_file_that_does_not_load_is_told_of_and_can_not_be_started(desk: Desk) -> None:  # noqa: F811
    (desk.cli.project / "bots" / "broken.py").write_text(
        "from runner import bot\n@bot\ndef broken() -> None: oh no\n", "utf-8"
    )
    take_stock(desk.settings, changed_only=True)
    client = desk.client("operator")
    assert "can't be loaded" in client.get("/bots/").content.decode()
    text = client.get("/bots/broken/").content.decode()
    assert "BOT_SYNTAX" in text
    assert "Run now" not in text
    assert client.post("/bots/broken/start", {"token": ""}).status_code in {422, 500}
    assert not Run.objects.filter(bot="broken").exists()


def test_the_form_of_the_signature_starts_a_run(closing: Desk, tmp_path: Path) -> None:
    Vault(closing.settings.vault, place().environment).set("portal/clerk", "a-long-secret")
    file = tmp_path / "november.csv"
    file.write_text("number\n1\n", "utf-8")
    page = closing.page("operator", "/bots/close/")
    expect(page.get_by_label("Month")).to_have_attribute("type", "date")
    page.get_by_label("Month").fill("2026-11-30")
    page.get_by_label("A file from this computer").set_input_files(file)
    page.get_by_label("Currency").select_option("CNY")
    page.get_by_label("Dry").uncheck()
    page.get_by_label("Names").fill("Ann\n王芳\n")
    page.get_by_label("Portal password").select_option(label="portal/clerk")
    page.get_by_text("When, how urgently, why").click()
    page.get_by_label("Why").fill("asked for by finance")
    page.get_by_role("button", name="Run now").click()
    expect(page.locator("#state")).to_contain_text("waits for a free worker")
    run = Run.objects.get(bot="close")
    sent = Path(run.parameters["workbook"])
    assert sent.read_bytes() == file.read_bytes()
    assert run.parameters == {
        "month": "2026-11-30", "workbook": sent.as_posix(), "currency": "CNY", "limit": 3, "rate": "1.5", "dry": False,
        "names": ["Ann", "王芳"], "portal_password": "${secret:portal/clerk}",
    }  # fmt: skip
    assert "a-long-secret" not in page.content()
    expect(page.locator(".hist")).to_contain_text("asked for by finance")
    with page.expect_download() as got:
        page.get_by_role("link", name="november.csv").click()
    assert got.value.path().read_bytes() == file.read_bytes()


def test_what_does_not_fit_is_said_at_the_field_and_nothing_typed_is_lost(closing: Desk) -> None:
    page = closing.page("operator", "/bots/close/start", language="zh-hans")
    page.get_by_label("Limit").evaluate("field => field.removeAttribute('max')")
    page.get_by_label("Month").evaluate("field => field.removeAttribute('required')")
    page.get_by_label("Limit").fill("12")
    page.get_by_label("Rate").fill("much")
    page.get_by_label("Names").fill("王芳")
    page.get_by_role("button", name="立即运行").click()
    expect(page.locator(".field.refused")).to_have_count(3)
    expect(page.locator(".field.refused").filter(has_text="Limit")).to_contain_text(
        "必须是 1 到 9 之间的数字"
    )
    expect(page.locator(".field.refused").filter(has_text="Month")).to_contain_text("请填写此项")
    expect(page.get_by_label("Names")).to_have_value("王芳")
    assert not Run.objects.filter(bot="close").exists()


def test_the_form_sent_twice_starts_one_run(closing: Desk) -> None:
    client = closing.client("operator")
    token = token_in(client.get("/bots/close/start"))
    sent = {"token": token, "p-month": "2026-11-30", "p-currency": "EUR", "p-limit": "3", "priority": "0"}
    first, second = (client.post("/bots/close/start", sent) for _ in range(2))
    assert first.status_code == 302, first.content.decode()
    assert first.headers["Location"] == second.headers["Location"]
    assert Run.objects.filter(bot="close").count() == 1


@pytest.mark.parametrize(
    ("name", "content"), [("run.exe", b"MZ\x90\x00"), ("orders.xlsx", b"not a workbook"), ("empty.csv", b"")]
)
def test_a_file_that_is_not_what_it_says_is_refused(closing: Desk, name: str, content: bytes) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = closing.client("operator")
    token = token_in(client.get("/bots/close/start"))
    sent = {"token": token, "p-month": "2026-11-30", "p-workbook-file": SimpleUploadedFile(name, content)}
    answer = client.post("/bots/close/start", sent)
    assert answer.status_code == 422
    assert not Run.objects.filter(bot="close").exists()


def test_again_with_changes_begins_with_the_parameters_of_that_run(desk: Desk) -> None:  # noqa: F811
    take_stock(desk.settings, changed_only=True)
    page = desk.page("operator", f"/runs/{Run.objects.get().pk}/")
    page.keyboard.press("e")
    expect(page.get_by_label("Count")).to_have_value("5")
    page.get_by_label("Count").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_contain_text("waits for a free worker")
    expect(page.locator("aside")).to_contain_text("Like")
    assert Run.objects.get(status="queued").parameters["count"] == 2


def test_a_changed_bot_shows_what_changed_since_the_last_good_run(desk: Desk) -> None:  # noqa: F811
    take_stock(desk.settings, changed_only=True)
    old = Bot.objects.get(pk="invoice").version
    file = desk.cli.project / "bots" / "invoice.py"
    file.write_text(file.read_text("utf-8").replace("is too small", "is much too small"), "utf-8")
    take_stock(desk.settings, changed_only=True)
    page = desk.page("viewer", "/bots/invoice/")
    expect(page.get_by_text("last good run")).to_be_visible()
    page.get_by_role("link", name="against the one before").click()
    expect(page.locator("tr.cut").last).to_contain_text("is too small")
    expect(page.locator("tr.add").last).to_contain_text("is much too small")
    page.get_by_role("link", name=old).click()
    expect(page.locator("pre").first).to_contain_text("is too small")
    assert desk.client("viewer").get(f"/bots/invoice/changes/{old}/nothing").status_code == 422


def test_a_bot_of_a_process_that_is_not_theirs_is_not_there(closing: Desk) -> None:
    person = closing.person("operator")
    person.process_roles.create(process="month-end", role="none")
    client = closing.client("operator")
    assert "Close the month" not in client.get("/bots/").content.decode()
    for path in ("", "start", "source/x"):
        assert client.get(f"/bots/close/{path}").status_code == 404, path


def test_lines_of_a_diff_have_the_numbers_of_both_sides() -> None:
    diff = FileDiff("a.py", ("--- a", "+++ b", "@@ -3,3 +3,4 @@", " x", "-y", "+z", "+w", " v"))
    found = marked(diff)
    assert [(line.before, line.after, line.css) for line in found.lines[1:]] == [
        ("3", "3", ""), ("4", "", "cut"), ("", "4", "add"), ("", "5", "add"), ("5", "6", ""),
    ]  # fmt: skip
    assert (found.added, found.removed) == (2, 1)


def test_health_counts_the_last_runs(desk: Desk) -> None:  # noqa: F811
    health = bot_health(["invoice", "nothing"])
    assert health["invoice"].success == 1.0
    assert health["invoice"].waiting == 4
    assert health["nothing"].success is None
    Run.objects.update(status="failed")
    assert bot_health(["invoice"])["invoice"].success == 0.0
