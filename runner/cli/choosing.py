"""Which cases a decision is for, by id or by filter: shown first, frozen as they are, with a result for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import typer

from runner.cases.bulk import Chosen, Outcome, RowResult, bulk, select
from runner.cases.deciding import Decided
from runner.cli.options import one_of
from runner.cli.printing import Col, ago, one_line, print_json, print_table, say, state
from runner.cli.tongue import said, told, told_message, word
from runner.cli.wishes import Wish
from runner.core.errors import UsageError
from runner.core.nouns import CaseStatus, FailureKind
from runner.store.case_lists import WAITING_FOR_PEOPLE, CaseFilter
from runner.store.models import Case
from runner.store.names import resolve_case_id, resolve_problem_id

_CONFLICT: Final = 5


def chosen_cases(wish: Wish) -> list[Chosen]:
    """The cases, frozen in the version that they have now.

    Raises UsageError when there are both ids and a filter, or neither, or none that fits.
    """
    if bool(wish.cases) == (wish.every or wish.has_filter):
        raise UsageError(
            "ids and a filter are both given" if wish.cases else "no case is named",
            expected="one or more ids, or --all with a filter such as --problem",
            hint="see: runner cases list",
            where="CASE",
        )
    if wish.has_filter and not wish.every:
        raise UsageError(
            "a filter without --all", expected="--all", hint="add --all to act on all that fit", where="--all"
        )
    if wish.every:
        return _filtered(wish)
    ids = list(dict.fromkeys(resolve_case_id(text) for text in wish.cases or ()))
    versions = dict(Case.objects.filter(pk__in=ids).values_list("pk", "version"))
    return [Chosen(one, versions[one]) for one in ids]


def carry_out(wish: Wish, chosen: Sequence[Chosen], verb: str, act: Callable[[Chosen], Decided]) -> int:
    """Do `act` for each case, after a look and a yes where they were chosen by a filter; returns the exit code.

    One case named by its id raises what it is refused for; of several each has its result in a table.
    """
    if wish.every and not wish.yes:
        _confirm(chosen, verb, shown=not wish.as_json)
    if len(chosen) == 1 and not wish.every:
        results = [RowResult(chosen[0].id, Outcome.DONE, decided=act(chosen[0]))]
    else:
        results = bulk(chosen, act)
    _print_results(results, as_json=wish.as_json)
    return 0 if all(one.outcome is Outcome.DONE for one in results) else _CONFLICT


def _filtered(wish: Wish) -> list[Chosen]:
    one_of(wish.kind, list(FailureKind), "--kind")
    one_of(wish.status, list(CaseStatus), "--status")
    found = select(
        CaseFilter(
            queue=wish.queue,
            kind=wish.kind,
            status=(wish.status,) if wish.status else WAITING_FOR_PEOPLE,
            problem=resolve_problem_id(wish.problem) if wish.problem else "",
            bot=wish.bot,
            text=wish.text,
        )
    )
    if not found:
        raise UsageError(
            "no case fits the filter",
            expected="cases that wait for a decision",
            hint="see: runner cases list",
        )
    return found


def _confirm(chosen: Sequence[Chosen], verb: str, *, shown: bool) -> None:
    """Show what is about to be changed, and go on only with somebody's yes."""
    if shown:
        print_preview([one.id for one in chosen])
    if not (shown and sys.stdin.isatty()):
        raise UsageError(
            f"{len(chosen)} cases fit, none is touched",
            expected="--yes, or a terminal to ask on",
            hint="call it again with --yes",
            where="--all",
        )
    typer.confirm(told(f"{verb} these {len(chosen)} cases?"), abort=True)


def print_preview(ids: Sequence[str], most: int = 20) -> None:
    """Print the first few of the cases, and how many there are."""
    cases = Case.objects.filter(pk__in=ids[:most]).select_related("item").order_by("opened", "id")
    print_table(
        [
            Col("CASE", fixed=True),
            Col("STATUS", fixed=True),
            Col("KIND"),
            Col("ITEM"),
            Col("OPENED"),
            Col("WHAT"),
        ],
        (
            (
                c.pk,
                state("case", c.status),
                state("kind", c.kind),
                c.item.key if c.item else said("(run)"),
                ago(c.opened),
                one_line(told_message(c.error, c.message)),
            )
            for c in cases
        ),
        "No case.",
    )
    if len(ids) > most:
        say(f"… and {len(ids) - most} more: {len(ids)} in all")


def _print_results(results: Sequence[RowResult], *, as_json: bool) -> None:
    if as_json:
        print_json([_result_json(one) for one in results])
        return
    if len(results) == 1 and results[0].decided is not None:
        decided = results[0].decided
        say(f"case {decided.case}: {word('case', decided.status)}")
        if decided.run:
            say(f"run {decided.run} waits for a worker: runner up, or runner worker")
        return
    print_table(
        [Col("CASE", fixed=True), Col("RESULT", fixed=True), Col("NOW", fixed=True), Col("WHY")],
        (
            (
                r.id,
                said(r.outcome),
                state("case", r.decided.status) if r.decided else "",
                one_line(told(r.why)),
            )
            for r in results
        ),
        "No case.",
    )
    counts = ", ".join(
        f"{sum(r.outcome is kind for r in results)} {said(kind)}"
        for kind in Outcome
        if any(r.outcome is kind for r in results)
    )
    say(f"{len(results)} cases: {counts}")


def _result_json(result: RowResult) -> dict[str, Any]:
    decided = result.decided
    return {
        "id": result.id,
        "outcome": result.outcome,
        "why": result.why,
        "status": decided.status if decided else None,
        "version": decided.version if decided else None,
        "run": decided.run if decided else None,
    }
