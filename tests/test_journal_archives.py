"""Traces and recordings of traffic: masked entry by entry, and published only when a last look finds no secret in them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import orjson
import pytest

from runner.journal.archives import publish_archive
from runner.journal.redact import Redactor
from runner.kit.network import NotClean, clean_recording

SECRET = "correct horse"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A trace whose entries, and the name of one, hold the secret in several forms; it is a recording as well."""
    path = tmp_path / "raw.zip"
    log = {"log": {"entries": [{"request": {"url": f"http://x/?q={SECRET}"}, "response": {}}]}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("har.har", orjson.dumps(log))
        archive.writestr("trace.trace", f'{{"text":"{SECRET}"}}')
        archive.writestr(f"resources/{SECRET}.txt", SECRET.encode("utf-16-le"))
    return path


def test_what_is_published_has_no_secret_in_any_entry_or_name(raw: Path, tmp_path: Path) -> None:
    target = tmp_path / "trace.zip"
    assert publish_archive(raw, target, Redactor([SECRET]))
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["har.har", "trace.trace", "resources/***.txt"]
        assert archive.read("trace.trace") == b'{"text":"***"}'
        assert archive.read("resources/***.txt") == b"***"
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("kind", ["raw", "text"])
def test_where_masking_fails_nothing_is_published(
    raw: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Redactor, kind, lambda _self, value: value)  # the seeded fault
    target, redactor = tmp_path / "trace.zip", Redactor([SECRET])
    assert not publish_archive(raw, target, redactor)
    with pytest.raises(NotClean):
        clean_recording(raw, target, redactor)
    assert [path.name for path in tmp_path.iterdir()] == ["raw.zip"]
