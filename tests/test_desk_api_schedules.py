"""Schedules for programs: what people decide beside the file, as JSON."""

from __future__ import annotations

from datetime import timedelta

from runner.core.clock import from_iso, iso, now
from runner.engine.bot_watch import take_stock
from runner.store.models import Occurrence, Run
from tests.desk_place import Desk
from tests.desk_program import ok, program, refusal
from tests.schedule_place import recorded


def test_a_due_time_to_come_is_taken_out(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "operator")
    (first, second) = ok(caller.get("schedules/invoices/next?count=2"))["rows"]

    said = {"due": first["due"], "reason": "stocktaking"}
    told = ok(caller.post("schedules/invoices/cancel", said))
    assert told["rows"] == [{"due": first["due"], "was": "", "run": None, "why": ""}]
    found = Occurrence.objects.get(schedule="invoices", due=from_iso(first["due"]))
    assert (found.state, found.decided_by) == ("cancelled", "operator")

    refusal(caller.post("schedules/invoices/cancel", said), 409, "API_STATE")
    wrong = {"due": iso(from_iso(second["due"]) + timedelta(seconds=1)), "reason": "x"}
    assert refusal(caller.post("schedules/invoices/cancel", wrong), 422, "API_SCHEMA")["field"] == "due"
    assert (
        refusal(caller.post("schedules/invoices/cancel", {"due": second["due"]}), 422, "API_SCHEMA")["field"]
        == "reason"
    )


def test_due_times_of_the_past_are_looked_at_and_run(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "operator")
    start = iso(now() - timedelta(days=10))
    rows = ok(caller.get(f"schedules/invoices/backfill?start={start.replace('+', '%2B')}"))["rows"]
    assert len(rows) >= 5
    never = iso(from_iso(rows[0]["due"]) + timedelta(seconds=1))

    said = {"dues": [rows[0]["due"], never], "note": "the portal was down"}
    done = ok(caller.post("schedules/invoices/backfill", said))["rows"]

    assert Run.objects.get(pk=done[0]["run"]).due == from_iso(rows[0]["due"])
    assert (done[1]["run"], done[1]["why"]) == (None, "it is no due time of the past, or has run")
    assert len(ok(caller.get(f"schedules/invoices/backfill?start={start}"))["rows"]) == len(rows) - 1


def test_missed_due_times_are_run_or_left_with_a_reason(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "operator")
    rows = ok(caller.get(f"schedules/invoices/backfill?start={iso(now() - timedelta(days=10))}"))["rows"]
    dues = [from_iso(one["due"]) for one in rows[:2]]
    for due in dues:
        recorded("invoices", due, "missed", "nobody was there")

    said = {"dues": [iso(dues[0])], "run": False}
    assert refusal(caller.post("schedules/invoices/missed", said), 422, "API_SCHEMA")["field"] == "note"
    left = ok(caller.post("schedules/invoices/missed", {**said, "note": "too late by now"}))["rows"]
    assert [(one["was"], one["run"], one["why"]) for one in left] == [("missed", None, "")]
    run = ok(caller.post("schedules/invoices/missed", {"dues": [iso(dues[1])], "run": True}))["rows"]
    assert Run.objects.get(pk=run[0]["run"]).status == "queued"


def test_a_pilot_is_promoted_by_who_may(desk: Desk) -> None:
    text = desk.settings.schedules.read_text("utf-8")
    pilot = text.replace("id: invoices", "id: invoices\n    stage: pilot\n    sample: 1 items", 1)
    pilot = pilot.replace("  - id: slow-one", "  - {id: plain, bot: invoice, every: 2h}\n  - id: slow-one", 1)
    desk.settings.schedules.write_text(pilot, "utf-8")
    take_stock(desk.settings, changed_only=True)

    refusal(program(desk, "operator").post("schedules/invoices/promote"), 403, "API_ROLE")
    refusal(program(desk, "supervisor").post("schedules/plain/promote"), 409, "API_STATE")
    told = ok(program(desk, "supervisor").post("schedules/invoices/promote", {"note": "three good runs"}))
    assert told == {"schedule": "invoices", "stage": "production"}
    assert ok(program(desk, "viewer").get("schedules/invoices"))["stage"] == "production"
    refusal(program(desk, "supervisor").post("schedules/invoices/promote"), 409, "API_STATE")
