"""`runner schedules add | set | remove | day | blackout`: edits of schedules.yaml that show first what they will do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

import typer

from runner.cli.options import Json
from runner.cli.printing import print_json, say
from runner.cli.project import open_project
from runner.cli.schedule_acts import app
from runner.cli.timetables import rows_of
from runner.core.clock import now
from runner.core.errors import UsageError
from runner.core.schedules_values import BotFacts, facts_of
from runner.core.yaml_text import parse_yaml
from runner.timetable import edits

__all__ = ["app"]

Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's id.")]
Keys = Annotated[
    list[str],
    typer.Argument(metavar="KEY=VALUE", help="As in the file: cron='30 8 * * 1-5', parameters.top=3."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
Note = Annotated[str, typer.Option(help="Why; it stands in the history.")]


@app.command("add")
def add(name: Name, keys: Keys, dry_run: DryRun = False, note: Note = "", as_json: Json = False) -> None:
    """Add a schedule: at least bot=NAME and one trigger; required parameters of the bot must be there."""
    _edit(lambda: edits.add({"id": name, **_nested(_values(keys))}), dry_run, note, as_json)


@app.command("set")
def set_keys(
    name: Name,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="KEY= takes the key out.")
    ] = None,
    *,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off in the file.")] = None,
    dry_run: DryRun = False,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Set keys of a schedule; a new trigger takes the place of the old one. Comments and order stay."""
    changes = _values(keys or ())
    if on is not None:
        changes["enabled"] = None if on else False
    if not changes:
        raise UsageError("nothing is to be set", expected="KEY=VALUE, --on or --off", where="KEY=VALUE")
    _edit(lambda: edits.set_keys(name, changes), dry_run, note, as_json)


@app.command("remove")
def remove(name: Name, dry_run: DryRun = False, note: Note = "", as_json: Json = False) -> None:
    """Take a schedule out of the file, with the comment directly above it; its history stays."""
    _edit(lambda: edits.remove(name), dry_run, note, as_json)


@app.command("day")
def day(
    calendar: Annotated[str, typer.Argument(metavar="CALENDAR", help="A calendar of the file.")],
    days: Annotated[str, typer.Argument(metavar="DAY", help="2026-12-24, or 2026-12-24..2026-12-31.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="closed, open or half.")] = "closed",
    *,
    until: Annotated[str, typer.Option(metavar="TIME", help="When the work of a half day ends.")] = "12:00",
    take_out: Annotated[bool, typer.Option("--remove", help="Take the day out of the calendar.")] = False,
    dry_run: DryRun = False,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Add a day off, a worked day or a half day to a calendar, or take it out."""
    if take_out:
        _edit(lambda: edits.remove_day(calendar, days, kind), dry_run, note, as_json)
        return
    first, _, last = days.partition("..")
    span = [_date(first), _date(last or first)]
    _edit(lambda: edits.add_day(calendar, span[0], kind, last=span[1], until=until), dry_run, note, as_json)


@app.command("blackout")
def blackout(
    calendar: Annotated[str, typer.Argument(metavar="CALENDAR", help="A calendar of the file.")],
    window: Annotated[
        str, typer.Argument(metavar="WINDOW", help="'Sun 02:00-04:00', or two times with '..'.")
    ],
    *,
    take_out: Annotated[bool, typer.Option("--remove", help="Take the window out.")] = False,
    dry_run: DryRun = False,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Add a window in which nothing starts to a calendar, or take it out."""
    made = edits.remove_blackout if take_out else edits.add_blackout
    _edit(lambda: made(calendar, window), dry_run, note, as_json)


def _edit(make: Callable[[], edits.Edit], dry_run: bool, note: str, as_json: bool) -> None:
    project = open_project()
    from runner.cases.schedule_edits import apply_edit
    from runner.cases.schedule_json import edit_json

    path, at = project.settings.schedules, now()
    shown = edits.preview(path, make(), _known_bots(project.settings), at, rows_of)
    if not dry_run:
        apply_edit(path, shown, by=project.who, at=at, note=note)
    if as_json:
        print_json(edit_json(shown, applied=not dry_run))
        return
    for one in shown.english:
        print(one.text)
    if not shown.english:
        say("no due time and no setting changes")
    say("nothing was written" if dry_run else f"written: {path.name}")


def _known_bots(settings: Any) -> dict[str, BotFacts] | None:
    """What the bots take; None (unchecked) while one of their files is broken."""
    from runner.engine.bots import discover

    found = discover(settings)
    return None if found.errors else {bot.name: facts_of(bot) for bot in found.bots}


def _values(words: Sequence[str]) -> dict[str, Any]:
    """``KEY=VALUE`` words, values read as the file would read them; without a value the key goes."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(
                f"'{word}' sets nothing", expected="KEY=VALUE", where="KEY=VALUE", code="CLI_USAGE"
            )
        found[key] = _value(key, value) if value else None
    return found


def _value(key: str, text: str) -> Any:
    """A text as it stands in a file: `every: 2h`; a cron expression, a time or a date needs no quotes here."""
    if text[:1] in "[{" or text in {"true", "false", "yes", "no"} or text.lstrip("-").isdigit():
        return (
            parse_yaml(f"value: {text}", key).value["value"] if text not in {"yes", "no"} else text == "yes"
        )
    return text


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in values.items():
        outer, dot, inner = key.partition(".")
        if dot:
            made.setdefault(outer, {})[inner] = value
        else:
            made[outer] = value
    return made


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(
            f"'{text}' is not a day: {error}", expected="as in 2026-12-24", where="DAY", code="CLI_DATE"
        ) from error
