"""Backs up a data folder while it is in use, and restores one: store, journals with evidence, and the vault."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.core.clock import iso, now
from runner.core.errors import ConflictError, EnvironmentProblem
from runner.core.settings import Settings
from runner.core.store_address import URL_VARIABLE, ServerAddress

MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_PIECE: Final = 1 << 20
_OF_PEOPLE: Final = frozenset({"outputs", "uploads"})  # what a run wrote, what somebody handed in
_STORE: Final = "store"  # the folder of the tables of a store on a server
_SCRATCH: Final = ".backup-"
_PASSING: Final = (
    ".new",
    ".fresh",
    ".part",
    ".unfinished",
    ".making",
    ".lock",
)  # being written, or of this machine


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds, or what was restored: files, their bytes, and whether the vault's key is among them."""

    files: int
    size: int
    with_key: bool


def make_backup(
    settings: Settings,
    target: Path,
    *,
    with_key: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> BackupReport:
    """Write the data folder of `settings` to `target` (.tar.gz); runs may go on meanwhile.

    The store is copied first, as of one moment, the journals after it: so they say at least as much as the store, and
    what they say more is taken in after a restore. Everything else in the folder goes along (evidence, outputs, uploads,
    sign-ins, earlier sources of bots). The keys (`*.key`) are left out unless `with_key`: who has both can read every
    secret. The file appears under its name only when it is whole. Raises ConflictError when `target` is there.
    """
    if target.exists():
        raise ConflictError(
            "there is a file of this name",
            hint="choose another name",
            where=str(target),
            code="BACKUP_EXISTS",
        )
    unfinished = target.with_name(target.name + ".unfinished")
    sums: dict[str, str] = {}
    size = 0
    try:
        with tempfile.TemporaryDirectory(dir=settings.home, prefix=_SCRATCH) as scratch:
            copies = _copy_store(settings, Path(scratch))
            with tarfile.open(unfinished, "w:gz", compresslevel=6) as archive:
                for name, path in _files(settings, copies, with_key=with_key):
                    if path in {target, unfinished}:
                        continue
                    progress(name)
                    try:
                        data_size, digest = _add(archive, name, path)
                    except FileNotFoundError:  # a run goes on: what it wrote for a moment has gone again
                        continue
                    sums[name] = digest
                    size += data_size
                _add_manifest(archive, sums)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise EnvironmentProblem(
            f"the backup can't be written: {error.strerror}", where=str(target), code="BACKUP_WRITE"
        ) from error
    return BackupReport(len(sums), size, with_key)


def restore_backup(
    settings: Settings,
    source: Path,
    *,
    progress: Callable[[str], None] = lambda _: None,
    make_tables: Callable[[], None] = lambda: None,
) -> BackupReport:
    """Put a backup into the data folder of `settings`, which must hold no store yet, and into its database if it has one.

    Everything is unpacked beside it and checked against the manifest before anything is put in place. `make_tables`
    opens the store of a database on a server, with all the tables that a desk has.
    Raises ConflictError when there is a store, EnvironmentProblem for a file that is damaged, no backup, or of a store of
    the other kind.
    """
    _refuse_over(settings)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix=_SCRATCH) as scratch:
        folder = Path(scratch)
        try:
            with tarfile.open(source, "r:gz") as archive:
                for member in archive:
                    progress(member.name)
                    _unpack(archive, member, folder)
            manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
            sums: dict[str, str] = manifest["files"]
        except (OSError, EOFError, tarfile.TarError, ValueError, KeyError) as error:
            raise _damaged(source, str(error)) from error
        for name, digest in sums.items():
            if not (folder / name).is_file() or _digest(folder / name) != digest:
                raise _damaged(source, f"{name} is not what the manifest says")
        _refuse_other_kind(settings, source, sums)
        size = sum((folder / name).stat().st_size for name in sums)
        # The store comes last: a restore that is cut off leaves no store, and can be called again.
        for name in sorted(sums, key=lambda one: one == settings.database.name):
            if not name.startswith(f"{_STORE}/"):
                _put_in_place(folder / name, settings.home / name)
        if settings.database_url:
            from runner.store.postgres.snapshot import read_snapshot

            make_tables()
            read_snapshot(folder / _STORE)
    return BackupReport(len(sums), size, settings.vault.with_suffix(".key").name in sums)


def _copy_store(settings: Settings, folder: Path) -> dict[str, Path]:
    """Copy the store as of one moment into `folder`; gives the files by their names in the backup."""
    if isinstance(settings.store, ServerAddress):
        from runner.store.postgres.snapshot import write_snapshot

        return {f"{_STORE}/{one.name}": one for one in write_snapshot(settings.store, folder / _STORE)}
    copy = folder / settings.database.name
    with closing(sqlite3.connect(settings.database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    return {copy.name: copy}


def _refuse_over(settings: Settings) -> None:
    hint = "set RUNNER_HOME to a new folder, or move the old one away; stop `runner up` first"
    if isinstance(settings.store, ServerAddress):
        from runner.store.postgres.snapshot import holds_rows

        holds, where = holds_rows(settings.store), str(settings.store)
        hint = f"make a new database and name it in {URL_VARIABLE}; stop `runner up` first"
    else:
        holds, where = settings.database.exists(), str(settings.home)
    if holds:
        raise ConflictError(
            f"{where} holds a store already", expected="a place without one", hint=hint, code="RESTORE_OVER"
        )


def _refuse_other_kind(settings: Settings, source: Path, names: Collection[str]) -> None:
    of_file = settings.database.name in names
    if of_file == (not settings.database_url):
        return
    if of_file:
        what, expected = "the backup is of a store in a SQLite file", "one of a store on a PostgreSQL server"
        hint = f"unset {URL_VARIABLE} to restore it"
    else:
        what, expected = "the backup is of a store on a PostgreSQL server", "one of a store in a SQLite file"
        hint = f"name an empty database in {URL_VARIABLE} to restore it"
    raise EnvironmentProblem(what, expected=expected, hint=hint, where=str(source), code="BACKUP_KIND")


def _put_in_place(file: Path, place: Path) -> None:
    """Move a restored file to its place; a journal there that goes on where the restored one ends stays."""
    if place.suffix == ".jsonl" and place.exists() and place.read_bytes().startswith(file.read_bytes()):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    file.replace(place)


def _files(settings: Settings, copies: Mapping[str, Path], *, with_key: bool) -> Iterator[tuple[str, Path]]:
    """Everything in the data folder but what can be made again or belongs to this machine; the store is in `copies`."""
    yield from copies.items()
    for path in sorted(settings.home.rglob("*")):
        name = path.relative_to(settings.home).as_posix()
        own = name.startswith((
            settings.database.name, settings.reserve.name, f"{settings.cache.name}/", _SCRATCH, ".writable",
        ))  # fmt: skip
        of_people = not _OF_PEOPLE.isdisjoint(path.parts)  # they name their files as they like
        is_key = path.parent == settings.home and path.suffix == ".key"
        if own or (name.endswith(_PASSING) and not of_people) or (is_key and not with_key):
            continue
        if path.is_file() and not path.is_symlink():
            yield name, path


def _add(archive: tarfile.TarFile, name: str, path: Path) -> tuple[int, str]:
    """Add one file as it is now: one that grows meanwhile is cut where it was when its turn came."""
    with path.open("rb") as file:
        facts = tarfile.TarInfo(name)
        facts.size = os.fstat(file.fileno()).st_size
        facts.mode = 0o600
        facts.mtime = int(path.stat().st_mtime)
        piece = _Piece(file, facts.size)
        archive.addfile(facts, piece)
    return facts.size, piece.digest


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Unpack a regular file below `folder`; anything else is no part of a backup. Raises ValueError.

    By hand, as the filters of `extract` came with Python 3.11.4 and Debian 12 has an earlier one.
    """
    place, content = folder / member.name, archive.extractfile(member) if member.isfile() else None
    if content is None or not place.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{member.name} is not a file of a data folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    with content, place.open("wb") as out:
        shutil.copyfileobj(content, out)
    place.chmod(0o600)
    os.utime(place, (member.mtime, member.mtime))


class _Piece(io.RawIOBase):
    """The first `size` bytes of a file, digested as they are read; padded should the file shrink meanwhile."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self._file, self._left, self._sum = file, size, hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted).ljust(wanted, b"\0")
        self._left -= len(data)
        self._sum.update(data)
        return data


def _add_manifest(archive: tarfile.TarFile, sums: dict[str, str]) -> None:
    text = json.dumps({"format": _FORMAT, "made": iso(now()), "files": sums}, indent=1).encode()
    facts = tarfile.TarInfo(MANIFEST)
    facts.size = len(text)
    archive.addfile(facts, io.BytesIO(text))


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def _damaged(source: Path, why: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the file is damaged or no backup: {why}",
        expected="a file made by: runner backup",
        hint="take an earlier backup",
        where=str(source),
        code="BACKUP_DAMAGED",
    )
