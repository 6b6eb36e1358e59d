"""Groups of commands: loaded when they are called, their help in sections, mistyped names answered with the nearest one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from runner.cli.tongue import in_chinese
from runner.core.errors import UsageError, did_you_mean

CONTEXT: Final = {"help_option_names": ["--help", "-h"]}


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is loaded when it is called: ``module:attribute``, a Typer app or a function."""

    target: str
    help: str
    section: str


class Group(TyperGroup):
    """A group that names the nearest command when there is none of that name, and shows its help when none is given."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` begins with. Raises UsageError with the nearest name."""
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            raise UsageError(
                f"there is no command '{name}'",
                expected=did_you_mean(name, known) or f"one of {', '.join(known)}",
                hint=f"see: {ctx.command_path} --help",
                where=ctx.command_path,
            )
        found, command, rest = super().resolve_command(ctx, args)
        return found, _in_tongue(command), rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names and what they do; in Chinese the whole first sentence, as lines are broken there."""
        if not in_chinese():
            super().format_commands(ctx, formatter)
            return
        from runner.cli.help_page import first_sentence

        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, first_sentence(one.help or "")) for name, one in found if one and not one.hidden]
            )


class LazyGroup(Group):
    """The commands of `entries`, each imported when it is called or asked for its help; the group's own help needs none."""

    entries: ClassVar[Mapping[str, Entry]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        """The names, in the order of the sections."""
        return list(self.entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the library's signature
        """The command of that name, imported now."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = _as_command(getattr(importlib.import_module(module), attribute))
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the library's signature
        """Write the names and what they do, section by section."""
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, e.help) for name, e in self.entries.items() if e.section == section]
                )


def group(help_text: str) -> typer.Typer:
    """An empty group of commands, to which a file adds its own with ``@app.command("name")``."""
    app = typer.Typer(
        cls=Group,
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings=CONTEXT,
    )
    app.callback()(_nothing)
    return app


def root(kind: type[LazyGroup], callback: Any, help_text: str) -> Any:
    """The outermost command, which holds the others; `callback` takes the options that come before a command."""
    app = typer.Typer(
        cls=kind,
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings=CONTEXT,
    )
    app.callback()(callback)
    return _in_tongue(get_command(app))


def _in_tongue(command: Any) -> Any:
    """The command, which writes its help in the language of the terminal."""
    if command is not None and in_chinese():
        from runner.cli.help_page import HelpPage

        command.context_class = type("Context", (command.context_class,), {"formatter_class": HelpPage})
    return command


def _nothing() -> None:
    """Leave the group's help as it is."""


def _as_command(found: Any) -> Any:
    if isinstance(found, typer.Typer):
        return get_command(found)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=CONTEXT)
    app.command()(found)
    return get_command(app)
