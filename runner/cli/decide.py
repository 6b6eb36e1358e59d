"""What people decide about cases: `runner cases claim | assign | retry | done | reject | attest | snooze | undo …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli.cases import app
from runner.cli.options import CaseId, Json, moment_ahead, one_of
from runner.cli.printing import say
from runner.cli.project import open_project
from runner.cli.tongue import word
from runner.cli.wishes import Wish, decision
from runner.core.clock import now
from runner.core.contract import Settled
from runner.core.errors import ConflictError, UsageError
from runner.core.nouns import ActVerb, Priority

Note = Annotated[str, typer.Option(help="A few words for the history.")]


@decision(app, "claim")
def claim(
    wish: Wish,
    assignee: Annotated[str, typer.Option("--for", metavar="NAME", help="Give it to this person.")] = "",
    note: Note = "",
) -> int:
    """Take cases on, or give them to somebody."""
    return _carry(wish, ActVerb.CLAIM, "claim", note=note, assignee=assignee)


@decision(app, "assign")
def assign(
    wish: Wish,
    assignee: Annotated[str, typer.Option("--to", metavar="NAME", help="This person; needed.")] = "",
    note: Note = "",
) -> int:
    """Give cases to somebody; what was put aside stays so until its time."""
    _needed(assignee, "--to", "the name of a person")
    return _carry(wish, ActVerb.ASSIGN, f"give to {assignee}", note=note, assignee=assignee)


@decision(app, "unassign")
def unassign(wish: Wish, note: Note = "") -> int:
    """Take cases from whoever has them: nobody has them any more."""
    return _carry(wish, ActVerb.UNASSIGN, "take from their assignee", note=note)


@decision(app, "priority")
def priority(
    wish: Wish,
    level: Annotated[
        str, typer.Option("--to", metavar="LEVEL", help="low, normal, high or urgent; needed.")
    ] = "",
) -> int:
    """Say how urgent cases are."""
    _needed(level, "--to", "low, normal, high or urgent")
    one_of(level, [one.name.lower() for one in Priority], "--to")
    return _carry(wish, ActVerb.PRIORITY, f"make {level}", priority=Priority[level.upper()])


@app.command("undo")
def undo(case: CaseId, note: Note = "", as_json: Json = False) -> None:
    """Take back the last decision about a case, within ten minutes, while nothing has followed from it."""
    who = open_project().who
    from runner.cases.undoing import undo as take_back
    from runner.cli.printing import print_json
    from runner.store.models import Act, Case
    from runner.store.names import resolve_case_id

    pk = resolve_case_id(case)
    acts = Act.objects.filter(subject_kind="case", subject=pk, machine=False).exclude(verb=ActVerb.COMMENT)
    last = acts.order_by("-at", "-id").first()
    if last is None:
        raise ConflictError("nobody has decided anything about it", where=f"case {pk}", code="UNDO")
    take_back(last.pk, by=who, at=now(), note=note)
    status = Case.objects.values_list("status", flat=True).get(pk=pk)
    if as_json:
        print_json({"case": pk, "undone": last.verb, "status": status})
    else:
        say(f"case {pk}: {word('verb', last.verb)} by {last.by} taken back, it is {word('case', status)}")


@decision(app, "retry")
def retry(
    wish: Wish,
    corrections: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Correct a field of one case.")
    ] = None,
    json_corrections: Annotated[
        list[str] | None,
        typer.Option("--set-json", metavar="FIELD=JSON", help="The same for lists and the like."),
    ] = None,
    note: Note = "",
    run_now: Annotated[bool, typer.Option("--run", help="Run the bot here and now.")] = False,
) -> int:
    """Try again, as it is or with corrected data. The case is resolved when the new attempt succeeds, not before."""
    plain, as_json = corrections or [], json_corrections or []
    carried: dict[str, Any] = {"note": note, "start_run": not run_now}
    if plain or as_json:
        _check_one_case(wish)
        project = open_project()
        from runner.cli.correcting import corrected

        carried["data"] = corrected(project.settings, (wish.cases or [""])[0], plain, as_json)
    code = _carry(wish, ActVerb.RETRY, "retry", **carried)
    if not run_now or code:
        return code
    from runner.cli.running import run_retried

    return run_retried(open_project(writes=True), quiet=wish.as_json)


@decision(app, "done")
def done(wish: Wish, note: Annotated[str, typer.Option(help="What was done by hand; needed.")] = "") -> int:
    """It has been done by hand: the item is done."""
    _needed(note, "--note", "what was done by hand")
    return _carry(wish, ActVerb.DONE, "close as done by hand", note=note)


@decision(app, "reject")
def reject(
    wish: Wish, reason: Annotated[str, typer.Option(help="Why it will not be done; needed.")] = ""
) -> int:
    """It will not be done: the item is rejected."""
    _needed(reason, "--reason", "why it will not be done")
    return _carry(wish, ActVerb.REJECT, "reject", note=reason)


@decision(app, "attest")
def attest(
    wish: Wish,
    is_done: Annotated[
        bool | None, typer.Option("--done/--not-done", help="It happened, or it did not; needed.")
    ] = None,
    note: Annotated[str, typer.Option(help="What was seen in the target system; needed.")] = "",
    proof: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A picture, PDF, workbook, mail or text that shows it."),
    ] = None,
) -> int:
    """Say whether a step of unknown outcome happened, after a look into the target system."""
    if is_done is None:
        raise UsageError(
            "it is not said which",
            expected="--done or --not-done",
            hint="look into the target system first",
            where="--done",
        )
    _needed(note, "--note", "what was seen in the target system")
    outcome = Settled.DONE if is_done else Settled.NOT_DONE
    kept = _kept(proof) if proof else None
    return _carry(wish, ActVerb.ATTEST, f"attest '{outcome}' for", note=note, outcome=outcome, proof=kept)


@decision(app, "snooze")
def snooze(
    wish: Wish,
    until: Annotated[
        str, typer.Option(metavar="TIME", help="2h, 3d, 14:00, 2026-11-30, '2026-11-30 08:00'; needed.")
    ] = "",
    note: Note = "",
) -> int:
    """Put cases aside until a time."""
    _needed(until, "--until", "a time")
    return _carry(wish, ActVerb.SNOOZE, "put aside", note=note, until=moment_ahead(until, "--until"))


@decision(app, "comment")
def comment(wish: Wish, note: Annotated[str, typer.Option(help="What is to be said; needed.")] = "") -> int:
    """Say something about cases, whatever state they are in."""
    _needed(note, "--note", "a few words")
    return _carry(wish, ActVerb.COMMENT, "comment on", note=note)


def _carry(wish: Wish, verb: ActVerb, words: str, **carried: Any) -> int:
    """Make one decision about the cases of `wish`; `carried` are the other fields of `Decision`."""
    who = open_project().who
    from runner.cases import decisions
    from runner.cases.bulk import Chosen
    from runner.cases.deciding import Decided
    from runner.cli.choosing import carry_out, chosen_cases

    decision_made = decisions.Decision(verb, **carried)

    def decide(chosen: Chosen) -> Decided:
        version = None if verb is ActVerb.COMMENT else chosen.version
        return decisions.decide(chosen.id, decision_made, by=who, at=now(), version=version)

    return carry_out(wish, chosen_cases(wish), words, decide)


def _kept(proof: Path) -> Any:
    """The proof file, kept in the data folder."""
    from runner.cases.proofs import keep_proof

    try:
        content = proof.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the file can't be read: {error.strerror}", expected="a file", where=str(proof), code="CLI_FILE"
        ) from error
    return keep_proof(open_project().settings.proofs, proof.name, content)


def _needed(value: str, flag: str, expected: str) -> None:
    if not value.strip():
        raise UsageError("it is missing", expected=expected, hint=f"add {flag} '…'", where=flag)


def _check_one_case(wish: Wish) -> None:
    if wish.every or len(wish.cases or ()) != 1:
        raise UsageError(
            "a correction is for one case",
            expected="exactly one id",
            hint="correct them one by one",
            where="--set",
            code="CLI_SET",
        )
