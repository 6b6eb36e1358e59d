"""A filled-in spreadsheet comes back: what each of its rows would do as the cases are now. Changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from django.db.models import QuerySet

from runner.cases import roundtrip_words as words
from runner.cases.acts import state_of
from runner.cases.deciding import MOVED, check_unmoved
from runner.cases.decisions import Decision
from runner.cases.item_fields import FieldFacts, same_value
from runner.cases.moves import Answer
from runner.cases.moves import decide as judge
from runner.cases.roundtrip import DATA, FORMAT, KIND, data_fields
from runner.cases.tokens import acts_sent_as
from runner.core.contract import Settled
from runner.core.errors import (
    ConflictError,
    ErrorReport,
    RunnerError,
    UsageError,
    WorkbookError,
    did_you_mean,
)
from runner.core.nouns import ActVerb
from runner.sheets.forms import FilledRow, FilledSheet, read_form
from runner.store.models import Case, Queue

_ALL: Final = slice(None)

Validate = Callable[[Queue, Mapping[str, Any]], dict[str, Any]]
"""The whole data of an item as its queue's model sees it; raises ErrorReport, each error's `where` a field's name."""


class RowState(StrEnum):
    """What will come of a row."""

    APPLY = "apply"
    NOTHING = "nothing"  # nothing was filled in
    DONE = "done"  # it was given back before
    CONFLICT = "conflict"  # somebody decided the case meanwhile
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row of a workbook and what it would do, in `text`. `changes` is ``{field: (old, new)}``."""

    sheet: str
    row: int
    case: str
    item: str
    state: RowState
    text: str = ""
    decision: Decision | None = None
    comment: str = ""
    version: int = 0
    token: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    errors: tuple[RunnerError, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrections:
    """A workbook that came back: which export it is, its rows in their order (or some of them), how many it has (`total`)."""

    export: str
    file: str
    rows: tuple[PlannedRow, ...]
    total: int

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are in each state."""
        found = Counter(str(one.state) for one in self.rows)
        return {str(state): found[state] for state in RowState}


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in a workbook of ours that came back: its export, and its sheets as they were filled in."""

    path: Path
    export: str
    sheets: tuple[FilledSheet, ...]

    @property
    def rows(self) -> list[tuple[FilledSheet, FilledRow]]:
        """Its rows in their order, each with its sheet."""
        return [(sheet, row) for sheet in self.sheets for row in sheet.rows]


def read_corrections(
    path: Path, validate: Validate | None = None, cases: QuerySet[Case] | None = None
) -> Corrections:
    """Read a workbook that `export_cases` made and somebody filled in; changes nothing.

    Saved by Excel, LibreOffice or another program. Raises what `read_filled` and `plan_corrections` raise.
    """
    return plan_corrections(read_filled(path), validate, cases)


def read_filled(path: Path) -> Filled:
    """The workbook alone, without a look at the cases.

    Raises WorkbookError: WB_FORM (not an export of ours), and what reading any workbook raises.
    """
    marks, sheets = read_form(path)
    if marks.get("kind") != KIND or marks.get("format") != FORMAT:
        raise _foreign(path, f"it says '{marks.get('kind', 'nothing')}', format '{marks.get('format', '')}'")
    return Filled(path, marks.get("export", ""), tuple(sheets))


def plan_corrections(
    filled: Filled,
    validate: Validate | None = None,
    cases: QuerySet[Case] | None = None,
    places: slice = _ALL,
) -> Corrections:
    """What each row would do as the cases are now; changes nothing. A query for each few hundred rows.

    Wrong cells are errors of their row, named ``sheet!cell``; `validate` asks the queue's own model about rows that are
    right as far as their description says. `cases` are those that there are for the reader (None: all): any other one is
    not known. With `places` only those rows are looked at, which is quicker. Raises WorkbookError: WB_FORM (an export of
    another Runner: of all rows none is known).
    """
    every = filled.rows
    wanted = every[places]
    ids = {_text(row.cells.get("case")) for _sheet, row in wanted}
    known = _cases(ids, Case.objects.all() if cases is None else cases)
    if ids and not known and len(wanted) == len(every):
        raise _foreign(filled.path, f"none of its {len(ids)} cases is known here")
    before = {_text(row.cells.get("case")) for _sheet, row in every[: places.start or 0]}
    reader = _Reader(
        filled.export, known, _queues(known), validate, before, _given_back(filled.export, wanted)
    )
    rows = [reader.plan(sheet, row) for sheet, row in wanted]
    return Corrections(filled.export, filled.path.name, tuple(rows), len(every))


@dataclass(frozen=True, slots=True)
class _Reader:
    export: str
    cases: Mapping[str, Case]
    queues: Mapping[str, Queue]
    validate: Validate | None
    seen: set[str]
    given_back: frozenset[str]

    def plan(self, sheet: FilledSheet, row: FilledRow) -> PlannedRow:
        """What one row would do."""
        pk = _text(row.cells.get("case"))
        case = self.cases.get(pk)
        wrong = self._unusable(sheet, row, pk)
        if wrong is not None or case is None:
            errors = (wrong,) if wrong else ()
            return PlannedRow(sheet.name, row.number, pk, "", RowState.ERROR, str(wrong or ""), errors=errors)
        self.seen.add(pk)
        draft = PlannedRow(sheet.name, row.number, pk, case.key or case.bot, RowState.NOTHING)
        try:
            return self._plan(draft, sheet, row, case)
        except ErrorReport as report:
            return _with(
                draft, RowState.ERROR, "; ".join(e.what for e in report.errors), errors=report.errors
            )
        except ConflictError as error:
            moved = error.stable_code == MOVED
            return _with(draft, RowState.CONFLICT if moved else RowState.ERROR, str(error), errors=(error,))
        except RunnerError as error:
            return _with(draft, RowState.ERROR, str(error), errors=(error,))

    def _unusable(self, sheet: FilledSheet, row: FilledRow, pk: str) -> RunnerError | None:
        where = sheet.where(row.number, "case")
        if pk not in self.cases:
            what = f"case '{pk}' is not known here" if pk else "the id of the case is gone"
            return WorkbookError(what, expected="a row as it was exported", where=where, code="WB_FORM")
        if pk in self.seen:
            return WorkbookError(
                f"case {pk} stands here twice", expected="one row per case", where=where, code="WB_FORM"
            )
        return None

    def _plan(self, draft: PlannedRow, sheet: FilledSheet, row: FilledRow, case: Case) -> PlannedRow:
        version = _version(sheet, row)
        words_said = _text(row.cells.get("comment"))
        chosen = _decision(sheet, row)
        queue = self.queues.get(case.queue)
        token = _token(self.export, row, version)
        if not self.given_back.isdisjoint(tokens_of_row(token)):
            return _with(draft, RowState.DONE, "it was given back before")
        moved = case.version != version
        changes, data = ({}, {}) if moved else self._changes(sheet, row, case, queue)
        if moved and (chosen is not None or words_said):
            check_unmoved(case, chosen.verb if chosen else ActVerb.CLAIM, version)
        if moved:
            return draft
        if changes and chosen is None:
            chosen = Decision(ActVerb.RETRY)
        if chosen is None and not words_said:
            return draft
        if chosen is not None:
            chosen = self._complete(chosen, changes, data, sheet=sheet, row=row, queue=queue)
            judge(state_of(case), Answer(chosen.verb, chosen.outcome, with_data=chosen.data is not None))
            check_unmoved(case, chosen.verb, version)
        return _with(
            draft, RowState.APPLY, _words(chosen, changes, words_said), decision=chosen, comment=words_said,
            version=version, token=token, changes=changes,
        )  # fmt: skip

    def _changes(
        self, sheet: FilledSheet, row: FilledRow, case: Case, queue: Queue | None
    ) -> tuple[dict[str, tuple[Any, Any]], dict[str, Any]]:
        """The fields that differ from the item's, and its whole data with them. Raises ErrorReport, named by cell."""
        if case.item is None or queue is None:
            return {}, {}
        before, errors = case.item.data, []
        changes: dict[str, tuple[Any, Any]] = {}
        for one in data_fields(queue, [case]):
            name = f"{DATA}{one.name}"
            if name not in row.cells or one.name == queue.key:
                continue
            try:
                value = _value(one, row.cells[name], before.get(one.name))
            except UsageError as error:
                errors.append(_at(error, sheet.where(row.number, name)))
                continue
            if not same_value(value, before.get(one.name), one.kind):
                changes[one.name] = (before.get(one.name), value)
        if errors:
            raise ErrorReport(errors)
        return changes, {**before, **{name: new for name, (_, new) in changes.items()}}

    def _complete(
        self,
        chosen: Decision,
        changes: Mapping[str, Any],
        data: dict[str, Any],
        *,
        sheet: FilledSheet,
        row: FilledRow,
        queue: Queue | None,
    ) -> Decision:
        if not changes:
            return chosen
        if chosen.verb is not ActVerb.RETRY:
            raise UsageError(
                f"the data was changed, and the decision is '{_text(row.cells.get('decision'))}'",
                expected="'retry' with changed data, or the data as it was",
                where=sheet.where(row.number, "decision"),
                code="ITEM_DATA",
            )
        if self.validate is not None and queue is not None:
            try:
                data = self.validate(queue, data)
            except ErrorReport as report:
                placed = [
                    _at(e, sheet.where(row.number, f"{DATA}{e.where.split('.')[0]}")) for e in report.errors
                ]
                raise ErrorReport(placed) from report
        return Decision(ActVerb.RETRY, chosen.note, data=data)


def _token(export: str, row: FilledRow, version: int) -> str:
    """The name of what a row asks for: the same row given back again has the same one."""
    said = [_text(row.cells.get(name)) for name in ("decision", "note", "comment")]
    return f"xlsx:{export}:{_text(row.cells.get('case'))}:{_digest([version, *said, _filled(row)])}"


def tokens_of_row(token: str) -> tuple[str, str]:
    """Under what the decision of a row is sent, and its comment."""
    return token, f"{token}:c"


def _given_back(export: str, rows: Sequence[tuple[FilledSheet, FilledRow]]) -> frozenset[str]:
    """The tokens of the rows that were carried out before. A query for each few hundred rows, not one for each row."""
    wanted: list[str] = []
    for sheet, row in rows:
        with suppress(UsageError):  # said where the row is looked at
            wanted += tokens_of_row(_token(export, row, _version(sheet, row)))
    found: set[str] = set()
    for start in range(0, len(wanted), 1000):
        found.update(acts_sent_as(wanted[start : start + 1000]).values_list("token", flat=True))
    return frozenset(found)


def _value(one: FieldFacts, cell: Any, before: Any) -> Any:
    """The cell's value; a cell that shows what the item has is no change, even where that never fitted."""
    from runner.cases.roundtrip import cell_of

    shown = cell_of(one, before)
    if (
        cell == shown
        or (cell == "" and shown is None)
        or (isinstance(shown, str) and _text(cell) == shown.strip())
    ):
        return before
    return one.read(cell)


def _decision(sheet: FilledSheet, row: FilledRow) -> Decision | None:
    text, note = _text(row.cells.get("decision")), _text(row.cells.get("note"))
    if not text:
        return None
    found = words.choice_of(text)
    if found is None:
        near = did_you_mean(text, words.all_choices())
        raise UsageError(
            f"'{text}' is no decision",
            expected=near or f"one of {', '.join(words.CHOICES[one][0] for one in words.CHOICES)}",
            where=sheet.where(row.number, "decision"),
            code="ITEM_DECISION",
        )
    verb, outcome = found
    if not note and f"{verb} {outcome}".strip() in words.NEEDS_A_NOTE:
        raise UsageError(
            f"'{text}' needs a reason or proof", expected="a few words beside it",
            where=sheet.where(row.number, "note"), code="ITEM_DECISION",
        )  # fmt: skip
    return Decision(verb, note, outcome=Settled(outcome) if outcome else None)


def _version(sheet: FilledSheet, row: FilledRow) -> int:
    try:
        return int(float(_text(row.cells.get("version"))))
    except ValueError:
        raise UsageError(
            "the version of the case is gone", expected="a row as it was exported",
            where=sheet.where(row.number, "version"), code="WB_FORM",
        ) from None  # fmt: skip


def _words(chosen: Decision | None, changes: Mapping[str, tuple[Any, Any]], said: str) -> str:
    parts = []
    if chosen is not None:
        parts.append(f"{chosen.verb}{f' {chosen.outcome}' if chosen.outcome else ''}")
    parts += [
        f"{name}: {old if old not in {None, ''} else '(empty)'} → {new}"
        for name, (old, new) in _plain(changes)
    ]
    if said:
        parts.append(f"comment: {said}")
    return "; ".join(parts)


def _plain(changes: Mapping[str, tuple[Any, Any]]) -> list[tuple[str, tuple[Any, Any]]]:
    return [(name, (_shown(old), _shown(new))) for name, (old, new) in changes.items()]


def _shown(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _filled(row: FilledRow) -> dict[str, str]:
    return {name: _text(value) for name, value in row.cells.items() if name.startswith(DATA)}


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _digest(values: Sequence[Any]) -> str:
    return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=12).hexdigest()


def _at(error: RunnerError, where: str) -> UsageError:
    return UsageError(
        error.what, expected=error.expected, hint=error.hint, where=where, code=error.stable_code
    )


def _with(draft: PlannedRow, state: RowState, text: str, **more: Any) -> PlannedRow:
    from dataclasses import replace

    return replace(draft, state=state, text=text, **more)


# Of ten thousand cases and items the other columns, most of them JSON, take longer than all of the rest.
_PLANNED_BY: Final = (
    "key", "bot", "version", "status", "kind", "step", "assignee", "queue",
    "item__data", "item__valid", "item__status", "item__irreversible",
)  # fmt: skip


def _cases(ids: set[str], cases: QuerySet[Case]) -> dict[str, Case]:
    found: dict[str, Case] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):
        rows = cases.select_related("item").only(*_PLANNED_BY).filter(pk__in=wanted[start : start + 500])
        found.update({case.pk: case for case in rows})
    return found


def _queues(cases: Mapping[str, Case]) -> dict[str, Queue]:
    return Queue.objects.in_bulk({case.queue for case in cases.values() if case.queue})


def _foreign(path: Path, why: str) -> WorkbookError:
    return WorkbookError(
        f"this workbook is not an export of cases from this Runner: {why}",
        expected="a file made by: runner cases export",
        hint="export the cases again here, and fill in that file",
        where=path.name,
        code="WB_FORM",
    )
