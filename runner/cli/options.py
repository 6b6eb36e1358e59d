"""Options that many commands share, and the times that people write behind them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import typer

from runner.core.clock import duration, now
from runner.core.errors import UsageError, did_you_mean

Json = Annotated[bool, typer.Option("--json", help="Print JSON with the fields of docs/json.md.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")]
Sort = Annotated[
    str, typer.Option(metavar="FIELD", help="By this field; --sort=-FIELD for the other direction.")
]
Since = Annotated[
    str, typer.Option(metavar="TIME", help="Not before: 2h, 3d, 2026-11-24 or '2026-11-24 08:00'.")
]
Bot = Annotated[str, typer.Option(help="Only of this bot.")]
Queue = Annotated[str, typer.Option(help="Only of this work queue.")]
Text = Annotated[str, typer.Option(metavar="WORDS", help="Only where all of these words occur.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or the beginning or end of it.")]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, or the beginning of it.")]


def moment_before(text: str, flag: str) -> datetime | None:
    """The instant that ``2h`` (ago), a date or a local time names; None for an empty text."""
    return _moment(text, flag, -1) if text else None


def moment_ahead(text: str, flag: str) -> datetime:
    """The instant that ``2h`` (from now), a date or a local time names. Raises UsageError (CLI_DATE)."""
    return _moment(text, flag, 1)


def zone_of(name: str, flag: str = "--tz") -> ZoneInfo:
    """The time zone of that IANA name. Raises UsageError (CLI_ZONE) with the nearest one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"'{name}' is not a time zone",
            expected=did_you_mean(name, available_timezones()) or "an IANA name",
            hint="write it as in Europe/Berlin",
            where=flag,
            code="CLI_ZONE",
        ) from None


def one_of(text: str, allowed: list[str], flag: str) -> str:
    """`text`, where it is one of `allowed` (or empty). Raises UsageError with the nearest one."""
    if not text or text in allowed:
        return text
    near = did_you_mean(text, allowed)
    listed = ", ".join(allowed)
    raise UsageError(
        f"'{text}' is not known here",
        expected=f"one of {listed}",
        hint=near or "choose one of them",
        where=flag,
    )


def _moment(text: str, flag: str, direction: int) -> datetime:
    from runner.timetable.local_time import read_time

    try:
        return now() + direction * duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        at = read_time(text)
    except UsageError as error:
        error.where = flag
        error.expected = f"a length such as 2h or 3d, or {error.expected}"
        raise
    if isinstance(at, time):
        today = datetime.combine(datetime.now().astimezone().date(), at).astimezone(UTC)
        return today if (today - now()) * direction > timedelta() else today + direction * timedelta(days=1)
    return at.astimezone(UTC)  # a naive one is in the local time of this machine
