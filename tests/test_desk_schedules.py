"""The desk's pages of schedules: list, one, calendar, the days ahead, edits with their preview, days off, trigger URLs."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

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
from runner.desk.schedules.when_form import WhenForm
from runner.desk.schedules.when_start import begin
from runner.engine.bot_watch import take_stock
from runner.store.models import Act, Case, Occurrence, Run, TriggerUrl
from tests.cli_project import empty, ran  # noqa: F401 (fixtures)
from tests.desk_place import Desk, assert_one_language, desk, desk_store  # noqa: F401 (fixtures)

HOUR = timedelta(hours=1)
SCHEDULES = """\
# What runs here.
defaults: {timezone: Europe/Berlin}
calendars:
  company:            # ours
    country: DE
    closed: ["2030-12-24"]
    blackouts: ["Sun 02:00-04:00"]
schedules:
  # Posts the invoices.
  - id: invoices      # the first
    description: Post invoices
    bot: invoice
    cron: "30 8 * * 1-5"   # early
    calendars: [company]
    parameters: {count: 3}

  - id: slow-one
    bot: slow
    every: 2h
    enabled: false

  - id: tried
    bot: slow
    at: "23:30"
    stage: pilot
    sample: 5 %
    deadline: 1m
    concurrency: [portal]

  - id: on-request
    bot: invoice
    manual: yes
"""


@pytest.fixture
def busy(desk: Desk) -> Desk:  # noqa: F811
    """A desk whose schedules.yaml has one of each kind that these tests look at."""
    desk.settings.schedules.write_text(SCHEDULES, "utf-8")
    take_stock(desk.settings, changed_only=True)
    return desk


def text_of(answer: Any) -> str:
    """A page as people read it."""
    plain = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r" (?=[,.:;)])", "", re.sub(r"\s+", " ", html.unescape(plain)))


def hidden(answer: Any, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, text_of(answer)
    return html.unescape(found[1])


def hidden_all(answer: Any) -> dict[str, Any]:
    """Every hidden field of a page's form, lists where there are several of a name."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.content.decode()
    ):
        found.setdefault(name, []).append(html.unescape(value))
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def recorded(schedule: str, due: datetime, state: str, reason: str, **more: Any) -> Occurrence:
    """A due time that ended so."""
    return Occurrence.objects.create(
        schedule=schedule, due=due, state=state, reason=reason, recorded=now(), **more
    )


def full_hour(ago: timedelta) -> datetime:
    """A full hour of the past."""
    return (now() - ago).replace(minute=0, second=0, microsecond=0)


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
    Case.objects.filter(pk=case.pk).update(why="clock_step")
    client = busy.client("operator")
    assert "The schedulers hold" in text_of(client.get("/schedules/"))
    assert "The schedulers go on" in text_of(client.post("/schedules/accept-clock", follow=True))
    assert "No scheduler holds any more" in text_of(client.post("/schedules/accept-clock", follow=True))


def test_the_calendar_shows_what_was_what_comes_and_which_days_are_off(busy: Desk) -> None:
    recorded("invoices", full_hour(HOUR), "ran", "on time")
    client = busy.client("viewer", zone="Europe/Berlin")
    month = client.get("/schedules/calendar?at=2030-12-01")
    page = text_of(month)
    assert "December 2030" in page
    assert "Christmas Day" in page
    assert "closed" in page
    assert "nothing may start: Sun 02:00 – 04:00" in page
    assert 'title="invoices · 08:30 · skipped 1 · closed (company)"' in month.content.decode()
    assert 'title="invoices · 08:30 · due 1"' in month.content.decode()
    today = text_of(client.get("/schedules/calendar?view=week"))
    assert "ran 1" in today
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
    day = timezone.localtime(due, timezone.get_fixed_timezone(0)).date()
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
    book = load_workbook(io.BytesIO(client.get("/schedules/ahead?days=3&only=waits&export=xlsx").content))
    assert book.active is not None
    assert {row[0] for row in book.active.iter_rows(min_row=2, values_only=True)} == {"twin"}
    for nonsense in ("days=x", "slots=0", "only=x", "after=5"):
        assert client.get(f"/schedules/ahead?{nonsense}").status_code == 200


NEW = {
    "a-id": "evening", "a-description": "Post what came during the day", "a-note": "asked by sales", "w-kind": "days", "w-weekdays": ["1", "2", "3", "4", "5"],
    "w-times": "17:30", "o-calendars": ["company"], "o-shift": "next", "o-grace": "20m", "p-count": "7", "p-folder": "",
}  # fmt: skip


def test_a_schedule_is_made_from_a_bot_with_a_preview_in_words(busy: Desk) -> None:
    client = busy.client("operator", zone="Europe/Berlin")
    assert "/schedules/new?bot=invoice" in client.get("/schedules/new").content.decode()
    assert 'value="invoice"' in client.get("/schedules/new?bot=invoice").content.decode()
    path = "/schedules/new?bot=invoice"
    shown = client.post(path, NEW)
    assert "evening: new, Monday to Friday at 17:30, on holidays the next working day" in text_of(shown)
    assert busy.settings.schedules.read_text("utf-8") == SCHEDULES
    back = client.post(path, {**NEW, "step": "form"})
    assert 'value="17:30"' in back.content.decode()
    answer = client.post(path, {**hidden_all(shown), "step": "save"}, follow=True)
    assert "evening is in the file" in text_of(answer)
    text = busy.settings.schedules.read_text("utf-8")
    assert text.startswith(SCHEDULES)
    assert '- id: "evening"' in text
    found = plan().timetable
    made = found.of("evening") if found else None
    assert made is not None
    assert (made.schedule.parameters, made.schedule.cron) == ({"count": 7}, "30 17 * * 1-5")
    act = Act.objects.get(subject="evening", verb="edit")
    assert (act.by, act.note) == ("operator", "asked by sales")
    undo = re.search(r'action="(/schedules/undo/[^"]+)"', answer.content.decode())
    assert undo
    client.post(undo[1])
    assert busy.settings.schedules.read_text("utf-8") == SCHEDULES


def test_what_is_wrong_with_a_new_schedule_is_said_at_its_field_and_nothing_is_lost(busy: Desk) -> None:
    client = busy.client("operator", language="zh-hans")
    wrong = {**NEW, "a-id": "two words", "w-times": "25:00", "o-grace": "soon", "p-count": "many"}
    answer = client.post("/schedules/new?bot=invoice", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    for kept in ("two words", "25:00", "soon", "many"):
        assert f'value="{kept}"' in page
    assert page.count('class="why"') >= 4
    taken = client.post("/schedules/new?bot=invoice", {**NEW, "a-id": "invoices"})
    assert taken.status_code == 422
    assert "there is a schedule &#x27;invoices&#x27; already" in taken.content.decode()


def test_an_edit_keeps_comments_and_only_touches_what_was_changed(busy: Desk) -> None:
    client = busy.client("operator", zone="Europe/Berlin")
    path = "/schedules/invoices/edit"
    form = client.get(path)
    sent = {
        "opened": hidden(form, "opened"), "a-description": "Post invoices", "w-kind": "days", "w-weekdays": ["1", "2", "3", "4", "5"], "w-times": "09:30",
        "o-calendars": ["company"], "p-count": "3", "p-folder": "",
    }  # fmt: skip
    shown = client.post(path, sent)
    assert "invoices: Monday to Friday at 08:30, not on holidays → Monday to Friday at 09:30" in text_of(
        shown
    )
    client.post(path, {**hidden_all(shown), "step": "save"})
    assert busy.settings.schedules.read_text("utf-8") == SCHEDULES.replace("30 8 * * 1-5", "30 9 * * 1-5")
    nothing = client.post(path, {**sent, "opened": hidden(client.get(path), "opened")})
    assert "the file stays as it is" in text_of(nothing)


def test_what_others_changed_meanwhile_is_neither_lost_nor_hidden(busy: Desk) -> None:
    client = busy.client("operator", zone="Europe/Berlin")
    path = "/schedules/invoices/edit"
    sent = {
        "opened": hidden(client.get(path), "opened"), "a-description": "Post invoices", "w-kind": "days", "w-weekdays": ["1", "2", "3", "4", "5"],
        "w-times": "08:30", "o-calendars": ["company"], "o-grace": "1h", "p-count": "3", "p-folder": "",
    }  # fmt: skip
    shown = client.post(path, sent)
    other = SCHEDULES.replace("30 8 * * 1-5", "0 7 * * 1-5")
    busy.settings.schedules.write_text(other, "utf-8")
    moved = client.post(path, {**hidden_all(shown), "step": "save"})
    assert moved.status_code == 409
    assert "nothing was written" in text_of(moved)
    assert "Somebody has changed this schedule" in text_of(moved)
    assert busy.settings.schedules.read_text("utf-8") == other
    client.post(path, {**hidden_all(moved), "step": "save"})
    text = busy.settings.schedules.read_text("utf-8")
    assert "0 7 * * 1-5" in text
    assert 'grace: "1h"' in text


def test_a_schedule_is_switched_off_and_taken_out_and_both_are_taken_back(busy: Desk) -> None:
    client = busy.client("operator")
    answer = client.post("/schedules/invoices/switch", {"on": "0"}, follow=True)
    assert "enabled: false" in busy.settings.schedules.read_text("utf-8")
    undo = re.search(r'action="(/schedules/undo/[^"]+)"', answer.content.decode())
    assert undo
    client.post(undo[1])
    assert busy.settings.schedules.read_text("utf-8") == SCHEDULES
    shown = client.get("/schedules/tried/remove")
    assert "tried: removed" in text_of(shown)
    assert client.post("/schedules/tried/remove", {"base": "old", "step": "save"}).status_code == 409
    answer = client.post(
        "/schedules/tried/remove", {"base": hidden(shown, "base"), "step": "save"}, follow=True
    )
    assert "id: tried" not in busy.settings.schedules.read_text("utf-8")
    undo = re.search(r'action="(/schedules/undo/[^"]+)"', answer.content.decode())
    assert undo
    client.post(undo[1])
    assert busy.settings.schedules.read_text("utf-8") == SCHEDULES
    again = text_of(client.post(undo[1], follow=True))
    assert "not any more as this change left it" in again


RULES: list[tuple[dict[str, Any], str]] = [
        ({"w-kind": "days", "w-weekdays": ["6", "0"], "w-times": "8:05, 20:05"}, "every Saturday and Sunday at 08:05 and 20:05"),
        ({"w-kind": "days", "w-weekdays": list("1234560"), "w-times": "08:05 20:30"}, "every day at 08:05 and 20:30"),
        ({"w-kind": "every", "w-count": "90", "w-unit": "m"}, "every 90 minutes"),
        ({"w-kind": "month", "w-month_day": "L", "w-month_times": "18:00"}, "on the last day of the month at 18:00"),
        ({"w-kind": "workday", "w-nth": "-1", "w-period": "quarter", "w-workday_times": "18:00"}, "on the last working day of the quarter at 18:00"),
        ({"w-kind": "dates", "w-dates": "2030-12-30 20:00\n2030-12-31 20:00"}, "on 2030-12-30 at 20:00"),
        ({"w-kind": "file", "w-glob": "inbox/*.xlsx", "w-file_parameter": "folder"}, "when a file inbox/*.xlsx arrives"),
        ({"w-kind": "queue", "w-queue": "invoices", "w-pending": "20"}, "when in queue invoices 20 items wait"),
        ({"w-kind": "after", "w-after": "invoices", "w-endings": ["failed"]}, "after invoices failed"),
        ({"w-kind": "manual"}, "only by hand"),
        ({"w-kind": "cron", "w-cron": "*/15 8-17 * * 1-5"}, "every 15 minutes from 08:00 to 17:45"),
        ({"w-kind": "cron", "w-cron": "0 0 30 2 *"}, "there is no 30 February"),
        ({"w-kind": "days", "w-weekdays": ["1"], "w-times": "08:05, 20:30"}, "must have the same minute"),
        ({"w-kind": "days", "w-times": "soon"}, "no time, such as 08:30"),
        ({"w-kind": "queue", "w-queue": "invoices"}, "how many items"),
    ]  # fmt: skip


def test_the_rule_is_said_in_words_while_the_form_is_filled_in(busy: Desk) -> None:
    client = busy.client("operator", zone="Europe/Berlin")
    for sent, words in RULES:
        assert words in text_of(client.post("/schedules/rule", {"w-weekdays": [], **sent})), words


@pytest.mark.parametrize(
    "entry",
    [
        {"cron": "30 8 * * 1-5"}, {"cron": "0 18 L * *"}, {"cron": "5 8,20 * * 0,6"}, {"cron": "*/7 3 * * *"}, {"every": "90s"}, {"every": "7d", "anchor": "2026-01-05 07:10"},
        {"at": "08:30"}, {"at": ["08:30", "15:45"]}, {"at": ["2030-12-30 20:00", "08:00"]}, {"workday": {"nth": "last", "at": "18:00"}},
        {"workday": {"nth": -2, "of": "quarter", "at": ["08:00", "18:00"]}}, {"file": "inbox/*.xlsx"}, {"file": {"glob": "in/*.csv", "parameter": "p", "stable": "1m"}},
        {"queue": {"name": "q", "pending": 3}}, {"after": "x"}, {"after": {"schedule": "x", "when": ["failed", "ended"]}}, {"manual": True},
    ],
)  # fmt: skip
def test_a_form_that_nobody_touched_changes_nothing(entry: dict[str, Any]) -> None:
    shown = {name: value for name, value in begin(entry).items() if value not in (None, "")}
    start = {"unit": "h", "weekdays": list("12345"), "endings": ["succeeded"], **shown}
    form = WhenForm({f"w-{name}": value for name, value in start.items()} | {"w-x": ""}, start=entry, schedules=["x"], queues=["q"], parameters=["p", "workbook"])  # fmt: skip
    assert form.keys()
    assert not form.is_changed


def test_a_day_off_shows_which_due_times_go_before_it_is_written(busy: Desk) -> None:
    client = busy.client("supervisor", zone="Europe/Berlin")
    page = text_of(client.get("/schedules/days?calendar=company&year=2030&day=2030-12-24"))
    assert "2030-12-24 day off (schedules.yaml)" in page
    assert "Christmas Day" in page
    assert "DE" in page
    found = plan().timetable
    planned = found.of("invoices") if found else None
    due = planned.next_run(now() + timedelta(days=30)) if planned else None
    assert due is not None
    day = timezone.localtime(due.due).date().isoformat()
    sent = {"what": "day", "calendar": "company", "d-first": day, "d-kind": "closed"}
    shown = client.post("/schedules/days-change", sent)
    assert "Due times that go" in text_of(shown)
    assert "Only due times change" in text_of(shown)
    answer = client.post("/schedules/days-change", {**hidden_all(shown), "step": "save"}, follow=True)
    assert "The calendar company is changed" in text_of(answer)
    assert f'closed: ["2030-12-24", "{day}"]' in busy.settings.schedules.read_text("utf-8")
    undo = re.search(r'action="(/schedules/undo/[^"]+)"', answer.content.decode())
    assert undo
    client.post(undo[1])
    assert busy.settings.schedules.read_text("utf-8") == SCHEDULES
    assert busy.client("operator").post("/schedules/days-change", sent).status_code == 403


ADDED: list[tuple[dict[str, Any], str]] = [
        ({"what": "day", "d-first": "2031-01-02", "d-last": "2031-01-03", "d-kind": "open"}, 'open: ["2031-01-02..2031-01-03"]'),
        ({"what": "day", "d-first": "2031-01-02", "d-kind": "half", "d-until": "13:00"}, '"2031-01-02": "13:00"'),
        ({"what": "window", "b-weekdays": ["Sat", "Sun"], "b-start_at": "22:00", "b-end_at": "06:00"}, '"Sat, Sun 22:00-06:00"'),
        ({"what": "window", "b-once_from": "2031-01-02T18:00", "b-once_to": "2031-01-03T06:00"}, '"2031-01-02 18:00..2031-01-03 06:00"'),
        ({"what": "calendar", "c-name": "china", "c-country": "cn"}, 'china: {"country": "CN"}'),
    ]  # fmt: skip


def test_days_windows_and_calendars_are_added(busy: Desk) -> None:
    client = busy.client("supervisor")
    for sent, text in ADDED:
        shown = client.post("/schedules/days-change", {"calendar": "company", **sent})
        assert shown.status_code == 200, text_of(shown)
        client.post("/schedules/days-change", {**hidden_all(shown), "step": "save"})
        assert text in busy.settings.schedules.read_text("utf-8")
    assert "# ours" in busy.settings.schedules.read_text("utf-8")


def test_days_and_windows_are_taken_out_and_nonsense_is_refused(busy: Desk) -> None:
    client = busy.client("supervisor")
    for sent, gone in (
        ({"what": "remove-day", "written": "2030-12-24", "kind": "closed"}, "2030-12-24"),
        ({"what": "remove-window", "window": "Sun 02:00-04:00"}, "Sun 02:00"),
    ):
        shown = client.post("/schedules/days-change", {"calendar": "company", **sent})
        client.post("/schedules/days-change", {**hidden_all(shown), "step": "save"})
        assert gone not in busy.settings.schedules.read_text("utf-8")
    for sent in (
        {"what": "day", "d-first": "2031-02-30", "d-kind": "closed"}, {"what": "window"}, {"what": "nothing"}, {"what": "calendar", "c-name": "a b"},
        {"what": "calendar", "c-name": "x", "c-country": "QQ"}, {"what": "remove-day", "written": "2031-01-01", "kind": "closed"},
    ):  # fmt: skip
        assert client.post("/schedules/days-change", {"calendar": "company", **sent}).status_code == 422


def test_a_trigger_url_is_shown_once_and_revoked(busy: Desk) -> None:
    client = busy.client("supervisor")
    assert busy.client("operator").post("/schedules/invoices/urls", {"label": "ERP"}).status_code == 403
    assert "Say who will call it" in text_of(
        client.post("/schedules/invoices/urls", {"label": " "}, follow=True)
    )
    made = client.post("/schedules/invoices/urls", {"label": "ERP"})
    found = re.search(r'value="(http://localhost/hooks/[\w-]{40,})"', made.content.decode())
    assert found
    assert made.headers["Cache-Control"] == "no-store"
    page = client.get("/schedules/invoices/")
    assert found[1].rpartition("/")[2] not in page.content.decode()
    assert "ERP" in text_of(page)
    url = TriggerUrl.objects.get()
    assert client.post(f"/schedules/tried/urls/{url.pk}/revoke").status_code == 404
    assert "starts nothing any more" in text_of(
        client.post(f"/schedules/invoices/urls/{url.pk}/revoke", follow=True)
    )
    assert "revoked already" in text_of(client.post(f"/schedules/invoices/urls/{url.pk}/revoke", follow=True))


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
