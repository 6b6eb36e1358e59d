"""Edits of schedules.yaml by programs: looked at in words, written where the file is the same, recorded like the desk's."""

from __future__ import annotations

from typing import Any

import pytest

from runner.cases.schedule_edits import undo_edit
from runner.desk.people.models import ProcessRole
from runner.desk.planned import plan
from runner.store.models import Act, AuditEntry, Bot
from runner.timetable.edits import digest_of_file
from tests.desk_place import Desk
from tests.desk_program import Program, ok, program, refusal
from tests.schedule_place import SCHEDULES, text_of

ENTRY = {
    "id": "evening",
    "description": "Post what came during the day",
    "bot": "invoice",
    "cron": "30 17 * * 1-5",
    "calendars": ["company"],
    "parameters": {"count": 7},
}


def file_of(desk: Desk) -> str:
    """schedules.yaml as it is."""
    return desk.settings.schedules.read_text("utf-8")


def looked(caller: Program, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The preview of an edit."""
    told: dict[str, Any] = ok(caller.post(path, {**body, "preview": True}))
    assert (told["applied"], told["act"]) == (False, None)
    return told


def made(caller: Program, path: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """An edit that was looked at and then made."""
    base = looked(caller, path, body)["base"]
    told: dict[str, Any] = ok(caller.post(path, {**body, "base": base}), status)
    return told


def test_a_schedule_is_looked_at_then_added(busy: Desk) -> None:
    caller = program(busy, "operator")
    audited = AuditEntry.objects.count()

    shown = looked(caller, "schedules", {"entry": ENTRY})
    assert file_of(busy) == SCHEDULES
    assert AuditEntry.objects.count() == audited
    assert not Act.objects.filter(verb="edit").exists()
    assert "evening: new" in shown["changes"][0]
    assert len(shown["next"]["evening"]) == 5
    assert shown["gained"][0]["schedule"] == "evening"

    body = {"entry": ENTRY, "base": shown["base"], "note": "asked by sales"}
    told = ok(caller.post("schedules", body, Idempotency_Key="1"), 201)
    assert file_of(busy).startswith(SCHEDULES)
    assert told["base"] == digest_of_file(busy.settings.schedules) != shown["base"]
    assert (told["subject"], told["applied"], told["changes"]) == ("evening", True, shown["changes"])
    assert ok(caller.get("schedules/evening"))["parameters"] == {"count": 7}
    again = caller.post("schedules", body, Idempotency_Key="1")
    assert (again.status_code, again["Idempotent-Replayed"], again.json()) == (201, "true", told)
    assert Act.objects.filter(verb="edit").count() == 1


def test_an_edit_stands_in_the_trail_as_the_desks_own_does(busy: Desk) -> None:
    told = made(
        program(busy, "operator"), "schedules/tried/edit", {"changes": {"at": "23:45"}, "note": "later"}
    )
    act = Act.objects.get(pk=told["act"])
    assert (act.by, act.subject_kind, act.subject, act.verb, act.note) == (
        "operator", "schedule", "tried", "edit", "later",
    )  # fmt: skip
    assert (act.data["kind"], act.data["changes"]) == ("set", told["changes"])
    entry = AuditEntry.objects.latest("seq")
    assert (entry.by, entry.subject_kind, entry.subject) == ("operator", "schedule", "tried")
    assert "later" in text_of(busy.client("operator").get("/schedules/tried/"))

    text = undo_edit(act.pk).apply(file_of(busy))
    assert text == SCHEDULES


def test_a_preview_says_what_the_desk_says(busy: Desk) -> None:
    told = looked(program(busy, "operator"), "schedules/tried/remove", {})
    assert told["changes"] == ["tried: removed, every day at 23:30 no longer runs"]
    assert told["lost"][0]["schedule"] == "tried"
    client = busy.client("operator")
    assert told["changes"][0] in text_of(client.get("/schedules/tried/remove"))
    chinese = busy.client("operator", language="zh-hans").get("/schedules/tried/remove")
    assert told["changes_zh"][0] in text_of(chinese)
    assert file_of(busy) == SCHEDULES


def test_keys_are_set_and_taken_out_and_comments_stay(busy: Desk) -> None:
    caller = program(busy, "operator")
    had = ok(caller.get("schedules/invoices/entry"))
    assert (had["entry"]["cron"], had["entry"]["parameters"]) == ("30 8 * * 1-5", {"count": 3})

    changes = {"cron": "30 9 * * 1-5", "parameters.count": 4, "calendars": None, "grace": "20m"}
    told = ok(caller.post("schedules/invoices/edit", {"changes": changes, "base": had["base"]}))
    text = file_of(busy)
    assert 'cron: "30 9 * * 1-5"   # early' in text
    assert "# Posts the invoices." in text
    assert "calendars: [company]" not in text
    assert "09:30" in told["changes"][0]
    back = {"cron": "30 8 * * 1-5", "parameters.count": 3, "calendars": ["company"], "grace": None}
    ok(caller.post("schedules/invoices/edit", {"changes": back, "base": told["base"]}))

    made(caller, "schedules/invoices/edit", {"changes": {"every": "3h"}})
    assert "cron: " not in file_of(busy)
    off = made(caller, "schedules/invoices/edit", {"changes": {"enabled": False}})
    assert not ok(caller.get("schedules/invoices"))["enabled"]
    assert off["next"] == {"invoices": []}


def test_what_changes_nothing_is_not_written(busy: Desk) -> None:
    told = made(program(busy, "operator"), "schedules/tried/edit", {"changes": {"at": "23:30"}})
    assert (told["applied"], told["act"], told["changes"]) == (False, None, [])
    assert file_of(busy) == SCHEDULES
    assert not Act.objects.filter(verb="edit").exists()


def test_a_schedule_is_taken_out_once(busy: Desk) -> None:
    caller = program(busy, "operator")
    base = looked(caller, "schedules/tried/remove", {})["base"]
    told = ok(caller.post("schedules/tried/remove", {"base": base}, Idempotency_Key="out"))
    assert "id: tried" not in file_of(busy)
    again = caller.post("schedules/tried/remove", {"base": base}, Idempotency_Key="out")
    assert ok(again) == told
    assert again["Idempotent-Replayed"] == "true"
    refusal(caller.post("schedules/tried/remove", {"base": told["base"]}), 404, "API_NOT_FOUND")
    refusal(caller.post("schedules/nothing/remove", {"preview": True}), 404, "API_NOT_FOUND")


EDITS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("schedules", {"entry": ENTRY}),
    ("schedules/tried/edit", {"changes": {"at": "23:45"}}),
    ("schedules/tried/remove", {}),
    ("calendars", {"name": "plant", "country": "cn"}),
    ("calendars/company/days", {"days": "2031-01-02"}),
    ("calendars/company/days/remove", {"days": "2030-12-24"}),
    ("calendars/company/blackouts", {"window": "Sat 02:00-04:00"}),
    ("calendars/company/blackouts/remove", {"window": "Sun 02:00-04:00"}),
)


@pytest.mark.parametrize(("path", "body"), EDITS)
def test_a_file_that_changed_meanwhile_is_not_overwritten(
    busy: Desk, path: str, body: dict[str, Any]
) -> None:
    caller = program(busy, "supervisor")
    base = looked(caller, path, body)["base"]
    other = SCHEDULES.replace("# What runs here.", "# What runs there.")
    busy.settings.schedules.write_text(other, "utf-8")

    error = refusal(caller.post(path, {**body, "base": base}), 409, "SCHED_MOVED")
    assert "has changed since this was shown" in error["message"]
    refusal(caller.post(path, {**body, "base": base, "preview": True}), 409, "SCHED_MOVED")
    assert file_of(busy) == other
    assert not Act.objects.filter(verb="edit").exists()
    ok(
        caller.post(path, {**body, "base": looked(caller, path, body)["base"]}),
        201 if path in {"schedules", "calendars"} else 200,
    )
    assert file_of(busy) != other


@pytest.mark.parametrize(("path", "body"), EDITS)
def test_nothing_is_written_that_was_not_looked_at(busy: Desk, path: str, body: dict[str, Any]) -> None:
    error = refusal(program(busy, "supervisor").post(path, body), 422, "API_SCHEMA")
    assert error["field"] == "base"
    assert file_of(busy) == SCHEDULES


def test_everything_that_is_wrong_with_an_entry_is_named_by_its_key(busy: Desk) -> None:
    wrong = {
        "id": "two words", "bot": "invoice", "cron": "0 0 30 2 *", "grace": "soon", "calendars": ["compny"], "colour": "red",
        "parameters": {"cuont": 1},
    }  # fmt: skip
    error = refusal(program(busy, "operator").post("schedules", {"entry": wrong}), 422, "API_SCHEMA")
    found = {one["field"]: one for one in error["errors"]}
    assert set(found) >= {
        "base", "entry.id", "entry.grace", "entry.calendars.0", "entry.colour", "entry.parameters.cuont",
    } or set(found) >= {"base", "entry.id", "entry.grace", "entry.calendars", "entry.colour", "entry.parameters.cuont"}, found  # fmt: skip
    assert found["entry.colour"]["code"] == "SCHED_UNKNOWN_KEY"
    assert "did you mean 'count'?" in found["entry.parameters.cuont"]["hint"]
    assert not any("line " in one["message"] for one in error["errors"]), error
    assert file_of(busy) == SCHEDULES


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("schedules", {}, "entry"),
    ("schedules", {"entry": []}, "entry"),
    ("schedules", {"entry": {}}, "entry"),
    ("schedules", {"entry": {"id: x\n  - id": 1}}, "entry"),
    ("schedules", {"entry": ENTRY, "bsae": "x"}, "bsae"),
    ("schedules", {"entry": {**ENTRY, "id": None}}, "entry.id"),
    ("schedules", {"entry": {**ENTRY, "id": "invoices"}}, "entry.id"),
    ("schedules", {"entry": {**ENTRY, "id": 5}}, "entry.id"),
    ("schedules", {"entry": {**ENTRY, "bot": "invioce"}}, "entry.bot"),
    ("schedules", {"entry": {**ENTRY, "cron": "0 0 30 2 *"}}, "entry.cron"),
    ("schedules", {"entry": {**ENTRY, "every": "2h"}}, "entry"),
    ("schedules/tried/edit", {"changes": {}}, "changes"),
    ("schedules/tried/edit", {"changes": {"id": "other"}}, "changes.id"),
    ("schedules/tried/edit", {"changes": {"at": "25:00"}}, "changes.at"),
    ("schedules/tried/edit", {"changes": {"bot": "nothing"}}, "changes.bot"),
    ("schedules/tried/edit", {"changes": {"retry.times": "many"}}, "changes.retry.times"),
    ("calendars/company/days", {"days": "2031-02-30"}, "days"),
    ("calendars/company/days", {"days": "2031-01-03..2031-01-02"}, "days"),
    ("calendars/company/days", {"days": "2031-01-03", "kind": "free"}, "kind"),
    ("calendars/company/days", {"days": "2031-01-03", "until": "12:00"}, "until"),
    ("calendars/company/days", {"days": "2031-01-03", "kind": "half", "until": "noon"}, "days"),
    ("calendars/company/days", {"days": "2030-12-24"}, "days"),
    ("calendars/company/days/remove", {"days": "2031-01-01"}, "days"),
    ("calendars/company/blackouts", {"window": "Xyz 02:00-04:00"}, "window"),
    ("calendars/company/blackouts", {"window": "Sun 02:00-04:00"}, "window"),
    ("calendars/company/blackouts/remove", {"window": "Mon 02:00-04:00"}, "window"),
    ("calendars", {"name": "company"}, "name"),
    ("calendars", {"name": "two words"}, "name"),
    ("calendars", {"name": "plant", "country": "QQ"}, "country"),
    ("calendars", {"name": "plant", "country": "de", "subdivision": "QQ"}, "subdivision"),
)  # fmt: skip


@pytest.mark.parametrize(("path", "body", "field"), WRONG)
def test_what_does_not_fit_is_named_by_its_field(
    busy: Desk, path: str, body: dict[str, Any], field: str
) -> None:
    answer = program(busy, "supervisor").post(path, {**body, "preview": True})
    error = refusal(answer, 422, "API_SCHEMA")
    assert field in {one["field"] for one in error["errors"]}, error
    assert file_of(busy) == SCHEDULES


FAR = ("0001-01-01", "9999-12-31", "0001-01-01..9999-12-31")


@pytest.mark.parametrize("days", FAR)
def test_days_that_are_far_away_do_not_break_anything(busy: Desk, days: str) -> None:
    answer = program(busy, "supervisor").post("calendars/company/days", {"days": days, "preview": True})
    assert answer.status_code in {200, 422}, answer.content


def test_an_edit_takes_the_role_in_the_process_of_the_schedule(busy: Desk) -> None:
    caller = program(busy, "operator")
    mine = ProcessRole.objects.create(
        person=busy.person("operator"), process="accounts-payable", role="viewer"
    )
    for path, body in (
        ("schedules", {"entry": ENTRY}),
        ("schedules/invoices/edit", {"changes": {"cron": "0 9 * * *"}}),
        ("schedules/invoices/remove", {}),
        ("schedules/tried/edit", {"changes": {"bot": "invoice"}}),
    ):
        error = refusal(caller.post(path, {**body, "preview": True}), 403, "API_ROLE")
        assert "your role (viewer)" in error["message"]
    refusal(caller.get("schedules/invoices/entry"), 403, "API_ROLE")

    mine.role = "none"
    mine.save()
    for path in ("schedules/invoices/edit", "schedules/invoices/remove"):
        body = {"changes": {"cron": "0 9 * * *"}} if path.endswith("edit") else {}
        answer = caller.post(path, {**body, "preview": True})
        assert answer.content == caller.post("schedules/nothing/remove", {"preview": True}).content
    refusal(caller.get("schedules/invoices/entry"), 404, "API_NOT_FOUND")
    refusal(program(busy, "viewer").post("schedules", {"entry": ENTRY}), 403, "API_ROLE")
    refusal(program(busy, "operator", ["schedules.see"]).post("schedules", {"entry": ENTRY}), 403, "API_ROLE")
    assert file_of(busy) == SCHEDULES


def test_of_a_bot_that_is_not_theirs_nothing_is_told(busy: Desk) -> None:
    caller = program(busy, "operator")
    ProcessRole.objects.create(person=busy.person("operator"), process="accounts-payable", role="none")
    hidden = {**ENTRY, "parameters": {"nothing": 1}}
    answers = [
        caller.post("schedules", {"entry": {**hidden, "bot": name}, "preview": True}).content.decode()
        for name in ("invoice", "unknown")
    ]
    assert answers[0].replace("invoice", "unknown") == answers[1]
    assert "count" not in answers[0]
    answer = caller.post("schedules/tried/edit", {"changes": {"bot": "invoice"}, "preview": True})
    assert refusal(answer, 422, "API_SCHEMA")["field"] == "changes.bot"


def test_days_and_windows_are_added_and_taken_out(busy: Desk) -> None:
    caller = program(busy, "supervisor")
    assert ok(caller.get("calendars")) == {
        "base": digest_of_file(busy.settings.schedules),
        "rows": [{
            "name": "company", "country": "DE", "days": [{"days": "2030-12-24", "kind": "closed", "until": None}],
            "blackouts": ["Sun 02:00-04:00"], "schedules": ["invoices"],
        }],
    }  # fmt: skip
    due = ok(caller.get("schedules/invoices/next?count=1"))["rows"][-1]["due"]
    shown = looked(caller, "calendars/company/days", {"days": due[:10]})
    assert {"schedule": "invoices", "due": due} in shown["lost"]
    assert file_of(busy) == SCHEDULES

    made(caller, "calendars/company/days", {"days": "2031-01-02..2031-01-03", "note": "stocktaking"})
    act = Act.objects.get(verb="edit")
    assert (act.by, act.subject_kind, act.subject, act.note) == (
        "supervisor",
        "calendar",
        "company",
        "stocktaking",
    )
    made(caller, "calendars/company/days", {"days": "2031-01-04", "kind": "open"})
    made(caller, "calendars/company/days", {"days": "2031-01-06", "kind": "half", "until": "13:00"})
    made(caller, "calendars/company/blackouts", {"window": "2031-01-07 18:00..2031-01-08 06:00"})
    made(caller, "calendars/company/days/remove", {"days": "2030-12-24"})
    made(caller, "calendars/company/blackouts/remove", {"window": "Sun 02:00-04:00"})
    (row,) = ok(caller.get("calendars"))["rows"]
    assert row["days"] == [
        {"days": "2031-01-02..2031-01-03", "kind": "closed", "until": None},
        {"days": "2031-01-04", "kind": "open", "until": None},
        {"days": "2031-01-06", "kind": "half", "until": "13:00"},
    ]
    assert row["blackouts"] == ["2031-01-07 18:00..2031-01-08 06:00"]
    assert "# ours" in file_of(busy)
    assert Act.objects.filter(verb="edit", subject_kind="calendar").count() == 6

    refusal(
        caller.post("calendars/nothing/days", {"days": "2031-01-02", "preview": True}), 404, "API_NOT_FOUND"
    )
    refusal(program(busy, "operator").post("calendars/company/days", {"days": "2031-01-02"}), 403, "API_ROLE")


def test_a_broken_file_is_told_and_left_alone(busy: Desk) -> None:
    caller = program(busy, "supervisor")
    broken = SCHEDULES.replace('cron: "30 8 * * 1-5"', 'cron: "never"')
    busy.settings.schedules.write_text(broken, "utf-8")
    for path, body in EDITS:
        error = refusal(caller.post(path, {**body, "preview": True}), 422, "API_SCHEMA")
        assert any(one["field"].startswith("schedules.yaml:") for one in error["errors"]), (path, error)
    assert file_of(busy) == broken
    busy.settings.schedules.unlink()
    plan()
    for path, body in EDITS:
        answer = caller.post(path, {**body, "preview": True})
        assert answer.status_code in {404, 409, 422}, (path, answer.content)
        assert str(busy.settings.project) not in answer.content.decode()


def test_a_bot_that_is_gone_is_not_scheduled(busy: Desk) -> None:
    Bot.objects.filter(pk="slow").update(present=False)
    answer = program(busy, "admin").post(
        "schedules", {"entry": {"id": "x", "bot": "slow", "every": "1h"}, "preview": True}
    )
    assert refusal(answer, 422, "API_SCHEMA")["errors"][0]["code"] == "SCHED_BOT_MISSING"


def test_a_calendar_is_added_and_then_has_its_own_days(busy: Desk) -> None:
    caller = program(busy, "supervisor")
    body = {"name": "plant", "country": "cn", "note": "the new plant"}
    told = made(caller, "calendars", body, 201)
    assert (told["subject"], told["applied"]) == ("plant", True)
    made(caller, "calendars/plant/days", {"days": "2031-05-06", "kind": "open"})
    rows = {row["name"]: row for row in ok(caller.get("calendars"))["rows"]}
    assert (rows["plant"]["country"], rows["plant"]["schedules"]) == ("CN", [])
    assert rows["plant"]["days"] == [{"days": "2031-05-06", "kind": "open", "until": None}]
    act = Act.objects.get(pk=told["act"])
    assert (act.subject_kind, act.subject, act.data["kind"], act.note) == (
        "calendar", "plant", "calendar", "the new plant",
    )  # fmt: skip
    assert "# ours" in file_of(busy)
    refusal(program(busy, "operator").post("calendars", {**body, "preview": True}), 403, "API_ROLE")
