"""The folder `recordings/` of a project: which recordings there are, where their files lie, how a new one is written."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.core.errors import ConfigurationError, ErrorReport, UsageError, did_you_mean
from runner.recordings.model import Recording, identities
from runner.recordings.reading import read_recording

FOLDER: Final = "recordings"
MARKS: Final = "marks.json"
"""Beside the pictures: where in each of them the element of its step is."""
_NAME: Final = re.compile(r"[^\W_][\w-]{0,79}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of one recording lie: ``X.json``, its binding ``X.yaml``, and ``X/`` with pictures and files."""

    project: Path
    name: str

    @property
    def file(self) -> Path:
        """The recording."""
        return self.project / FOLDER / f"{self.name}.json"

    @property
    def binding(self) -> Path:
        """What makes a bot of it; need not be there."""
        return self.project / FOLDER / f"{self.name}.yaml"

    @property
    def folder(self) -> Path:
        """Pictures of the steps, and files that were uploaded while recording."""
        return self.project / FOLDER / self.name

    @property
    def shown(self) -> str:
        """How errors name the recording."""
        return f"{FOLDER}/{self.name}.json"

    def read(self) -> Recording:
        """The recording. Raises what `read_recording` raises."""
        return read_recording(self.file, self.shown)

    def write(self, recording: Recording) -> None:
        """Write the recording; a reader sees the old file or the new one."""
        replace_text(self.file, recording.text())

    def write_pictures(self, pictures: Mapping[str, bytes], marks: Mapping[str, Sequence[int]]) -> None:
        """Write a picture for each step, by its identity, and what is marked in it; those that were there are removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.png"):
            if old.stem not in pictures:
                old.unlink(missing_ok=True)
        for name, content in pictures.items():
            replace_bytes(self.folder / f"{name}.png", content)
        replace_text(self.marks, json.dumps(dict(marks), indent=1, sort_keys=True) + "\n")

    @property
    def marks(self) -> Path:
        """Where in each picture the element of its step is."""
        return self.folder / MARKS

    @property
    def has_pictures(self) -> bool:
        """Whether there is a picture of any step."""
        return any(self.folder.glob("*.png"))

    def pictures(self, recording: Recording) -> list[Path | None]:
        """The picture of each step, None where there is none (any more)."""
        return [_if_there(self.folder / f"{one}.png") for one in identities(recording)]


def place_of(project: Path, name: str) -> Place:
    """The place of an existing recording. Raises UsageError (REC_MISSING) with the nearest name."""
    plain = name.removeprefix(f"{FOLDER}/").removesuffix(".json")
    known = names_of(project)
    if plain in known:
        return Place(project, plain)
    raise UsageError(
        f"there is no recording '{name}'",
        expected=did_you_mean(plain, known) or f"one of {', '.join(known) or 'none in recordings/'}",
        hint="see: runner recordings list",
        where=FOLDER,
        code="REC_MISSING",
    )


def new_place(project: Path, name: str, *, overwrite: bool = False) -> Place:
    """The place for a new recording. Raises UsageError: REC_NAME, REC_EXISTS."""
    if not is_name(name):
        raise UsageError(
            f"'{name}' can't be the name of a recording",
            expected="letters, digits, '-' and '_'",
            hint="as in --name enter-order",
            where="--name",
            code="REC_NAME",
        )
    place = Place(project, name)
    if place.file.exists() and not overwrite:
        raise UsageError(
            f"{place.shown} is there already",
            expected="a new name",
            hint="choose another with --name, or write over it with --force",
            where="--name",
            code="REC_EXISTS",
        )
    return place


def is_name(text: str) -> bool:
    """Whether a recording can have this name."""
    return bool(_NAME.fullmatch(text))


def names_of(project: Path) -> list[str]:
    """The names of the recordings, sorted."""
    return sorted(path.stem for path in (project / FOLDER).glob("*.json") if is_name(path.stem))


def all_of(project: Path) -> Iterator[tuple[Place, Recording | ErrorReport]]:
    """Every recording with its place, or what is wrong with it."""
    for name in names_of(project):
        place = Place(project, name)
        try:
            yield place, place.read()
        except ErrorReport as report:
            yield place, report
        except ConfigurationError as error:
            yield place, ErrorReport([error])


def name_from(title: str) -> str:
    """A name made of a title: ``Enter an order!`` gives ``enter-an-order``."""
    words = re.findall(r"[^\W_]+", title.casefold())
    return "-".join(words)[:60].strip("-") or "recording"


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
