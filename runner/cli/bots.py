"""`runner bots`: which bots there are, and what one of them takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from runner.cli.options import Json
from runner.cli.printing import Col, one_line, print_facts, print_json, print_table, warn
from runner.cli.project import open_settings
from runner.core.clock import duration_text
from runner.core.contract import BotDescription
from runner.core.errors import ErrorReport, exit_code_of


def bots(
    name: Annotated[str, typer.Argument(help="Only this bot, with its parameters and queues.")] = "",
    as_json: Json = False,
) -> int:
    """List the bots of the project, or show one.

    Each bot file is read in a process of its own, so a broken one costs only its own bots.
    """
    from runner.engine.bots import discover, file_of

    settings = open_settings().settings
    found = discover(settings, [file_of(settings.project, name)] if name else None)
    chosen = [bot for bot in found.bots if not name or bot.name == name]
    if name and not chosen:
        raise ErrorReport(found.errors)
    if as_json:
        shown = [bot.model_dump(mode="json") for bot in chosen]
        print_json(shown[0] if name else shown)
    elif name:
        _show(chosen[0])
    else:
        _list(chosen)
    for error in found.errors:
        warn(str(error))
    return exit_code_of(ErrorReport(found.errors)) if found.errors else 0


def _list(found: list[BotDescription]) -> None:
    print_table(
        [Col("BOT", fixed=True), Col("PARAMETERS"), Col("WHAT IT DOES"), Col("FILE")],
        ((b.name, ", ".join(b.parameters.get("properties", {})), one_line(b.title), b.file) for b in found),
        "No bot yet. Make one in bots/, or a whole project with: runner init DIR",
    )


def _show(bot: BotDescription) -> None:
    limit = duration_text(timedelta(seconds=bot.time_limit)) if bot.time_limit else ""
    print_facts(
        [
            ("bot", bot.name),
            ("what", one_line(bot.title)),
            ("file", bot.file),
            ("process", bot.process),
            ("lanes", bot.lanes if bot.lanes > 1 else ""),
            ("time limit", limit),
            ("secrets", ", ".join(bot.secrets)),
            *(
                (f"queue {q.name}", f"key {q.key}: {', '.join(q.fields.get('properties', {}))}")
                for q in bot.queues
            ),
        ]
    )
    print()
    print_table(
        [Col("PARAMETER", fixed=True), Col("KIND"), Col("DEFAULT"), Col("WHAT IT MEANS")],
        _parameters(bot.parameters),
        "It takes no parameters.",
    )
    needed = "".join(f" --param {name}=VALUE" for name in bot.parameters.get("required", ()))
    print(f"\nrunner run {bot.name}{needed}")


def _parameters(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        default = (
            "(needed)" if name in required else "" if field.get("default") is None else str(field["default"])
        )
        yield name, _kind(field), default, one_line(field.get("description", ""))


def _kind(field: Mapping[str, Any]) -> str:
    """The type of a field of a JSON Schema, in a word or two."""
    if "enum" in field:
        return " | ".join(str(value) for value in field["enum"])
    if "anyOf" in field:
        kinds = [_kind(one) for one in field["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    return str(field.get("format") or field.get("type") or "any")
