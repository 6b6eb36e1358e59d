"""Which cases are together, for programs: merge and split problems by rules, looked at before, and take rules back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.cases import problems
from runner.cases.problems import Who
from runner.cases.regrouping import Moving, preview_merge, preview_split, split_choices
from runner.desk.api import problem_shapes
from runner.desk.api.answers import answered, version_wanted
from runner.desk.api.once import once
from runner.desk.api.operations import InQuery, operation
from runner.desk.api.problem_acts import Version, acted
from runner.desk.api.problems import problem_for
from runner.desk.api.wrong_input import Name, Note, Said, Text
from runner.desk.asking import DeskRequest
from runner.desk.problems.grouping import require_both_ends

Value = Annotated[Text, Field(min_length=1, max_length=500)]


class SplitQuery(InQuery):
    """Which cases a split would take."""

    field: Annotated[
        Text,
        Field(
            max_length=200,
            description="data.NAME, step, type, code, bot_version, message or page_error.",
        ),
    ] = ""
    value: Annotated[
        Text, Field(max_length=500, description="The whole value; of message and page_error a part.")
    ] = ""


class Merge(Said):
    """The problem that this one belongs to."""

    into: Name
    note: Note = ""
    version: Version | None = None


class Split(Said):
    """What the cases have that go."""

    field: Name
    value: Value
    note: Note = ""
    version: Version | None = None


class Rule(Said):
    """The rule that does not count any more."""

    rule: Name
    note: Note = ""


@operation(
    "GET",
    "problems/{problem_id}/merge",
    "problems.merge",
    summary=_("Preview a merge"),
    gives=problem_shapes.Moving,
)
def preview_merging(request: DeskRequest, problem_id: Text) -> HttpResponse:
    """The cases that would go: all of them. Changes nothing."""
    problem_for(request, problem_id, "problems.merge")
    return answered(request, _moving(preview_merge(problem_id)))


@operation(
    "POST", "problems/{problem_id}/merge", "problems.merge", summary=_("Merge problems"), gives=problem_shapes.Grouped,
    refuses=(409,),
)  # fmt: skip
def merge_problem(request: DeskRequest, problem_id: Text, wanted: Merge) -> HttpResponse:
    """The cases of this problem, and later ones like them, belong to the problem `into`: a rule, which can be taken back."""
    problem_for(request, problem_id, "problems.merge")
    problem_for(request, wanted.into, "problems.merge")
    version = version_wanted(request, wanted.version)

    def merge(at: datetime) -> dict[str, Any]:
        who = Who(request.person.username, at, version)
        rule = problems.merge(problem_id, wanted.into, who, note=wanted.note)
        return {**acted(problem_id, [rule]), "rule": rule, "target": wanted.into}

    return once(request, merge)


@operation(
    "GET",
    "problems/{problem_id}/split",
    "problems.merge",
    summary=_("Preview a split"),
    gives=problem_shapes.Splitting,
)
def preview_splitting(request: DeskRequest, problem_id: Text, wanted: Query[SplitQuery]) -> HttpResponse:
    """What tells some of its cases from the others; with `field` and `value` those that would go. Changes nothing."""
    problem_for(request, problem_id, "problems.merge")
    choices = [
        {"field": one.field, "values": [{"value": value, "cases": n} for value, n in one.values]}
        for one in split_choices(problem_id)
    ]
    moving = preview_split(problem_id, wanted.field, wanted.value) if wanted.field and wanted.value else None
    return answered(request, {"choices": choices, "moving": _moving(moving) if moving else None})


@operation(
    "POST", "problems/{problem_id}/split", "problems.merge", summary=_("Split a problem"), gives=problem_shapes.Grouped,
    refuses=(409,),
)  # fmt: skip
def split_problem(request: DeskRequest, problem_id: Text, wanted: Split) -> HttpResponse:
    """The cases whose `field` is `value`, and later ones, form the problem `target`: a rule, which can be taken back."""
    problem_for(request, problem_id, "problems.merge")
    version = version_wanted(request, wanted.version)

    def split(at: datetime) -> dict[str, Any]:
        who = Who(request.person.username, at, version)
        rule = problems.split(problem_id, wanted.field, wanted.value, who, note=wanted.note)
        return {**acted(problem_id, [rule]), "rule": rule, "target": problems.part_of(rule)}

    return once(request, split)


@operation(
    "POST", "problems/{problem_id}/ungroup", "problems.merge", summary=_("Take a rule back"),
    gives=problem_shapes.ProblemActed, refuses=(409,),
)  # fmt: skip
def ungroup_problem(request: DeskRequest, problem_id: Text, wanted: Rule) -> HttpResponse:
    """A merge or a split, named by its rule; every case goes where it belongs without it."""
    problem_for(request, problem_id, "problems.merge")
    require_both_ends(request, problem_id, wanted.rule)

    def ungroup(at: datetime) -> dict[str, Any]:
        act = problems.ungroup(problem_id, wanted.rule, Who(request.person.username, at), note=wanted.note)
        return acted(problem_id, [act])

    return once(request, ungroup)


def _moving(moving: Moving) -> dict[str, Any]:
    return {"count": moving.count, "of": moving.of, "first": [case.pk for case in moving.first]}
