"""Proposes how a recording and a workbook belong together, from the values that were typed while recording."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from runner.core.errors import did_you_mean
from runner.recordings.binding import Binding, BoundField
from runner.recordings.columns import Column, columns_of, field_name
from runner.recordings.forms import Kind, has_decimals
from runner.recordings.model import Act, Change, Click, KeyUp, Read, Recording, Step, Upload
from runner.recordings.placeholders import PLACEHOLDER, SECRET, fill, secrets_in, with_values
from runner.recordings.presses import sends_off
from runner.recordings.uploads import file_name

_ROWS_LOOKED_AT: Final = 200


class Because(StrEnum):
    """Why a value is thought to come from a column."""

    CELL = "row {row} has it in '{heading}'"
    LABEL = "the field is called '{heading}'"
    KEPT = "it is there already"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Match:
    """A step whose value comes from a column: how the placeholder is written, and why it is thought so.

    `row` is the row below the headings (from 1) in which the value stands, where that is the reason.
    """

    step: int
    value: str
    field: str
    placeholder: str
    because: Because
    heading: str = ""
    row: int | None = None

    @property
    def why(self) -> str:
        """The reason in words."""
        return self.because.value.format(row=self.row, heading=self.heading)

    @property
    def form(self) -> str:
        """The form in which the column's cells are typed; empty: Runner's own."""
        found = PLACEHOLDER.fullmatch(self.placeholder)
        return (found[2] or "") if found else ""

    def in_form(self, form: str) -> Match:
        """The same with its cells typed in another form."""
        return replace(self, placeholder=_placeholder(self.field, form))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A binding, and which values of the recording become placeholders.

    `cells` has for each field a cell of its column, to show what it looks like in a form.
    """

    binding: Binding
    matches: tuple[Match, ...]
    cells: Mapping[str, object] = field(default_factory=dict)


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
    plain = with_samples(recording, samples or {})
    columns = columns_of(headings, rows)
    matches = tuple(_with_choices(plain, columns, tuple(_matches(plain, columns)), chosen or {}))
    used = {match.field for match in matches}
    with_decimals = {match.field for match in matches if has_decimals(match.form)}
    fields = {
        c.name: BoundField(
            column=c.heading,
            kind=Kind.NUMBER if c.kind is Kind.WHOLE and c.name in with_decimals else c.kind,
            optional=c.may_be_empty,
        )
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
    return Proposal(binding, matches, {c.name: c.sample for c in columns if c.name in used})


def apply(recording: Recording, proposal: Proposal, samples: Mapping[str, str] | None = None) -> Recording:
    """The recording with the placeholders of a proposal in the place of what was typed."""
    plain = with_samples(recording, samples or {})
    steps = list(plain.steps)
    for match in proposal.matches:
        steps[match.step - 1] = _with_placeholder(steps[match.step - 1], match)
    return plain.with_steps(steps)


def with_samples(recording: Recording, samples: Mapping[str, str]) -> Recording:
    """The recording with what was typed in the place of the placeholders that it has already."""

    def put(text: str) -> str:
        known = all(found[1] in samples for found in PLACEHOLDER.finditer(text))
        return fill(PLACEHOLDER.sub(lambda found: f"{{{{{found[1]}}}}}", text), samples) if known else text

    return recording.with_steps([with_values(step, put) for step in recording.steps])


def first_of_each(recording: Recording) -> int:
    """The first step that is done for each row: the one behind the sign-in, or the first where nobody signs in."""
    last_secret = max((n for n, step in enumerate(recording.steps, 1) if _holds_secret(step)), default=0)
    if not last_secret:
        return 1
    for number in range(last_secret + 1, len(recording.steps) + 1):
        if recording.steps[number - 1].leads_to is not None:
            behind = (
                n for n, step in enumerate(recording.steps, 1) if n > number and not isinstance(step, KeyUp)
            )
            return next(behind, len(recording.steps))
    return 1


def last_submit(recording: Recording, matches: Sequence[Match]) -> int | None:
    """The step that enters what was typed: behind the last value the first click or Enter that leads somewhere, or the first click."""
    last = max((match.step for match in matches), default=0)
    behind = [(n, step) for n, step in enumerate(recording.steps, 1) if n > last]
    clicks = [n for n, step in behind if _acts(step)]
    leading = [
        n for n, step in behind
        if sends_off(recording.steps, n - 1) or (_acts(step) and step.leads_to is not None)
    ]  # fmt: skip
    return next(iter(leading or clicks), None) if last else None


def typed(step: Step) -> list[str]:
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


def typed_alike(bound: Recording, each_from: int) -> list[int]:
    """The steps from `each_from` on that type what they typed while recording, whatever the row holds."""
    return [
        number
        for number, step in enumerate(bound.steps, 1)
        if number >= each_from and any(typed(step)) and not any(map(PLACEHOLDER.search, typed(step)))
    ]


def _with_placeholder(step: Step, match: Match) -> Step:
    if isinstance(step, Change):
        return step.model_copy(update={"value": match.placeholder, "label": None})
    return with_values(step, lambda text: match.placeholder if text == match.value else text)


def _matches(recording: Recording, columns: Sequence[Column]) -> Iterator[Match]:
    every = [(n, value, step) for n, step in enumerate(recording.steps, 1) for value in typed(step)]
    row = _best_row([(value, step) for _, value, step in every if value], columns)
    taken: dict[str, str] = {}
    done: set[int] = set()
    for number, value, step in every:
        if number in done:
            continue  # an option has a value and words
        if kept := _kept(number, value, columns):
            done.add(number)
            taken[kept.field] = value
            yield kept
            continue
        labels = {_plain(name) for name in _labels(step)}
        found = list(_columns_with(value, step, row, columns)) if value and row is not None else []
        found.sort(key=lambda pair: _plain(pair[0].heading) not in labels)
        chosen = next(((c, form) for c, form in found if taken.get(c.name, value) == value), None)
        if chosen is not None:
            column, form = chosen
            because, at = Because.CELL, (row or 0) + 1
        else:
            named = next((c for c in columns if _plain(c.heading) in labels and c.name not in taken), None)
            if named is None:
                continue
            column, form, because, at = named, named.form_like(value), Because.LABEL, None
        taken[column.name] = value
        done.add(number)
        yield Match(number, value, column.name, _placeholder(column.name, form), because, column.heading, at)


def _placeholder(name: str, form: str) -> str:
    return f"{{{{{name}{f'|{form}' if form else ''}}}}}"


def _kept(number: int, value: str, columns: Sequence[Column]) -> Match | None:
    """The match of a step that has a placeholder already, of which nobody knows what was typed."""
    found = PLACEHOLDER.fullmatch(value)
    column = next((one for one in columns if found and one.name == found[1]), None)
    return Match(number, value, column.name, value, Because.KEPT, column.heading) if column else None


def _with_choices(
    recording: Recording, columns: Sequence[Column], found: Sequence[Match], chosen: Mapping[int, str]
) -> Iterator[Match]:
    by_step = {match.step: match for match in found}
    for number, heading in chosen.items():
        by_step.pop(number, None)
        column = next((c for c in columns if c.heading == heading), None)
        if column is None:
            continue
        step = recording.steps[number - 1]
        values = typed(step)
        forms = (
            (value, column.form_of(_cell(cell, step), value)) for value in values for cell in column.cells
        )
        first = next(iter(values), "")
        value, form = next(((v, f) for v, f in forms if f is not None), (first, column.form_like(first)))
        by_step[number] = Match(
            number, value, column.name, _placeholder(column.name, form), Because.CHOSEN, column.heading
        )
    return iter(sorted(by_step.values(), key=lambda match: match.step))


def _best_row(values: Sequence[tuple[str, Step]], columns: Sequence[Column]) -> int | None:
    """The row in which most of the values stand that steps typed; None where there is none with any."""
    most, best = 0, None
    for row in range(min(_ROWS_LOOKED_AT, max((len(c.cells) for c in columns), default=0))):
        hits = sum(any(True for _ in _columns_with(value, step, row, columns)) for value, step in values)
        if hits > most:
            most, best = hits, row
    return best


def _columns_with(
    value: str, step: Step, row: int, columns: Sequence[Column]
) -> Iterator[tuple[Column, str]]:
    for column in columns:
        form = column.form_of(_cell(column.cells[row], step), value) if row < len(column.cells) else None
        if form is not None:
            yield column, form


def _cell(cell: object, step: Step) -> object:
    """A cell as it would be typed by a step: of a path only the file's name is known, which is all that a browser tells."""
    return file_name(cell) if isinstance(step, Upload) and isinstance(cell, str) else cell


def _key(columns: Sequence[Column], matches: Sequence[Match]) -> str | None:
    """The first column that was typed and tells the rows apart; else the first that was typed. Amounts and dates don't name a row."""
    used = [match.field for match in matches]
    in_order = [c for c in columns if c.name in used]
    names = [c for c in in_order if c.kind in {Kind.TEXT, Kind.WHOLE}] or in_order
    return next((c.name for c in names if c.is_unique), names[0].name if names else None)


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


def _heading(output: str, headings: Sequence[str]) -> str:
    by_name = {field_name(heading): heading for heading in headings}
    if output in by_name:
        return by_name[output]
    near = did_you_mean(output, by_name)
    return next((h for name, h in by_name.items() if f"'{name}'" in near), output.replace("_", " "))


def _plain(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
