"""The form that binds a recording to a workbook: what is proposed, what was chosen, and what is wrong with it, at its field."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.errors import ErrorReport
from runner.desk.recordings.bind_steps import Choice, TypedStep, sent_forms, typed_steps
from runner.desk.recordings.reasons import sentence_of
from runner.desk.recordings.shelf import language
from runner.desk.words import Word
from runner.recordings.binding import Binding
from runner.recordings.choices import NOTHING, Choices, Draft, Table, choices_of, draft
from runner.recordings.forms import Kind
from runner.recordings.model import Act, Click, DoubleClick, KeyDown, Read, Recording
from runner.recordings.propose import with_samples
from runner.recordings.wording import all_words

KINDS: Final[Mapping[Kind, Word]] = {
    Kind.TEXT: gettext_lazy("text"),
    Kind.WHOLE: gettext_lazy("whole number"),
    Kind.NUMBER: gettext_lazy("number"),
    Kind.DATE: gettext_lazy("date"),
    Kind.YES_NO: gettext_lazy("yes or no"),
}
_ACTS: Final = (Click, DoubleClick, KeyDown, Act)  # steps that can enter something


@dataclass(frozen=True, slots=True)
class HeldColumn:
    """A column that is used: its field, heading, what it may hold, whether cells may be empty, whether it is the key."""

    field: str
    heading: str
    kinds: Sequence[Choice]
    optional: bool
    is_key: bool


@dataclass(frozen=True, slots=True)
class Output:
    """A text that a step reads: under which heading it is written, and what it was while recording."""

    name: str
    words: str
    sample: str
    heading: str


@dataclass(frozen=True)
class BindForm:
    """Everything that the page asks. `made` is None while a choice can't be; `wrong` has a sentence by field."""

    table: Table
    made: Draft | None
    steps: Sequence[TypedStep]
    columns: Sequence[HeldColumn]
    each_from: Sequence[Choice]
    irreversible: Sequence[Choice]
    outputs: Sequence[Output]
    binding: Binding
    wrong: Mapping[str, str] = field(default_factory=dict)


def form_of(
    recording: Recording,
    table: Table,
    former: Binding | None,
    samples: Mapping[str, str],
    sent: QueryDict | None = None,
) -> BindForm:
    """The form for this table. It begins with the binding that is there, where it is of the same workbook and sheet.

    `samples` are what was typed while recording, by placeholder. `sent` is what came back of the form; what can't be is marked, and everything else stays as it was filled in.
    """
    begun = _begun(recording, table, former)
    given = {name: str(sent[name]) for name in sent} if sent is not None else {}
    choices = _sent(given, begun) if sent is not None else begun
    wrong: dict[str, str] = {}
    made: Draft | None = None
    try:
        made = shown = draft(recording, table, choices, samples=samples, former=former)
    except ErrorReport as report:
        wrong = {error.where: sentence_of(error) for error in report.errors}
        fine = {n: form for n, form in choices.forms.items() if f"forms.{n}" not in wrong}
        shown = _nearest(recording, table, replace(choices, forms=fine), samples, former)
    plain = with_samples(recording, samples)
    return BindForm(
        table=table,
        made=made,
        steps=typed_steps(plain, table, shown, choices, sent=given, wrong=wrong),
        columns=_columns(shown.binding),
        each_from=_steps_to_choose(plain, shown.binding.each_from),
        irreversible=_points(plain, shown.binding.irreversible),
        outputs=[
            Output(step.parameters.output, words, step.parameters.sample, shown.binding.outputs.get(step.parameters.output, ""))
            for step, words in zip(plain.steps, all_words(plain, language()), strict=True)
            if isinstance(step, Read)
        ],
        binding=shown.binding,
        wrong=wrong,
    )  # fmt: skip


def _begun(recording: Recording, table: Table, former: Binding | None) -> Choices:
    if former is None:
        return Choices()
    is_same = former.for_each == table.workbook and (former.sheet or table.sheet) == table.sheet
    before = choices_of(former, recording)
    if is_same:
        kept = {n: one for n, one in before.columns.items() if not one or one in table.headings}
        return replace(before, columns=kept)
    return Choices(title=before.title, process=before.process, address=before.address, results=before.results)


def _sent(sent: Mapping[str, str], begun: Choices) -> Choices:
    """What the form says; a field that it does not have stays as the page began."""

    def text(name: str) -> str | None:
        return sent[name].strip() if name in sent else None

    known = {name.partition(".")[2] for name in sent if name.startswith("kind.")}
    forms, formed = sent_forms(sent)
    results = text("results")
    return Choices(
        columns={**begun.columns, **{int(n): sent[f"column.{n}"] for n in _after(sent, "column.") if n.isdecimal()}},
        forms={**begun.forms, **forms},
        formed={**begun.formed, **formed},
        key=text("key") or begun.key,
        each_from=_number(text("each_from"), begun.each_from),
        irreversible=_number(text("irreversible"), begun.irreversible),
        kinds={**begun.kinds, **{name: Kind(sent[f"kind.{name}"]) for name in known if sent[f"kind.{name}"] in list(Kind)}},
        optional={**begun.optional, **{name: bool(sent.get(f"optional.{name}")) for name in known}},
        outputs={**begun.outputs, **{name: sent[f"output.{name}"].strip() or name for name in _after(sent, "output.")}},
        results="in place" if results == "in place" else "copy" if results == "copy" else begun.results,
        title=text("title") if text("title") is not None else begun.title,
        process=text("process") if text("process") is not None else begun.process,
        address=text("address") if text("address") is not None else begun.address,
    )  # fmt: skip


def _nearest(
    recording: Recording, table: Table, choices: Choices, samples: Mapping[str, str], former: Binding | None
) -> Draft:
    """The draft that comes nearest to choices that can't be: those about columns count, or none does."""
    plain = replace(choices, key="", irreversible=None, each_from=None)
    for less in (
        plain,
        replace(plain, optional={}),
        replace(plain, optional={}, forms={}),
        replace(plain, optional={}, forms={}, columns={}),
    ):
        try:
            return draft(recording, table, less, samples=samples, former=former)
        except ErrorReport:
            continue
    return draft(recording, Table(), Choices(), samples=samples, former=former)


def _columns(binding: Binding) -> list[HeldColumn]:
    return [
        HeldColumn(
            name, one.column, [Choice(kind, str(words), kind == one.kind) for kind, words in KINDS.items()],
            one.optional, name == binding.key,
        )
        for name, one in binding.fields.items()
    ]  # fmt: skip


def _steps_to_choose(plain: Recording, chosen: int) -> list[Choice]:
    words = all_words(plain, language())
    return [Choice(str(n), f"{n} · {text}", n == chosen) for n, text in enumerate(words, 1)]


def _points(plain: Recording, chosen: int | None) -> list[Choice]:
    every = _steps_to_choose(plain, chosen or NOTHING)
    acts = [
        one for one, step in zip(every, plain.steps, strict=True) if isinstance(step, _ACTS) or one.chosen
    ]
    return [Choice(str(NOTHING), _("none: every step may be repeated"), not chosen), *acts]


def _after(sent: Mapping[str, str], prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in sent if name.startswith(prefix)]


def _number(text: str | None, usual: int | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 6 else usual


def seen_of(texts: Sequence[bytes]) -> str:
    """A mark of what the page showed, to notice that somebody else changed it meanwhile."""
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]
