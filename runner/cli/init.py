"""`runner init`: a new project that works at once."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.printing import say
from runner.cli.scaffold import FILES, SCHEMA_FILE
from runner.core.errors import EnvironmentProblem, UsageError


def init(directory: Annotated[str, typer.Argument(metavar="DIR", help="The folder; it is made.")]) -> None:
    """Make a new project in a folder: a first bot, its schedule, its input, its test.

    A file that is there already is never overwritten.
    """
    folder = Path(directory)
    files = {**FILES, SCHEMA_FILE: _schema()}
    there = [name for name in files if (folder / name).exists()]
    if there or folder.is_file():
        raise UsageError(
            f"there is {', '.join(there[:3]) or 'a file of that name'} already",
            expected="a folder without a project",
            hint="choose another folder",
            where=str(folder),
        )
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise EnvironmentProblem(
            f"the project can't be written: {error.strerror}",
            expected="a folder that can be written",
            hint="choose another folder",
            where=str(error.filename or folder),
            code="CLI_DISK",
        ) from error
    shown = shlex.quote(str(folder))
    if folder.resolve() == Path.cwd():
        say("A project is in this folder. Go on with:\n  runner run greet\n  runner cases list")
    else:
        say(f"A project is in {folder}. Go on with:\n  cd {shown}\n  runner run greet\n  runner cases list")


def _schema() -> str:
    """The schema that the first line of schedules.yaml names: editors complete its keys and underline mistakes."""
    from runner.core.schedules_schema import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
