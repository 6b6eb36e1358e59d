"""`runner cases evidence | reproduce`: a case as one file, and playing it again without the live site."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from runner.cli import decide as _decisions  # the commands of this group that decide,
from runner.cli import roundtrip as _sheets  # and those that do it by a spreadsheet
from runner.cli.cases import app
from runner.cli.options import CaseId, Json
from runner.cli.pausing import Pause, refuse_without_terminal
from runner.cli.printing import print_json, say
from runner.cli.project import open_project, open_settings
from runner.cli.run import parameters_of
from runner.core.clock import now
from runner.core.contract import Viewing
from runner.core.errors import UsageError

__all__ = ["_decisions", "_sheets", "app"]


@app.command("evidence")
def evidence(
    case: CaseId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: case-ID.zip in this folder."),
    ] = None,
    *,
    with_inputs: Annotated[
        bool,
        typer.Option(
            "--with-inputs", help="Put in the files that the run was given too, with all of their rows."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a case as one file: journal, evidence, row, and the bot as it was; secrets masked."""
    project = open_project()
    from runner.cases.case_file import kept_of, write_case_file
    from runner.store.names import resolve_case_id

    case_id = resolve_case_id(case)
    target = output or Path(f"case-{case_id}.zip")
    if target.suffix.lower() != ".zip" or not target.absolute().parent.is_dir():
        raise UsageError(
            f"'{target}' can't be written",
            expected="a name ending in .zip, in a folder that is there",
            where="--output",
        )
    manifest = write_case_file(
        case_id, target, kept_of(project.settings, project.environment), now(), with_inputs=with_inputs
    )
    if as_json:
        print_json(manifest.model_dump(mode="json"))
        return
    say(f"{target}: {len(manifest.files)} files of case {case_id}, {target.stat().st_size / 1000:,.0f} kB")
    say(f"play it again with: runner cases reproduce {target}")


@app.command("reproduce")
def reproduce(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'runner cases evidence' has written.")],
    *,
    here: Annotated[
        bool, typer.Option("--here", help="Use the bot of this project, to see whether it is corrected.")
    ] = False,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", "-p", metavar="NAME=VALUE", help="Another value for a parameter; may be repeated."
        ),
    ] = None,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser.")] = False,
    slow: Annotated[
        float,
        typer.Option(min=0, max=60_000, metavar="MS", help="Hold each action of the browser back so long."),
    ] = 0,
    pause_on_error: Annotated[
        bool, typer.Option("--pause-on-error", help="Keep the pages of a failure open until Enter.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Play a case again from its file: the same row, the recorded traffic, no network.

    The code in the file is run: take it from people whom you trust. Ends with 0 when it fails as it did, or with --here
    when it goes through; else with 1.
    """
    if pause_on_error:
        refuse_without_terminal()
    if not file.is_file():
        raise UsageError(
            f"there is no file '{file}'", expected="a file of 'runner cases evidence'", where="FILE"
        )
    project = open_settings().settings.project if here else None
    from loguru import logger

    from runner.kit import web
    from runner.kit.reproduction import Stage, unpack
    from runner.kit.reproduction import reproduce as play

    logger.remove()
    with tempfile.TemporaryDirectory(prefix="runner-case-") as folder:
        case = unpack(file, Path(folder))
        viewing = Viewing(slow=slow, pause_on_error=pause_on_error, record_network="never")
        try:
            stage = Stage(project, headed, viewing, parameters_of(param or ()), Pause().asked)
            again = play(case, stage)
        finally:
            web.close()
    told, error = case.manifest, again.error or {}
    if as_json:
        facts = {"case": told.case, "same": again.same, "before": told.error, "now": dict(error) or None}
        print_json({**facts, "missing": list(again.run.missing)})
    else:
        say(f"before: {told.error['code']}: {told.error['message']}")
        say(f"now:    {error['code']}: {error['message']}" if error else "now:    it goes through")
        for request in again.run.missing:
            say(f"not recorded: {request}")
    return int(bool(error)) if here else int(not again.same)
