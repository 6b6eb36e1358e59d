"""What a recording types, step by step, in the form that binds it: the columns to choose from, and how their cells are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from runner.desk.recordings.shelf import language
from runner.recordings.choices import Choices, Draft, Table
from runner.recordings.forms import FORMS, Kind, examples
from runner.recordings.model import Recording
from runner.recordings.propose import Because, Match, typed
from runner.recordings.wording import all_words

OTHER: Final = "other"
"""In the menu of forms: the one that is written beside it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TypedStep:
    """A step that types something: its words, what was typed, the columns to choose from, and why one is proposed.

    `forms` are the ways to write a cell of that column, each shown by what a cell looks like; none where a text is typed as it is.
    `own` is the form that is none of these, `holds` what the column holds.
    """

    number: int
    words: str
    value: str
    columns: Sequence[Choice]
    because: str
    forms: Sequence[Choice] = ()
    own: str = ""
    holds: Kind = Kind.TEXT
    wrong: str = ""

    @property
    def such_as(self) -> str:
        """A form of the kind that the column holds, to show what one looks like."""
        return FORMS[self.holds][-1]


def typed_steps(
    plain: Recording,
    table: Table,
    shown: Draft,
    choices: Choices,
    *,
    sent: Mapping[str, str],
    wrong: Mapping[str, str],
) -> list[TypedStep]:
    """The steps that type something; `sent` is what came back of the form, `wrong` has a sentence for what can't be."""
    matches = {match.step: match for match in shown.proposal.matches}
    found = []
    for number, (step, words) in enumerate(zip(plain.steps, all_words(plain, language()), strict=True), 1):
        values = typed(step)
        if not values:
            continue
        match = matches.get(number)
        heading = choices.columns.get(number, match.heading if match else "")
        menu = [Choice("", _("as it was typed"), not heading)]
        menu += [Choice(one, one, one == heading) for one in dict.fromkeys(table.headings) if one]
        because = because_of(match) if match and match.heading == heading else ""
        made = TypedStep(number, words, values[-1], menu, because, wrong=wrong.get(f"columns.{number}", ""))
        found.append(_with_forms(made, match, shown, sent, wrong) if match else made)
    return found


def sent_forms(sent: Mapping[str, str]) -> tuple[dict[int, str], dict[int, Kind]]:
    """The forms that were chosen, by step, and what the column held then. The other form is the usual one until it is written."""
    steps = [name.removeprefix("formed.") for name in sent if name.startswith("formed.")]
    formed = {
        int(n): Kind(sent[f"formed.{n}"])
        for n in steps
        if n.isdecimal() and sent[f"formed.{n}"] in list(Kind)
    }
    forms = {
        n: _own(sent, n) or FORMS[kind][min(1, len(FORMS[kind]) - 1)]
        if _is_other(sent, n)
        else sent.get(f"form.{n}", "")
        for n, kind in formed.items()
    }
    return forms, formed


def because_of(match: Match) -> str:
    """Why a column is proposed for a step."""
    named = {"row": match.row, "heading": match.heading}
    return {
        Because.CELL: _("row %(row)s below the headings has it"),
        Because.LABEL: _("the field on the page is called “%(heading)s”"),
        Because.KEPT: _("it is bound to it already"),
        Because.CHOSEN: _("chosen"),
    }[match.because] % named


def _with_forms(
    made: TypedStep, match: Match, shown: Draft, sent: Mapping[str, str], wrong: Mapping[str, str]
) -> TypedStep:
    """The step with the forms of its column to choose from. One that can't be stays as it was written."""
    kind, cell = shown.binding.fields[match.field].kind, shown.proposal.cells.get(match.field)
    usual = FORMS[kind]
    if len(usual) == 1:
        return made
    refused = wrong.get(f"forms.{match.step}", "")
    form = _own(sent, match.step) if refused else match.form
    is_other = (
        bool(refused)
        or form not in usual
        or (_is_other(sent, match.step) and sent.get(f"formed.{match.step}") == kind)
    )
    menu = [Choice(one, words, one == form and not is_other) for one, words in examples(kind, cell).items()]
    menu.append(Choice(OTHER, _("another form"), is_other))
    return replace(made, forms=menu, own=form if is_other else "", holds=kind, wrong=made.wrong or refused)


def _is_other(sent: Mapping[str, str], step: int) -> bool:
    return sent.get(f"form.{step}") == OTHER


def _own(sent: Mapping[str, str], step: int) -> str:
    return sent.get(f"own.{step}", "").strip()
