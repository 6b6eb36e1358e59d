"""`runner audit list | verify`: who did what, in a trail that can't be changed unseen."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.options import Json
from runner.cli.printing import Col, ago, print_facts, print_json, print_table, warn
from runner.cli.project import open_project
from runner.core.errors import UsageError

app = group("Who did what, in a trail that can't be changed unseen.")


@app.command("list")
def list_audit(
    *,
    by: Annotated[str, typer.Option(metavar="NAME", help="Only of this person.")] = "",
    subject: Annotated[
        str,
        typer.Option(metavar="KIND[:ID]", help="Only about this: case, case:ABC123, problem, run, schedule."),
    ] = "",
    what: Annotated[
        str, typer.Option(metavar="BEGINNING", help="Only deeds that begin so: case.retry.")
    ] = "",
    before: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Only entries before this one.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List what people did, the newest first."""
    open_project()
    from runner.cases.audit import list_entries

    found = list_entries(by=by, subject=subject, what=what, before=before, limit=limit)
    if as_json:
        print_json(found)
        return
    columns = [
        Col("NO", fixed=True, right=True),
        Col("WHEN", fixed=True),
        Col("WHO"),
        Col("WHAT"),
        Col("ABOUT"),
    ]
    rows = (
        (str(e["seq"]), ago(e["at"]), e["by"], e["what"], f"{e['subject_kind']} {e['subject']}")
        for e in found
    )
    print_table(columns, rows, "Nobody has done anything yet.")


@app.command("verify")
def verify_audit(
    noted: Annotated[
        str,
        typer.Option("--noted", metavar="NUMBER:HASH", help="The end of the trail as it was noted earlier."),
    ] = "",
    as_json: Json = False,
) -> int:
    """Check the whole trail: every entry, the acts and the proof files it stands for. Ends with 1 where it is broken.

    Note the number and hash it prints in another place: with --noted they show that the end was not cut off.
    """
    settings = open_project().settings
    from runner.cases.audit import verify

    report = verify(settings.proofs, expected=_expected(noted))
    broken = report.broken
    if as_json:
        found = {"seq": broken.seq, "why": broken.why} if broken else None
        print_json({"entries": report.entries, "head": f"{report.entries}:{report.head}", "broken": found})
    else:
        print_facts([("entries", str(report.entries)), ("end", f"{report.entries}:{report.head}")])
    if broken is None:
        return 0
    warn(f"audit entry {broken.seq}: AUDIT_BROKEN: {broken.why} - compare the store with a backup")
    return 1


def _expected(noted: str) -> tuple[int, str] | None:
    if not noted:
        return None
    number, _, digest = noted.strip().partition(":")
    if not number.isdigit() or len(digest) != 64:
        raise UsageError(
            f"'{noted}' is no end of a trail", expected="NUMBER:HASH as verify prints it", where="--noted"
        )
    return int(number), digest.lower()
