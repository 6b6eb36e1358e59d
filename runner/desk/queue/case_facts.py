"""Everything that the page of one case shows, read in a handful of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from django.utils.translation import get_language

from runner.cases.fingerprint import explain
from runner.cases.undoing import UNDO_WITHIN, why_not
from runner.core.clock import now
from runner.core.contract import Settled
from runner.core.nouns import ActVerb, FailureKind
from runner.desk.charts import Piece
from runner.desk.evidence import evidence_address
from runner.desk.queue.case_words import changes_of, is_same, tail_of, what_happened
from runner.desk.recordings.failures import Cause, Replayed, cause_of, replayed, step_names
from runner.desk.trace_viewer import trace_link
from runner.store.models import Act, Attempt, Case, Run, Step

_MOST_ATTEMPTS: Final = 10
_MOST_STEPS: Final = 200
_SIMILAR: Final = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of evidence: its kind, address, and what is known of the page (`viewer`: where a trace is looked at)."""

    kind: str
    address: str
    url: str = ""
    http_status: int | None = None
    page_error: str = ""
    viewer: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt with its steps as bars; `folder` is that of its run."""

    attempt: Attempt
    pieces: Sequence[Piece]
    evidence: Sequence[Shown] = ()

    @property
    def error_text(self) -> str:
        """What it failed with."""
        return str((self.attempt.error or {}).get("message") or "")


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the history; `undo`: it can still be taken back; `gone`: a comment that was."""

    act: Act
    changes: Sequence[tuple[str, Any, Any]]
    undo: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of the row: as it came, as it is now, and what the last failed attempt had."""

    name: str
    title: str
    original: Any
    now: Any
    tried: Any
    is_wrong: bool
    came: bool = True

    @property
    def is_changed(self) -> bool:
        """Whether somebody has changed it; what the queue's model filled in did not come with the row."""
        return self.came and not is_same(self.original, self.now)


@dataclass(slots=True)
class CaseFacts:
    """What the page shows."""

    case: Case
    tried: list[Tried]
    history: list[Happened]
    fields: list[Difference]
    evidence: list[Shown]
    similar: list[Case]
    place: tuple[int, int]
    before: str
    after: str
    words: str = ""
    tail: str = ""
    grouping: str = ""
    replayed: Replayed | None = None
    cause: Cause | None = None
    pictures: list[Shown] = field(default_factory=list)
    traces: list[Shown] = field(default_factory=list)


def case_of(case_id: str) -> Case:
    """The case with what hangs on it. Raises Case.DoesNotExist (a 404)."""
    return Case.objects.select_related("item__queue", "problem", "run").get(pk=case_id)


def facts_of(case: Case, reader: str = "") -> CaseFacts:
    """Everything about a case, for `reader`. Seven queries."""
    attempts = _attempts(case)
    steps = _steps(case, attempts)
    evidence = _shown(case.evidence, case.run, case.process)
    names = step_names(case.bot)
    waiting = _neighbours(case)
    at = next((number for number, one in enumerate(waiting) if one == case.pk), -1)
    facts = CaseFacts(
        case=case,
        tried=[_tried(one, steps, case.process, names) for one in attempts],
        history=_history(case, reader),
        fields=_fields(case, attempts),
        evidence=evidence,
        similar=_similar(case),
        place=(at + 1, len(waiting)) if at >= 0 else (0, len(waiting)),
        before=waiting[at - 1] if at > 0 else "",
        after=waiting[at + 1] if at + 1 < len(waiting) else "",
        words=what_happened(case),
        tail=tail_of(case, len(attempts)),
        grouping=explain(case.problem.parts, get_language() or "en")
        if case.problem.parts
        else case.problem.explanation,
        replayed=replayed(case),
        cause=cause_of(case.bot, case.error),
    )
    facts.pictures = [one for one in evidence if one.kind in {"screenshot", "picture"}]
    facts.traces = [one for one in evidence if one.kind == "trace"]
    return facts


def _attempts(case: Case) -> list[Attempt]:
    if case.item is None:
        return []
    return list(
        Attempt.objects.filter(item=case.item).select_related("run").order_by("-number")[:_MOST_ATTEMPTS]
    )


def _steps(case: Case, attempts: Sequence[Attempt]) -> list[Step]:
    if case.item is not None:
        rows = Step.objects.filter(queue=case.item.queue_id, item=case.item.key)
        rows = rows.filter(attempt__in=[one.number for one in attempts])
    elif case.run is not None:
        rows = Step.objects.filter(run=case.run, item=None)
    else:
        return []
    return list(rows.order_by("started", "seq")[:_MOST_STEPS])


def _tried(attempt: Attempt, steps: Sequence[Step], process: str, names: Mapping[str, str]) -> Tried:
    mine = [one for one in steps if one.attempt == attempt.number and one.run_id == attempt.run_id]
    pieces = [replace(one, name=names.get(one.name, one.name)) for one in pieces_of(mine, attempt.finished)]
    return Tried(attempt, pieces, _shown(attempt.evidence, attempt.run, process))


def pieces_of(steps: Sequence[Step], end: datetime | None) -> list[Piece]:
    """Steps as bars: seconds from the first of them, nested as they were called; one without an end lasts until `end`."""
    if not steps:
        return []
    first, deep = steps[0].started, dict[int | None, int]()
    pieces = []
    for one in steps:
        depth = deep[one.seq] = min(deep.get(one.parent, -1) + 1, 3)
        open_for = ((end or now()) - one.started).total_seconds()
        seconds = one.ms / 1000 if one.ms is not None else max(open_for, 0.0)
        css = "bad" if one.error or one.status in {"failed", "lost"} else ""
        pieces.append(Piece(one.name, (one.started - first).total_seconds(), seconds, depth, css))
    return pieces


def _shown(evidence: Sequence[Mapping[str, Any]], run: Run | None, process: str) -> list[Shown]:
    found = []
    for one in evidence:
        path, folder = str(one.get("path") or ""), run.folder if run else ""
        address = evidence_address(folder, path, process) if path and folder else ""
        kind = str(one.get("kind") or "")
        viewer = trace_link(address) if kind == "trace" and address else ""
        found.append(
            Shown(
                kind,
                address,
                str(one.get("url") or ""),
                one.get("http_status"),
                str(one.get("page_error") or ""),
                viewer,
            )
        )
    return found


def _history(case: Case, reader: str) -> list[Happened]:
    acts = list(Act.objects.filter(subject_kind="case", subject=case.pk).order_by("-at", "-id")[:200])
    at = now()
    last = next(
        (one for one in acts if not one.machine and one.verb not in {ActVerb.COMMENT, ActVerb.UNDO}), None
    )
    taken_back = {one.data.get("undoes") for one in acts if one.verb == ActVerb.UNDO}
    undo = {last.pk} if last and last.pk not in taken_back and not why_not(last, case, at) else set()
    undo |= {
        one.pk
        for one in acts
        if one.verb == ActVerb.COMMENT
        and one.by == reader
        and one.pk not in taken_back
        and at - one.at <= UNDO_WITHIN
    }
    return [
        Happened(
            one, changes_of(one.data), one.pk in undo, one.verb == ActVerb.COMMENT and one.pk in taken_back
        )
        for one in acts
    ]


def _fields(case: Case, attempts: Sequence[Attempt]) -> list[Difference]:
    item = case.item
    if item is None:
        return []
    properties: Mapping[str, Any] = (item.queue.fields or {}).get("properties", {})
    tried: Mapping[str, Any] = next((one.row for one in attempts if isinstance(one.row, dict)), {})
    error = case.error or {}
    where, message = (
        str(error.get("where") or "").partition(".")[0],
        str(error.get("message") or case.message),
    )
    names = list(dict.fromkeys([*properties, *item.original, *item.data]))
    return [
        Difference(
            name=name,
            title=str(properties.get(name, {}).get("title") or name.replace("_", " ").capitalize()),
            original=item.original.get(name),
            now=item.data.get(name),
            tried=tried.get(name),
            came=name in item.original,
            is_wrong=name == where
            or (
                where not in names and _is_named(item.data.get(name), message, is_key=name == item.queue.key)
            ),
        )
        for name in names
    ]


def _is_named(value: Any, message: str, *, is_key: bool) -> bool:
    text = str(value) if isinstance(value, str | int | float) else ""
    return len(text) > 2 and not is_key and text in message


def _similar(case: Case) -> list[Case]:
    others = Case.objects.filter(problem=case.problem_id).exclude(pk=case.pk)
    return list(others.defer("error", "evidence").order_by("-opened")[:_SIMILAR])


def _neighbours(case: Case) -> list[str]:
    """The cases of the problem that wait, the one due first in front; the first five hundred."""
    rows = Case.objects.filter(problem=case.problem_id, waits=True).order_by("due", "pk")
    return list(rows.values_list("pk", flat=True)[:500])


def open_step_of(case: Case) -> str:
    """The irreversible step that began and has no outcome, as far as the item knows; otherwise the step that failed."""
    records: Mapping[str, Any] = case.item.irreversible if case.item else {}
    began = [name for name, record in records.items() if record.get("state") == Settled.INTENT]
    return began[-1] if began else case.step


def decisions_of(case: Case) -> set[str]:
    """Which decisions the page offers: those that the case's state and kind allow."""
    if case.status == "retrying":
        return {"done", "reject"} if case.kind != FailureKind.UNKNOWN else set()
    if not case.waits:
        return set()
    allowed = {"claim", "assign", "snooze", "priority"}
    if case.assignee:
        allowed.add("unassign")
    if case.kind == FailureKind.UNKNOWN:
        return allowed | {"attest"}
    fits = case.item is None or case.item.valid
    has_run = case.item is not None or case.run_id is not None
    return (
        allowed
        | {"done", "reject"}
        | ({"retry"} if has_run else set())
        | ({"retry_as_is"} if fits and has_run else set())
    )
