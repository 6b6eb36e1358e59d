"""Keeps the store's catalogue of bots true: describes bot files when they, or modules that they import, have changed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from runner.core.bot_sources import sources_of, version_of
from runner.core.clock import now
from runner.core.settings import Settings
from runner.engine.bots import Discovery, bot_files, discover, names_by_file
from runner.store.bot_catalogue import FileFound, file_versions, remember

_LOOK: Final = 2.0  # seconds between two looks
_taking: Final = threading.Lock()  # parts of one service don't describe the same files at a time


def take_stock(settings: Settings, *, changed_only: bool = False) -> Discovery:
    """Describe the project's bot files and write into the store what was found.

    `changed_only`: only those whose version is not the one in the store; bots of files that are gone are marked so in
    either case. What `runner desk` alone calls when it starts.
    """
    with _taking:
        return _take_stock(settings, changed_only=changed_only)


def _take_stock(settings: Settings, *, changed_only: bool) -> Discovery:
    files = bot_files(settings.project)
    known = file_versions() if changed_only else {}
    chosen = [path for path in files if not changed_only or _is_new(settings.project, path, known)]
    found = discover(settings, chosen)
    gone = set(known) - {_relative(settings.project, path) for path in files}
    if chosen or gone or not changed_only:
        write_down(settings, found, everything=not changed_only)
        _mark_gone(gone)
    return found


def write_down(settings: Settings, found: Discovery, *, everything: bool = True) -> None:
    """Write a discovery into the store's catalogue. A disk without room for the sources is no reason to stop."""
    names: dict[str, list[str]] = {}
    for name, path in names_by_file(settings.project).items():
        names.setdefault(_relative(settings.project, path), []).append(name)
    files = [
        FileFound(file, bots, "\n".join(str(error) for error in errors), tuple(names.get(file, ())))
        for file, (bots, errors) in found.by_file.items()
    ]
    remember(settings.project, settings.home, files, now(), everything=everything)


class BotWatch:
    """A part of the service that takes stock at its start and whenever a bot has changed, until it is stopped."""

    def __init__(
        self, settings: Settings, environment: Mapping[str, str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        del environment  # children get their own; the signature is that of every part
        self._settings = settings
        self._say = say
        self._stopping = threading.Event()
        self._stamps: dict[str, tuple[int, int]] | None = None
        self._told = ""

    def serve(self) -> None:
        """Look until `stop`."""
        from django.db import connections

        try:
            while True:
                self.look()
                if self._stopping.wait(_LOOK):
                    return
        finally:
            connections.close_all()

    def stop(self) -> None:
        """End `serve`."""
        self._stopping.set()

    def look(self) -> None:
        """Take stock where a file of the bots' folder, or a module beside them, has another date or size."""
        from django.db import OperationalError, connection

        if self._stamps is not None and self._stamps == _stamps(self._settings.project, self._stamps):
            return
        stamps = _stamps(self._settings.project, _modules(self._settings.project))
        try:
            found = take_stock(self._settings, changed_only=True)
        except (
            OperationalError,
            OSError,
        ) as error:  # the store or the disk is away: the next look tries again
            connection.close()
            self._tell_once(f"bots could not be looked at: {error}")
            return
        self._stamps = stamps
        for problem in found.errors:
            self._tell_once(str(problem))
        if found.bots:
            self._tell_once(f"bots: {', '.join(f'{bot.name} {bot.version}' for bot in found.bots)}")

    def _tell_once(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._say(text)


def _is_new(project: Path, path: Path, known: Mapping[str, str]) -> bool:
    file = _relative(project, path)
    try:
        return known.get(file) != version_of(sources_of(project, file))
    except OSError:
        return file in known


def _modules(project: Path) -> set[str]:
    """Every file that a bot consists of, as far as it can be read."""
    found: set[str] = set()
    for path in bot_files(project):
        with contextlib.suppress(OSError):
            found.update(sources_of(project, _relative(project, path)))
    return found


def _stamps(project: Path, files: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Date and size of these files and of everything in the bots' folder; what is gone has none."""
    stamps: dict[str, tuple[int, int]] = {}
    scripts = [*(project / "bots").rglob("*.py"), *(project / "recordings").glob("*.yaml")]
    for file in {*files, *(_relative(project, path) for path in scripts)}:
        with contextlib.suppress(OSError):
            facts = (project / file).stat()
            stamps[file] = facts.st_mtime_ns, facts.st_size
    return stamps


def _mark_gone(files: set[str]) -> None:
    from runner.store.models import Bot

    if files:
        Bot.objects.filter(file__in=files).update(present=False, looked=now())


def _relative(project: Path, path: Path) -> str:
    return path.relative_to(project).as_posix()
