"""What is written can be read back; what was damaged is never believed."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loguru import logger

from runner.journal import Redactor, read_journal
from runner.journal.write import Journal

CUTS = 400  # of each kind; the full number is a setting of `make chaos`


def journal(path: Path, **more: object) -> Journal:
    return Journal(path, run="r", lane=1, bot="b", **more)  # type: ignore[arg-type]


def written(path: Path, lines: int = 30) -> bytes:
    with journal(path) as log:
        for n in range(lines):
            log.event("log", f'line {n} \u4e2d\u6587 "quoted"', data={"n": n, "text": "x" * (n % 7)})
    return path.read_bytes()


def test_lines_come_back_with_their_fields_in_order(tmp_path: Path) -> None:
    with journal(tmp_path / "j") as log:
        first = log.event("step.started", "begin", step="one", queue="q", item="7", attempt=2)
        log.event("step.finished", "end", step="one", ms=1.5, data={"started": first}, sync=True)
    lines = read_journal(tmp_path / "j").lines
    assert [(x.seq, x.event, x.step, x.item, x.attempt, x.ms) for x in lines] == [
        (1, "step.started", "one", "7", 2, None),
        (2, "step.finished", "one", None, None, 1.5),
    ]
    assert lines[1].data == {"started": 1}


def test_a_field_that_the_format_does_not_have_is_refused(tmp_path: Path) -> None:
    with journal(tmp_path / "j") as log, pytest.raises(TypeError, match="colour"):
        log.event("log", colour="red")


def test_plain_log_calls_become_lines_only_where_they_are_wanted(tmp_path: Path) -> None:
    with journal(tmp_path / "mine", takes_logs=True), journal(tmp_path / "other"):
        logger.info("hello {}", "you")
        logger.bind(amount=3).warning("with extra")
    lines = read_journal(tmp_path / "mine").lines
    assert [(x.event, x.level, x.message) for x in lines] == [
        ("log", "info", "hello you"),
        ("log", "warning", "with extra"),
    ]
    assert lines[1].data["amount"] == 3
    assert read_journal(tmp_path / "other").lines == ()


def test_a_journal_opened_again_goes_on_behind_its_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = written(path, 3)
    path.write_bytes(whole + b'{"v":1,"seq":4,"torn')
    with journal(path) as log:
        assert log.event("log", "again") == 4
    reading = read_journal(path)
    assert [x.seq for x in reading.lines] == [1, 2, 3, 4]
    assert reading.fault is None


def test_reading_goes_on_from_an_offset(tmp_path: Path) -> None:
    written(tmp_path / "j", 5)
    first = read_journal(tmp_path / "j")
    with journal(tmp_path / "j") as log:
        log.event("log", "later")
    later = read_journal(tmp_path / "j", first.end, first.lines[-1].seq)
    assert [x.message for x in later.lines] == ["later"]
    assert read_journal(tmp_path / "j", first.end, 99).fault is not None


def test_a_journal_that_is_not_there_reads_as_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == read_journal(tmp_path / "none", 0)
    assert read_journal(tmp_path / "none").lines == ()


def test_cut_anywhere_it_gives_back_exactly_its_whole_lines(tmp_path: Path) -> None:
    whole = written(tmp_path / "j")
    path, chance = tmp_path / "cut", random.Random(7)
    for at in chance.sample(range(len(whole)), CUTS):
        path.write_bytes(whole[:at])
        reading = read_journal(path)
        assert len(reading.lines) == whole[:at].count(b"\n")
        assert (reading.fault is None) == (at == 0 or whole[at - 1 : at] == b"\n")


def test_with_one_bit_flipped_it_gives_back_exactly_the_lines_before(tmp_path: Path) -> None:
    whole = written(tmp_path / "j")
    path, chance = tmp_path / "flipped", random.Random(8)
    for at in chance.sample(range(len(whole)), CUTS):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        reading = read_journal(path)
        assert len(reading.lines) == whole[:at].count(b"\n")
        assert reading.fault is not None


def test_a_line_cut_out_or_doubled_is_noticed(tmp_path: Path) -> None:
    lines = written(tmp_path / "j", 6).splitlines(keepends=True)
    for broken in (lines[:2] + lines[3:], lines[:3] + lines[2:]):
        (tmp_path / "b").write_bytes(b"".join(broken))
        reading = read_journal(tmp_path / "b")
        assert reading.fault is not None
        assert "was expected" in reading.fault.reason


def test_a_full_disk_is_an_error_in_the_caller_and_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    with journal(tmp_path / "j") as log:
        log.event("log", "fits")

        def full(file: int, data: bytes) -> int:
            monkeypatch.setattr(os, "write", lambda *_: _enospc())
            return real(file, data[:10])

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            log.event("log", "does not fit")
        monkeypatch.setattr(os, "write", real)
        log.event("log", "fits again")
    reading = read_journal(tmp_path / "j")
    assert [x.message for x in reading.lines] == ["fits", "fits again"]
    assert reading.fault is None


def _enospc() -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


SECRET = st.text(min_size=6, max_size=60).filter(
    lambda s: len(s.strip()) >= 6 and s.encode("utf-8", "ignore").decode() == s
)


@settings(max_examples=150, deadline=None)
@given(SECRET, st.text(max_size=10), st.text(max_size=10))
def test_no_secret_reaches_a_line_and_the_line_stays_whole(secret: str, before: str, after: str) -> None:
    import base64
    import html
    import tempfile
    import urllib.parse

    forms = {
        "raw": secret,
        "url": urllib.parse.quote(secret, safe=""),
        "html": html.escape(secret),
        "json": orjson.dumps({"password": secret}).decode(),
        "base64": base64.b64encode(secret.encode()).decode(),
        "base64+1": base64.b64encode(b"x" + secret.encode()).decode(),
        "base64+2": base64.b64encode(b"xy" + secret.encode()).decode(),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        with journal(path, redactor=Redactor([secret])) as log:
            log.event(
                "log",
                before + secret + after,
                data={name: before + form + after for name, form in forms.items()},
            )
        reading = read_journal(path)
        assert reading.fault is None
        data = path.read_bytes()
    assert orjson.dumps(secret)[1:-1] not in data
    found = {name: text for name, text in reading.lines[0].data.items() if "***" not in text}
    assert found == {}


@settings(max_examples=150, deadline=None)
@given(SECRET, st.binary(max_size=20), st.binary(max_size=20))
def test_bytes_of_any_kind_are_masked_in_every_form(secret: str, before: bytes, after: bytes) -> None:
    redactor = Redactor([secret])
    for form in (secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be")):
        clean = redactor.raw(before + form + after)
        assert form not in clean
        assert not redactor.finds(clean)


def test_a_secret_too_short_to_mask_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="at least 6"):
        Redactor(["short"])


def test_the_longest_of_nested_secrets_is_masked_whole() -> None:
    assert Redactor(["secret", "secret-and-more"]).text("a secret-and-more b secret c") == "a *** b *** c"


@pytest.mark.parametrize(
    ("secret", "data", "kept"),
    [
        ("123456", {"n": 1234567, "t": "no 1234567"}, {"n": "***", "t": "no ***7"}),
        ("123.456", {"n": -123.456}, {"n": "***"}),
        ("n12345", {"t": "a\n12345"}, {"t": "a\n12345"}),
        ("n12345", {"t": "a\nn12345"}, {"t": "a\n***"}),
        ("000000", {"t": "\x10000000"}, {"t": "\x10***"}),
        ("\\u0010", {"t": "\x10 \\u0010"}, {"t": "\x10 ***"}),
    ],
)
def test_a_secret_that_looks_like_json_leaves_the_line_whole(
    tmp_path: Path, secret: str, data: dict[str, object], kept: dict[str, object]
) -> None:
    with journal(tmp_path / "j", redactor=Redactor([secret])) as log:
        log.event("log", "said", data=data)
        log.event("log", "after it")
    reading = read_journal(tmp_path / "j")
    assert reading.fault is None
    assert reading.lines[0].data == kept


@pytest.mark.parametrize("secret", ["started", "orders", "2026-11", "run.st"])
def test_a_secret_that_is_an_ordinary_word_leaves_the_line_its_meaning(tmp_path: Path, secret: str) -> None:
    with journal(tmp_path / "j", redactor=Redactor([secret])) as log:
        log.event("run.started", f"it is {secret}", queue="orders")
    (line,) = read_journal(tmp_path / "j").lines
    assert (line.event, line.queue, line.message) == ("run.started", "orders", "it is ***")
