"""What the desk can't do itself, because it never imports the engine: functions that whoever starts it hands in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings

from runner.core.contract import BotDescription
from runner.core.errors import ErrorReport, RunnerError
from runner.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that the check-up looked at; `state` is OK, warning or error, `remedy` what to do about it."""

    check: str
    state: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """The functions handed in.

    `checkup()` is `runner doctor`; `discover(files)` describes the bots of these files (None: of all) and tells the
    errors of the files that don't load; `validate_item(bot_file, queue, data)` gives the data as the queue's model sees
    it, and raises ErrorReport with an error per field; `validate_items(bot_file, queue, rows)` does it for many, and gives
    the report in the place of what does not fit. All but the first start a child process: 0.3 s and more.
    """

    checkup: Callable[[], Sequence[Line]]
    discover: Callable[[Sequence[Path] | None], tuple[tuple[BotDescription, ...], tuple[RunnerError, ...]]]
    validate_item: Callable[[str, str, Mapping[str, Any]], dict[str, Any]]
    validate_items: Callable[[str, str, Sequence[Mapping[str, Any]]], list[dict[str, Any] | ErrorReport]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the desk is: the project's settings, its environment (for the vault's key), and the functions handed in."""

    settings: Settings
    environment: Mapping[str, str]
    outside: Outside


def place() -> Place:
    """The place of this process's desk."""
    found: Place = getattr(django_settings, "RUNNER_PLACE")  # noqa: B009 (a setting of our own)
    return found
