"""Putting a finished file in the place of another: the old one or the new one is there, never something between.

A file that somebody has open, that is write-protected or that changed since it was read is left alone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from runner.core.errors import WorkbookError
from runner.core.files import sync_folder
from runner.sheets.grid import Fingerprint

_EXPECTED = "a file that nobody uses (not one that is open in Excel by somebody, read-only or changed since it was read)"

_HOUR = 3600
BACKUPS = ".backups"


def replace(
    target: Path,
    write: Callable[[BinaryIO], None],
    check: Callable[[Path], None],
    *,
    expected: Fingerprint | None = None,
    backups: int = 0,
    announce: Callable[[Path], None] | None = None,
) -> None:
    """Write a file beside `target`, fsync it, let `check` read it again, and put it in the place of `target`.

    `backups`: that many older states of `target` are kept in the folder ``.backups`` beside it, this one included.
    `announce` is told the finished file just before it takes the place. `expected`: the state in which `target` was read; None where it need not exist. On any failure `target` is untouched and
    nothing is left behind; what a killed process left is swept by the first save an hour later. Raises WorkbookError (WB_BUSY).
    """
    target = target.resolve()  # a link stays a link
    refuse_if_busy(target)
    handle, name = _temporary(target)
    temporary = Path(name)
    _sweep(target, temporary)
    try:
        with os.fdopen(handle, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        check(temporary)
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        else:
            temporary.chmod(0o666 & ~_umask())
        refuse_if_busy(target)
        refuse_if_changed(target, expected)
        if backups > 0 and target.exists():
            keep_backup(target, backups)
        if announce:
            announce(temporary)
        _move(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def keep_backup(path: Path, most: int) -> Path:
    """Keep the present state of `path` as ``.backups/NAME~TIME.SUFFIX``, and of all states kept so the newest `most`.

    The file itself is linked where the disk can do that, so it costs no time. Raises WorkbookError (WB_BUSY).
    """
    folder = path.parent / BACKUPS
    name = f"{path.stem}~{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%fZ}{path.suffix}"
    try:
        folder.mkdir(exist_ok=True)
        try:
            os.link(path, folder / name)
        except (OSError, NotImplementedError):  # a disk without links
            shutil.copy2(path, folder / name)
        kept = backups_of(path)
        for old in kept[: max(0, len(kept) - most)]:
            old.unlink(missing_ok=True)
    except OSError as refused:
        raise _busy(
            path, f"no backup can be kept in {BACKUPS} ({refused.strerror})", "allow writing"
        ) from refused
    return folder / name


def backups_of(path: Path) -> list[Path]:
    """The states of `path` that were kept, the oldest first."""
    pattern = re.compile(re.escape(path.stem) + r"~\d{8}T\d{12}Z" + re.escape(path.suffix))
    folder = path.parent / BACKUPS
    return sorted(one for one in folder.glob("*") if pattern.fullmatch(one.name)) if folder.is_dir() else []


def refuse_if_busy(path: Path) -> None:
    """Raise WB_BUSY where `path` is open in Excel or LibreOffice, saying by whom, or is write-protected."""
    owner = opened_by(path)
    if owner:
        raise _busy(path, f"{path.name} is open in {owner}", "close it there and run again")
    if path.exists() and not (path.stat().st_mode & stat.S_IWUSR and os.access(path, os.W_OK)):
        raise _busy(path, f"{path.name} is read-only", "allow writing, or write to a copy")


def refuse_if_changed(path: Path, expected: Fingerprint | None) -> None:
    """Raise WB_BUSY where the content of `path` is not what `expected` says."""
    if expected is None:
        return
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise _busy(path, f"{path.name} was deleted", "read it again") from None
    if found != expected.sha256:
        raise _busy(path, f"{path.name} has changed since it was read", "read it again and repeat the run")


def opened_by(path: Path) -> str:
    """``Excel by Li Wei`` where a lock file beside `path` says so; empty where nobody has it open."""
    for lock, program in (
        (path.with_name(f"~${path.name}"), "Excel"),
        (path.with_name(f".~lock.{path.name}#"), "LibreOffice"),
    ):
        with contextlib.suppress(FileNotFoundError):
            data = lock.read_bytes() if lock.is_file() else b""
            if lock.exists():
                owner = (
                    _excel_owner(data)
                    if program == "Excel"
                    else data.decode("utf-8", "replace").split(",")[0]
                )
                return f"{program} by {owner.strip() or 'somebody'}"
    return ""


def _excel_owner(data: bytes) -> str:
    """The name in an owner file: its length and the name in ANSI, at byte 54 again as UTF-16."""
    if len(data) >= 58 and data[54]:
        return data[56 : 56 + 2 * data[54]].decode("utf-16-le", "replace").rstrip("\0")
    return data[1 : 1 + data[0]].decode("cp1252", "replace") if data else ""


def _busy(path: Path, what: str, hint: str) -> WorkbookError:
    return WorkbookError(
        what, expected=_EXPECTED, hint=f"nothing was written; {hint}", where=path.name, code="WB_BUSY"
    )


def _temporary(target: Path) -> tuple[int, str]:
    try:
        return tempfile.mkstemp(prefix=_prefix(target), suffix=".part", dir=target.parent)
    except OSError as refused:
        raise _busy(
            target, f"no file can be made in {target.parent.name} ({refused.strerror})", "allow writing"
        ) from refused


def _sweep(target: Path, temporary: Path) -> None:
    """Remove the unfinished files of processes that were killed while they saved `target`."""
    for path in target.parent.glob(f"{_prefix(target).replace('[', '[[]')}????????.part"):
        with contextlib.suppress(OSError):
            if temporary.stat().st_mtime - path.stat().st_mtime > _HOUR:
                path.unlink()


def _prefix(target: Path) -> str:
    return f".{target.stem[:40]}-"


def _move(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except PermissionError as refused:  # Windows: another program holds it without a lock file
        raise _busy(
            target, f"{target.name} can't be replaced ({refused.strerror})", "close it and run again"
        ) from refused


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
