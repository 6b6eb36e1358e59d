"""`runner cases`: what waits for a person, and what people decide."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.options import CaseId, Json
from runner.cli.printing import Col, ago, one_line, print_facts, print_json, print_table
from runner.cli.project import open_project

app = group("What waits for a person, and what people decide.")


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
