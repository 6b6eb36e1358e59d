"""The desk's edits of schedules.yaml: schedules, days off and trigger URLs, each with its preview and its undo."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runner.core.clock import now
from runner.desk.planned import plan
from runner.desk.schedules.when_form import WhenForm
from runner.desk.schedules.when_start import begin
from runner.store.models import Act, TriggerUrl
from tests.desk_place import Desk
from tests.schedule_place import SCHEDULES, hidden, hidden_all, text_of

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
    name = taken.content.decode()
    assert re.search(r'name="a-id"[^>]*aria-invalid="true"', name)
    assert "已经有同名的计划：请换一个名称。" in name
    short = client.post(
        "/schedules/new?bot=invoice", {**NEW, "w-kind": "cron", "w-cron": "30 8 * *"}
    ).content.decode()
    assert "“30 8 * *”有 4 个字段 – 应为 5 个：分 时 日 月 星期" in html.unescape(short)


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
