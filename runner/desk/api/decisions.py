"""A decision as a program says it: which fields each kind takes and needs, and what becomes of one that came too late."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from runner.cases.deciding import Asked, carry_out
from runner.cases.decisions import Decision
from runner.cases.proofs import LARGEST, Proof, keep_proof
from runner.core.clock import now
from runner.core.contract import Settled
from runner.core.errors import ConflictError, ErrorReport, RunnerError, UsageError, did_you_mean
from runner.core.nouns import ActVerb, Priority
from runner.desk.api.wrong_input import Moment, Name, Note, Said, Values
from runner.desk.outside import place
from runner.desk.people.models import Person
from runner.store.models import Case

NEEDS: Final[Mapping[str, str]] = {
    "claim": "cases.assign",
    "assign": "cases.assign",
    "unassign": "cases.assign",
    "retry": "cases.decide",
    "done": "cases.decide",
    "reject": "cases.decide",
    "snooze": "cases.decide",
    "priority": "cases.decide",
    "comment": "cases.comment",
    "attest": "cases.attest",
}
"""The permission that each decision takes."""
_TAKES: Final[Mapping[str, tuple[str, ...]]] = {  # beside decision, note and version
    "claim": ("assignee",),
    "assign": ("assignee",),
    "retry": ("data", "set", "start_run"),
    "snooze": ("until",),
    "priority": ("priority",),
    "attest": ("outcome", "proof", "start_run"),
}
_NEEDED: Final[Mapping[str, Mapping[str, str]]] = {
    "assign": {"assignee": "the name with which a person signs in"},
    "done": {"note": "what was done by hand"},
    "reject": {"note": "why it will not be done"},
    "comment": {"note": "what is to be said"},
    "snooze": {"until": "a time in the future"},
    "priority": {"priority": "low, normal, high or urgent"},
    "attest": {"outcome": "done or not_done", "note": "what was seen in the target system"},
}
Verb = Literal[
    "claim", "assign", "unassign", "retry", "done", "reject", "attest", "snooze", "priority", "comment"
]


class ProofFile(Said):
    """A file that shows what is attested: a picture, PDF, workbook, mail or text, in base64."""

    name: Name
    content: Annotated[str, Field(max_length=LARGEST * 4 // 3 + 4, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]


class Choice(Said):
    """What is to be done with a case, as far as it can be said of many."""

    decision: Verb
    note: Note = ""
    assignee: Name | None = None
    until: Moment | None = None
    priority: Literal["low", "normal", "high", "urgent"] | None = None


class Decide(Choice):
    """What is to be done with one case."""

    version: Annotated[int, Field(ge=0, le=2_000_000_000)] | None = None
    data: Values | None = None
    set: Values | None = None
    outcome: Literal["done", "not_done"] | None = None
    proof: ProofFile | None = None
    start_run: bool = True


def decision_of(said: Choice, case: Case | None, *, by: str) -> Decision:
    """The decision that was said; corrected data is checked by the queue's own model, and a proof is kept.

    Raises ErrorReport with every field that is missing, wrong, or of another kind of decision. `case` None: for many.
    """
    errors = [*_fitting(said), *_sensible(said)]
    whole = said if isinstance(said, Decide) else None
    if errors:
        raise ErrorReport(errors)
    return Decision(
        ActVerb(said.decision),
        said.note,
        assignee=said.assignee or (by if said.decision == "claim" else ""),
        until=said.until,
        data=_data(whole, case) if whole and case else None,
        outcome=Settled(whole.outcome) if whole and whole.outcome else None,
        proof=_proof(whole.proof) if whole and whole.proof else None,
        priority=Priority[said.priority.upper()] if said.priority else None,
        start_run=whole.start_run if whole else True,
    )


def keep_as_draft(case_id: str, late: Decision, version: int | None, *, by: str) -> None:
    """Keep a decision that came too late as a comment of the case, with its data; the same one twice is kept once."""
    said = late.as_json()
    mark = hashlib.sha256(json.dumps([case_id, version, by, said], sort_keys=True).encode()).hexdigest()
    note = f"Not carried out, as the case had moved: {late.verb}. {late.note}".strip()
    carry_out(Asked(case_id, ActVerb.COMMENT, by, now(), note, {"draft": said}, token=f"draft:{mark}"))


def _fitting(said: Choice) -> list[RunnerError]:
    """An error for each field that this kind of decision does not take, and for each that it needs and lacks."""
    verb = said.decision
    known = {*_TAKES.get(verb, ()), "decision", "note", "version"}
    errors: list[RunnerError] = [
        _wrong(name, f"'{name}' does not belong to '{verb}'", "decision, note, version" + "".join(f", {one}" for one in _TAKES.get(verb, ())))
        for name in said.model_fields_set
        if name not in known and getattr(said, name) is not None
    ]  # fmt: skip
    for name, expected in _NEEDED.get(verb, {}).items():
        value = getattr(said, name, None)
        if value is None or (isinstance(value, str) and not value.strip()):
            errors.append(_wrong(name, f"'{name}' is missing", expected))
    return errors


def nobody_called(name: str, where: str) -> list[RunnerError]:
    """An error where nobody signs in with that name; none for an empty one."""
    people = Person.objects.filter(is_active=True)
    if not name or people.filter(username=name).exists():
        return []
    near = did_you_mean(name, people.values_list("username", flat=True))
    return [_wrong(where, f"nobody is called {name!a}", near or "the name with which a person signs in")]


def _sensible(said: Choice) -> list[RunnerError]:
    errors: list[RunnerError] = []
    if said.decision == "snooze" and said.until is not None and said.until <= now():
        errors.append(_wrong("until", "'until' has passed", "a time in the future"))
    if said.decision in {"claim", "assign"}:
        errors += nobody_called(said.assignee or "", "assignee")
    if isinstance(said, Decide) and said.data is not None and said.set is not None:
        errors.append(_wrong("set", "both 'data' and 'set' are given", "one of them"))
    return errors


def _data(said: Decide, case: Case) -> dict[str, Any] | None:
    """The whole corrected data as the queue's model sees it; None for a retry as it is. Raises ErrorReport."""
    if said.data is None and said.set is None:
        return None
    item = case.item
    if item is None:
        raise ConflictError(
            "a run has no data of its own", expected="a retry as it is", hint="leave data and set out",
            where=f"case {case.pk}", code="STATE",
        )  # fmt: skip
    name = "set" if said.data is None else "data"
    whole = {**item.data, **(said.set or {})} if said.data is None else said.data
    try:
        valid = place().outside.validate_item(item.queue.bot_file, item.queue_id, whole)
    except ErrorReport as report:
        for error in report.errors:
            error.where = f"{name}.{error.where.strip('/').replace('/', '.')}".rstrip(".")
        raise
    key = item.queue.key
    if str(item.data.get(key)) == item.key != str(valid.get(key)):
        raise ErrorReport([_wrong(f"{name}.{key}", "the key of an item can't change", item.key)])
    return valid


def _proof(sent: ProofFile) -> Proof:
    try:
        content = base64.b64decode(sent.content, validate=True)
    except binascii.Error as error:
        raise ErrorReport(
            [_wrong("proof.content", "it is not base64", "the bytes of the file in base64")]
        ) from error
    try:
        return keep_proof(place().settings.proofs, sent.name, content)
    except UsageError as error:
        error.where = "proof.content"
        raise


def _wrong(where: str, what: str, expected: str) -> UsageError:
    return UsageError(what, expected=expected, hint="correct it", where=where, code="API_SCHEMA")
