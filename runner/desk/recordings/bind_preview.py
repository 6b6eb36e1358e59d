"""The first rows of a workbook as the bot would type them, and how many of all rows fit: what one sees before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext as _

from runner.core.errors import RunnerError, WorkbookError
from runner.desk.errors.telling import said_here
from runner.desk.outside import place
from runner.desk.recordings.bind_form import KINDS
from runner.desk.recordings.reasons import sentence_of
from runner.desk.recordings.workbooks import inside
from runner.recordings.binding import BoundField, item_model
from runner.recordings.choices import Draft
from runner.recordings.model import Upload
from runner.recordings.placeholders import fill
from runner.recordings.uploads import find_upload
from runner.sheets.judged import BadRow, GoodRow
from runner.sheets.reading import read
from runner.store.models import Item

_SHOWN: Final = 5
_BAD_SHOWN: Final = 10
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """What is typed for one column, or what is wrong with the cell at which place."""

    text: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row: its number in the sheet, a cell for each column that is used."""

    number: int
    cells: Sequence[Cell]
    fits: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """The rows that are shown, and counts of all: they fit, they don't, their key stands twice, they were done before."""

    headings: Sequence[str] = ()
    rows: Sequence[PreviewRow] = ()
    fit: int = 0
    bad: int = 0
    twice: int = 0
    done: int = 0
    refused: str = ""


def preview_of(made: Draft, name: str) -> Preview:
    """Read the whole workbook as a run of the bot would, with the model that the binding makes of its columns."""
    binding = made.binding
    path = inside(place().settings.project, binding.for_each or "")
    if path is None:
        return Preview(refused=_("There is no such workbook in the project."))
    try:
        rows = read(path, item_model(binding, name), sheet=binding.sheet)
        found = list(rows)
    except RunnerError as error:
        return Preview(refused=f"{sentence_of(error)} {said_here(error.what)}")
    files = _Files(made, (path.parent, place().settings.project))
    bad = [one for one in found if isinstance(one, BadRow) or files.missing(one)]
    keys = [str(getattr(one.data, binding.key or "")) for one in found if isinstance(one, GoodRow)]
    first = found[:_SHOWN]
    shown = [*first, *[one for one in bad[:_BAD_SHOWN] if not any(one is other for other in first)]]
    return Preview(
        headings=[binding.fields[name].column for name, _ in _written(made)],
        rows=[_row(made, one, rows.columns, files) for one in shown],
        fit=len(found) - len(bad),
        bad=len(bad),
        twice=len(keys) - len(set(keys)),
        done=_known(name, keys),
    )


class _Files:
    """Looks whether the files are there that rows name for a step that uploads one."""

    def __init__(self, made: Draft, folders: Sequence[Path]) -> None:
        steps = made.bound.steps
        self._fields = [one.field for one in made.proposal.matches if isinstance(steps[one.step - 1], Upload)]
        self._folders = folders

    def missing(self, row: GoodRow[Any]) -> list[str]:
        """The fields of a row whose file is not there; an empty cell names none."""
        named = [(name, str(getattr(row.data, name) or "").strip()) for name in self._fields]
        return [name for name, file in named if file and find_upload(file, self._folders) is None]


def _written(made: Draft) -> list[tuple[str, str]]:
    """The fields with their placeholders: one that is typed in two forms twice."""
    every = [(match.field, match.placeholder) for match in made.proposal.matches]
    return [pair for name in made.binding.fields for pair in dict.fromkeys(every) if pair[0] == name]


def _row(made: Draft, row: GoodRow[Any] | BadRow, letters: Mapping[str, str], files: _Files) -> PreviewRow:
    if isinstance(row, BadRow):
        bad = [_bad_cell(made, name, letters.get(name, ""), row) for name, _ in _written(made)]
        return PreviewRow(row.source.row, bad, fits=False)
    values, missing = row.data.model_dump(), files.missing(row)
    said = _("there is no such file beside the workbook or in the project")
    cells = [Cell(fill(one, values), said if name in missing else "") for name, one in _written(made)]
    return PreviewRow(row.source.row, cells, fits=not missing)


def _bad_cell(made: Draft, name: str, column: str, row: BadRow) -> Cell:
    value, place_of_it = row.raw.get(name), f"{column}{row.source.row}"
    wrong = [error for error in row.errors if error.where.rpartition("!")[2] == place_of_it]
    return Cell(
        "" if value is None else str(value), _said(wrong[0], made.binding.fields[name]) if wrong else ""
    )


def _said(error: WorkbookError, bound: BoundField) -> str:
    if error.stable_code == "WB_CELL_TYPE":
        return _("This must be: %(kind)s") % {"kind": KINDS[bound.kind]}
    return _("must not be empty") if error.what.endswith("is empty") else sentence_of(error)


def _known(name: str, keys: Sequence[str]) -> int:
    """How many of these keys the bot's queue has already: such rows are left alone."""
    found = 0
    for start in range(0, len(keys), _CHUNK):
        found += Item.objects.filter(queue_id=name, key__in=keys[start : start + _CHUNK]).count()
    return found
