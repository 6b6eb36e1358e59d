"""Cases as a spreadsheet: exported with drop-downs and locked columns, for people to correct many rows at once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from runner.cases import roundtrip_words as words
from runner.cases.audit import append
from runner.cases.item_fields import FieldFacts, fields_of
from runner.core.clock import iso
from runner.core.errors import UsageError
from runner.core.ids import uuid7
from runner.sheets.forms import FormColumn, FormRow, FormSheet, sheet_names, write_form
from runner.store.case_lists import CaseFilter, filtered_cases
from runner.store.models import Case, Queue

LARGEST: Final = 10_000  # cases in one workbook
FORMAT: Final = "1"
KIND: Final = "runner-cases"
DATA: Final = "data."
_LONGEST_TEXT: Final = 2000


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: its id, the file, the cases, and how many sheets for them."""

    id: str
    path: Path
    cases: int
    sheets: int


def as_stored(case: Case) -> tuple[str, str]:
    """The cause and what went wrong in the words that the store has."""
    return case.problem.title, case.message


def export_cases(
    path: Path,
    chosen: CaseFilter | Sequence[str],
    *,
    by: str,
    at: datetime,
    language: str = "en",
    base_url: str = "",
    told: Callable[[Case], tuple[str, str]] = as_stored,
) -> Exported:
    """Write the cases of a filter, or with these ids, to an .xlsx file: one sheet per queue, one for runs, instructions.

    `base_url` is the address of the desk, for links to the cases (``BASE/cases/ID``); `told` gives the texts of the columns
    problem and what went wrong. Texts keep their form: leading zeros,
    and what begins like a formula. Raises UsageError (EXPORT_EMPTY, EXPORT_SIZE), WorkbookError (WB_BUSY, WB_NOT_XLSX).
    """
    cases = _chosen(chosen)
    export = uuid7(at)
    by_queue: dict[str, list[Case]] = {}
    for case in cases:
        by_queue.setdefault(case.queue, []).append(case)
    order = sorted(by_queue, key=lambda name: (not name, name))  # runs last
    names = sheet_names([name or words.title("runs", language) for name in order])
    queues = Queue.objects.in_bulk([name for name in by_queue if name])
    sheets = [
        _sheet(
            names[name or words.title("runs", language)], queues.get(name), by_queue[name], language=language,
            base_url=base_url, told=told,
        )
        for name in order
    ]  # fmt: skip
    marks = {
        "kind": KIND,
        "format": FORMAT,
        "export": export,
        "made": iso(at),
        "by": by,
        "language": language,
    }
    marks |= {f"queue {names[name or words.title('runs', language)]}": name for name in by_queue}
    guide = (words.title("guide", language), words.guide(language))
    write_form(path, sheets, marks=marks, guide=guide)
    append(at, by, "cases.export", "export", export, {"cases": len(cases), "file": path.name})
    return Exported(export, path, len(cases), len(sheets))


def columns_of(queue: Queue | None, cases: Sequence[Case], language: str = "en") -> tuple[FormColumn, ...]:
    """The columns of a queue's sheet: ours, then one per field of the queue's model."""

    def head(name: str) -> str:
        return words.heading(name, language)

    own = (
        FormColumn("case", head("case"), width=15),
        FormColumn("version", head("version"), "integer", is_hidden=True),
        FormColumn("item", head("item"), width=18),
        FormColumn("kind", head("kind"), width=18),
        FormColumn("due", head("due"), "datetime", width=18),
        FormColumn("problem", head("problem"), width=30),
        FormColumn("message", head("message"), width=44),
        FormColumn("source", head("source"), width=24),
        *(
            FormColumn(name, head(name), width=22, is_editable=True, hint=words.hint(name, language))
            for name in ("decision", "note", "comment")
        ),
    )
    return (*own, *(_data_column(one, queue) for one in data_fields(queue, cases)))


def data_fields(queue: Queue | None, cases: Sequence[Case]) -> tuple[FieldFacts, ...]:
    """The fields of a queue; where its model says nothing, those that its items have, as text."""
    if queue is None:
        return ()
    known = fields_of(queue.fields)
    if known:
        return known
    seen = dict.fromkeys(name for case in cases if case.item for name in case.item.data)
    return tuple(FieldFacts(name, name, "text", rules={}) for name in seen)


def cell_of(field: FieldFacts, value: Any) -> Any:
    """A JSON value as the cell that shows it; what does not fit its field is shown as the text that it is."""
    if value is None or value == "":
        return None
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    maker = _CELLS.get(field.kind, str)
    try:
        return maker(value)
    except (ValueError, InvalidOperation, TypeError):
        return str(value)


def _chosen(chosen: CaseFilter | Sequence[str]) -> list[Case]:
    rows = (
        filtered_cases(chosen) if isinstance(chosen, CaseFilter) else Case.objects.filter(pk__in=list(chosen))
    )
    rows = rows.select_related("item", "problem").order_by("queue", "due", "opened", "id")
    cases = list(rows[: LARGEST + 1])
    if not cases:
        raise UsageError("no case fits", expected="at least one case", where="export", code="EXPORT_EMPTY")
    if len(cases) > LARGEST:
        raise UsageError(
            f"more than {LARGEST:,} cases fit",
            expected=f"at most {LARGEST:,} in one workbook",
            hint="narrow the filter: by queue, problem or kind",
            where="export",
            code="EXPORT_SIZE",
        )
    return cases


def _sheet(
    name: str, queue: Queue | None, cases: Sequence[Case], *, language: str, base_url: str,
    told: Callable[[Case], tuple[str, str]],
) -> FormSheet:  # fmt: skip
    fields = data_fields(queue, cases)
    rows = [_row(case, fields, language, base_url, told(case)) for case in cases]
    return FormSheet(name, columns_of(queue, cases, language), rows)


def _row(
    case: Case, fields: Sequence[FieldFacts], language: str, base_url: str, told: tuple[str, str]
) -> FormRow:
    data: Mapping[str, Any] = case.item.data if case.item else {}
    values: dict[str, Any] = {
        "case": case.pk,
        "version": case.version,
        "item": case.key or case.bot,
        "kind": words.kind_text(case.kind, language),
        "due": case.due.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0) if case.due else None,
        "problem": told[0][:_LONGEST_TEXT],
        "message": told[1][:_LONGEST_TEXT],
        "source": case.item.source if case.item else "",
    }
    values |= {f"{DATA}{one.name}": cell_of(one, data.get(one.name)) for one in fields}
    links = {"case": f"{base_url.rstrip('/')}/cases/{case.pk}"} if base_url else {}
    return FormRow(values, links, {"decision": words.choices_for(case.kind, language)})


def _data_column(field: FieldFacts, queue: Queue | None) -> FormColumn:
    is_key = queue is not None and field.name == queue.key
    choices = ("TRUE", "FALSE") if field.kind == "boolean" else field.choices
    return FormColumn(
        f"{DATA}{field.name}",
        field.title,
        field.kind,
        width=max(12, min(40, len(field.title) + 6)),
        is_editable=not is_key,
        choices=() if is_key else choices,
        hint=field.description,
    )


def _number(value: Any) -> Decimal | int:
    """A number that a cell keeps: more than fifteen digits would be rounded there, so they stay text."""
    if isinstance(value, bool):
        raise TypeError
    number = Decimal(str(value))
    if not number.is_finite() or len(number.as_tuple().digits) > 15 or str(value) != str(value).strip():
        raise ValueError
    return number


_CELLS: Final[Mapping[str, Any]] = {
    "integer": _number,
    "number": _number,
    "decimal": _number,
    "boolean": lambda value: value if isinstance(value, bool) else str(value),
    "date": lambda value: dt.date.fromisoformat(str(value)),
    "datetime": lambda value: dt.datetime.fromisoformat(str(value)).replace(tzinfo=None),
}
