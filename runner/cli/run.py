"""`runner run`: one bot here and now, with its progress and a summary of what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from runner.cli.options import one_of
from runner.cli.pausing import refuse_without_terminal
from runner.cli.project import open_settings, with_store
from runner.core.errors import UsageError


def run(
    bot: Annotated[str, typer.Argument(metavar="BOT", help="The bot's name; list them with: runner bots.")],
    *,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the bot; may be repeated."),
    ] = None,
    lanes: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that share the work.")] = None,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser.")] = False,
    slow: Annotated[
        float,
        typer.Option(min=0, max=60_000, metavar="MS", help="Hold each action of the browser back so long."),
    ] = 0,
    pause_on_error: Annotated[
        bool,
        typer.Option(
            "--pause-on-error", help="Keep the pages of a failure open until Enter; no limits then."
        ),
    ] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Keep a picture of the page at the end of each step.")
    ] = False,
    record_network: Annotated[
        str,
        typer.Option(metavar="WHEN", help="Record what pages ask and are answered: never, retry or always."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON when it has ended.")] = False,
) -> int:
    """Run a bot here and now.

    Ends with 0 when all is done, 1 when there are exceptions or the run failed. Ctrl-C lets the items in work finish;
    a second one ends at once.
    """
    parameters = parameters_of(param or ())
    one_of(record_network, ["never", "retry", "always"], "--record-network")
    if pause_on_error:
        refuse_without_terminal()
    project = open_settings({"headed": headed or None})
    from runner.engine.bots import file_of

    bot_file = file_of(project.settings.project, bot)  # a mistyped name is answered before anything is made
    from runner.core.contract import Viewing
    from runner.engine.early import early_child

    viewing = Viewing(
        slow=slow, pause_on_error=pause_on_error, pictures=pictures, record_network=record_network
    )
    with early_child(project.settings, project.environment, bot_file) as early:
        with_store(project, writes=True)
        from runner.cli.running import run_bot  # the worker needs the open store when it is imported

        return run_bot(project, bot, parameters, lanes=lanes, as_json=as_json, viewing=viewing, early=early)


def parameters_of(words: Sequence[str], flag: str = "--param") -> dict[str, Any]:
    """``name=value`` words as a mapping; the bot's signature says of which type each value is.

    Raises UsageError (CLI_PARAM).
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise UsageError(
                f"'{word}' is not a parameter",
                expected="expected name=value",
                hint=f"write {flag} {name or 'name'}=VALUE",
                where=flag,
                code="CLI_PARAM",
            )
        if name in found:
            raise UsageError(
                f"'{name}' is given twice",
                expected="expected name=value, each name once",
                hint="remove one",
                where=flag,
                code="CLI_PARAM",
            )
        found[name] = value
    return found
