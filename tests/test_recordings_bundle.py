"""A recording travels with its pictures and files: one zip file, read as carefully as any other file from outside."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from runner.recordings import bundle, library
from runner.recordings.bundle import bundle_of
from runner.recordings.importing import import_file
from runner.recordings.model import identities
from runner.recordings.page import told_steps
from tests.cli_project import Cli, empty, fresh  # noqa: F401 - fixtures
from tests.recordings_made import order_recording

PNG = b"\x89PNG\r\n\x1a\nof a step"


def pictured(project: Path) -> library.Place:
    """A recording with a picture of its third step, a file that it uploads, and network traffic that was kept for tests."""
    place, made = library.Place(project, "enter-order"), order_recording()
    place.write(made)
    third = list(identities(made))[2]
    place.write_pictures({third: PNG}, {third: [10, 20, 100, 30, 1280, 800]})
    (place.folder / "invoice.pdf").write_bytes(b"%PDF")
    (place.folder / "network.har").write_bytes(b"{}")
    return place


def zipped(tmp_path: Path, **files: bytes) -> Path:
    """A zip file; `__` in a name stands for a slash, `_dot_` for a dot."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    path = tmp_path / "sent.zip"
    path.write_bytes(content.getvalue())
    return path


def test_a_recording_arrives_with_its_pictures_marks_and_files(tmp_path: Path) -> None:
    place = pictured(tmp_path / "there")
    sent = tmp_path / "enter-order.zip"
    sent.write_bytes(bundle_of(place))
    (imported,) = import_file(sent)
    arrived = library.Place(tmp_path / "here", "enter-order")
    imported.write(arrived)
    assert arrived.read() == place.read()
    step = told_steps(arrived, arrived.read())[2]
    assert step.picture is not None
    assert step.picture.read_bytes() == PNG
    assert step.mark == pytest.approx((10 / 1280, 20 / 800, 100 / 1280, 30 / 800))
    assert sorted(path.name for path in arrived.folder.iterdir() if path.suffix != ".png") == [
        "invoice.pdf",
        "marks.json",
    ]


def test_pictures_fit_although_the_password_was_replaced(tmp_path: Path) -> None:
    place = pictured(tmp_path / "there")
    plain = json.loads(place.file.read_text("utf-8"))
    plain["steps"][3]["value"] = "sesame-open"
    place.file.write_text(json.dumps(plain), encoding="utf-8")
    sent = tmp_path / "enter-order.zip"
    sent.write_bytes(bundle_of(place))
    assert import_file(sent)[0].recording is None
    (imported,) = import_file(sent, secret="portal/password")
    imported.write(library.Place(tmp_path / "here", "x"))
    assert imported.masked == (4,)
    assert told_steps(library.Place(tmp_path / "here", "x"), order_recording())[2].picture is not None


def test_what_is_in_the_file_never_leaves_the_folder_of_the_recording(tmp_path: Path) -> None:
    text = order_recording().text().encode()
    names = {
        "a/../../../evil.txt": b"x",
        "a/sub/evil.txt": b"x",
        "/evil.txt": b"x",
        "a/no.png": b"<script>",
        "a/..\\evil": b"x",
    }
    sent = zipped(tmp_path, a_dot_json=text, **names)
    (imported,) = import_file(sent)
    project = tmp_path / "project"
    imported.write(library.Place(project, "a"))
    assert [path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()] == [
        "recordings/a.json"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 half a file", "REC_FORMAT: the zip file can't be read"),
        (b"", "REC_FORMAT: the zip file can't be read"),
    ],
)
def test_a_file_that_is_no_zip_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    (refused,) = import_file(path)
    assert said in str(refused.problems[0])


def test_a_bomb_and_a_file_without_a_recording_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nothing,) = import_file(zipped(tmp_path, readme_dot_txt=b"hello"))
    assert "REC_FORMAT: there is no recording in the zip file" in str(nothing.problems[0])
    (bomb,) = import_file(zipped(tmp_path, a_dot_json=b" " * 20_000_001))
    assert "REC_LIMIT: 1 files that expand to 20,000,001 bytes" in str(bomb.problems[0])
    monkeypatch.setattr(bundle, "_MOST_FILES", 2)
    (many,) = import_file(zipped(tmp_path, a_dot_json=b"{}", b=b"", c=b""))
    assert "REC_LIMIT: 3 files" in str(many.problems[0])


def test_the_commands_export_and_import_it(fresh: Cli) -> None:
    pictured(fresh.project)
    assert (
        "enter-order.zip holds recordings/enter-order.json and 1 pictures"
        in fresh("recordings", "export", "enter-order").out
    )
    assert (
        "1 pictures came with it" in fresh("recordings", "import", "enter-order.zip", "--name", "again").out
    )
    shown = fresh("recordings", "show", "again", "--json").json
    assert [step["number"] for step in shown["steps"] if step["picture"]] == [3]
    (fresh.project / "two.zip").write_bytes(
        zipped(
            fresh.project, a_dot_json=order_recording().text().encode(), b_dot_json=b'{"steps": []}'
        ).read_bytes()
    )
    answer = fresh("recordings", "check", "two.zip")
    assert "1 can be imported, 1 are refused" in answer.out
