"""Cases as a workbook for programs: taken out, brought back, looked at row by row, carried out once."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from runner.cases import decisions
from runner.cases.corrections import read_corrections
from runner.core.clock import now
from runner.desk.api import corrections
from runner.desk.people.models import ProcessRole
from runner.desk.queue import workbooks
from runner.desk.uploads import XLSX
from runner.engine.bot_watch import take_stock
from runner.store.models import Act, AuditEntry, Case, Item
from tests.desk_place import Desk
from tests.desk_program import Program, ok, program, refusal


def taken_out(caller: Program, query: str = "") -> openpyxl.Workbook:
    """The workbook of the cases that the query asks for."""
    answer = caller.get(f"corrections{query}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == XLSX
    assert answer["Content-Disposition"].startswith('attachment; filename="cases-')
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def bytes_of(book: openpyxl.Workbook) -> bytes:
    """The workbook as a file."""
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def brought_back(caller: Program, content: bytes) -> Any:
    """The answer to a workbook that is sent."""
    sent = SimpleUploadedFile("filled in.xlsx", content, XLSX)
    headers = {"authorization": f"Bearer {caller.key}"}
    return caller.client.post("/api/v1/corrections", {"file": sent}, headers=headers)


def fill(book: openpyxl.Workbook, key: str, **cells: Any) -> str:
    """Fill in cells of the row of an item; gives the place of the last one."""
    sheet = book["invoices"]
    at = {str(cell.value): int(cell.column or 0) for cell in sheet[1]}
    row = next(n for n in range(2, sheet.max_row + 1) if key in {cell.value for cell in sheet[n]})
    cell = None
    for name, value in cells.items():
        cell = sheet.cell(row, at[name.replace("__", ".")], value)
    return f"invoices!{cell.coordinate if cell else ''}"


def states(told: dict[str, Any]) -> dict[str, str]:
    """The state of each row by its item."""
    return {one["item"]: one["state"] for one in told["rows"]}


@pytest.fixture
def place(desk: Desk) -> Desk:
    """A desk that knows what its bots take."""
    take_stock(desk.settings, changed_only=True)
    return desk


def test_a_workbook_is_looked_at_then_carried_out_once(place: Desk) -> None:
    caller = program(place, "operator")
    book = taken_out(caller)
    assert AuditEntry.objects.latest("seq").what == "cases.export"
    fill(book, "A-2", data__amount=12.5)
    fill(book, "A-3", decision="done by hand", note="telephoned")
    wrong = fill(book, "A-1", data__amount="a lot")
    content = bytes_of(book)

    shown = ok(brought_back(caller, content))
    assert (shown["applied"], shown["counts"]) == (False, {"apply": 2, "error": 1, "nothing": 1})
    assert states(shown) == {"A-1": "error", "A-2": "apply", "A-3": "apply", "A-4": "nothing"}
    rows = {one["item"]: one for one in shown["rows"]}
    assert rows["A-2"]["changes"] == {"amount": {"before": "12,5", "after": "12.5"}}
    (error,) = rows["A-1"]["errors"]
    assert (error["code"], error["field"]) == ("ITEM_DATA", wrong)
    assert error["hint"]
    assert Act.objects.filter(machine=False).count() == 0
    assert ok(brought_back(caller, content)) == shown
    assert ok(caller.get(f"corrections/{shown['id']}")) == shown

    decisions.claim(Case.objects.get(key="A-3").pk, by="ann", at=now())
    moved = ok(caller.get(f"corrections/{shown['id']}"))
    assert states(moved)["A-3"] == "conflict"
    assert "ann" in next(one for one in moved["rows"] if one["item"] == "A-3")["errors"][0]["message"]

    done = ok(caller.post(f"corrections/{shown['id']}/apply"))
    assert (done["applied"], states(done)["A-2"], states(done)["A-3"]) == (True, "done", "conflict")
    assert Case.objects.get(key="A-2").status == "retrying"
    assert Item.objects.get(key="A-2").data["amount"] == "12.5"
    act = Act.objects.get(verb="retry")
    assert act.by == "operator"
    assert AuditEntry.objects.filter(by="operator", subject=act.subject).exists()
    acts = Act.objects.count()
    assert states(ok(caller.post(f"corrections/{shown['id']}/apply")))["A-2"] == "done"
    book.properties.title = "another copy"
    copy = ok(brought_back(caller, bytes_of(book)))
    assert copy["id"] != shown["id"]
    assert states(ok(caller.post(f"corrections/{copy['id']}/apply")))["A-2"] == "done"
    assert Act.objects.count() == acts


def test_a_workbook_is_carried_out_in_parts_each_row_once(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = program(place, "operator")
    book = taken_out(caller)
    for key in ("A-1", "A-2", "A-3"):
        fill(book, key, decision="done by hand", note="telephoned")
    kept = ok(brought_back(caller, bytes_of(book)))
    monkeypatch.setattr(corrections, "AT_ONCE", timedelta(0))
    answers, start = list[Any](), 0
    while not answers or start:
        answers.append(ok(caller.post(f"corrections/{kept['id']}/apply?start={start}")))
        start = answers[-1]["next"]
    assert [(one["counts"].get("done", 0), one["total"]) for one in answers] == [(1, len(kept["rows"]))] * 3
    rows = [row for one in answers for row in one["rows"]]
    assert [(row["item"], row["row"]) for row in rows] == [(row["item"], row["row"]) for row in kept["rows"]]
    assert Act.objects.filter(machine=False, verb="done").count() == 3
    monkeypatch.setattr(corrections, "ROWS_AT_ONCE", 3)
    again = ok(caller.post(f"corrections/{kept['id']}/apply"))
    assert (again["next"], again["counts"]) == (3, {"done": 3})
    last = ok(caller.post(f"corrections/{kept['id']}/apply?start=4000"))
    assert (last["rows"], last["next"]) == ([], None)
    refusal(caller.post(f"corrections/{kept['id']}/apply?start=-1"), 422, "API_SCHEMA")


def test_a_row_that_moves_between_the_look_and_the_act_is_skipped(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = program(place, "operator")
    book = taken_out(caller)
    fill(book, "A-2", decision="done by hand", note="telephoned")
    kept = ok(brought_back(caller, bytes_of(book)))["id"]
    planned = read_corrections(place.settings.home / "corrections" / f"{kept}.xlsx")
    decisions.claim(Case.objects.get(key="A-2").pk, by="ann", at=now())
    monkeypatch.setattr(workbooks, "plan_corrections", lambda *_args, **_more: planned)
    done = ok(caller.post(f"corrections/{kept}/apply"))
    assert states(done)["A-2"] == "skipped"
    assert Case.objects.get(key="A-2").status == "claimed"


def test_only_the_selected_cases_are_taken_out(place: Desk) -> None:
    caller = program(place, "supervisor")
    ids = list(Case.objects.filter(key__in=["A-1", "A-2"]).values_list("pk", flat=True))
    assert taken_out(caller, "?queue=invoices")["invoices"].max_row == 2 + 4
    assert taken_out(caller, f"?case={ids[0]}&case={ids[1]}")["invoices"].max_row == 2 + 2
    frozen = ok(caller.post("selections", {"cases": [{"id": ids[0]}]}), 201)["id"]
    assert taken_out(caller, f"?selection={frozen}")["invoices"].max_row == 2 + 1
    assert taken_out(caller, f"?selection={frozen}&case={ids[0]}")["invoices"].max_row == 2 + 1
    chinese = taken_out(caller, "?language=zh")
    assert "个案编号" in {cell.value for cell in chinese["invoices"][2]}

    refusal(caller.get(f"corrections?selection={frozen}&case={ids[1]}"), 422, "EXPORT_EMPTY")
    refusal(caller.get("corrections?queue=nothing"), 422, "EXPORT_EMPTY")
    refusal(caller.get("corrections?language=de"), 422, "API_SCHEMA")
    refusal(caller.get("corrections?qeue=x"), 422, "API_SCHEMA")
    refusal(program(place, "operator").get(f"corrections?selection={frozen}"), 404, "API_NOT_FOUND")


def test_what_is_no_workbook_of_ours_is_refused_and_not_kept(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = program(place, "operator")
    book = taken_out(caller)
    for content, code in (
        (b"hello", "UPLOAD_TYPE"),
        (b"PK\x03\x04 no zip", "UPLOAD_TYPE"),
        (bytes_of(openpyxl.Workbook()), "WB_FORM"),
        (b"", "UPLOAD_MISSING"),
    ):
        error = refusal(brought_back(caller, content), 422, code)
        assert error["field"] == "file"
    monkeypatch.setattr(workbooks, "LARGEST_FILE", 100)
    refusal(brought_back(caller, bytes_of(book)), 422, "UPLOAD_SIZE")
    assert refusal(caller.post("corrections", {"file": "x"}), 422, "API_SCHEMA")["field"] == "file"
    assert not list((place.settings.home / "corrections").glob("*"))
    refusal(caller.get("corrections/nothing"), 404, "API_NOT_FOUND")
    refusal(caller.post(f"corrections/{'0' * 64}/apply"), 404, "API_NOT_FOUND")
    assert not Act.objects.filter(machine=False).exists()


def test_rows_take_the_roles_and_scopes_that_decisions_take(place: Desk) -> None:
    boss = program(place, "supervisor")
    book = taken_out(boss)
    fill(book, "A-2", decision="reject", note="twice")
    fill(book, "A-4", decision="it happened", note="seen")
    content = bytes_of(book)
    kept = ok(brought_back(boss, content))
    assert states(kept) == {"A-1": "nothing", "A-2": "apply", "A-3": "nothing", "A-4": "error"}
    (error,) = next(one for one in kept["rows"] if one["item"] == "A-4")["errors"]
    assert error["code"] == "API_ROLE"

    narrow = program(place, "supervisor", ["cases.import", "cases.see"])
    assert states(ok(brought_back(narrow, content)))["A-2"] == "error"
    ok(narrow.post(f"corrections/{kept['id']}/apply"))
    refusal(program(place, "viewer").get("corrections"), 403, "API_ROLE")
    refusal(brought_back(program(place, "viewer"), content), 403, "API_ROLE")
    refusal(brought_back(program(place, "operator", ["cases.see"]), content), 403, "API_ROLE")

    mine = ProcessRole.objects.create(
        person=place.person("operator"), process="accounts-payable", role="viewer"
    )
    clerk = program(place, "operator")
    assert states(ok(brought_back(clerk, content)))["A-2"] == "error"
    ok(clerk.post(f"corrections/{kept['id']}/apply"))
    mine.role = "none"
    mine.save()
    refusal(clerk.get("corrections"), 422, "EXPORT_EMPTY")
    refusal(clerk.get(f"corrections/{kept['id']}"), 404, "API_NOT_FOUND")
    error = refusal(brought_back(clerk, content), 422, "WB_FORM")
    assert "A-2" not in str(error)
    page = place.client("operator").get(f"/corrections/{kept['id']}/")
    assert page.status_code == 404
    assert not Act.objects.filter(machine=False).exists()
    assert set(Case.objects.values_list("status", flat=True)) == {"open"}
