"""`runner cases list | show`: what waits for a person, in plain words."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.options import Bot, CaseId, Json, Limit, Queue, Since, Sort, Text, moment_before, one_of
from runner.cli.printing import Col, ago, one_line, print_json, print_table, state
from runner.cli.project import open_project
from runner.cli.tongue import said, told_message
from runner.core.clock import now
from runner.core.nouns import CaseStatus, FailureKind, Priority

app = group("What waits for a person, and what people decide.")
_ALL = "all"


@app.command("list")
def list_cases(
    *,
    status: Annotated[str, typer.Option(help="Only in this state, or: all. Default: those that wait.")] = "",
    kind: Annotated[str, typer.Option(help="Only business, application or unknown.")] = "",
    queue: Queue = "",
    bot: Bot = "",
    problem: Annotated[str, typer.Option(help="Only of this problem.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only those that I have claimed.")] = False,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those that are past their due time.")
    ] = False,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only those that nobody has.")] = False,
    urgent: Annotated[bool, typer.Option("--urgent", help="Only those of high or urgent priority.")] = False,
    text: Text = "",
    since: Since = "",
    limit: Limit = 100,
    sort: Sort = "",
    as_json: Json = False,
) -> None:
    """List cases, the oldest first."""
    one_of(status, [*CaseStatus, _ALL], "--status")
    one_of(kind, list(FailureKind), "--kind")
    after = moment_before(since, "--since")
    project = open_project()
    from runner.store.case_lists import WAITING_FOR_PEOPLE, CaseFilter
    from runner.store.case_lists import list_cases as cases_of
    from runner.store.names import resolve_problem_id
    from runner.store.paging import Page

    wanted = CaseFilter(
        queue=queue,
        kind=kind,
        status=() if status == _ALL else (status,) if status else WAITING_FOR_PEOPLE,
        problem=resolve_problem_id(problem) if problem else "",
        bot=bot,
        assignee=project.who if mine else "",
        text=text,
        since=after,
        overdue_at=now() if overdue else None,
        unassigned=unassigned,
        at_least=Priority.HIGH if urgent else None,
    )
    found = cases_of(wanted, Page(sort, limit))
    if as_json:
        print_json(found)
        return
    print_table(
        [Col(said("CASE"), fixed=True), Col(said("STATUS"), fixed=True), Col(said("KIND")), Col(said("ITEM")), Col(said("DUE")),
         Col(said("WHO")), Col(said("WHAT"))],
        (
            (c["id"], state("case", c["status"]), state("kind", c["kind"]), c["item"] or f"({c['bot']})", ago(c["due"]), c["assignee"],
             one_line(told_message(c["error"], c["message"])))
            for c in found
        ),
        said("No case waits for a person." if not status else "No case."),
    )  # fmt: skip


@app.command("show")
def show_case(case: CaseId, as_json: Json = False) -> None:
    """Show one case: what failed, with which data, what happened since, and what can be decided."""
    settings = open_project().settings
    from runner.cli.case_page import print_case
    from runner.store.case_lists import case_json
    from runner.store.names import resolve_case_id

    found = case_json(resolve_case_id(case))
    if as_json:
        print_json(found)
    else:
        print_case(settings, found)
