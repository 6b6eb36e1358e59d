"""Files that people send are kept under the hash of their bytes, whatever becomes of the kept ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

from runner.desk.kept_files import is_kept, keep_bytes


def test_the_same_bytes_under_the_same_name_are_one_file(tmp_path: Path) -> None:
    first = keep_bytes(tmp_path, "a.txt", b"one")
    assert keep_bytes(tmp_path, "a.txt", b"one") == first
    assert keep_bytes(tmp_path, "b.txt", b"one") == first.with_name("b.txt")
    assert first.read_bytes() == b"one"


def test_a_kept_file_that_was_changed_is_not_taken_for_what_is_sent_again(tmp_path: Path) -> None:
    first = keep_bytes(tmp_path, "a.txt", b"one")
    first.write_bytes(b"changed")
    again = keep_bytes(tmp_path, "a.txt", b"one")
    assert again.parent.name == hashlib.sha256(b"one").hexdigest()
    assert (first.read_bytes(), again.read_bytes()) == (b"changed", b"one")
    assert keep_bytes(tmp_path, "a.txt", b"one") == again
    assert is_kept(tmp_path, str(again))
    again.write_bytes(b"changed, too")
    assert keep_bytes(tmp_path, "a.txt", b"one").read_bytes() == b"one"
