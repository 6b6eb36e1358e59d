"""`runner problems`: cases with one cause, the ones with the most waiting cases first."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.options import Bot, Json, Limit, Sort, one_of
from runner.cli.printing import Col, ago, one_line, print_facts, print_json, print_table, say, state
from runner.cli.project import open_project
from runner.cli.tongue import in_chinese, language, told, told_title, word
from runner.core.nouns import ProblemStatus

app = group("Problems: cases with one cause.")


@app.command("list")
def list_problems(
    status: Annotated[
        str, typer.Option(help="Only in this state: open, analysing, acting, verifying, resolved, closed.")
    ] = "",
    bot: Bot = "",
    limit: Limit = 100,
    sort: Sort = "",
    as_json: Json = False,
) -> None:
    """List problems, those with the most cases that wait for a person first."""
    one_of(status, list(ProblemStatus), "--status")
    open_project()
    from runner.store import problem_lists
    from runner.store.paging import Page

    wanted = problem_lists.ProblemFilter(status=(status,) if status else (), bot=bot)
    found = problem_lists.list_problems(wanted, Page(sort, limit))
    if as_json:
        print_json(found)
        return
    print_table(
        [Col("PROBLEM", fixed=True), Col("STATUS", fixed=True), Col("WAIT", right=True), Col("CASES", right=True), Col("LAST"),
         Col("BOT"), Col("WHAT")],
        (
            (p["id"], state("problem", p["status"]), p["waiting"], p["cases"], ago(p["last_seen"]), p["bot"], one_line(told_title(p["title"], p["parts"])))
            for p in found
        ),
        "No problem.",
    )  # fmt: skip


@app.command("show")
def show_problem(
    problem: Annotated[
        str, typer.Argument(metavar="PROBLEM", help="The problem's id, or the beginning of it.")
    ],
    as_json: Json = False,
) -> None:
    """Show one problem: why its cases belong together, and which they are."""
    open_project()
    from runner.cases.fingerprint import explain
    from runner.cli.choosing import print_preview
    from runner.store.models import Case
    from runner.store.names import resolve_problem_id
    from runner.store.problem_lists import ProblemFilter
    from runner.store.problem_lists import list_problems as problems_of

    found = problems_of(ProblemFilter(id=resolve_problem_id(problem)))[0]
    ids = list(Case.objects.filter(problem=found["id"]).order_by("opened", "id").values_list("pk", flat=True))
    if as_json:
        print_json({**found, "case_ids": ids})
        return
    print_facts(
        [
            ("problem", found["id"]),
            ("what", one_line(told_title(found["title"], found["parts"]), 500)),
            ("technical", one_line(found["title"], 500)),
            ("why one", explain(found["parts"], language()) if in_chinese() else found["explanation"]),
            ("status", state("problem", found["status"])),
            ("cases", ", ".join(f"{n} {word('case', status)}" for status, n in found["by_status"].items())),
            ("seen", told(f"first {ago(found['first_seen'])}, last {ago(found['last_seen'])}")),
            ("decide all", f"runner cases retry --all --problem {found['id']}"),
        ]
    )
    say()
    print_preview(ids)
