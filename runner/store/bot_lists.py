"""Bots as lists and as JSON values, their versions, and what changed from one version to another."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from runner.core.clock import iso
from runner.core.errors import UsageError, did_you_mean
from runner.core.nouns import RunStatus
from runner.store.bot_catalogue import text_path
from runner.store.models import Bot, BotVersion, Run

_THROUGH: Final = (RunStatus.DONE, RunStatus.EXCEPTIONS)
_LONGEST: Final = 400_000  # characters of a file that are compared


@dataclass(frozen=True, slots=True)
class BotFilter:
    """Which bots; an empty field asks for nothing. `gone` brings those whose file is no more, too."""

    process: str = ""
    file: str = ""
    text: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What changed in one file of a bot: lines of a unified diff; `kept` is False where a text is not there any more."""

    path: str
    lines: tuple[str, ...]
    kept: bool = True


def list_bots(wanted: BotFilter | None = None) -> list[dict[str, Any]]:
    """The bots of a filter as JSON values, by name, each with its last run. Two queries."""
    asked = wanted or BotFilter()
    rows = Bot.objects.order_by("name")
    rows = rows if asked.gone else rows.filter(present=True)
    rows = rows.filter(process=asked.process) if asked.process else rows
    rows = rows.filter(file=asked.file) if asked.file else rows
    for word in asked.text.split():
        rows = rows.filter(name__icontains=word)
    found = list(rows)
    last = _last_runs([bot.pk for bot in found])
    return [{**_bot_json(bot), "last_run": last.get(bot.pk)} for bot in found]


def bot_json(name: str) -> dict[str, Any]:
    """One bot as a JSON value with its versions, the newest first. Raises UsageError (CLI_BOT) with the nearest name."""
    bot = bot_of(name)
    versions = BotVersion.objects.filter(bot=name).order_by("-first_seen", "-id")
    told = [{"version": v.version, "first_seen": iso(v.first_seen), "files": v.files} for v in versions]
    return {**_bot_json(bot), "last_run": _last_runs([name]).get(name), "versions": told}


def bot_of(name: str) -> Bot:
    """The bot of this name, also one that is gone. Raises UsageError (CLI_BOT) with the nearest name."""
    bot = Bot.objects.filter(pk=name).first()
    if bot is None:
        known = list(Bot.objects.values_list("pk", flat=True))
        raise UsageError(
            f"unknown bot '{name}'",
            expected=did_you_mean(name, known)
            or f"one of: {', '.join(sorted(known)) or 'none is known yet'}",
            hint="list them with: runner bots",
            code="CLI_BOT",
        )
    return bot


def last_good_version(bot: str, before: datetime | None = None) -> str:
    """The version of the bot's last run that went through (that was queued before `before`); empty where none did."""
    runs = Run.objects.filter(bot=bot, status__in=_THROUGH).exclude(bot_version="")
    if before is not None:
        runs = runs.filter(queued__lt=before)
    return runs.order_by("-queued").values_list("bot_version", flat=True).first() or ""


def version_diff(home: Path, bot: str, old: str, new: str) -> list[FileDiff]:
    """What changed from the version `old` to `new`, file by file, the bot's own first; equal files are left out.

    Raises UsageError (BOT_VERSION) for a version that was never seen.
    """
    before, after = (_files(bot, version) for version in (old, new))
    return [
        _file_diff(home, path, (before.get(path), old), (after.get(path), new))
        for path in dict.fromkeys([*after, *before])
        if before.get(path) != after.get(path)
    ]


def version_texts(home: Path, bot: str, version: str) -> dict[str, str]:
    """The source texts of a version by path; a text that is not there any more is left out.

    Raises UsageError (BOT_VERSION) for a version that was never seen.
    """
    texts = {path: _text(home, digest) for path, digest in _files(bot, version).items()}
    return {path: "".join(lines) for path, lines in texts.items() if lines is not None}


def _files(bot: str, version: str) -> dict[str, str]:
    row = BotVersion.objects.filter(bot=bot, version=version).first()
    if row is None:
        known = BotVersion.objects.filter(bot=bot).order_by("-first_seen").values_list("version", flat=True)
        raise UsageError(
            f"version '{version}' of bot {bot} is not known",
            expected=f"one of {', '.join(known[:5]) or 'none was seen yet'}",
            code="BOT_VERSION",
        )
    return dict(row.files)


def _file_diff(home: Path, path: str, old: tuple[str | None, str], new: tuple[str | None, str]) -> FileDiff:
    before, after = (_text(home, digest) if digest else [] for digest, _ in (old, new))
    if before is None or after is None:
        return FileDiff(path, (), kept=False)
    lines = difflib.unified_diff(before, after, f"{path} {old[1]}", f"{path} {new[1]}", lineterm="")
    return FileDiff(path, tuple(line.rstrip("\r\n") for line in lines))


def _text(home: Path, digest: str) -> list[str] | None:
    try:
        content = text_path(home, digest).read_bytes()
    except OSError:
        return None
    return content.decode("utf-8", "replace")[:_LONGEST].splitlines(keepends=True)


def _bot_json(bot: Bot) -> dict[str, Any]:
    told = bot.description
    return {
        "name": bot.pk,
        "file": bot.file,
        "version": bot.version,
        "process": bot.process,
        "title": told.get("title", ""),
        "doc": told.get("doc", ""),
        "parameters": told.get("parameters", {}),
        "queues": told.get("queues", []),
        "secrets": told.get("secrets", []),
        "lanes": told.get("lanes", 1),
        "time_limit": told.get("time_limit"),
        "resources": told.get("resources", []),
        "at_once": told.get("at_once"),
        "error": bot.error,
        "present": bot.present,
        "looked": iso(bot.looked),
    }


def _last_runs(bots: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The last run of each bot, by one query that reads one row of each from an index."""
    if not bots:
        return {}
    marks = ", ".join(["%s"] * len(bots))
    sql = f"""
        SELECT one.* FROM store_bot AS bot JOIN store_run AS one ON one.id = (
            SELECT last.id FROM store_run AS last WHERE last.bot = bot.name ORDER BY last.queued DESC LIMIT 1)
        WHERE bot.name IN ({marks})"""  # noqa: S608 (only marks for parameters are put in)
    return {
        run.bot: {
            "id": run.pk,
            "status": run.status,
            "queued": iso(run.queued),
            "bot_version": run.bot_version,
        }
        for run in Run.objects.raw(sql, list(bots))
    }
