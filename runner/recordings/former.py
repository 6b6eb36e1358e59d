"""What a recording was before it was changed: each former state is kept in Runner's home, and can be brought back."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from runner.core.clock import from_iso, iso
from runner.core.errors import UsageError
from runner.core.files import replace_file
from runner.recordings.binding import Binding, write_binding
from runner.recordings.library import FOLDER, Place, replace_text
from runner.recordings.model import Recording

MOST: Final = 50  # states of one recording; the oldest go first
_STAMP: Final = re.compile(r"\d{8}T\d{12}Z")
_JSON, _YAML, _ABOUT = "recording.json", "binding.yaml", "about.json"

Why = Literal["bind", "import", "remove", "back"]


@dataclass(frozen=True, slots=True)
class Former:
    """A state that was kept: its stamp, when and by whom it was replaced, by what, and whether it had a binding."""

    stamp: str
    at: datetime
    by: str
    why: str
    bound: bool
    folder: Path

    @property
    def recording_text(self) -> str:
        """The recording as it was."""
        return (self.folder / _JSON).read_text("utf-8")

    @property
    def binding_text(self) -> str:
        """The binding as it was, or an empty text."""
        return (self.folder / _YAML).read_text("utf-8") if self.bound else ""


def keep_former(home: Path, place: Place, why: Why, *, by: str, at: datetime) -> str:
    """Keep recording and binding as they are now; gives the stamp, an empty text where there is nothing to keep.

    On the disk when this returns: whoever replaces them afterwards can't lose them.
    """
    if not place.file.is_file():
        return ""
    stamp = f"{at:%Y%m%dT%H%M%S%f}Z"
    folder = home / FOLDER / place.name / stamp
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(folder / _JSON, place.file.read_bytes())
    if place.binding.is_file():
        replace_file(folder / _YAML, place.binding.read_bytes())
    replace_file(folder / _ABOUT, json.dumps({"at": iso(at), "by": by, "why": why}).encode())
    for old in formers(home, place.name)[MOST:]:
        shutil.rmtree(old.folder, ignore_errors=True)
    return stamp


def formers(home: Path, name: str) -> list[Former]:
    """The former states of a recording, the latest first."""
    found = (_read(path) for path in sorted((home / FOLDER / name).glob("*Z"), reverse=True))
    return [one for one in found if one is not None]


def former_of(home: Path, name: str, stamp: str) -> Former:
    """One former state. Raises UsageError (NOT_FOUND)."""
    found = _read(home / FOLDER / name / stamp) if _STAMP.fullmatch(stamp) else None
    if found is None:
        raise UsageError(
            f"there is no former state {stamp[:30]!r}",
            expected="one of the list",
            where=name,
            code="NOT_FOUND",
        )
    return found


def bring_back(home: Path, place: Place, stamp: str, *, by: str, at: datetime) -> str:
    """Make a former state the present one; the present one is kept in its turn, under the stamp that is given."""
    former = former_of(home, place.name, stamp)
    recording, binding = former.recording_text, former.binding_text
    kept = keep_former(home, place, "back", by=by, at=at)
    replace_text(place.file, recording)
    if binding:
        replace_text(place.binding, binding)
    else:
        place.binding.unlink(missing_ok=True)
    return kept


def write_bound(
    home: Path, place: Place, binding: Binding, bound: Recording, *, by: str, at: datetime
) -> str:
    """Write a recording with its binding; what was there before is kept, under the stamp that is given."""
    kept = keep_former(home, place, "bind", by=by, at=at)
    place.write(bound)
    write_binding(place, binding, bound)
    return kept


def remove(home: Path, place: Place, *, by: str, at: datetime) -> str:
    """Take recording and binding away; they are kept, and their pictures stay where they are."""
    kept = keep_former(home, place, "remove", by=by, at=at)
    place.binding.unlink(missing_ok=True)  # first: a binding without its recording is an error of the project
    place.file.unlink(missing_ok=True)
    return kept


def _read(folder: Path) -> Former | None:
    try:
        about = json.loads((folder / _ABOUT).read_text("utf-8"))
        bound = (folder / _YAML).is_file()
        return Former(folder.name, from_iso(about["at"]), str(about["by"]), str(about["why"]), bound, folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it was being written when the machine stopped: the state it describes is still the present one
