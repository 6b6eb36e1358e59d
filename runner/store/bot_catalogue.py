"""Remembers bots: what was found in which file, which versions there were, and the source text of each of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction

from runner.core.bot_sources import digest_of, sources_of, version_of
from runner.core.contract import BotDescription
from runner.store.models import Bot, BotVersion

FOLDER: Final = "sources"


@dataclass(frozen=True, slots=True)
class FileFound:
    """What a bot file was found to hold: its bots, or why it can't be loaded and which `names` it seems to define."""

    file: str
    bots: tuple[BotDescription, ...] = ()
    error: str = ""
    names: tuple[str, ...] = ()


def remember(
    project: Path, home: Path, found: Sequence[FileFound], at: datetime, *, everything: bool = True
) -> None:
    """Write down what was found; `everything` says that these are all the bot files there are, so that others are gone.

    A bot whose file can't be loaded keeps its last description beside the error. The source of each version is kept under
    `home`, on the disk before the row that names it.
    """
    sources = {one.file: _sources(project, one.file) for one in found}
    for files in sources.values():
        keep_texts(home, files)
    with transaction.atomic():
        for one in found:
            version = version_of(sources[one.file]) if sources[one.file] else ""
            names = [bot.name for bot in one.bots] or [*one.names] or [Path(one.file).stem]
            for bot in one.bots:
                _remember_bot(bot, one.error, at)
                if bot.version == version:  # else it has changed since: the next look finds it
                    _remember_version(bot.name, version, sources[one.file], at)
            if not one.bots:
                _remember_failure(one, names, version, at)
            Bot.objects.filter(file=one.file).exclude(pk__in=names).update(present=False, looked=at)
        if everything:
            gone = Bot.objects.filter(present=True).exclude(file__in=[one.file for one in found])
            gone.update(present=False, looked=at)


def remember_run_version(project: Path, home: Path, bot: BotDescription, at: datetime) -> None:
    """Keep the source of the version that a run is about to use, where nobody looked since it was written."""
    if BotVersion.objects.filter(bot=bot.name, version=bot.version).exists():
        return
    files = _sources(project, bot.file)
    if files and version_of(files) == bot.version:
        keep_texts(home, files)
        _remember_version(bot.name, bot.version, files, at)


def file_versions() -> dict[str, str]:
    """The version that each bot file had when it was last looked at, by its path; files that are gone are left out."""
    return dict(Bot.objects.filter(present=True).values_list("file", "version"))


def keep_texts(home: Path, files: Mapping[str, bytes]) -> None:
    """Keep each content under its digest; what is there already stays. Raises OSError on a full disk."""
    for content in files.values():
        path = text_path(home, digest_of(content))
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, made = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(made).replace(path)


def text_path(home: Path, digest: str) -> Path:
    """Where the content of that digest is kept."""
    return home / FOLDER / digest[:2] / digest


def _sources(project: Path, file: str) -> dict[str, bytes]:
    try:
        return sources_of(project, file)
    except OSError:
        return {}


def _remember_bot(bot: BotDescription, error: str, at: datetime) -> None:
    values = {
        "file": bot.file,
        "version": bot.version,
        "process": bot.process,
        "description": bot.model_dump(mode="json"),
        "error": error,
        "present": True,
        "looked": at,
    }
    Bot.objects.update_or_create(pk=bot.name, defaults=values)


def _remember_failure(found: FileFound, names: Sequence[str], version: str, at: datetime) -> None:
    for name in names:
        values = {"file": found.file, "version": version, "error": found.error, "present": True, "looked": at}
        Bot.objects.update_or_create(pk=name, defaults=values)


def _remember_version(name: str, version: str, files: Mapping[str, bytes], at: datetime) -> None:
    digests = {path: digest_of(content) for path, content in files.items()}
    BotVersion.objects.get_or_create(bot=name, version=version, defaults={"first_seen": at, "files": digests})
