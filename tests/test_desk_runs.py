"""The desk's pages of runs: list, timeline, one run with its journal, and what people do with runs."""

from __future__ import annotations

import html
import io
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from runner.cases.run_requests import RunWish, ask_run
from runner.core.clock import now
from runner.engine.bot_watch import take_stock
from runner.store.models import Act, Case, Run
from tests.cli_project import empty, ran  # noqa: F401 (fixtures)
from tests.desk_language import assert_one_language
from tests.desk_place import Desk, desk, desk_store  # noqa: F401 (fixtures)
from tests.test_desk_pages import violations

LIMIT = 30_000


def the_run() -> Run:
    """The one that has run in the project of the tests."""
    return Run.objects.get(bot="invoice")


def queued_run(desk: Desk, bot: str = "slow", **parameters: object) -> str:  # noqa: F811
    """A run that waits: no worker is there in these tests unless they start one."""
    take_stock(desk.settings, changed_only=True)
    return ask_run(RunWish(bot, parameters), by="mei", at=now())


@contextmanager
def a_worker(desk: Desk) -> Iterator[None]:  # noqa: F811
    """A real worker, ended as one ends it."""
    process = desk.cli.start("worker")
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_run_that_is_not_there_is_not_found(desk: Desk) -> None:  # noqa: F811
    client = desk.client("operator")
    for path in ("", "state", "journal", "steps"):
        assert client.get(f"/runs/nothing/{path}").status_code == 404


def test_the_list_is_narrowed_by_state_bot_time_and_who(desk: Desk) -> None:  # noqa: F811
    queued_run(desk)
    client = desk.client("viewer")

    def bots(query: str) -> list[str]:
        return sorted(
            re.findall(r'href="/runs/[^"]+/"><b>([^<]*)</b>', client.get(f"/runs/?{query}").content.decode())
        )

    assert bots("") == ["invoice", "slow"]
    assert bots("status=queued") == ["slow"]
    assert bots("bot=invoice&within=24h") == ["invoice"]
    assert bots("process=accounts-payable") == ["invoice"]
    assert bots("until=2020-01-01") == []
    assert bots("from=2020-01-01&by=mei") == ["invoice", "slow"]
    assert b"refused" in client.get("/runs/?from=yesterday").content


def test_the_list_goes_to_excel(desk: Desk) -> None:  # noqa: F811
    answer = desk.client("viewer").get("/runs/?export=xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[1][:2] == ("invoice", "exceptions")


def test_pages_of_runs_ask_the_store_little(desk: Desk) -> None:  # noqa: F811
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    take_stock(desk.settings, changed_only=True)
    client = desk.client("operator")
    for path in ("/runs/", "/runs/timeline", f"/runs/{the_run().pk}/", "/bots/", "/bots/invoice/", "/queues/", "/queues/invoices/",
                 "/queues/invoices/item?key=A-3"):  # fmt: skip
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(path).status_code == 200
        assert len(asked) <= 20 + 6, (
            path,
            len(asked),
        )  # six of them find out who is asking and draw the menu


def test_an_unchanged_part_is_not_sent_again(desk: Desk) -> None:  # noqa: F811
    client = desk.client("viewer")
    for path in (f"/runs/{the_run().pk}/state", f"/runs/{the_run().pk}/journal", "/runs/", "/runs/timeline"):
        tag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304, path


def test_a_part_that_refreshes_is_never_its_whole_page(desk: Desk) -> None:  # noqa: F811
    page = desk.page("operator")
    for path in (
        "/runs/",
        "/runs/timeline",
        "/queues/",
        "/queues/invoices/",
        f"/runs/{the_run().pk}/journal",
    ):
        page.goto(desk.url + path)
        for part in page.locator("main [data-live]").all():
            with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
                part.evaluate("part => htmx.trigger(part, 'refresh')")
        expect(page.locator("main main")).to_have_count(0)
        assert page.locator("body > .app").count() == page.locator(".app").count() == 1
        page.goto(desk.url + "/bots/")
        page.go_back()
        expect(page.locator("body > .app")).to_have_count(1)


def test_the_journal_is_narrowed_and_unfolded(desk: Desk) -> None:  # noqa: F811
    page = desk.page("viewer", f"/runs/{the_run().pk}/")
    journal = page.locator("#journal")
    expect(journal).to_contain_text("invoice started")
    page.get_by_label("Level").select_option("error")
    expect(journal).not_to_contain_text("invoice started")
    expect(journal).to_contain_text("A-3 failed")
    journal.get_by_text("A-3 failed").click()
    expect(journal.locator("pre").filter(has_text="item: A-3")).to_be_visible()
    page.get_by_label("Words in the journal").fill("nothing like this")
    page.get_by_role("button", name="Search").click()
    expect(journal).to_contain_text("No line fits")
    journal.get_by_role("link", name="Show all").click()
    expect(journal).to_contain_text("invoice started")


def test_a_run_shows_its_cases_its_evidence_and_its_steps(desk: Desk) -> None:  # noqa: F811
    page = desk.page("viewer", f"/runs/{the_run().pk}/")
    expect(page.locator("#state")).to_contain_text("1 done")
    expect(page.locator("#state")).to_contain_text("4 with exceptions")
    case = Case.objects.get(key="A-3")
    expect(page.get_by_role("link", name="A-3", exact=True).first).to_have_attribute(
        "href", f"/cases/{case.pk}/"
    )
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Row as it was worked on").first.click()
    expect(opened.value.locator("body")).to_contain_text("amount")
    page.locator("#steps").get_by_role("link", name="post").click()
    expect(page.locator("#steps h2")).to_contain_text("post")
    expect(page.locator("#steps .fall")).to_contain_text("A-4")


def test_a_waiting_run_is_cancelled_with_a_reason_that_is_kept(desk: Desk) -> None:  # noqa: F811
    run = queued_run(desk)
    page = desk.page("operator", f"/runs/{run}/")
    page.keyboard.press("c")
    page.get_by_label("Why").fill("wrong month")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#state")).to_contain_text("cancelled")
    expect(page.locator(".hist")).to_contain_text("wrong month")
    act = Act.objects.get(verb="cancel")
    assert (act.by, act.subject, act.note) == ("operator", run, "wrong month")
    assert page.get_by_role("button", name="Cancel it").count() == 0


def test_cancelling_what_has_ended_says_so(desk: Desk) -> None:  # noqa: F811
    client = desk.client("operator")
    answer = client.post(f"/runs/{the_run().pk}/cancel", follow=True)
    assert "It had ended already" in answer.content.decode()
    assert not Act.objects.filter(verb="cancel").exists()


def test_running_again_twice_by_one_form_is_one_run(desk: Desk) -> None:  # noqa: F811
    client = desk.client("operator")
    found = re.search(r'name="token" value="([^"]+)"', client.get(f"/runs/{the_run().pk}/").content.decode())
    assert found
    token = html.unescape(found[1])
    before = the_run()
    first, second = (client.post(f"/runs/{before.pk}/again", {"token": token}) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    made = Run.objects.get(status="queued")
    assert (made.bot, made.requested_by, made.parameters) == ("invoice", "operator", before.parameters)


def test_a_viewer_sees_runs_and_can_do_nothing_with_them(desk: Desk) -> None:  # noqa: F811
    run = queued_run(desk)
    client = desk.client("viewer")
    text = client.get(f"/runs/{run}/").content.decode()
    assert "/cancel" not in text
    assert "/again" not in text
    assert client.post(f"/runs/{run}/cancel").status_code == 403
    assert client.post(f"/runs/{run}/again").status_code == 403
    assert Run.objects.get(pk=run).status == "queued"


def test_progress_is_live_and_a_running_run_is_ended(desk: Desk) -> None:  # noqa: F811
    # Slow enough for its first lines to be seen among the last hundred.
    run = queued_run(desk, count=200, seconds=0.2)
    page = desk.page("operator", f"/runs/{run}/")
    expect(page.locator("#state")).to_contain_text("waits for a free worker")
    with a_worker(desk):
        expect(page.locator("#state")).to_contain_text("a minute", timeout=LIMIT)
        expect(page.locator("#journal")).to_contain_text("slow started", timeout=LIMIT)
        page.get_by_role("button", name="End it").click()
        page.get_by_role("button", name="End the run").click()
        expect(page.locator("#state")).to_contain_text("cancelled", timeout=LIMIT)
        expect(page.locator("#state")).to_contain_text("ended by operator")
    found = Run.objects.get(pk=run)
    assert 0 < found.done < 200
    assert found.pending == 200 - found.done


def test_the_timeline_shows_what_ran_and_what_is_due(desk: Desk) -> None:  # noqa: F811
    page = desk.page("viewer", "/runs/timeline?hours=72")
    bars = page.locator("svg.gantt a")
    expect(page.locator(f'svg.gantt a[href="/runs/{the_run().pk}/"]')).to_have_count(1)
    expect(page.locator("svg.gantt rect.predicted").first).to_be_attached()
    page.get_by_role("link", name="Worker").click()
    expect(page.locator("svg.gantt text.row").filter(has_text="planned")).to_have_count(1)
    page.get_by_role("link", name="Earlier").click()
    page.get_by_role("link", name="Earlier").click()
    expect(page.locator("main")).to_contain_text("Nothing ran or is due")
    page.get_by_role("link", name="Now").click()
    expect(bars.first).to_be_attached()


@pytest.mark.parametrize(("theme", "width"), [("dark", 360)])
def test_pages_are_in_one_language_and_fit_a_phone(desk: Desk, theme: str, width: int) -> None:  # noqa: F811
    queued_run(desk)
    page = desk.page("operator", language="zh-hans", theme=theme, width=width)
    paths = ("/runs/", "/runs/timeline", f"/runs/{the_run().pk}/", "/bots/", "/bots/invoice/", "/bots/invoice/start", "/queues/",
             "/queues/invoices/", "/queues/invoices/item?key=A-3", "/queues/invoices/add")  # fmt: skip
    found = []
    for path in paths:
        page.goto(desk.url + path)
        assert_one_language(page, "zh-hans", "Operator|xlsx|csv|invoice|slow")
        found += [f"{path}: {one}" for one in violations(page)]
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), path
    assert not found, "\n".join(found)
