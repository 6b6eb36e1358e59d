"""Cases to a spreadsheet and back: corrected rows are retried, conflicts are told, nothing happens twice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from runner.cases import decisions
from runner.cases.audit import verify
from runner.cases.carrying_out import apply_corrections
from runner.cases.corrections import RowState, read_corrections
from runner.cases.item_fields import fields_of, same_value
from runner.cases.roundtrip import export_cases
from runner.core.errors import ErrorReport, UsageError, WorkbookError
from runner.sheets.forms import sheet_names
from runner.store.case_lists import CaseFilter
from runner.store.models import Act, Case, Queue
from tests.cases_history import case_of, failed_run, item_of, now, same_after_rebuild, verbs
from tests.journal_maker import ORDERS, RunMaker

pytestmark = pytest.mark.usefixtures("store")
SCHEMA: dict[str, Any] = {
    "properties": {
        "number": {"title": "Number", "type": "string"},
        "customer": {"title": "Customer", "type": "string", "minLength": 2},
        "amount": {"title": "Amount", "anyOf": [{"type": "number"}, {"type": "string"}]},
        "count": {"title": "Count", "type": "integer", "minimum": 1, "default": 1},
        "day": {
            "title": "Day",
            "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
            "default": None,
        },
        "kind": {"title": "Kind", "type": "string", "enum": ["new", "old"], "default": "new"},
        "urgent": {"title": "Urgent", "type": "boolean", "default": False},
        "lines": {"title": "Lines", "type": "array", "items": {"type": "string"}, "default": []},
        "zip": {"title": "Zip", "type": "string", "default": ""},
    },
    "required": ["number", "customer", "amount"],
}
DATA: dict[str, Any] = {
    "customer": "Ho", "amount": "12.50", "count": 3, "day": "2026-11-24", "kind": "new", "urgent": False,
    "lines": ["a", "b"], "zip": "00123",
}  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Items 1, 2, 3 of `orders` have failed, 9 has an unknown outcome, and one whole run failed."""
    monkeypatch.setitem(ORDERS, "fields", SCHEMA)
    runs = tmp_path / "runs"
    failed_run(runs, "1", "2", "3", **{**DATA, "customer": "=SUM(A1)"})
    with RunMaker(runs) as run:
        run.started()
        run.put("9", **DATA)
        run.begin("9")
        run.line(1, "irreversible.intent", queue="orders", item="9", attempt=1, step="submit")
        run.fail("9", kind="unknown", message="outcome of step 'submit' is unknown", code="OUTCOME_UNKNOWN")
        run.finished("lost", {"kind": "application", "why": "crash"})
        run.take_in()
    return runs


@pytest.fixture
def file(runs: Path, tmp_path: Path) -> Path:
    """The workbook of all of them."""
    path = tmp_path / "cases.xlsx"
    made = export_cases(path, CaseFilter(), by="ann", at=now(), base_url="http://127.0.0.1:8000/desk/")
    assert (made.cases, made.sheets) == (5, 2)
    return path


class Book:
    """The workbook in the hands of a person."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book: Workbook = openpyxl.load_workbook(path)

    def sheet(self, name: str = "orders") -> Worksheet:
        found = self.book[name]
        assert isinstance(found, Worksheet)
        return found

    def names(self, sheet: str = "orders") -> list[str]:
        return [str(cell.value) for cell in self.sheet(sheet)[1]]

    def row(self, key: str, sheet: str = "orders") -> int:
        column = self.names(sheet).index("item") + 1
        rows = range(3, self.sheet(sheet).max_row + 1)
        return next(r for r in rows if str(self.sheet(sheet).cell(r, column).value) == key)

    def cell(self, key: str, column: str, sheet: str = "orders") -> Any:
        return self.sheet(sheet).cell(self.row(key, sheet), self.names(sheet).index(column) + 1)

    def fill(self, key: str, sheet: str = "orders", **values: Any) -> None:
        for name, value in values.items():
            place = name if name in {"decision", "note", "comment", "version", "case"} else f"data.{name}"
            self.cell(key, place, sheet).value = value

    def save(self) -> Path:
        self.book.save(self.path)
        return self.path


def planned(path: Path, validate: Any = None) -> dict[str, Any]:
    return {row.item: row for row in read_corrections(path, validate).rows}


def states(path: Path) -> dict[str, str]:
    return {item: str(row.state) for item, row in planned(path).items()}


# -- out -------------------------------------------------------------------------------------------------------------


def test_the_workbook_has_locked_and_open_columns_drop_downs_links_and_instructions(file: Path) -> None:
    book = Book(file)
    assert book.book.sheetnames == ["How to", "orders", "runs", "_runner"]
    assert book.book["_runner"].sheet_state == "veryHidden"
    sheet = book.sheet()
    assert sheet.freeze_panes == "D3"
    assert str(sheet.auto_filter.ref).startswith("A2:")
    assert sheet.protection.sheet
    assert not sheet.protection.password
    assert sheet.row_dimensions[1].hidden
    assert sheet.column_dimensions["B"].hidden
    assert [cell.value for cell in sheet[2]][:4] == ["Case", "Version", "Item", "Kind"]
    for column, locked in (
        ("message", True),
        ("data.number", True),
        ("decision", False),
        ("data.amount", False),
    ):
        assert book.cell("1", column).protection.locked is locked, column
    assert book.cell("1", "case").hyperlink.target == f"http://127.0.0.1:8000/desk/cases/{case_of('1').pk}"
    lists = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation}
    assert '"retry,done by hand,reject,I take it"' in lists.values()
    assert '"it happened,it did not happen,I take it"' in lists.values()
    assert '"new,old"' in lists.values()
    assert '"TRUE,FALSE"' in lists.values()


def test_values_keep_their_form(file: Path) -> None:
    book = Book(file)
    row = {
        name.removeprefix("data."): book.cell("1", name) for name in book.names() if name.startswith("data.")
    }
    assert (row["zip"].value, row["zip"].data_type, row["zip"].number_format) == ("00123", "s", "@")
    assert (row["customer"].value, row["customer"].data_type) == ("=SUM(A1)", "s")
    assert (row["amount"].value, row["amount"].data_type) == (12.5, "n")
    assert row["day"].value == dt.datetime.fromisoformat("2026-11-24")
    assert row["urgent"].value is False
    assert row["lines"].value == '["a", "b"]'
    assert row["count"].value == 3


def test_it_is_written_in_chinese_and_read_back(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "异常.xlsx"
    export_cases(path, CaseFilter(queue="orders"), by="ann", at=now(), language="zh-hans")
    book = Book(path)
    assert book.book.sheetnames == ["说明", "orders", "_runner"]
    assert [cell.value for cell in book.sheet()[2]][:3] == ["个案编号", "版本", "工作项"]
    book.fill("1", decision="拒绝", note="旧单")
    book.fill("9", decision="已发生", note="已在系统中查到")
    assert states(book.save()) == {"1": "apply", "2": "nothing", "3": "nothing", "9": "apply"}


def test_nothing_to_export_is_said(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="EXPORT_EMPTY"):
        export_cases(tmp_path / "x.xlsx", CaseFilter(text="nothing like it"), by="ann", at=now())
    with pytest.raises(WorkbookError, match="WB_NOT_XLSX"):
        export_cases(tmp_path / "x.xls", CaseFilter(), by="ann", at=now())
    assert not (tmp_path / "x.xlsx").exists()


@pytest.mark.parametrize(
    "wanted",
    [
        ["a" * 40, "a" * 50],
        ["Orders", "orders"],
        ["a/b", "a:b"],
        ["_runner"],
        ["History"],
        ["'quoted'"],
        [" "],
    ],
)
def test_sheets_get_names_that_excel_takes(wanted: list[str]) -> None:
    names = list(sheet_names(wanted).values())
    assert len({name.casefold() for name in names}) == len(wanted)
    for name in names:
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\'")
        assert name.casefold() not in {"_runner", "history"}


# -- back ------------------------------------------------------------------------------------------------------------


def test_a_workbook_that_nobody_filled_in_does_nothing(file: Path) -> None:
    assert set(states(file).values()) == {"nothing"}
    assert set(states(Book(file).save()).values()) == {"nothing"}  # saved by another program
    assert apply_corrections(read_corrections(file), by="ann", at=now) == []
    assert Act.objects.filter(machine=False).count() == 0


def test_corrected_rows_are_retried_the_others_decided_and_a_second_import_does_nothing(
    runs: Path, file: Path
) -> None:
    book = Book(file)
    book.fill(
        "1",
        customer="Ho & Co",
        amount="13.75",
        day=dt.date(2026, 12, 1),
        zip="00456",
        lines='["c"]',
        urgent=True,
    )
    book.fill("2", decision="done by hand", note="typed in", comment="@ben please check")
    book.fill("9", decision="it did not happen", note="not in the portal")
    run_row = str(Book(file).cell("post_orders", "case", "runs").value)
    book.fill("post_orders", "runs", decision="reject", note="old")
    found = planned(book.save())
    assert found["1"].decision.verb == "retry"
    assert found["1"].changes["amount"] == ("12.50", "13.75")
    assert "customer: =SUM(A1) → Ho & Co" in found["1"].text
    assert found["1"].sheet == "orders"
    assert (found["2"].text, found["3"].state) == ("done; comment: @ben please check", RowState.NOTHING)
    results = apply_corrections(read_corrections(file), by="ann", at=now)
    assert [one.outcome for one in results] == ["done"] * 4, results
    assert item_of("1").data == {
        **DATA, "number": "1", "customer": "Ho & Co", "amount": "13.75", "day": "2026-12-01", "zip": "00456",
        "lines": ["c"], "urgent": True,
    }  # fmt: skip
    assert (case_of("2").status, case_of("9").status, case_of("3").status) == ("resolved", "retrying", "open")
    assert verbs(case_of("2"))[-2:] == ["done", "comment"]
    assert Case.objects.get(pk=run_row).status == "resolved"
    again = read_corrections(file)
    assert {r.item: str(r.state) for r in again.rows if r.item != "3"} == dict.fromkeys(
        ["1", "2", "9", "post_orders"], "done"
    )
    assert apply_corrections(again, by="ben", at=now) == []
    assert verify().broken is None
    same_after_rebuild(runs)


def test_a_case_that_moved_meanwhile_is_a_conflict_that_names_who(file: Path) -> None:
    decisions.claim(case_of("1").pk, by="ben", at=now())
    decisions.claim(case_of("3").pk, by="ben", at=now())
    book = Book(file)
    book.fill("1", decision="reject", note="old")
    book.fill("2", decision="reject", note="old")
    found = read_corrections(book.save())
    by_item = {row.item: row for row in found.rows}
    assert by_item["1"].state is RowState.CONFLICT
    assert "already decided by ben at 20" in by_item["1"].text
    assert by_item["3"].state is RowState.NOTHING
    decisions.claim(case_of("2").pk, by="cleo", at=now())  # between preview and apply
    (result,) = apply_corrections(found, by="ann", at=now)
    assert (result.outcome, "cleo" in result.why) == ("skipped", True)


@pytest.mark.parametrize(
    ("filled", "column", "words"),
    [
        ({"amount": "12,5"}, "data.amount", ["the value is '12,5'", "a number"]),
        ({"amount": None}, "data.amount", ["it is empty"]),
        ({"count": 2.5}, "data.count", ["a whole number"]),
        ({"count": 0}, "data.count", ["at least 1"]),
        ({"day": "tomorrow"}, "data.day", ["a date, as in 2026-11-24"]),
        ({"kind": "odl"}, "data.kind", ["did you mean 'old'?"]),
        ({"urgent": "perhaps"}, "data.urgent", ["TRUE or FALSE"]),
        ({"lines": "a, b"}, "data.lines", ["JSON"]),
        ({"customer": "H"}, "data.customer", ["too short"]),
        ({"decision": "rejcet"}, "decision", ["did you mean 'reject'?"]),
        ({"decision": "reject"}, "note", ["needs a reason or proof"]),
        ({"decision": "reject", "note": "x", "amount": "9"}, "decision", ["the data was changed"]),
        ({"decision": "it happened", "note": "x"}, "", ["nothing to attest"]),
        ({"version": None}, "version", ["the version of the case is gone"]),
    ],
)
def test_what_is_wrong_is_named_by_sheet_and_cell_and_stops_no_other_row(
    file: Path, filled: dict[str, Any], column: str, words: list[str]
) -> None:
    book = Book(file)
    book.fill("1", **filled)
    book.fill("2", decision="retry")
    place = f"orders!{book.cell('1', column).coordinate}" if column else ""
    found = planned(book.save())
    assert found["1"].state in {RowState.ERROR, RowState.CONFLICT}
    text = str(found["1"].errors[0])
    assert place in text
    for word in words:
        assert word in text
    assert found["2"].state is RowState.APPLY


def test_the_queues_own_model_has_the_last_word_at_the_cell(file: Path) -> None:
    def strict(queue: Queue, data: Any) -> dict[str, Any]:
        if data["amount"] == "99":
            raise ErrorReport(
                [UsageError("99 is too much", expected="less", where="amount", code="ITEM_DATA")]
            )
        return {**data, "customer": data["customer"].upper()}

    book = Book(file)
    book.fill("1", amount=99)
    book.fill("2", amount=98, customer="ho")
    place = book.cell("1", "data.amount").coordinate
    found = planned(book.save(), strict)
    assert str(found["1"].errors[0]) == f"orders!{place}: ITEM_DATA: 99 is too much - less"
    assert found["2"].decision.data["customer"] == "HO"


def test_a_row_that_never_fitted_is_corrected_in_the_sheet(tmp_path: Path) -> None:
    with RunMaker(tmp_path / "runs") as run:
        run.started()
        run.put(bad=("7",))
        run.finished("exceptions")
        run.take_in()
    Queue.objects.filter(name="orders").update(fields=SCHEMA)
    path = tmp_path / "bad.xlsx"
    export_cases(path, [case_of("7").pk], by="ann", at=now())
    book = Book(path)
    assert book.cell("7", "data.amount").value == "x"
    book.fill("7", decision="retry")
    assert states(book.save()) == {"7": "error"}  # as it is it can't be tried
    book.fill("7", customer="Ho", amount=5)
    found = planned(book.save())["7"]
    assert (found.state, found.decision.data["amount"]) == (RowState.APPLY, "5")


def test_files_from_elsewhere_are_refused(file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.xlsx"
    plain = openpyxl.Workbook()
    plain.save(own)
    with pytest.raises(WorkbookError, match="WB_FORM: this workbook was not exported"):
        read_corrections(own)
    book = Book(file)
    book.book["_runner"]["B1"] = "something"
    book.book.save(own)
    with pytest.raises(WorkbookError, match=r"WB_FORM: .* it says 'something'"):
        read_corrections(own)
    other = Book(file)
    for name in ("orders", "runs"):
        for row in range(3, other.sheet(name).max_row + 1):
            other.sheet(name).cell(row, 1).value = f"AAAAAAAAAA{row:02}"
    other.book.save(own)
    with pytest.raises(WorkbookError, match="none of its 4 cases is known here"):
        read_corrections(own)
    (tmp_path / "text.xlsx").write_text("no workbook", "utf-8")
    with pytest.raises(WorkbookError, match=r"text\.xlsx"):
        read_corrections(tmp_path / "text.xlsx")


def test_a_row_that_stands_twice_or_lost_its_id_is_an_error(file: Path) -> None:
    book = Book(file)
    book.cell("2", "case").value = case_of("1").pk
    book.cell("3", "case").value = None
    rows = read_corrections(book.save()).rows
    texts = [row.text for row in rows if row.state is RowState.ERROR]
    assert any("stands here twice" in text for text in texts)
    assert any("the id of the case is gone" in text for text in texts)


def test_sheets_and_columns_that_people_add_do_no_harm(file: Path) -> None:
    book = Book(file)
    book.book.create_sheet("my notes")["A1"] = "case"
    book.sheet().cell(2, 40).value = "my column"
    book.sheet().cell(3, 40).value = "x"
    book.fill("1", decision="retry")
    assert states(book.save())["1"] == "apply"


@pytest.mark.parametrize(
    ("one", "other", "kind", "same"),
    [
        ("12.50", 12.5, "decimal", True),
        ("12.50", "12.5", "decimal", True),
        ("12.50", "12.5", "text", False),
        ("00123", "123", "text", False),
        (3, 3.0, "integer", True),
        ("x", 3, "integer", False),
        (None, "", "text", True),
        (None, "", "decimal", True),
        (True, 1, "boolean", False),
        ("a", "A", "text", False),
        ([], None, "json", False),
        (["a"], ["a"], "json", True),
    ],
)
def test_which_values_say_the_same(one: Any, other: Any, kind: str, *, same: bool) -> None:
    assert same_value(one, other, kind) is same


def test_fields_follow_from_a_model_with_references_and_options() -> None:
    schema = {
        "$defs": {"Colour": {"enum": ["red", "blue"], "type": "string"}},
        "properties": {
            "colour": {"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}], "default": None},
            "nested": {"type": "object"},
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "when": {"type": "string", "format": "date-time"},
        },
    }
    found = {one.name: (one.kind, one.choices, one.may_be_empty) for one in fields_of(schema)}
    assert found == {
        "colour": ("choice", ("red", "blue"), True),
        "nested": ("json", (), False),
        "either": ("text", (), False),
        "when": ("datetime", (), False),
    }
