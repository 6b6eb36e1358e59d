"""`runner bots`: which bots there are, and what one of them takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from runner.cli.groups import CONTEXT, Group
from runner.cli.options import Bot, Json, Limit, Since, Sort, Text, moment_before
from runner.cli.printing import Col, one_line, print_facts, print_json, print_table, say, warn
from runner.cli.project import open_project, open_settings
from runner.cli.tongue import said
from runner.core.clock import duration_text
from runner.core.contract import BotDescription
from runner.core.errors import ErrorReport, exit_code_of


class Bots(Group):
    """The group `bots`: a word that is none of its commands is the name of a bot to show."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` begins with."""
        is_command = args[0] in self.list_commands(ctx) or args[0].startswith("-")
        return super().resolve_command(ctx, args if is_command else ["show", *args])


app = typer.Typer(
    cls=Bots,
    help="List the bots of the project; show one with: runner bots NAME.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
)


@app.callback()
def bots(context: typer.Context, as_json: Json = False) -> int:
    """List the bots of the project; show one with: runner bots NAME.

    Each bot file is read in a process of its own, so a broken one costs only its own bots.
    """
    if context.invoked_subcommand is not None:
        return 0
    return _tell("", as_json=as_json)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The bot's name.")],
    as_json: Json = False,
) -> int:
    """Show one bot, its parameters and queues; the word show may be left out."""
    return _tell(name, as_json=as_json)


@app.command("locators")
def locators(
    *,
    bot: Bot = "",
    decaying: Annotated[
        bool, typer.Option("--decaying", help="Only those that were found by a lower choice.")
    ] = False,
    text: Text = "",
    since: Since = "7d",
    limit: Limit = 200,
    sort: Sort = "",
    as_json: Json = False,
) -> None:
    """Show how often elements were found by their first choice, and by a lower one, day by day.

    A lower choice is a warning: the page has changed, and the bot still works.
    """
    after = moment_before(since, "--since")
    open_project()
    from runner.store.locator_lists import LocatorFilter, list_locators
    from runner.store.paging import Page

    wanted = LocatorFilter(bot=bot, text=text, since=after.date() if after else None, decaying=decaying)
    found = list_locators(wanted, Page(sort, limit))
    if as_json:
        print_json(found)
        return
    print_table(
        [Col("DAY", fixed=True), Col("BOT"), Col("LOCATOR"), Col("FIRST", right=True), Col("LOWER", right=True),
         Col("FIRST CHOICE"), Col("FOUND BY")],
        (
            (one["day"], one["bot"], one["locator"], one["first"], one["lower"] or "",
             one_line(one["first_choice"] or ""),
             one_line(f"{one['used_rank']}. {one['used_choice']}") if one["used_choice"] else "")
            for one in found
        ),
        "No locator with choices was used. A bot has them by web.find(…).",
    )  # fmt: skip


def _tell(name: str, *, as_json: bool) -> int:
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
                (
                    said("queue {name}", name=q.name),
                    said("key {key}: {fields}", key=q.key, fields=", ".join(q.fields.get("properties", {}))),
                )
                for q in bot.queues
            ),
        ]
    )
    say()
    print_table(
        [Col("PARAMETER", fixed=True), Col("KIND"), Col("DEFAULT"), Col("WHAT IT MEANS")],
        _parameters(bot.parameters),
        "It takes no parameters.",
    )
    needed = "".join(f" --param {name}=VALUE" for name in bot.parameters.get("required", ()))
    say(f"\nrunner run {bot.name}{needed}")


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
