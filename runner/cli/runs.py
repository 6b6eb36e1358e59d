"""`runner runs`: what ran, how it went, its logs, and a request to end it."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.options import Json, RunId
from runner.cli.printing import Col, ago, lasted, print_facts, print_json, print_table, short_run
from runner.cli.project import open_project

app = group("What ran, how it went, and its logs.")


@app.command("list")
def list_runs(
    bot: Annotated[str, typer.Option(help="Only this bot.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List runs, the newest first."""
    open_project()
    from runner.cli.listing import run_json
    from runner.store.models import Run

    runs = Run.objects.order_by("-queued", "-id")
    found = [run_json(one) for one in (runs.filter(bot=bot) if bot else runs)[:limit]]
    if as_json:
        print_json(found)
        return
    print_table(
        [Col("RUN", fixed=True), Col("BOT"), Col("STATUS", fixed=True), Col("STARTED"), Col("TOOK"), Col("ITEMS"),
         Col("EXC", right=True)],
        (
            (short_run(r["id"]), r["bot"], r["status"], ago(r["started"] or r["queued"]),
             lasted(r["started"], r["finished"]), f"{r['items']['done']}/{r['items']['total']}",
             r["items"]["exceptions"] or "")
            for r in found
        ),
        "No run yet. Start one with: runner run BOT",
    )  # fmt: skip


@app.command("show")
def show_run(run: RunId, as_json: Json = False) -> None:
    """Show one run."""
    open_project()
    from runner.cli.listing import run_json
    from runner.store.models import Run
    from runner.store.names import resolve_run_id

    found = run_json(Run.objects.get(pk=resolve_run_id(run)))
    if as_json:
        print_json(found)
        return
    print_facts(
        [(name, value if not isinstance(value, dict) else str(value)) for name, value in found.items()]
    )
