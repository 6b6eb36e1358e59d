"""Work on problems for programs: the acts of a problem's page as JSON, each with the version that it was decided on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from pydantic import Field

from runner.cases import bulk, canary, problems
from runner.cases.problem_undo import take_back
from runner.cases.problems import MOST_WHYS, Who
from runner.cases.verification import Needed
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError, UsageError
from runner.core.nouns import Branch, ProblemStatus
from runner.desk.api import problem_shapes
from runner.desk.api.answers import answered, version_wanted
from runner.desk.api.decisions import nobody_called
from runner.desk.api.once import once
from runner.desk.api.operations import operation
from runner.desk.api.problems import problem_for
from runner.desk.api.selections import AT_ONCE, rows_told
from runner.desk.api.wrong_input import Moment, Note, Said, Text
from runner.desk.asking import DeskRequest
from runner.desk.problems.trial import require_deciding
from runner.store.models import Act, CorrectiveAction, Problem

_ONE_LATER: Final = timedelta(microseconds=1)
Version = Annotated[int, Field(ge=0, le=2_000_000_000)]
Line = Annotated[Text, Field(max_length=500)]
Words = Annotated[Note, Field(min_length=1)]


class Versioned(Said):
    """What is said about a problem, and the version that it is said of."""

    version: Version | None = None


class Owner(Versioned):
    """Who answers for it; an empty name: nobody."""

    owner: Annotated[Text, Field(max_length=200)]


class OneWhy(Said):
    """An answer of the 5 Whys, and what shows that it is so."""

    why: Words
    evidence: Note = ""


class Analysis(Versioned):
    """What was found out; what is left out stays as it is, what is given takes the place of what was there."""

    whys: Annotated[list[OneWhy], Field(max_length=MOST_WHYS)] | None = None
    causes: Annotated[
        dict[Branch, Annotated[list[Line], Field(max_length=20)]] | None,
        Field(description="Possible causes by the branch of the fishbone."),
    ] = None
    root_cause: Note | None = None


class NewAction(Versioned):
    """What will be done about it, by whom, by when."""

    text: Words
    owner: Annotated[Text, Field(max_length=200)] = ""
    due: Moment | None = None


class ActionChange(Versioned):
    """What is different about an action; `due` null takes the due time away."""

    text: Words | None = None
    owner: Annotated[Text, Field(max_length=200)] | None = None
    due: Moment | None = None
    done: bool | None = None
    dropped: bool | None = None


class Comment(Said):
    """Something to be said; @name names somebody."""

    note: Words


class Move(Versioned):
    """Where the problem goes."""

    to: Literal["open", "analysing", "acting", "verifying", "closed"]
    note: Annotated[Note, Field(description="With closed, where it is not proven: why.")] = ""
    runs: Annotated[
        int, Field(ge=0, le=100_000, description="With verifying: so many clean runs prove it.")
    ] = 3
    items: Annotated[int, Field(ge=0, le=100_000, description="With verifying: and so many items done.")] = 0
    by_version: Annotated[
        bool, Field(description="With verifying: the fix comes with a new version of the bot.")
    ] = False


class Try(Versioned):
    """How many cases are tried first."""

    cases: Annotated[int, Field(ge=1, le=100)]


class Because(Versioned):
    """Why."""

    note: Note = ""


@operation(
    "POST", "problems/{problem_id}/owner", "problems.work", summary=_("Say who owns a problem"),
    gives=problem_shapes.ProblemActed, refuses=(409,),
)  # fmt: skip
def own_problem(request: DeskRequest, problem_id: Text, wanted: Owner) -> HttpResponse:
    """An empty name: nobody."""
    _right(nobody_called(wanted.owner, "owner"))
    return _act(request, problem_id, wanted, lambda who: [problems.own(problem_id, wanted.owner, who)])


@operation(
    "POST", "problems/{problem_id}/analysis", "problems.work", summary=_("Write down the analysis"),
    gives=problem_shapes.ProblemActed, refuses=(409,),
)  # fmt: skip
def analyse_problem(request: DeskRequest, problem_id: Text, wanted: Analysis) -> HttpResponse:
    """The 5 Whys, the possible causes, the root cause: those that are given, all of them or none."""
    if wanted.whys is None and wanted.causes is None and wanted.root_cause is None:
        _right([_wrong("body", "it says nothing", "whys, causes or root_cause")])

    def write(who: Who) -> list[str]:
        acts: list[str] = []

        def next_one() -> Who:
            """Each a moment later, in the order in which they are told; the first checks the version that was looked at."""
            return Who(who.by, who.at + _ONE_LATER * len(acts)) if acts else who

        if wanted.whys is not None:
            whys = [problems.Why(one.why, one.evidence) for one in wanted.whys]
            acts.append(problems.set_whys(problem_id, whys, next_one()))
        if wanted.causes is not None:
            causes = {str(branch): found for branch, found in wanted.causes.items()}
            acts.append(problems.set_causes(problem_id, causes, next_one()))
        if wanted.root_cause is not None:
            acts.append(problems.set_root_cause(problem_id, wanted.root_cause, next_one()))
        return acts

    return _act(request, problem_id, wanted, write)


@operation(
    "POST", "problems/{problem_id}/actions", "problems.work", summary=_("Add a corrective action"),
    gives=problem_shapes.ProblemActed, status=201, refuses=(409,),
)  # fmt: skip
def add_action(request: DeskRequest, problem_id: Text, wanted: NewAction) -> HttpResponse:
    """The id of the action is that of the act."""
    _right(nobody_called(wanted.owner, "owner"))

    def add(who: Who) -> list[str]:
        return [problems.add_action(problem_id, wanted.text, who, owner=wanted.owner, due=wanted.due)]

    return _act(request, problem_id, wanted, add, 201)


@operation(
    "POST", "problems/{problem_id}/actions/{action_id}", "problems.work", summary=_("Change a corrective action"),
    gives=problem_shapes.ProblemActed, refuses=(409,),
)  # fmt: skip
def change_action(
    request: DeskRequest, problem_id: Text, action_id: Text, wanted: ActionChange
) -> HttpResponse:
    """It is done, open again, dropped, or worded anew; what is left out stays."""
    _right(nobody_called(wanted.owner or "", "owner"))
    given = wanted.model_fields_set - {"version"}
    if not given:
        _right([_wrong("body", "it changes nothing", "text, owner, due, done or dropped")])

    def change(who: Who) -> list[str]:
        if not CorrectiveAction.objects.filter(pk=action_id, problem=problem_id).exists():
            raise Http404
        act = problems.change_action(
            problem_id, action_id, who, text=wanted.text, owner=wanted.owner, due=wanted.due, done=wanted.done,
            dropped=wanted.dropped, no_due="due" in given and wanted.due is None,
        )  # fmt: skip
        return [act]

    return _act(request, problem_id, wanted, change)


@operation(
    "POST", "problems/{problem_id}/comments", "cases.comment", summary=_("Comment on a problem"),
    gives=problem_shapes.ProblemActed, status=201,
)  # fmt: skip
def comment_problem(request: DeskRequest, problem_id: Text, wanted: Comment) -> HttpResponse:
    """It makes nobody's decision stale."""
    return _act(
        request, problem_id, None, lambda who: [problems.comment(problem_id, wanted.note, who)], 201,
        permission="cases.comment",
    )  # fmt: skip


@operation(
    "POST", "problems/{problem_id}/move", "problems.work", summary=_("Move a problem along"),
    gives=problem_shapes.ProblemActed, refuses=(409,),
)  # fmt: skip
def move_problem(request: DeskRequest, problem_id: Text, wanted: Move) -> HttpResponse:
    """Open, analysing, acting, verifying, closed, and back.

    Verifying says that the action is in force from now on. Closed takes its proof (409 API_STATE without), or a note that
    says why not. To open, from closed, is to reopen it.
    """

    def move(who: Who) -> list[str]:
        act = problems.move_problem(
            problem_id, ProblemStatus(wanted.to), who, note=wanted.note,
            needed=Needed(wanted.runs, wanted.items), by_version=wanted.by_version,
        )  # fmt: skip
        return [act]

    return _act(request, problem_id, wanted, move)


@operation(
    "GET",
    "problems/{problem_id}/canary",
    "problems.see",
    summary=_("See how the first few do"),
    gives=problem_shapes.Canary,
)
def watch_canary(request: DeskRequest, problem_id: Text) -> HttpResponse:
    """How the last one stands; not found where there was none."""
    problem_for(request, problem_id, "problems.see")
    return answered(request, _canary(problem_id))


@operation(
    "POST", "problems/{problem_id}/canary", "problems.work", summary=_("Try a few cases first"),
    gives=problem_shapes.Canary, status=201, refuses=(409,),
)  # fmt: skip
def start_canary(request: DeskRequest, problem_id: Text, wanted: Try) -> HttpResponse:
    """The cases that are due first, of those that can be retried as they are; takes cases.decide for them, too."""
    problem_for(request, problem_id, "problems.work")
    require_deciding(request, problem_id)
    version = version_wanted(request, wanted.version)

    def start(at: datetime) -> dict[str, Any]:
        canary.start_canary(problem_id, wanted.cases, Who(request.person.username, at, version))
        return _canary(problem_id)

    return once(request, start, 201)


@operation(
    "POST", "problems/{problem_id}/canary/release", "problems.work", summary=_("Release the rest"),
    gives=problem_shapes.Released, refuses=(409,),
)  # fmt: skip
def release_canary(request: DeskRequest, problem_id: Text, wanted: Because) -> HttpResponse:
    """Retry the cases that are left, for about five seconds.

    While `finished` is false, send `decision` to `selections/SELECTION/apply`: it goes on. After a canary that did not go
    through, `note` has to say why. Takes cases.decide for the cases, too.
    """
    problem_for(request, problem_id, "problems.work")
    require_deciding(request, problem_id)
    version = version_wanted(request, wanted.version)
    decision = canary.release_decision(problem_id)

    def release(at: datetime) -> dict[str, Any]:
        who = Who(request.person.username, at, version)
        frozen = canary.begin_release(problem_id, who, anyway=wanted.note)
        return {"selection": frozen.id if frozen else None}

    def carry_on(begun: dict[str, Any]) -> dict[str, Any]:
        """Each case is stored by itself, so outside of what is kept for an Idempotency-Key."""
        said = {"decision": str(decision.verb), "note": decision.note}
        if begun["selection"] is None:
            return {**begun, "counts": {}, "finished": True, "rows": [], "decision": said}
        frozen = bulk.selection(begun["selection"])
        part = bulk.apply_part(frozen, decision, by=request.person.username, at=now, limit=AT_ONCE)
        told = {"counts": part.counts, "finished": part.finished, "rows": rows_told(part.rows)}
        return {**begun, **told, "decision": said}

    return once(request, release, shown=carry_on)


@operation(
    "POST", "problems/{problem_id}/canary/hold", "problems.work", summary=_("Hold the rest back"),
    gives=problem_shapes.ProblemActed, refuses=(409,),
)  # fmt: skip
def hold_canary(request: DeskRequest, problem_id: Text, wanted: Because) -> HttpResponse:
    """End the canary without the rest; another one can be started at any time."""
    return _act(
        request, problem_id, wanted, lambda who: [canary.hold(problem_id, who, note=wanted.note)]
    )  # fmt: skip


@operation(
    "POST", "problems/{problem_id}/acts/{act_id}/undo", "problems.work", summary=_("Take back what was said"),
    gives=problem_shapes.ProblemActed, refuses=(409,),
)  # fmt: skip
def undo_act(request: DeskRequest, problem_id: Text, act_id: Text, wanted: Versioned) -> HttpResponse:
    """Owner, whys, causes, root cause and actions, within ten minutes, while nobody has said it anew."""

    def back(who: Who) -> list[str]:
        if not Act.objects.filter(pk=act_id, subject_kind="problem", subject=problem_id).exists():
            raise Http404
        return [take_back(problem_id, act_id, who)]

    return _act(request, problem_id, wanted, back)


def _act(
    request: DeskRequest, problem_id: str, said: Versioned | None, act: Callable[[Who], list[str]], status: int = 200,
    *, permission: str = "problems.work",
) -> HttpResponse:  # fmt: skip
    """Carry out one act on a problem, all of it or nothing, and tell how the problem stands."""
    problem_for(request, problem_id, permission)
    version = version_wanted(request, said.version) if said else None

    def carry_out(at: datetime) -> dict[str, Any]:
        with transaction.atomic():
            acts = act(Who(request.person.username, at, version))
        return acted(problem_id, acts)

    return once(request, carry_out, status)


def acted(problem_id: str, acts: list[str]) -> dict[str, Any]:
    """What an act on a problem is answered with."""
    status, version = Problem.objects.values_list("status", "version").get(pk=problem_id)
    return {"problem": problem_id, "acts": acts, "status": status, "version": version}


def _canary(problem_id: str) -> dict[str, Any]:
    seen = canary.watch_canary(problem_id)
    if seen is None:
        raise Http404
    return {
        "problem": problem_id, "state": seen.state, "verdict": seen.verdict, "cases": list(seen.cases),
        "succeeded": seen.succeeded, "failed": seen.failed, "waiting": seen.waiting, "left": seen.left,
    }  # fmt: skip


def _wrong(where: str, what: str, expected: str) -> RunnerError:
    return UsageError(what, expected=expected, hint="correct it", where=where, code="API_SCHEMA")


def _right(errors: list[RunnerError]) -> None:
    if errors:
        raise ErrorReport(errors)
