"""The text of the present instant, made in parts, against the one made of a datetime."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.clock import from_iso, iso, now_iso

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.lists(st.integers(0, 250 * 366 * 86_400 * 1_000_000), min_size=1, max_size=4))
def test_the_present_instant_reads_as_iso_writes_it_in_any_order_of_minutes(micros: list[int]) -> None:
    for one in micros:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time_ns", lambda one=one: one * 1000 + 999)
            assert now_iso() == iso(EPOCH + timedelta(microseconds=one))


@pytest.mark.parametrize("micros", [0, 59_999_999, 60_000_000, 60_000_001, 9_000_009])
def test_at_the_border_of_a_minute_no_digit_is_lost(micros: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: micros * 1000)
    assert now_iso() == iso(EPOCH + timedelta(microseconds=micros))


def test_it_is_the_present_one() -> None:
    before = datetime.now(UTC)
    assert before <= from_iso(now_iso()) <= datetime.now(UTC)
