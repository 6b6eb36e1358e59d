"""`runner cases`: what waits for a person, and what people decide."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.printing import Col, ago, one_line, print_facts, print_json, print_table
from runner.cli.project import open_project

app = group("What waits for a person, and what people decide.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON with the fields of docs/json.md.")]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, or the beginning of it.")]


@app.command("list")
def list_cases(
    status: Annotated[str, typer.Option(help="Only this state, or: all. Default: those that wait.")] = "",
    as_json: Json = False,
) -> None:
    """List cases, the oldest first."""
    open_project()
    from runner.cli.listing import case_json
    from runner.store.case_lists import WAITING_FOR_PEOPLE, CaseFilter, filtered_cases

    states = () if status == "all" else (status,) if status else WAITING_FOR_PEOPLE
    found = [case_json(c) for c in filtered_cases(CaseFilter(status=states)).order_by("opened", "id")]
    if as_json:
        print_json(found)
        return
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
            (c["id"], c["status"], c["kind"], c["item"] or "(run)", ago(c["opened"]), one_line(c["message"]))
            for c in found
        ),
        "No case waits.",
    )


@app.command("show")
def show_case(case: CaseId, as_json: Json = False) -> None:
    """Show one case."""
    open_project()
    from runner.cli.listing import case_json
    from runner.store.models import Case
    from runner.store.names import resolve_case_id

    found = case_json(Case.objects.get(pk=resolve_case_id(case)))
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            (name, value if not isinstance(value, (dict, list)) else str(value))
            for name, value in found.items()
        ]
    )


@app.command("retry")
def retry(
    case: CaseId,
    corrections: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Correct a field first.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why, for the history.")] = "",
) -> None:
    """Try the item of a case again, as it is or with corrected data."""
    project = open_project()
    from runner.cases import decisions
    from runner.core.clock import now
    from runner.engine.bots import validate_item
    from runner.store.models import Case
    from runner.store.names import resolve_case_id

    found = Case.objects.select_related("item__queue").get(pk=resolve_case_id(case))
    data = None
    if corrections and found.item:
        wanted = {**found.item.data, **dict(word.split("=", 1) for word in corrections)}
        data = validate_item(project.settings, found.item.queue.bot_file, found.item.queue_id, wanted)
    decided = decisions.retry(found.pk, by=project.who, at=now(), data=data, note=note)
    print(f"case {decided.case}: {decided.status}")
