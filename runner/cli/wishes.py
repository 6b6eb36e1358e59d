"""The arguments and options by which a decision says for which cases it is, added to each command that takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from runner.cli.options import Bot, Json, Queue, Text

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says about the cases: ids, or `every` one that fits the filter (an empty field asks nothing)."""

    cases: Annotated[
        list[str] | None, typer.Argument(metavar="CASE", help="Ids of cases, or the beginnings of them.")
    ] = None
    every: Annotated[
        bool, typer.Option("--all", help="All cases that fit the filter, after a look at them.")
    ] = False
    problem: Annotated[str, typer.Option(help="Only of this problem.")] = ""
    kind: Annotated[str, typer.Option(help="Only business, application or unknown.")] = ""
    status: Annotated[str, typer.Option(help="Only in this state; default: those that wait.")] = ""
    queue: Queue = ""
    bot: Bot = ""
    text: Text = ""
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --all: do not ask.")] = False
    as_json: Json = False

    @property
    def has_filter(self) -> bool:
        """Whether one of the filters is set."""
        return bool(self.problem or self.kind or self.status or self.queue or self.bot or self.text)


def decision(
    app: typer.Typer, name: str
) -> Callable[[Callable[Concatenate[Wish, P], int]], Callable[Concatenate[Wish, P], int]]:
    """Register a function as the command `name`, whose first parameter is filled from the options of `Wish`."""
    wish_names = [field.name for field in fields(Wish)]

    def register(act: Callable[Concatenate[Wish, P], int]) -> Callable[Concatenate[Wish, P], int]:
        def command(**given: Any) -> int:
            wish = Wish(**{one: given.pop(one) for one in wish_names})
            return act(wish, **given)  # type: ignore[call-arg]  # filled by name, as the signature below says

        own = list(inspect.signature(act, eval_str=True).parameters.values())[1:]
        common = list(inspect.signature(Wish, eval_str=True).parameters.values())
        parameters = [common[0], *own, *common[1:]]
        keyword = inspect.Parameter.KEYWORD_ONLY
        signature = inspect.Signature(
            [one.replace(kind=keyword) for one in parameters], return_annotation=int
        )
        command.__signature__ = signature  # type: ignore[attr-defined]  # what Typer makes the options from
        command.__doc__ = act.__doc__
        app.command(name)(command)
        return act

    return register
