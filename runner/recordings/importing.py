"""Imports what other recorders write: knows the format, makes recordings of it, puts references in the place of passwords."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.core.errors import ConfigurationError, ErrorReport, RunnerError
from runner.recordings import library
from runner.recordings.bundle import ENDING, NOTHING_BESIDE, Beside, unpacked
from runner.recordings.from_playwright import import_jsonl, looks_like_jsonl
from runner.recordings.from_python import import_python, looks_like_python
from runner.recordings.from_selenium import import_side, looks_like_side
from runner.recordings.library import name_from
from runner.recordings.model import Recording
from runner.recordings.passwords import literal_passwords, without_passwords
from runner.recordings.reading import check_steps, json_of, password_problem, text_of

DEVTOOLS, JSONL, PYTHON, SELENIUM = (
    "Chrome DevTools Recorder", "Playwright codegen (jsonl)", "Playwright codegen (Python)", "Selenium IDE",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one recording of a file: the recording, or why it is refused (step and reason).

    `masked` are the numbers of the steps whose password was replaced by a reference to a secret.
    """

    file: str
    format: str
    title: str
    recording: Recording | None
    problems: tuple[RunnerError, ...] = ()
    masked: tuple[int, ...] = ()
    beside: Beside = NOTHING_BESIDE

    def write(self, place: library.Place) -> None:
        """Write the recording to its place, with the pictures and files that came with it. Not for one that is refused."""
        assert self.recording is not None
        place.write(self.recording)
        self.beside.write(place)

    @property
    def name(self) -> str:
        """A name made of the title."""
        return name_from(self.title or Path(self.file).stem)


def import_file(path: Path, *, secret: str | None = None) -> list[Imported]:
    """Every recording in a file; a project of Selenium IDE can hold several, and so can a bundle (a zip file with pictures).

    With `secret` each password becomes ``${secret:NAME}``; without it a recording with a password in clear is refused.
    Nothing is raised for what the file holds: each mistake is a problem of what it is in.
    """
    if path.suffix.lower() == ENDING:
        return _of_bundle(path, secret)
    try:
        text = text_of(path, path.name)
        found = list(_read(text, path.name))
    except ErrorReport as report:
        return [Imported(path.name, "", path.stem, None, report.errors)]
    except ConfigurationError as error:
        return [Imported(path.name, "", path.stem, None, (error,))]
    return [_without_passwords(one, secret) for one in found]


def _of_bundle(path: Path, secret: str | None) -> list[Imported]:
    found: list[Imported] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, content, beside in unpacked(path):
                file = Path(folder) / name
                file.write_bytes(content)
                imported = import_file(file, secret=secret)
                only = len(imported) == 1 and imported[0].recording is not None
                found += [replace(one, beside=beside) if only else one for one in imported]
    except ConfigurationError as error:
        return [Imported(path.name, "", path.stem, None, (error,))]
    return found


def import_table(paths: Iterable[Path], *, secret: str | None = None) -> list[Imported]:
    """What becomes of each recording in these files, in their order."""
    return [one for path in paths for one in import_file(path, secret=secret)]


def _read(text: str, name: str) -> Iterator[Imported]:
    stem = Path(name).stem
    if looks_like_jsonl(text):
        recording, errors = import_jsonl(text, name)
        yield _made(name, JSONL, stem, recording, errors)
    elif name.endswith(".py") or looks_like_python(text):
        recording, errors = import_python(text, name)
        yield _made(name, PYTHON, stem, recording, errors)
    else:
        plain = _json(text, name)
        if looks_like_side(plain):
            for title, recording, errors in import_side(plain, name):
                yield _made(name, SELENIUM, title, recording, errors)
        else:
            recording, errors = check_steps(plain, name)
            title = (recording.title if recording else "") or stem
            yield _made(name, DEVTOOLS, title, recording, errors)


def _json(text: str, name: str) -> Any:
    if text.lstrip().startswith("<"):
        raise ConfigurationError(
            "not a recording: it is a web page with no 'steps'",
            expected="a recording of the Chrome DevTools Recorder, Playwright codegen or Selenium IDE",
            hint="export the recording as JSON",
            where=name,
            code="REC_FORMAT",
        )
    return json_of(text, name)


def _made(
    file: str, kind: str, title: str, recording: Recording | None, errors: list[RunnerError]
) -> Imported:
    if not errors and recording is None:
        empty = ConfigurationError(
            "the recording has no steps",
            expected="at least one",
            hint="record again",
            where=file,
            code="REC_EMPTY",
        )
        errors = [empty]
    kept = None if errors or recording is None else recording.model_copy(update={"title": title})
    return Imported(file, kind, title, kept, tuple(errors))


def _without_passwords(found: Imported, secret: str | None) -> Imported:
    if found.recording is None:
        return found
    numbers = literal_passwords(found.recording)
    if numbers and secret is None:
        problems = tuple(password_problem(found.file, number) for number in numbers)
        return Imported(found.file, found.format, found.title, None, problems)
    clean, masked = without_passwords(found.recording, secret or "")
    return Imported(found.file, found.format, found.title, clean, (), tuple(masked))


def as_json(found: Imported) -> dict[str, Any]:
    """One line of the table, for ``--json``."""
    return {
        "file": found.file,
        "format": found.format,
        "title": found.title,
        "name": found.name,
        "result": "imported" if found.recording else "refused",
        "steps": len(found.recording.steps) if found.recording else 0,
        "masked": list(found.masked),
        "problems": [str(one) for one in found.problems],
    }
