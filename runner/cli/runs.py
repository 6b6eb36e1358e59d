"""`runner runs`: what ran, how it went, its logs, and a request to end it."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.groups import group
from runner.cli.options import Bot, Json, Limit, RunId, Since, Sort, moment_before, one_of
from runner.cli.printing import Col, ago, lasted, print_json, print_table, say, short_run, state
from runner.cli.project import open_project
from runner.cli.tongue import said
from runner.core.clock import now
from runner.core.nouns import RunStatus

app = group("What ran, how it went, and its logs.")


@app.command("list")
def list_runs(
    *,
    status: Annotated[str, typer.Option(help="Only in this state: queued, running, done, exceptions …")] = "",
    bot: Bot = "",
    schedule: Annotated[str, typer.Option(help="Only of this schedule.")] = "",
    since: Since = "",
    limit: Limit = 50,
    sort: Sort = "",
    as_json: Json = False,
) -> None:
    """List runs, the newest first."""
    one_of(status, list(RunStatus), "--status")
    after = moment_before(since, "--since")
    open_project()
    from runner.store import run_lists
    from runner.store.paging import Page

    states = (status,) if status else ()
    wanted = run_lists.RunFilter(bot=bot, status=states, schedule=schedule, since=after)
    found = run_lists.list_runs(wanted, Page(sort, limit))
    if as_json:
        print_json(found)
        return
    print_table(
        [Col(said("RUN"), fixed=True), Col(said("BOT")), Col(said("STATUS"), fixed=True), Col(said("STARTED")), Col(said("TOOK")),
         Col(said("ITEMS"), right=True), Col(said("EXC"), right=True), Col(said("SCHEDULE"))],
        (
            (short_run(r["id"]), r["bot"], state("run", r["status"]), ago(r["started"]) or (said("waits") if r["status"] == RunStatus.QUEUED else "–"),
             lasted(r["started"], r["finished"]), f"{r['items']['done']}/{r['items']['total']}",
             r["items"]["exceptions"] or "", r["schedule"])
            for r in found
        ),
        said("No run yet. Start one with: runner run BOT"),
    )  # fmt: skip


@app.command("show")
def show_run(run: RunId, as_json: Json = False) -> None:
    """Show one run: how it went, its exceptions by problem, its files."""
    settings = open_project().settings
    from runner.cli.summary import print_run
    from runner.store.names import resolve_run_id
    from runner.store.run_lists import run_json

    run_id = resolve_run_id(run)
    if as_json:
        print_json(run_json(run_id))
    else:
        print_run(settings, run_id)


@app.command("logs")
def show_logs(
    run: RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    level: Annotated[
        str, typer.Option(help="Only from this level on: DEBUG, INFO, WARNING, ERROR.")
    ] = "TRACE",
    item: Annotated[str, typer.Option(metavar="KEY", help="Only what happened at this item.")] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, as docs/journal.md says.")
    ] = False,
) -> int:
    """Show what a run wrote down, the lines of all its lanes by time."""
    settings = open_project().settings
    from runner.cli.logs import LEVELS, show_log
    from runner.store.names import resolve_run_id

    one_of(level.upper(), list(LEVELS), "--level")
    return show_log(
        settings.runs, resolve_run_id(run), follow=follow, level=level.upper(), item=item, as_json=as_json
    )


@app.command("cancel")
def cancel(
    run: RunId, note: Annotated[str, typer.Option(help="Why, for the history.")] = "", as_json: Json = False
) -> None:
    """End a run: one that waits at once, one that runs as soon as its worker looks (within seconds)."""
    project = open_project()
    from runner.cases.cancel import cancel_run
    from runner.store.names import resolve_run_id

    run_id = resolve_run_id(run)
    status = cancel_run(run_id, by=project.who, at=now(), note=note)
    if as_json:
        print_json({"id": run_id, "status": status})
    else:
        say(f"run {run_id}: {status if status == RunStatus.CANCELLED else 'asked to stop'}")


@app.command("start")
def start(
    bot: Annotated[str, typer.Argument(metavar="BOT", help="The bot, as `runner bots` lists it.")],
    *,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter.")] = None,
    priority: Annotated[int, typer.Option(min=-100, max=100, help="Higher goes first.")] = 0,
    note: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    as_json: Json = False,
) -> None:
    """Queue a run of a bot for a worker; `runner run` executes one here and now."""
    project = open_project()
    from runner.cases.run_requests import RunWish, ask_run
    from runner.cli.run import parameters_of
    from runner.engine.bot_watch import take_stock

    take_stock(project.settings, changed_only=True)
    wish = RunWish(bot, parameters_of(param or ()), priority=priority, note=note)
    run_id = ask_run(wish, by=project.who, at=now())
    print_json({"id": run_id, "status": RunStatus.QUEUED}) if as_json else say(f"run {run_id}: queued")


@app.command("again")
def again(
    run: RunId,
    *,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="In place of the run's own value.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    as_json: Json = False,
) -> None:
    """Queue a run like an earlier one, with the same or changed parameters."""
    project = open_project()
    from runner.cases.run_requests import run_again
    from runner.cli.run import parameters_of
    from runner.engine.bot_watch import take_stock
    from runner.store.models import Run
    from runner.store.names import resolve_run_id

    run_id = resolve_run_id(run)
    changed = parameters_of(param or ())
    if changed:
        take_stock(project.settings, changed_only=True)
        changed = {**Run.objects.get(pk=run_id).parameters, **changed}
    made = run_again(run_id, by=project.who, at=now(), parameters=changed or None, note=note)
    print_json({"id": made, "like": run_id, "status": RunStatus.QUEUED}) if as_json else say(
        f"run {made}: queued"
    )
