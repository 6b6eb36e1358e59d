"""`runner cases export | import`: cases as a spreadsheet to fill in, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli.cases import app
from runner.cli.options import Bot, Json, Queue, Text, one_of
from runner.cli.printing import Col, one_line, print_json, print_table, say
from runner.cli.project import Project, open_project
from runner.core.clock import now
from runner.core.nouns import CaseStatus, FailureKind

_CONFLICT = 5


@app.command("export")
def export(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.xlsx", help="Where to write it.")],
    queue: Queue = "",
    kind: Annotated[str, typer.Option(help="Only business, application or unknown.")] = "",
    status: Annotated[str, typer.Option(help="Only in this state. Default: those that wait.")] = "",
    bot: Bot = "",
    problem: Annotated[str, typer.Option(help="Only of this problem.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only those that I have.")] = False,
    text: Text = "",
    language: Annotated[str, typer.Option(metavar="LANGUAGE", help="en or zh.")] = "en",
    desk: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The desk's address, for links to the cases.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Write cases to a spreadsheet: correct the data, choose decisions, and give it back with import."""
    one_of(kind, list(FailureKind), "--kind")
    one_of(status, list(CaseStatus), "--status")
    one_of(language, ["en", "zh"], "--language")
    project = open_project()
    from runner.cases.roundtrip import export_cases
    from runner.store.case_lists import WAITING_FOR_PEOPLE, CaseFilter
    from runner.store.names import resolve_problem_id

    wanted = CaseFilter(
        queue=queue, kind=kind, status=(status,) if status else WAITING_FOR_PEOPLE, bot=bot,
        problem=resolve_problem_id(problem) if problem else "", assignee=project.who if mine else "", text=text,
    )  # fmt: skip
    made = export_cases(output, wanted, by=project.who, at=now(), language=language, base_url=desk)
    if as_json:
        print_json({"export": made.id, "file": str(made.path), "cases": made.cases, "sheets": made.sheets})
    else:
        say(
            f"{made.path}: {made.cases} cases on {made.sheets} sheets; give it back with: runner cases import {made.path}"
        )


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A workbook that export made, filled in.")],
    do: Annotated[bool, typer.Option("--apply", help="Do it; without this it is only shown.")] = False,
    as_json: Json = False,
) -> int:
    """Show what a filled-in spreadsheet would do, row by row; with --apply do it.

    Ends with 5 where a row was skipped or refused, with 2 where one is wrong; the right ones are done all the same.
    """
    project = open_project()
    from runner.cases.carrying_out import apply_corrections
    from runner.cases.corrections import read_corrections
    from runner.cases.corrections_json import corrections_json

    found = read_corrections(file, _validator(project))
    rows = corrections_json(found, apply_corrections(found, by=project.who, at=now) if do else ())
    if as_json:
        print_json({"file": found.file, "export": found.export, "applied": do, "rows": rows})
    else:
        _tell(rows, found.counts, do=do)
    states = {row["state"] for row in rows}
    return 2 if "error" in states else _CONFLICT if states & {"conflict", "skipped", "refused"} else 0


def _tell(rows: list[dict[str, Any]], counts: Mapping[str, int], *, do: bool) -> None:
    shown = [row for row in rows if row["state"] != "nothing"]
    columns = [
        Col("ROW", fixed=True),
        Col("CASE", fixed=True),
        Col("RESULT" if do else "WILL", fixed=True),
        Col("WHAT"),
    ]
    lines = ((f"{r['sheet']}!{r['row']}", r["case"], r["state"], one_line(r["text"], 500)) for r in shown)
    print_table(columns, lines, "Nothing was filled in.")
    say(f"{len(rows)} rows: " + ", ".join(f"{count} {state}" for state, count in counts.items() if count))
    if not do and counts["apply"]:
        say("do it with --apply")


def _validator(project: Project) -> Any:
    """The queue's own model, asked in a child process: it is bot code."""
    from runner.engine.bots import validate_item

    def validate(queue: Any, data: Mapping[str, Any]) -> dict[str, Any]:
        return (
            validate_item(project.settings, queue.bot_file, queue.name, data)
            if queue.bot_file
            else dict(data)
        )

    return validate
