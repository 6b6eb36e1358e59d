"""Lists: pages by key see every row exactly once in every order; filters, sorting and export follow the address."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import UsageError
from runner.desk.keyset import Order, part_of
from runner.store.models import Problem, Run
from tests.desk_place import Desk

START = datetime(2026, 1, 1, tzinfo=UTC)


def make_runs(finished: list[int | None]) -> None:
    """Runs that finished so many minutes after the start; None: not yet."""
    Run.objects.bulk_create(
        Run(
            pk=f"run-{at:03}",
            bot="b",
            queued=START,
            finished=None if minutes is None else START + timedelta(minutes=minutes),
        )
        for at, minutes in enumerate(finished)
    )


@pytest.mark.usefixtures("store")
class TestPages:
    @given(
        finished=st.lists(st.none() | st.integers(0, 4), max_size=12),
        size=st.integers(1, 5),
        descending=st.booleans(),
    )
    def test_forwards_and_back_again_every_row_is_seen_once(
        self, finished: list[int | None], size: int, descending: bool
    ) -> None:
        Run.objects.all().delete()
        make_runs(finished)
        order = Order("finished", descending)
        seen, parts = [], []
        part = part_of(Run.objects.all(), order, size)
        while True:
            parts.append([run.pk for run in part.rows])
            seen += part.rows
            if not part.after:
                break
            part = part_of(Run.objects.all(), order, size, after=part.after)

        valued = [(run.finished, run.pk) for run in seen if run.finished is not None]
        assert valued == sorted(valued, reverse=descending)  # equals go the same way as the values
        assert seen[: len(valued)] == [run for run in seen if run.finished is not None]
        empty = [run.pk for run in seen[len(valued) :]]
        assert empty == sorted(empty)
        assert sorted(run.pk for run in seen) == [f"run-{at:03}" for at in range(len(finished))]
        for expected in reversed(parts[:-1]):
            part = part_of(Run.objects.all(), order, size, before=part.before)
            assert [run.pk for run in part.rows] == expected
        assert part.before == ""

    @pytest.mark.parametrize("size", [-1, 0, 501, 10**9])
    def test_a_size_out_of_bounds_is_refused_with_the_bounds(self, size: int) -> None:
        with pytest.raises(UsageError, match=r"API_PAGE: limit .* from 1 to 500"):
            part_of(Run.objects.all(), Order("pk"), size)

    @pytest.mark.parametrize("place", ["xyz", "W10", "e30", "☃", "bnVsbA"])
    def test_a_place_that_is_none_is_refused(self, place: str) -> None:
        with pytest.raises(UsageError, match="API_PAGE"):
            part_of(Run.objects.all(), Order("pk"), 5, after=place)


def test_filters_stand_in_the_address_and_can_be_taken_away(desk: Desk) -> None:
    client = desk.client("viewer")

    page = client.get("/cases/?kind=business&sort=-opened").content.decode()

    assert page.count("<tr>") == 1 + 2
    assert 'href="?sort=-opened"' in page  # the chip leads to the list without it
    assert 'aria-sort="descending"' in page


def test_a_sort_or_a_page_that_we_did_not_make_is_refused(desk: Desk) -> None:
    client = desk.client("viewer")

    for query, words in (
        ("sort=frob", "can&#x27;t be sorted"),
        ("limit=-1", "500"),
        ("after=xyz", "limit 1 to 500"),
    ):
        answer = client.get(f"/cases/?{query}")
        assert answer.status_code == 422
        assert words in answer.content.decode()


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "x\ry"])
def test_text_that_looks_like_a_formula_is_exported_as_text(desk: Desk, text: str) -> None:
    Problem.objects.filter(kind="business").update(title=text)

    answer = desk.client("viewer").get("/?export=xlsx&kind=business")

    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    cells = [sheet.cell(row, 1) for row in (2, 3)]
    assert [cell.data_type for cell in cells] == ["s", "s"]
    assert str(cells[0].value).strip() == text.strip() or "_x" in str(cells[0].value)
    assert answer["Content-Disposition"].startswith("attachment")
    note = "EXPORT_FORMULA: 2 cells that begin like a formula are stored as text"
    assert answer.headers.get("Export-Note") == (None if text == "x\ry" else note)


def test_pages_follow_each_other_in_the_address(desk: Desk) -> None:
    make_runs([1, 2, 3, None, 4])
    client = desk.client("viewer")

    first = client.get("/runs/?limit=2&sort=queued").content.decode()
    next_page = first.split('rel="next" href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    second = client.get(f"/runs/{next_page}").content.decode()

    assert 'rel="prev"' not in first
    assert 'rel="prev"' in second
    assert "limit=2&amp;sort=queued" in second
