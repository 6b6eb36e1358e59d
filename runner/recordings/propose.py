"""Proposes how a recording and a workbook belong together, from the values that were typed while recording."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from runner.core.errors import did_you_mean
from runner.recordings.binding import Binding, BoundField, Kind
from runner.recordings.model import Act, Change, Click, Read, Recording, Step, Upload
from runner.recordings.placeholders import PLACEHOLDER, SECRET, fill, secrets_in, with_values, written

_DATES: Final = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%d.%m.%y",
    "%Y年%m月%d日",
    "%Y%m%d",
)
_NUMBERS: Final = ("", "0.00", "0,00", "#,##0.00", "#.##0,00", "0", "#,##0", "0.0", "0,0")
_ROWS_LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class Match:
    """A step whose value comes from a column: how the placeholder is written, and why it is thought so."""

    step: int
    value: str
    field: str
    placeholder: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A binding, and which values of the recording become placeholders."""

    binding: Binding
    matches: tuple[Match, ...]


def propose_binding(
    recording: Recording,
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    workbook: str = "",
    sheet: str | None = None,
    samples: Mapping[str, str] | None = None,
    chosen: Mapping[int, str] | None = None,
) -> Proposal:
    """How a recording may be bound to a table with these headings and rows (typed cells, an empty one is None or "").

    A value belongs to the column that has it in the row from which most of the values come, or else to the column whose
    heading is the label of the field. `samples` are what placeholders stood for that the recording has already; `chosen` are
    headings that a person chose for steps, the empty one to leave a step as it is.
    A pure function: nothing is read or written.
    """
    plain = _with_samples(recording, samples or {})
    columns = [
        _Column(name, heading, [_cell(row, at) for row in rows]) for at, heading, name in _named(headings)
    ]
    matches = tuple(_with_choices(plain, columns, tuple(_matches(plain, columns)), chosen or {}))
    used = {match.field for match in matches}
    fields = {
        c.name: BoundField(column=c.heading, kind=c.kind, optional=c.may_be_empty)
        for c in columns
        if c.name in used
    }
    key = _key(columns, matches)
    if key in fields:
        fields[key] = fields[key].model_copy(update={"optional": False})
    binding = Binding(
        fingerprint=recording.fingerprint,
        title=recording.title,
        for_each=workbook or None,
        sheet=sheet,
        key=key,
        fields=fields,
        values={m.field: m.value for m in matches if not PLACEHOLDER.search(m.value)},
        each_from=first_of_each(plain),
        irreversible=last_submit(plain, matches),
        outputs={
            s.parameters.output: _heading(s.parameters.output, headings)
            for s in plain.steps
            if isinstance(s, Read)
        },
        secrets=tuple(secrets_in(plain)),
    )
    return Proposal(binding, matches)


def apply(recording: Recording, proposal: Proposal, samples: Mapping[str, str] | None = None) -> Recording:
    """The recording with the placeholders of a proposal in the place of what was typed."""
    plain = _with_samples(recording, samples or {})
    steps = list(plain.steps)
    for match in proposal.matches:
        steps[match.step - 1] = _with_placeholder(steps[match.step - 1], match)
    return plain.with_steps(steps)


def first_of_each(recording: Recording) -> int:
    """The first step that is done for each row: the one behind the sign-in, or the first where nobody signs in."""
    last_secret = max((n for n, step in enumerate(recording.steps, 1) if _holds_secret(step)), default=0)
    if not last_secret:
        return 1
    for number in range(last_secret + 1, len(recording.steps) + 1):
        if recording.steps[number - 1].leads_to is not None:
            return min(number + 1, len(recording.steps))
    return 1


def last_submit(recording: Recording, matches: Sequence[Match]) -> int | None:
    """The step that enters what was typed: the first click behind the last value that leads somewhere, or the first click."""
    last = max((match.step for match in matches), default=0)
    clicks = [n for n, step in enumerate(recording.steps, 1) if n > last and _acts(step)]
    leading = [n for n in clicks if recording.steps[n - 1].leads_to is not None]
    return next(iter(leading or clicks), None) if last else None


def field_name(heading: str) -> str:
    """A placeholder's name made of a heading: ``Order no.`` gives ``order_no``."""
    plain = unicodedata.normalize("NFKC", heading).casefold()
    words = re.findall(r"\w+", plain)
    name = "_".join(words)[:60] or "column"
    return f"c_{name}" if name[0].isdigit() else name


def _with_placeholder(step: Step, match: Match) -> Step:
    if isinstance(step, Change):
        return step.model_copy(update={"value": match.placeholder, "label": None})
    return with_values(step, lambda text: match.placeholder if text == match.value else text)


class _Column:
    """A column of the table: what it is called and what its cells hold."""

    def __init__(self, name: str, heading: str, cells: list[object]) -> None:
        self.name = name
        self.heading = heading
        self.cells = cells
        self.filled = [cell for cell in cells if cell not in (None, "")]
        self.kind = _kind(self.filled)

    @property
    def may_be_empty(self) -> bool:
        """Whether so many cells are empty that an empty one is no mistake."""
        return len(self.filled) < 0.9 * len(self.cells)

    @property
    def is_unique(self) -> bool:
        """Whether nearly every cell is filled, and nearly all of them differ: one wrong row must not spoil the key."""
        return (
            bool(self.cells)
            and not self.may_be_empty
            and len({str(c) for c in self.filled}) >= 0.9 * len(self.filled)
        )

    def form_of(self, cell: object, value: str) -> str | None:
        """The format in which a cell was typed as `value`; None where it was not."""
        if cell in (None, "") or isinstance(cell, bool):
            return None
        if isinstance(cell, dt.datetime):
            cell = cell.date()
        if isinstance(cell, dt.date):
            found = next((form for form in _DATES if cell.strftime(form) == value), None)
            return "" if found == "%Y-%m-%d" else found
        if isinstance(cell, int | float | Decimal):
            return next((form for form in _NUMBERS if written(cell, form) == value), None)
        return "" if " ".join(str(cell).split()) == " ".join(value.split()) else None


def _matches(recording: Recording, columns: Sequence[_Column]) -> Iterator[Match]:
    typed = [(n, value, step) for n, step in enumerate(recording.steps, 1) for value in _typed(step)]
    row = _best_row([value for _, value, _ in typed], columns)
    taken: dict[str, str] = {}
    done: set[int] = set()
    for number, value, step in typed:
        if number in done:
            continue  # an option has a value and words
        if kept := _kept(number, value, columns):
            done.add(number)
            taken[kept.field] = value
            yield kept
            continue
        labels = {_plain(name) for name in _labels(step)}
        found = list(_columns_with(value, row, columns)) if value and row is not None else []
        found.sort(key=lambda pair: _plain(pair[0].heading) not in labels)
        chosen = next(((c, form) for c, form in found if taken.get(c.name, value) == value), None)
        if chosen is not None:
            column, form = chosen
            why = f"row {(row or 0) + 1} has it in '{column.heading}'"
        else:
            named = next((c for c in columns if _plain(c.heading) in labels and c.name not in taken), None)
            if named is None:
                continue
            column, form, why = named, "", f"the field is called '{named.heading}'"
        taken[column.name] = value
        done.add(number)
        mark = f"|{form}" if form else ""
        yield Match(number, value, column.name, f"{{{{{column.name}{mark}}}}}", why)


def _kept(number: int, value: str, columns: Sequence[_Column]) -> Match | None:
    """The match of a step that has a placeholder already, of which nobody knows what was typed."""
    found = PLACEHOLDER.fullmatch(value)
    if found is None or found[1] not in {column.name for column in columns}:
        return None
    return Match(number, value, found[1], value, "it is there already")


def _with_choices(
    recording: Recording, columns: Sequence[_Column], found: Sequence[Match], chosen: Mapping[int, str]
) -> Iterator[Match]:
    by_step = {match.step: match for match in found}
    for number, heading in chosen.items():
        by_step.pop(number, None)
        column = next((c for c in columns if c.heading == heading), None)
        if column is None:
            continue
        values = _typed(recording.steps[number - 1])
        forms = ((value, column.form_of(cell, value)) for value in values for cell in column.cells)
        value, form = next(((v, f) for v, f in forms if f is not None), (next(iter(values), ""), ""))
        mark = f"|{form}" if form else ""
        by_step[number] = Match(number, value, column.name, f"{{{{{column.name}{mark}}}}}", "chosen")
    return iter(sorted(by_step.values(), key=lambda match: match.step))


def _best_row(values: Sequence[str], columns: Sequence[_Column]) -> int | None:
    """The row in which most of the typed values stand; None where there is none with any."""
    most, best = 0, None
    for row in range(min(_ROWS_LOOKED_AT, max((len(c.cells) for c in columns), default=0))):
        hits = sum(any(True for _ in _columns_with(value, row, columns)) for value in values if value)
        if hits > most:
            most, best = hits, row
    return best


def _columns_with(value: str, row: int, columns: Sequence[_Column]) -> Iterator[tuple[_Column, str]]:
    for column in columns:
        form = column.form_of(column.cells[row], value) if row < len(column.cells) else None
        if form is not None:
            yield column, form


def _key(columns: Sequence[_Column], matches: Sequence[Match]) -> str | None:
    """The first column that was typed and tells the rows apart; else the first that was typed. Amounts and dates don't name a row."""
    used = [match.field for match in matches]
    in_order = [c for c in columns if c.name in used]
    names = [c for c in in_order if c.kind in {Kind.TEXT, Kind.WHOLE}] or in_order
    return next((c.name for c in names if c.is_unique), names[0].name if names else None)


def _typed(step: Step) -> list[str]:
    """What a step types, where it is no password."""
    if isinstance(step, Change):
        found = [step.value, *([step.label] if step.label else [])]
    elif isinstance(step, Act) and step.parameters.act == "change":
        found = [step.parameters.value]
    elif isinstance(step, Upload):
        found = list(step.parameters.files)[:1]
    else:
        found = []
    return [one for one in found if not SECRET.search(one)]


def _labels(step: Step) -> Iterator[str]:
    for selector in step.selectors_parsed:
        yield selector.name
        yield from re.findall(r"[#=\"']([\w-]+)", selector.value)


def _acts(step: Step) -> bool:
    return isinstance(step, Click) or (isinstance(step, Act) and step.parameters.act in {"click", "press"})


def _holds_secret(step: Step) -> bool:
    return any(SECRET.search(text) for text in _texts(step))


def _texts(step: Step) -> Iterator[str]:
    if isinstance(step, Change):
        yield step.value
    elif isinstance(step, Act):
        yield step.parameters.value


def _with_samples(recording: Recording, samples: Mapping[str, str]) -> Recording:
    """The recording with what was typed in the place of the placeholders that it has already."""

    def put(text: str) -> str:
        known = all(found[1] in samples for found in PLACEHOLDER.finditer(text))
        return fill(PLACEHOLDER.sub(lambda found: f"{{{{{found[1]}}}}}", text), samples) if known else text

    return recording.with_steps([with_values(step, put) for step in recording.steps])


def _heading(output: str, headings: Sequence[str]) -> str:
    by_name = {field_name(heading): heading for heading in headings}
    if output in by_name:
        return by_name[output]
    near = did_you_mean(output, by_name)
    return next((h for name, h in by_name.items() if f"'{name}'" in near), output.replace("_", " "))


def _named(headings: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Each heading with its place and a name of its own; columns without a heading are left out."""
    names: set[str] = set()
    for at, heading in enumerate(headings):
        if not str(heading).strip():
            continue
        name = base = field_name(str(heading))
        number = 1
        while name in names:
            number += 1
            name = f"{base}_{number}"
        names.add(name)
        yield at, str(heading).strip(), name


def _kind(cells: Sequence[object]) -> Kind:
    """What most of the cells are: a column with one mistake in it is still a column of numbers."""
    counts: dict[Kind, int] = {}
    for cell in cells:
        found = _kind_of(cell)
        counts[found] = counts.get(found, 0) + 1
    if not counts:
        return Kind.TEXT
    if counts.get(Kind.NUMBER) and counts.get(Kind.WHOLE):
        counts[Kind.NUMBER] += counts.pop(Kind.WHOLE)
    kind, most = max(counts.items(), key=lambda pair: pair[1])
    return kind if most >= 0.7 * len(cells) else Kind.TEXT


def _kind_of(cell: Any) -> Kind:
    if isinstance(cell, bool):
        return Kind.YES_NO
    if isinstance(cell, dt.date):
        return Kind.DATE
    if isinstance(cell, int | float | Decimal):
        return Kind.WHOLE if _is_whole(cell) else Kind.NUMBER
    return Kind.TEXT


def _is_whole(cell: float | Decimal) -> bool:
    try:
        return Decimal(str(cell)) == Decimal(str(cell)).to_integral_value()
    except InvalidOperation:
        return False


def _cell(row: Sequence[object], at: int) -> object:
    return row[at] if at < len(row) else None


def _plain(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
