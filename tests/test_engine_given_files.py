"""Files that people sent for a run stay as they were: the bot works on copies in the run folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from runner.desk.kept_files import keep_bytes
from runner.engine.given_files import copy_given
from runner.store.models import Run
from tests.engine_project import project, worker


def test_what_was_sent_is_copied_and_nothing_else(tmp_path: Path) -> None:
    first = str(keep_bytes(tmp_path, "a.txt", b"one"))
    second = str(keep_bytes(tmp_path, "a.txt", b"two"))
    other = tmp_path / "other.txt"
    other.write_text("mine", encoding="utf-8")
    parameters = {
        "book": first, "again": first, "more": [second, "a.txt"], "other": str(other), "number": 3,
        "out": str(tmp_path / "uploads" / ".." / "other.txt"), "gone": str(tmp_path / "uploads" / "gone"),
        "odd": "/\0",
    }  # fmt: skip
    copies = copy_given(parameters, tmp_path / "uploads", tmp_path / "run")
    assert copies == {first: "files/a.txt", second: "files/2/a.txt"}
    assert (tmp_path / "run" / copies[first]).read_bytes() == b"one"
    assert (tmp_path / "run" / copies[second]).read_bytes() == b"two"


def test_a_worker_that_takes_the_run_over_goes_on_with_the_copy(tmp_path: Path) -> None:
    parameters = {"book": str(keep_bytes(tmp_path, "a.txt", b"one"))}
    copies = copy_given(parameters, tmp_path / "uploads", tmp_path / "run")
    (tmp_path / "run" / "files" / "a.txt").write_bytes(b"one, with results")
    assert copy_given(parameters, tmp_path / "uploads", tmp_path / "run") == copies
    assert (tmp_path / "run" / "files" / "a.txt").read_bytes() == b"one, with results"


@pytest.mark.usefixtures("store")
def test_results_in_place_go_into_a_copy_of_what_was_sent_and_each_run_brings_out_its_own(
    tmp_path: Path,
) -> None:
    settings = project(
        tmp_path,
        """
        from runner import run, sheets

        @bot(results="in place")
        def count(book: Path) -> None:
            rows = sheets.read(book, Number)
            numbers.put(rows)
            numbers.each(one)
            run.output("result", numbers.write_results(rows))

        def one(item: Item[Number]) -> None:
            if item.data.n == 2:
                raise BusinessError("2 is not wanted")
        """,
    )
    made = Workbook()
    for row in (("n",), (1,), (2,)):
        made.worksheets[0].append(row)
    made.save(tmp_path / "made.xlsx")
    content = (tmp_path / "made.xlsx").read_bytes()
    kept = keep_bytes(settings.home, "orders.xlsx", content)

    for _ in range(2):  # the later run knows the items of the first
        run_id, _outcome = worker(settings).run_now("count", {"book": str(kept)}, requested_by="test")
        run = Run.objects.get(pk=run_id)
        assert run.parameters == {"book": str(kept)}
        assert run.outputs == {"result": "files/orders.xlsx"}
        result = load_workbook(settings.runs / run.folder / "files" / "orders.xlsx").worksheets[0]
        assert [row[:2] for row in result.values][1:] == [(1, "done"), (2, "exception")]
        assert kept.read_bytes() == content
        assert [path.name for path in kept.parent.iterdir()] == ["orders.xlsx"]
    assert keep_bytes(settings.home, "orders.xlsx", content) == kept
