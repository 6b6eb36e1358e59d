"""What journals do to the store: items, attempts, steps, cases; each line once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.cases import decisions
from runner.cases.intake import take_in, take_in_journal
from runner.cases.openings import item_case_id, run_case_id
from runner.journal import Line, read_journal
from runner.store.models import Act, Attempt, Case, Item, Lane, Occurrence, Problem, Queue, Run, Step
from tests.journal_maker import RunMaker
from tests.store_snapshot import differences, snapshot, wipe

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.both_databases]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """A run that has begun."""
    with RunMaker(tmp_path) as made:
        made.started()
        yield made


def item(key: str) -> Item:
    return Item.objects.get(key=key)


def case(key: str) -> Case:
    return Case.objects.get(pk=item_case_id("orders", key))


def irreversible(run: RunMaker, key: str, how: str | None = None, result: Any = None) -> None:
    """The step `submit` began (how None), or its outcome became known."""
    of: dict[str, Any] = {"queue": "orders", "item": key, "attempt": 1, "step": "submit"}
    if how is None:
        run.line(1, "irreversible.intent", **of)
    else:
        run.line(1, "irreversible.outcome", data={"how": how, "result": result}, **of)


def test_a_whole_run_leaves_its_rows(tmp_path: Path) -> None:
    with RunMaker(tmp_path) as run:
        due = "2026-11-24T08:00:00.000000Z"
        run.started(
            schedule="morning", due=due, queued=due, requested_by="schedule morning", parameters={"n": 1}
        )
        run.put("1", "2", bad=("3",))
        run.begin("1")
        run.step("1", "enter order")
        irreversible(run, "1")
        irreversible(run, "1", "acted", "C-1")
        run.line(1, "once", queue="orders", item="1", attempt=1, step="upload", data={"result": ["u"]})
        run.end("1", confirmation="C-1")
        run.begin("2")
        run.fail("2")
        run.finished("exceptions")
    row = Run.objects.get()
    assert (row.status, row.bot, row.process, row.schedule) == (
        "exceptions",
        "post_orders",
        "sales",
        "morning",
    )
    assert (row.parameters, row.requested_by, row.total) == ({"n": 1}, "schedule morning", 1)
    assert (Occurrence.objects.get().state, Occurrence.objects.get().run) == ("ran", row.pk)
    lane = Lane.objects.get()
    assert (lane.status, lane.pid, lane.host, lane.reason, lane.exit_code) == (
        "done",
        101,
        "desk",
        "finished",
        0,
    )
    queue = Queue.objects.get()
    assert (queue.pk, queue.key, queue.bot_file) == ("orders", "number", "bots/post_orders.py")
    done, failed, bad = Item.objects.order_by("id")
    assert (done.status, done.output, done.once) == ("done", {"confirmation": "C-1"}, {"upload": ["u"]})
    assert done.irreversible == {"submit": {"state": "done", "result": "C-1"}}
    assert (failed.status, failed.attempts_made) == ("exception", 1)
    assert (bad.status, bad.valid, bad.data, bad.source) == (
        "exception",
        False,
        {"amount": "x"},
        "orders.xlsx/3",
    )
    assert [(a.status, a.ms, a.row) for a in Attempt.objects.order_by("id")] == [
        ("done", 12.5, None),
        ("failed", 12.5, {"number": "2"}),
    ]
    step = Step.objects.get()
    assert (step.name, step.status, step.ms, step.item) == ("enter order", "done", 3.5, "1")
    assert case("2").problem.title.startswith("UNKNOWN_PRODUCT: product …")
    assert (case("3").why, case("3").kind) == ("bad_row", "business")
    assert case("3").message == "amount 'x' is no number - a number"
    assert Problem.objects.count() == 2
    assert {act.verb for act in Act.objects.all()} == {"opened"}


def test_of_a_long_source_the_end_is_kept_which_fits_an_index_of_any_database(run: RunMaker) -> None:
    source = "".join(chr(0x4E00 + n * 7 % 20_000) for n in range(1200)) + ".xlsx/Sheet1!7"
    row = {"key": "1", "data": {"number": "1"}, "source": source}
    run.line(1, "items.put", queue="orders", data={"items": [row], "bad": []})
    run.take_in()
    assert item("1").source == source[-500:]


def test_a_success_writes_no_case_and_no_act(run: RunMaker) -> None:
    run.put("1")
    run.begin("1")
    run.end("1")
    run.take_in()
    assert not Case.objects.exists()
    assert not Act.objects.exists()


def test_taking_in_again_changes_nothing(run: RunMaker) -> None:
    run.put("1")
    run.begin("1")
    run.fail("1")
    run.take_in()
    before = snapshot()
    assert take_in_journal(run.path(1), run.run, 1).lines == ()
    assert differences(before, snapshot()) == []


def test_rows_put_again_are_known_and_counted(run: RunMaker) -> None:
    run.put("1", "2", "1", bad=("3", "2"))
    first = take_in_journal(run.path(1), run.run, 1).puts["orders"]
    assert (first.new, first.known, first.bad) == (2, 2, 1)
    run.put("2", "4", bad=("3",))
    again = take_in_journal(run.path(1), run.run, 1).puts["orders"]
    assert (again.new, again.known, again.bad) == (1, 2, 0)
    assert Item.objects.count() == 4


def test_a_corrected_row_takes_the_place_of_a_bad_one(run: RunMaker) -> None:
    run.put(bad=("1",))
    run.take_in()
    run.put("1", amount="12.50")
    counts = take_in_journal(run.path(1), run.run, 1).puts["orders"]
    assert (counts.new, counts.known) == (1, 0)
    assert (item("1").status, item("1").valid, item("1").data["amount"]) == ("pending", True, "12.50")
    assert case("1").status == "retrying"
    run.begin("1")
    run.end("1")
    run.take_in()
    assert (case("1").status, case("1").resolution) == ("resolved", "retried")


def test_a_failure_that_will_be_tried_again_opens_no_case(run: RunMaker) -> None:
    run.put("1")
    run.begin("1")
    run.fail("1", kind="application", code="PAGE_TIMEOUT", will_retry=True)
    run.take_in()
    assert (item("1").status, Attempt.objects.get().will_retry) == ("running", True)
    assert not Case.objects.exists()
    run.begin("1", 2)
    run.end("1", 2)
    run.take_in()
    assert (item("1").status, item("1").attempts_made) == ("done", 2)
    assert not Case.objects.exists()


def test_an_item_put_off_is_pending_until_its_time_and_no_failure(run: RunMaker) -> None:
    later = datetime.now(UTC).replace(microsecond=5) + timedelta(minutes=30)
    run.put("1")
    run.begin("1")
    run.later("1", not_before=later)
    run.take_in()

    item = Item.objects.get()
    assert (item.status, item.not_before, item.error, item.claimed_run_id) == ("pending", later, None, None)
    assert Attempt.objects.get().status == "later"
    assert not Case.objects.exists()


def test_an_item_knows_its_group_from_its_data_and_from_its_corrected_data(run: RunMaker) -> None:
    run.put("1", customer="Ho")
    run.put("2", bad=("3",))
    run.begin("1")
    run.fail("1")
    run.take_in()
    assert dict(Item.objects.values_list("key", "group_key")) == {"1": "Ho", "2": "", "3": ""}

    at = datetime.now(UTC)
    decisions.retry(item_case_id("orders", "1"), by="ann", at=at, data={"number": "1", "customer": "Ha"})
    run.put("3", customer="Ha")
    run.take_in()
    assert dict(Item.objects.values_list("key", "group_key")) == {"1": "Ha", "2": "", "3": "Ha"}


def test_a_lost_attempt_gives_its_item_back_and_the_third_quarantines_it(run: RunMaker) -> None:
    run.put("1")
    for number in (1, 2, 3):
        run.begin("1", number)
        run.take_in()
        assert item("1").status == "running"
        run.lost("1", number)
        assert item("1").status == ("exception" if number == 3 else "pending")
        assert Case.objects.exists() == (number == 3)
    quarantined = case("1")
    assert (quarantined.why, quarantined.kind) == ("quarantined", "application")
    assert "ended 3 times" in quarantined.message


def test_an_attempt_lost_after_an_irreversible_step_began_is_a_case_of_unknown_outcome(run: RunMaker) -> None:
    run.put("1")
    run.begin("1")
    irreversible(run, "1")
    run.lost("1", open_intent="submit")
    opened = case("1")
    assert (item("1").status, opened.kind, opened.step) == ("exception", "unknown", "submit")
    assert "outcome of step 'submit' is unknown" in opened.message
    assert item("1").irreversible == {"submit": {"state": "intent"}}


def test_a_verdict_on_an_attempt_that_has_an_end_changes_nothing(run: RunMaker) -> None:
    run.put("1")
    run.begin("1")
    run.end("1")
    run.lost("1", open_intent="submit")
    assert item("1").status == "done"
    assert not Case.objects.exists()


def test_a_verdict_that_comes_before_the_beginning_of_its_attempt_stands(tmp_path: Path) -> None:
    with RunMaker(tmp_path, live=False) as run:
        run.started()
        run.put("1")
        run.take_in()
        run.begin("1")
        run.lost("1")
        take_in_journal(run.path(0), run.run, 0)
        take_in_journal(run.path(1), run.run, 1)
    assert (item("1").status, Attempt.objects.get().status) == ("pending", "lost")


def test_what_already_done_said_no_to_may_act_again(run: RunMaker) -> None:
    run.put("1")
    run.begin("1")
    irreversible(run, "1")
    irreversible(run, "1", "not_done")
    run.take_in()
    assert item("1").irreversible == {"submit": {"state": "not_done"}}


def test_evidence_stands_at_the_attempt_and_at_the_case(run: RunMaker) -> None:
    def shot(name: str) -> None:
        seen = {"kind": "screenshot", "url": "http://127.0.0.1/", "http_status": 500, "page_error": "Sorry"}
        run.line(1, "evidence", queue="orders", item="1", attempt=1, evidence=name, data=seen)

    run.put("1")
    run.begin("1")
    shot("before.png")
    run.fail("1", kind="application", code="PAGE_TIMEOUT")
    run.take_in()
    shot("after.png")
    run.take_in()
    assert [entry["path"] for entry in case("1").evidence] == ["before.png", "after.png"]
    assert case("1").evidence[0]["page_error"] == "Sorry"
    assert case("1").problem.parts["page_error"] == "Sorry"
    assert Attempt.objects.get().evidence == case("1").evidence


def test_a_target_that_is_down_gives_items_back_but_none_of_unknown_outcome(run: RunMaker) -> None:
    run.put("1", "2", "3")
    run.begin("1")
    run.fail("1", kind="application", code="PAGE_TIMEOUT")
    run.begin("2")
    run.fail("2", kind="unknown", code="OUTCOME_UNKNOWN")
    named = [{"queue": "orders", "item": key} for key in ("1", "2", "3", "4")]
    run.line(0, "target.down", "the site is down", data={"failures": 5, "items": named})
    assert [i.status for i in Item.objects.order_by("id")] == ["pending", "exception", "pending"]
    assert (case("1").status, case("2").status) == ("retrying", "open")
    assert Act.objects.get(verb="given back").note == "the site is down"


@pytest.mark.parametrize("why", ["crash", "time_limit", "error", "balance", "target_down", "refused"])
def test_a_failed_run_has_a_case_of_its_own(run: RunMaker, why: str) -> None:
    run.line(1, "evidence", evidence="lane-1/evidence/p.png", data={"kind": "screenshot"})
    run.finished("failed", case={"kind": "application", "why": why})
    opened = Case.objects.get()
    assert (opened.pk, opened.why, opened.item, opened.run_id) == (run_case_id(run.run), why, None, run.run)
    assert opened.process == "sales"
    assert opened.evidence[0]["path"] == "lane-1/evidence/p.png"


def test_a_lane_that_crashed_leaves_its_open_steps_lost(run: RunMaker) -> None:
    run.line(1, "step.started", step="sign in")
    run.line(0, "lane.ended", data={"lane": 1, "exit_code": -9, "signal": 9, "reason": "crashed"})
    assert Step.objects.get().status == "lost"
    assert (Lane.objects.get().status, Lane.objects.get().exit_code) == ("lost", -9)


def test_a_run_refused_before_it_began_is_failed_with_a_case(tmp_path: Path) -> None:
    with RunMaker(tmp_path) as run:
        error = {"kind": "application", "type": "ConfigurationError", "code": "BOT_SYNTAX", "message": "no"}
        run.line(
            0,
            "run.finished",
            data={"status": "failed", "case": {"kind": None, "why": "refused"}},
            error=error,
        )
    assert (Run.objects.get().status, Run.objects.get().started) == ("failed", None)
    assert (Case.objects.get().why, Case.objects.get().message) == ("refused", "no")


def test_an_item_whose_put_is_gone_comes_from_what_its_attempt_says(run: RunMaker) -> None:
    run.begin("9", 2)
    run.fail("9", 2)
    run.take_in()
    assert (item("9").status, item("9").attempts_made, item("9").put_run) == ("exception", 2, None)


def test_when_the_store_fails_in_the_middle_nothing_of_the_lines_stays(run: RunMaker) -> None:
    run.take_in()
    run.put("1")
    run.line(1, "items.put", queue="orders", data={"items": [{"no key": True}]})
    before = snapshot()
    with pytest.raises(KeyError):
        take_in_journal(run.path(1), run.run, 1)
    assert differences(before, snapshot()) == []


def write_a_history(runs: Path) -> RunMaker:
    """One lane with a bit of everything, not taken in."""
    with RunMaker(runs, live=False) as run:
        run.started()
        run.put("1", "2", "3", bad=("4", "5"))
        run.begin("1")
        run.step("1", "enter order")
        run.line(1, "evidence", queue="orders", item="1", attempt=1, evidence="a.png", data={"kind": "row"})
        run.fail("1", kind="application", code="PAGE_TIMEOUT", will_retry=True)
        run.begin("1", 2)
        run.step("1", "enter order", 2, status="failed")
        run.line(1, "evidence", queue="orders", item="1", attempt=2, evidence="b.png", data={"kind": "row"})
        run.fail("1", 2, kind="application", code="PAGE_TIMEOUT")
        run.line(1, "evidence", queue="orders", item="1", attempt=2, evidence="c.zip", data={"kind": "trace"})
        run.begin("2")
        irreversible(run, "2")
        irreversible(run, "2", "acted", 7)
        run.end("2", confirmation="7")
        run.put("4", "6", amount="1")
        run.begin("4")
        run.end("4")
        run.begin("3")
        run.fail("3")
        run.line(1, "run.finished", data={"status": "done"})
    return run


@pytest.mark.only_sqlite
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(0, 12_000), max_size=12))
def test_a_journal_that_grows_under_the_reader_leaves_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    wipe()
    folder = tmp_path_factory.mktemp("runs")
    run = write_a_history(folder)
    take_in_journal(run.path(0), run.run, 0)
    take_in_journal(run.path(1), run.run, 1)
    whole = snapshot()
    wipe()
    take_in_journal(run.path(0), run.run, 0)
    written, growing = run.path(1).read_bytes(), folder / "growing.jsonl"
    for cut in [*sorted(cuts), len(written)]:
        growing.write_bytes(written[:cut])
        take_in_journal(growing, run.run, 1)
        take_in_journal(growing, run.run, 1)
    assert differences(whole, snapshot()) == []


@pytest.mark.only_sqlite
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cut=st.integers(0, 40))
def test_any_prefix_and_then_the_rest_is_the_whole_at_once(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    run = write_a_history(tmp_path_factory.mktemp("runs"))
    lines = [*read_journal(run.path(0)).lines, *read_journal(run.path(1)).lines]
    assert differences(rows_of([lines]), rows_of([lines[:cut], lines[cut:]])) == []


def rows_of(pieces: list[list[Line]]) -> dict[str, list[dict[str, Any]]]:
    """What the pieces leave in an empty store."""
    wipe()
    for piece in pieces:
        with transaction.atomic():
            take_in(piece)
    return snapshot()
