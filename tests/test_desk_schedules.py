"""The desk's pages of schedules: list, one with its acts, calendar, the days ahead, reasons in words."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation
from openpyxl import load_workbook
from playwright.sync_api import expect

from runner.cases import schedule_acts
from runner.cases.outlook import Forecast
from runner.core.clock import now
from runner.desk.planned import plan
from runner.desk.schedules.ahead import busiest, load_of
from runner.desk.schedules.reasons import told, waits_for
from runner.store.models import Case, Occurrence, Run
from tests.desk_place import Desk, assert_one_language
from tests.schedule_place import SCHEDULES, full_hour, hidden, recorded, text_of

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


def test_the_list_says_when_what_came_of_it_and_how_it_stands(busy: Desk) -> None:
    schedule_acts.pause("invoices", by="mei", at=now(), reason="year end", until=now() + 30 * HOUR)
    recorded("tried", full_hour(2 * HOUR), "missed", "not started in time, and missed: skip", case="c1")
    page = text_of(busy.client("viewer").get("/schedules/"))
    assert "Monday to Friday at 08:30 (Europe/Berlin), not on holidays" in page
    assert "paused until" in page
    assert "mei: year end" in page
    assert "1 missed" in page
    assert "pilot, 5 %" in page
    assert "off" in page
    zh = text_of(busy.client("viewer", language="zh-hans", zone="Europe/Berlin").get("/schedules/"))
    assert "周一至周五 08:30,遇假日跳过" in zh


def test_places_in_use_are_counted_at_each_moment() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)

    def run(start: float, end: float) -> Forecast:
        due = at + start * HOUR
        return Forecast(
            "a", "b", due, due, at + end * HOUR, None, None, timedelta(), timedelta(), timedelta(), (), ""
        )

    runs = [run(1, 2), run(2, 3), run(2.5, 4), run(6, 6.01), run(6.05, 6.06)]
    assert busiest(runs) == (2, at + 2.5 * HOUR)
    load = load_of(runs, 2, at, 1)
    assert load["full"] == pytest.approx(0.5 / 24)
    assert {box.css for box in load["boxes"] if box.x > 24} == {"info"}  # one after the other is not at once


QUERIES: list[tuple[str, set[str]]] = [
        ("q=invoice", {"invoices", "on-request"}), ("state=off", {"slow-one"}), ("state=pilot", {"tried"}), ("bot=slow", {"slow-one", "tried"}),
        ("trigger=manual", {"on-request"}), ("process=accounts-payable", {"invoices", "on-request"}), ("state=missed", set()),
        ("state=nonsense", {"invoices", "slow-one", "tried", "on-request"}),
    ]  # fmt: skip


def test_the_list_is_filtered_sorted_and_exported(busy: Desk) -> None:
    client = busy.client("viewer")
    for query, names in QUERIES:
        page = client.get(f"/schedules/?{query}&sort=-next").content.decode()
        assert set(re.findall(r'<td class="what"><a href="/schedules/([^/]+)/"', page)) == names, query
        book = load_workbook(io.BytesIO(client.get(f"/schedules/?{query}&export=xlsx").content))
        rows = list(book.active.iter_rows(values_only=True)) if book.active else []
        assert {row[0] for row in rows[1:]} == names, query


def test_a_role_for_one_process_hides_the_schedules_of_its_bots(busy: Desk) -> None:
    person = busy.person("viewer")
    person.process_roles.create(process="accounts-payable", role="none")
    client = busy.client("viewer")
    page = client.get("/schedules/").content.decode()
    assert "/schedules/tried/" in page
    assert "/schedules/invoices/" not in page
    for path in ("", "history", "run"):
        assert client.get(f"/schedules/invoices/{path}").status_code in {403, 404}
    assert "invoices" not in text_of(client.get("/schedules/calendar"))


def test_a_broken_file_is_shown_with_its_lines_and_what_was_in_force_stays(busy: Desk) -> None:
    client = busy.client("operator")
    assert "invoices" in text_of(client.get("/schedules/"))
    busy.settings.schedules.write_text(SCHEDULES.replace("30 8 * * 1-5", "99 8 * * 1-5"), "utf-8")
    page = text_of(client.get("/schedules/"))
    assert "can't be used as it is" in page
    assert "schedules.yaml:13" in page
    assert "Monday to Friday at 08:30" in page
    assert client.get("/schedules/new?bot=slow").status_code == 422
    assert "Edit…" not in text_of(client.get("/schedules/invoices/"))


def test_a_desk_that_starts_with_a_broken_file_shows_what_the_scheduler_has_in_force(busy: Desk) -> None:
    busy.settings.schedules_in_force.parent.mkdir(parents=True, exist_ok=True)
    busy.settings.schedules_in_force.write_text(SCHEDULES, "utf-8")
    busy.settings.schedules.write_text("schedules: [", "utf-8")
    page = text_of(busy.client("viewer").get("/schedules/"))
    assert "can't be used as it is" in page
    assert "invoices" in page


def test_one_schedule_shows_what_comes_what_was_and_its_settings(busy: Desk) -> None:
    run = Run.objects.get()
    recorded("invoices", full_hour(3 * HOUR), "ran", "on time", run=run.pk)
    recorded("invoices", full_hour(5 * HOUR), "skipped", "paused: by ann: holiday")
    recorded("invoices", full_hour(7 * HOUR), "skipped", "overlap: the last run had not ended")
    page = text_of(busy.client("operator", zone="Asia/Shanghai").get("/schedules/invoices/"))
    assert page.count("Europe/Berlin") >= 10  # the next ten due times on the schedule's own clock
    assert "with exceptions" in page
    assert "paused by ann: holiday" in page
    assert "the run before it had not ended" in page
    assert "run once for all that was missed" in page
    assert "count 3" in page
    gone = busy.client("viewer").get("/schedules/nowhere/")
    assert gone.status_code == 404
    recorded("old-one", full_hour(3 * HOUR), "ran", "on time")
    assert "no schedule of this name any more" in text_of(busy.client("viewer").get("/schedules/old-one/"))


def test_the_history_has_every_due_time_with_filters_and_export(busy: Desk) -> None:
    for hours in range(1, 8):
        recorded("slow-one", full_hour(hours * HOUR), "skipped", "calendar: weekend (company)")
    recorded("slow-one", full_hour(9 * HOUR), "missed", "more than 24 were missed")
    client = busy.client("viewer")
    assert text_of(client.get("/schedules/slow-one/history")).count("weekend (company)") == 7
    assert "older ones are not caught up" in text_of(client.get("/schedules/slow-one/history?state=missed"))
    book = load_workbook(
        io.BytesIO(client.get("/schedules/slow-one/history?state=missed&export=xlsx").content)
    )
    assert book.active is not None
    assert book.active.max_row == 2


def test_pausing_takes_a_reason_ends_by_itself_and_is_taken_back(busy: Desk) -> None:
    client = busy.client("operator")
    answer = client.post("/schedules/invoices/pause", {"note": "", "until": "2099-01-01T08:00"}, follow=True)
    assert "Say in a few words why" in text_of(answer)
    assert 'value="2099-01-01T08:00"' in answer.content.decode()  # nothing typed is lost
    answer = client.post("/schedules/invoices/pause", {"note": "year end", "preset": "tomorrow"}, follow=True)
    assert "is paused until" in text_of(answer)
    assert "Paused by operator" in text_of(answer)
    undo = re.search(r'action="(/schedules/invoices/resume)"', answer.content.decode())
    assert undo
    answer = client.post(undo[1], follow=True)
    again = re.search(r'action="(/schedules/invoices/pause\?again=[^"]+)"', answer.content.decode())
    assert again
    client.post(again[1])
    standing = schedule_acts.standings(["invoices"])["invoices"].pause_at(now(), now())
    assert standing is not None
    assert (standing.reason, standing.until is None) == ("year end", False)
    assert "is paused until somebody resumes" in text_of(
        client.post("/schedules/tried/pause", {"note": "for good"}, follow=True)
    )
    assert busy.client("viewer").post("/schedules/invoices/resume").status_code == 403


def test_a_pilot_is_promoted_by_a_supervisor(busy: Desk) -> None:
    assert busy.client("operator").post("/schedules/tried/promote").status_code == 403
    client = busy.client("supervisor")
    assert "works on a sample only (5 %)" in text_of(client.get("/schedules/tried/"))
    assert "is in production" in text_of(client.post("/schedules/tried/promote", follow=True))
    assert "is in production already" in text_of(client.post("/schedules/tried/promote", follow=True))


def test_run_now_takes_the_files_parameters_checks_them_and_starts_one_run(busy: Desk) -> None:
    client = busy.client("operator")
    form = client.get("/schedules/invoices/run")
    assert 'value="3"' in form.content.decode()
    sent = {"token": hidden(form, "token"), "note": "asked by Ann", "p-count": "four", "p-folder": ""}
    answer = client.post("/schedules/invoices/run", sent)
    assert answer.status_code == 422
    assert "This must be a whole number" in text_of(answer)
    for _ in range(2):
        answer = client.post("/schedules/invoices/run", {**sent, "p-count": "4"})
    run = Run.objects.get(schedule="invoices")
    assert answer.headers["Location"] == f"/runs/{run.pk}/"
    assert (run.parameters["count"], run.requested_by, run.status) == (4, "operator", "queued")
    known = Occurrence.objects.get(schedule="invoices")
    assert told(known.reason) == "started by operator: asked by Ann"
    assert "goes on or waits already" in text_of(client.get("/schedules/invoices/run"))


def test_one_due_time_is_taken_out_before_it_comes(busy: Desk) -> None:
    client = busy.client("operator")
    found = plan().timetable
    planned = found.of("invoices") if found else None
    due = planned.next_run(now()) if planned else None
    assert due is not None
    path = "/schedules/invoices/cancel-due"
    key = due.due.isoformat()
    assert "none any more" in text_of(
        client.post(path, {"due": "2099-01-01T00:00:00+00:00", "note": "x"}, follow=True)
    )
    assert "Say in a few words" in text_of(client.post(path, {"due": key}, follow=True))
    assert "will not run at" in text_of(client.post(path, {"due": key, "note": "stocktaking"}, follow=True))
    assert "has ended already" in text_of(client.post(path, {"due": key, "note": "again"}, follow=True))
    assert Occurrence.objects.get(schedule="invoices", due=due.due).state == "cancelled"


def test_due_times_of_the_past_are_shown_then_run(busy: Desk) -> None:
    client = busy.client("operator", zone="Europe/Berlin")
    path = "/schedules/tried/backfill"
    assert "Show what did not run" in text_of(client.get(path))
    assert client.get(f"{path}?start=2099-01-01T00:00").status_code == 422
    start = timezone.localtime(now() - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    page = client.get(f"{path}?start={start}")
    dues = re.findall(r'name="due" value="([^"]+)"', page.content.decode())
    assert len(dues) == 3
    answer = client.post(path, {"due": dues[:2], "note": "were off"}, follow=True)
    assert "2 runs are queued" in text_of(answer)
    assert "nothing was done about them" in text_of(client.post(path, {"due": dues[:2]}, follow=True))
    assert Run.objects.filter(schedule="tried").count() == 2
    assert "no due times of the past" in text_of(client.get("/schedules/on-request/backfill"))


def test_missed_due_times_are_run_or_left_with_a_reason(busy: Desk) -> None:
    client = busy.client("operator")
    rows = [
        recorded("tried", full_hour(n * HOUR), "missed", "not started in time, and missed: skip", case="c")
        for n in (2, 3)
    ]
    page = client.get("/schedules/tried/")
    assert "2 due times were missed" in text_of(page)
    keys = [row.due.isoformat() for row in rows]
    path = "/schedules/tried/answer"
    assert "Select the due times first" in text_of(client.post(path, {"answer": "run"}, follow=True))
    assert "why they are left" in text_of(client.post(path, {"answer": "leave", "due": keys[0]}, follow=True))
    assert "1 due time is left" in text_of(
        client.post(path, {"answer": "leave", "due": keys[0], "note": "no data"}, follow=True)
    )
    assert "1 run is queued" in text_of(client.post(path, {"answer": "run", "due": keys[1]}, follow=True))
    rows[0].refresh_from_db()
    assert told(rows[0].reason).endswith("; left by operator: no data")
    assert "were missed" not in text_of(client.get("/schedules/tried/"))


def test_schedulers_that_hold_are_told_that_the_clock_is_right(busy: Desk) -> None:
    case = Case.objects.filter(kind="business").first()
    assert case is not None
    Case.objects.filter(pk=case.pk).update(why="clock_step", queue="")  # a clock has no queue
    client = busy.client("operator")
    assert "The schedulers hold" in text_of(client.get("/schedules/"))
    assert "The schedulers go on" in text_of(client.post("/schedules/accept-clock", follow=True))
    assert "No scheduler holds any more" in text_of(client.post("/schedules/accept-clock", follow=True))


def test_the_calendar_shows_what_was_what_comes_and_which_days_are_off(busy: Desk) -> None:
    recorded("invoices", due := full_hour(HOUR), "ran", "on time")
    client = busy.client("viewer", zone="Europe/Berlin")
    month = client.get("/schedules/calendar?at=2030-12-01")
    page = text_of(month)
    assert "December 2030" in page
    assert "Christmas Day" in page
    assert "closed" in page
    assert "nothing may start: Sun 02:00 – 04:00" in page
    assert 'title="invoices · 08:30 · skipped 1 · closed (company)"' in month.content.decode()
    assert 'title="invoices · 08:30 · due 1"' in month.content.decode()
    week = text_of(client.get(f"/schedules/calendar?view=week&at={timezone.localtime(due, BERLIN).date()}"))
    assert "ran 1" in week
    Run.objects.create(pk="f", bot="post", schedule="invoices", due=due, queued=due, status="failed")
    failed = client.get(f"/schedules/calendar?at={timezone.localtime(due, BERLIN).date()}").content.decode()
    assert '<span class="tag bad">failed 1</span>' in failed
    assert re.search(r'title="invoices · [^"]* · failed 1[^"]*"><i class="bad"', failed)
    schedule_acts.pause("tried", by="ann", at=now(), reason="audit")
    paused = client.get("/schedules/calendar?at=2030-12-01&schedule=tried").content.decode()
    assert "paused by ann: audit" in paused
    only = client.get("/schedules/calendar?at=2030-12-01&schedule=tried").content.decode()
    assert "invoices ·" not in only
    for nonsense in ("at=x", "at=9999-99-99", "view=year", "at=0001-01-01"):
        assert client.get(f"/schedules/calendar?{nonsense}").status_code == 200


def test_a_day_of_the_calendar_leads_to_each_of_its_due_times(busy: Desk) -> None:
    run = Run.objects.get()
    due = full_hour(HOUR)
    recorded("invoices", due, "ran", "late, within its grace", run=run.pk)
    client = busy.client("viewer", zone="Europe/Berlin")
    day = timezone.localtime(due, BERLIN).date()
    page = client.get(f"/schedules/day?on={day}")
    assert f"/runs/{run.pk}/" in page.content.decode()
    assert "late, but within the time that is allowed" in text_of(page)
    tomorrow = client.get(f"/schedules/day?on={day + timedelta(days=2)}&schedule=tried")
    assert "23:30" in text_of(tomorrow)
    assert "Nothing is due" in text_of(client.get("/schedules/day?on=2001-01-01"))


def test_the_days_ahead_show_collisions_lateness_and_how_full_the_places_are(busy: Desk) -> None:
    twin = SCHEDULES.replace(
        "  - id: on-request",
        '  - {id: twin, bot: slow, at: "23:30", concurrency: [portal]}\n  - id: on-request',
    )
    busy.settings.schedules.write_text(twin, "utf-8")
    for day in range(1, 4):
        due = now() - timedelta(days=day)
        Run.objects.create(pk=f"r{day}", bot="slow", schedule="tried", due=due, queued=due, started=due, finished=due + 0.5 * HOUR, status="done")  # fmt: skip
    client = busy.client("viewer")
    page = text_of(client.get("/schedules/ahead?days=3"))
    assert "waits 30 min for portal, which one run holds at a time" in page
    assert "late by 29 min" in page
    late = text_of(client.get("/schedules/ahead?days=3&only=late"))
    assert "twin" not in re.sub(r"What one run holds.*?Longest wait", "", late).split("3 rows")[-1]
    assert "at a time 1" in text_of(
        client.get("/schedules/ahead?days=3&slots=1")
    ) or "as it is: 2" in text_of(client.get("/schedules/ahead?days=3&slots=1"))
    month = client.get("/schedules/ahead?days=31")
    assert 'aria-current="true">31 days' in month.content.decode()
    assert len(month.content) < 150_000
    book = load_workbook(io.BytesIO(client.get("/schedules/ahead?days=3&only=waits&export=xlsx").content))
    assert book.active is not None
    assert {row[0] for row in book.active.iter_rows(min_row=2, values_only=True)} == {"twin"}
    for nonsense in ("days=x", "slots=0", "only=x", "after=5"):
        assert client.get(f"/schedules/ahead?{nonsense}").status_code == 200


@pytest.mark.parametrize(
    ("reason", "english", "chinese"),
    [
        ("on time", "on time", "准时"),
        ("coalesced into 2026-11-24 08:30Z", "the due time of 24 Nov 2026, 08:30 stands for it", "由 2026年11月24日 08:30 的到期时间代表"),
        ("calendar: closed (company)", "closed (company)", "休息(company)"),
        ("blackout: Sun 02:00-04:00 (company)", "nothing may start then: Sun 02:00-04:00 (company)", "此时段不启动:Sun 02:00-04:00 (company)"),
        ("run 0196 of prices ended: failed", "the run of prices ended: failed", "prices 的运行已结束:失败"),
        ("started by ann: asked, was missed: more than 24 were missed", "started by ann: asked (before that: missed, more than 24 were missed: older ones are not caught up)", None),
        ("something new", "something new", "something new"),
    ],
)  # fmt: skip
def test_reasons_are_told_in_the_readers_language(reason: str, english: str, chinese: str | None) -> None:
    with timezone.override("UTC"):
        with translation.override("en"):
            assert told(reason) == english
        with translation.override("zh-hans"):
            assert chinese is None or told(reason) == chinese
            assert waits_for(["group portal"]).startswith("portal")


@pytest.mark.browser
def test_an_ops_persons_first_schedule(busy: Desk) -> None:
    page = busy.page("operator", "/schedules/")
    page.keyboard.press("n")
    page.get_by_role("link", name="invoice").click()
    page.get_by_label("Times").first.fill("17:30")
    expect(page.locator("#rule")).to_contain_text("Monday to Friday at 17:30")
    expect(page.locator("#rule li")).to_have_count(5)
    page.get_by_text("Again and again").click()
    page.get_by_label("Every", exact=True).fill("3")
    expect(page.locator("#rule")).to_contain_text("every 3 hours")
    page.get_by_text("On days of the week").click()
    page.get_by_label("Name", exact=True).fill("evening")
    page.get_by_label("Count", exact=True).fill("2")
    page.get_by_role("button", name="See what will change").click()
    expect(page.locator(".said")).to_contain_text("evening: new, Monday to Friday at 17:30")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".message.success")).to_contain_text("evening is in the file")
    text = busy.settings.schedules.read_text("utf-8")
    assert text.startswith(SCHEDULES)
    page.keyboard.press("r")
    page.get_by_label("Why").fill("to try it")
    page.get_by_role("button", name="Run now").click()
    expect(page.locator(".message.success")).to_contain_text("The run is queued")
    page.goto(busy.url + "/schedules/evening/")
    page.keyboard.press("p")
    page.locator("#pause-note").fill("until it is agreed")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".states")).to_contain_text("paused")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".states")).to_contain_text("on")
    page.locator("button", has_text="Take out…").first.click()
    expect(page.locator("#cancel-due [data-shown]")).not_to_be_empty()
    page.keyboard.press("Escape")
    page.goto(busy.url + "/schedules/calendar")
    expect(page.locator("td.today")).to_be_visible()
    assert_one_language(page, "en")
