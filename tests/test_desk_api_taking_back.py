"""Edits of schedules.yaml taken back by programs and on the desk: by whom, and once."""

from __future__ import annotations

from runner.desk.people.models import ProcessRole
from tests.desk_place import Desk
from tests.desk_program import program, refusal
from tests.schedule_place import SCHEDULES
from tests.test_desk_api_schedule_edits import file_of, looked, made


def test_an_edit_is_taken_back_by_its_act_once(busy: Desk) -> None:
    operator, supervisor = program(busy, "operator"), program(busy, "supervisor")
    first = made(operator, "schedules/tried/edit", {"changes": {"at": "23:45"}})
    second = made(supervisor, "calendars/company/days", {"days": "2031-01-02"})
    undo = f"edits/{first['act']}/undo"
    assert looked(operator, undo, {})["changes"] != []
    assert "23:45" in file_of(busy)
    told = made(operator, undo, {"note": "a mistake"})
    assert (told["subject"], told["applied"]) == ("tried", True)
    assert "23:45" not in file_of(busy)
    refusal(operator.post(undo, {"base": told["base"]}), 409, "SCHED_MOVED")
    refusal(operator.post(f"edits/{second['act']}/undo", {"preview": True}), 403, "API_ROLE")
    made(supervisor, f"edits/{second['act']}/undo", {})
    assert file_of(busy) == SCHEDULES
    refusal(supervisor.post("edits/nothing/undo", {"preview": True}), 404, "API_NOT_FOUND")


def test_an_edit_of_a_schedule_that_is_not_theirs_is_not_there(busy: Desk) -> None:
    caller = program(busy, "operator")
    changes = {"cron": "0 9 * * *"}
    told = made(program(busy, "admin"), "schedules/invoices/edit", {"changes": changes})
    undo = f"edits/{told['act']}/undo"
    mine = ProcessRole.objects.create(
        person=busy.person("operator"), process="accounts-payable", role="viewer"
    )
    assert "viewer" in refusal(caller.post(undo, {"preview": True}), 403, "API_ROLE")["message"]
    mine.role = "none"
    mine.save()
    nothing = caller.post("edits/nothing/undo", {"preview": True})
    assert caller.post(undo, {"preview": True}).content == nothing.content
    assert "0 9 * * *" in file_of(busy)


def test_taking_an_edit_back_starts_no_bot_of_a_process_that_is_not_theirs(busy: Desk) -> None:
    told = made(program(busy, "admin"), "schedules/invoices/remove", {})
    without = file_of(busy)
    assert "invoices" not in without
    ProcessRole.objects.create(person=busy.person("operator"), process="accounts-payable", role="viewer")
    caller, client = program(busy, "operator"), busy.client("operator")
    refusal(caller.post(f"edits/{told['act']}/undo", {"preview": True}), 403, "API_ROLE")
    assert client.post(f"/schedules/undo/{told['act']}").status_code == 403
    assert file_of(busy) == without
    made(program(busy, "admin"), f"edits/{told['act']}/undo", {})
    assert file_of(busy) == SCHEDULES
