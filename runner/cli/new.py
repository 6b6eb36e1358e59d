"""`runner new`: writes a bot script, a small one or one made from a recording."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.printing import say
from runner.cli.project import open_settings
from runner.core.errors import UsageError


def new(
    bot: Annotated[str, typer.Argument(metavar="BOT", help="The bot's name, as in enter_order.")],
    recording: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Made from this recording and its binding.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a file of that name.")] = False,
) -> None:
    """Write bots/BOT.py: a small bot that works as it is, or one that does what a recording does."""
    from runner.recordings.binding import read_binding
    from runner.recordings.library import place_of, replace_text
    from runner.recordings.script import script_of
    from runner.recordings.small_script import small_script

    project = open_settings().settings.project
    file = project / "bots" / f"{bot}.py"
    if file.exists() and not force:
        raise UsageError(
            f"bots/{bot}.py is there already", expected="a new name", hint="choose another, or give --force",
            where="BOT", code="BOT_EXISTS",
        )  # fmt: skip
    if recording:
        place = place_of(project, recording)
        binding = read_binding(place) if place.binding.is_file() else None
        text = script_of(place.read(), place.name, binding, bot)
    else:
        text = small_script(bot)
    replace_text(file, text)
    say(f"bots/{bot}.py is written. Go on with:\n  runner bots {bot}\n  runner run {bot}")
