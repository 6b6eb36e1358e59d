"""What a person chooses when a recording is bound to a workbook, in the place of what was proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from runner.core.errors import ErrorReport, UsageError, did_you_mean
from runner.recordings.binding import Binding, BoundField
from runner.recordings.forms import FORMS, Kind, fits, like
from runner.recordings.model import Recording
from runner.recordings.placeholders import PLACEHOLDER, names_in
from runner.recordings.propose import Match, Proposal, apply, propose_binding, typed

NOTHING: Final = 0
"""As the irreversible step: there is none."""
_CARRIED: Final = (
    "process",
    "already_done",
    "address",
    "time_limit",
    "pictures",
    "stop_after",
    "lanes",
    "retry",
)


@dataclass(frozen=True, slots=True)
class Table:
    """The table that a recording is bound to: its workbook (in the project), its sheet, headings and rows below them."""

    workbook: str = ""
    sheet: str = ""
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()


@dataclass(frozen=True)
class Choices:
    """What was chosen; None, and what is left out of a mapping, stays as it is proposed.

    `columns` are headings by step, the empty one to leave a step as it was typed. `key` is a field or its heading.
    `forms` are by step, the empty one is Runner's own; one that was chosen while the column held another kind than now
    (`formed`, by step) does not count. `irreversible` is a step or NOTHING. `kinds` and `optional` are by field, `outputs`
    by what a step reads.
    """

    columns: Mapping[int, str] = field(default_factory=dict)
    key: str = ""
    each_from: int | None = None
    irreversible: int | None = None
    forms: Mapping[int, str] = field(default_factory=dict)
    formed: Mapping[int, Kind] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, bool] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    results: Literal["copy", "in place"] | None = None
    title: str | None = None
    process: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A binding as it would be written: the proposal with the choices in it, and the recording with its placeholders."""

    proposal: Proposal
    bound: Recording

    @property
    def binding(self) -> Binding:
        """The binding."""
        return self.proposal.binding


def draft(
    recording: Recording,
    table: Table,
    choices: Choices,
    *,
    samples: Mapping[str, str] | None = None,
    former: Binding | None = None,
) -> Draft:
    """Propose a binding and put in what was chosen; what only people write stays as it is in the `former` binding.

    `samples` are what the recording's placeholders stood for. A pure function.
    Raises ErrorReport of UsageErrors whose `where` is the choice that can't be: ``columns.7``, ``key``, ``irreversible`` …
    """
    wrong = list(_check_steps(recording, table, choices))
    if wrong:
        raise ErrorReport(wrong)
    proposal = _proposed(recording, table, choices.columns, samples or {})
    if former is not None:
        carried = {name: getattr(former, name) for name in _CARRIED}
        proposal = replace(proposal, binding=proposal.binding.model_copy(update=carried))
    proposal = replace(proposal, binding=_with_choices(proposal.binding, choices))
    proposal, wrong = _with_forms(proposal, choices)
    if wrong:
        raise ErrorReport(wrong)
    bound = apply(recording, proposal, samples)
    wrong = list(_check(proposal.binding, bound, choices))
    if wrong:
        raise ErrorReport(wrong)
    return Draft(proposal, bound)


def _proposed(
    recording: Recording, table: Table, columns: Mapping[int, str], samples: Mapping[str, str]
) -> Proposal:
    """The proposal with these columns; a choice that says what is proposed anyway leaves the reason as it is."""

    def propose(chosen: Mapping[int, str]) -> Proposal:
        return propose_binding(
            recording, table.headings, table.rows, workbook=table.workbook, sheet=table.sheet or None,
            samples=samples, chosen=chosen,
        )  # fmt: skip

    first = propose({})
    proposed = {match.step: match.heading for match in first.matches}
    other = {step: heading for step, heading in columns.items() if proposed.get(step, "") != heading}
    return propose(other) if other else first


def _with_forms(proposal: Proposal, choices: Choices) -> tuple[Proposal, list[UsageError]]:
    """The proposal with the forms that were chosen; a proposed one that does not fit what the column holds is proposed anew."""
    matches, wrong = [], []
    for match in proposal.matches:
        kind = proposal.binding.fields[match.field].kind
        chosen = choices.forms.get(match.step)
        if chosen is None or choices.formed.get(match.step, kind) is not kind:
            form = match.form if fits(match.form, kind) else like(match.value, kind)
        else:
            form = chosen
            if not fits(form, kind):
                wrong.append(_no_form(match, kind, form))
        matches.append(match.in_form(form))
    typed_ones = {match.step for match in matches}
    wrong += [
        UsageError(
            f"step {number} types nothing that comes from a column", expected=f"one of {', '.join(map(str, sorted(typed_ones)))}",
            hint="choose a column for it first", where=f"forms.{number}", code="REC_FORM",
        )
        for number in choices.forms if number not in typed_ones and number not in choices.formed
    ]  # fmt: skip
    return replace(proposal, matches=tuple(matches)), wrong


def _no_form(match: Match, kind: Kind, form: str) -> UsageError:
    usual = [one for one in FORMS[kind] if one]
    return UsageError(
        f"'{form}' is no form for '{match.heading or match.field}', which holds: {kind}",
        expected=f"such as {', '.join(usual[:6])}" if usual else "none: a text is typed as it is",
        where=f"forms.{match.step}", code="REC_FORM",
    )  # fmt: skip


def choices_of(binding: Binding, recording: Recording) -> Choices:
    """What is chosen in a binding that is there, so that it can be changed rather than made again."""
    columns: dict[int, str] = {}
    forms: dict[int, str] = {}
    formed: dict[int, Kind] = {}
    for number, step in enumerate(recording.steps, start=1):
        values = typed(step)
        if not values:
            continue
        found = PLACEHOLDER.fullmatch(values[0])
        bound = binding.fields.get(found[1]) if found else None
        columns[number] = bound.column if bound else ""
        if found and bound:
            forms[number], formed[number] = found[2] or "", bound.kind
    return Choices(
        columns=columns,
        forms=forms,
        formed=formed,
        key=binding.key or "",
        each_from=binding.each_from,
        irreversible=binding.irreversible or NOTHING,
        kinds={name: one.kind for name, one in binding.fields.items()},
        optional={name: one.optional for name, one in binding.fields.items()},
        outputs=binding.outputs,
        results=binding.results,
        title=binding.title,
        process=binding.process,
        address=binding.address or "",
    )


def _with_choices(binding: Binding, choices: Choices) -> Binding:
    fields = {
        name: BoundField(
            column=one.column,
            kind=choices.kinds.get(name, one.kind),
            optional=choices.optional.get(name, one.optional),
        )
        for name, one in binding.fields.items()
    }
    by_heading = {one.column: name for name, one in fields.items()}
    changes: dict[str, Any] = {
        "fields": fields,
        "outputs": {**binding.outputs, **{k: v for k, v in choices.outputs.items() if k in binding.outputs}},
        "key": by_heading.get(choices.key, choices.key) or binding.key,
    }
    if choices.irreversible is not None:
        changes["irreversible"] = choices.irreversible or None
    plain = {
        "each_from": choices.each_from,
        "results": choices.results,
        "title": choices.title,
        "process": choices.process,
    }
    changes |= {name: value for name, value in plain.items() if value is not None}
    if choices.address is not None:
        changes["address"] = choices.address or None
    if binding.for_each is None:
        changes["irreversible"] = None
    return binding.model_copy(update=changes)


def _check_steps(recording: Recording, table: Table, choices: Choices) -> Iterator[UsageError]:
    steps = len(recording.steps)
    for number, heading in choices.columns.items():
        if not 1 <= number <= steps:
            yield _no_step(number, steps, f"columns.{number}")
        elif heading and heading not in table.headings:
            yield UsageError(
                f"there is no column '{heading}'", expected=f"one of {', '.join(table.headings)}",
                hint=did_you_mean(heading, table.headings), where=f"columns.{number}", code="REC_COLUMN",
            )  # fmt: skip
    for name in ("each_from", "irreversible"):
        number = getattr(choices, name)
        if number is not None and not (
            1 <= number <= steps or (name == "irreversible" and number == NOTHING)
        ):
            yield _no_step(number, steps, name)


def _check(binding: Binding, bound: Recording, choices: Choices) -> Iterator[UsageError]:
    if binding.for_each is None:
        return
    if not binding.fields:
        yield UsageError(
            "no value comes from a column", expected="a column for at least one step",
            hint="choose which column goes into which field", where="columns", code="REC_COLUMN",
        )  # fmt: skip
    elif binding.key not in binding.fields:
        yield UsageError(
            f"'{choices.key or binding.key}' is no field", expected=f"one of {', '.join(binding.fields)}",
            hint=did_you_mean(choices.key, binding.fields), where="key", code="REC_NO_KEY",
        )  # fmt: skip
    elif binding.fields[binding.key or ""].optional:
        yield UsageError(
            f"the key '{binding.key}' may be empty", expected="a column that is filled in every row",
            hint="choose another key, or let it not be empty", where="key", code="REC_NO_KEY",
        )  # fmt: skip
    if binding.irreversible is not None and binding.irreversible < binding.each_from:
        yield UsageError(
            f"step {binding.irreversible} is done before the steps of each row, which begin at {binding.each_from}",
            expected="a step done for each row", where="irreversible", code="REC_ORDER",
        )  # fmt: skip
    for name in names_in(bound):
        if name not in binding.fields:
            number = next(n for n, step in enumerate(bound.steps, 1) if f"{{{{{name}" in str(step))
            yield UsageError(
                f"nobody knows any more what stood in the place of '{{{{{name}}}}}'", expected="a column",
                hint="choose one, or record this step again", where=f"columns.{number}", code="REC_PLACEHOLDER",
            )  # fmt: skip


def _no_step(number: int, steps: int, where: str) -> UsageError:
    return UsageError(f"'{number}' is no step", expected=f"1 to {steps}", where=where, code="REC_NO_STEP")
