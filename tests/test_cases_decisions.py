"""What people decide, and what a run's outcome makes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections

from runner.cases import bulk, decisions
from runner.cases.bulk import Chosen, Outcome
from runner.cases.deciding import Decided
from runner.cases.openings import item_case_id, run_case_id
from runner.core.contract import Settled
from runner.core.errors import ConflictError, UsageError
from runner.store.case_lists import CaseFilter
from runner.store.models import Act, Case, Item, Run
from runner.store.names import resolve_case_id, resolve_run_id
from tests.journal_maker import RunMaker

pytestmark = pytest.mark.usefixtures("store")
ANN = "ann"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def failed(tmp_path: Path) -> RunMaker:
    """A run with item 1 failed (business), 2 failed (outcome unknown), 3 a bad row, 4 done; it has ended."""
    with RunMaker(tmp_path) as run:
        run.started(parameters={"workbook": "orders.xlsx"})
        run.put("1", "2", "4", bad=("3",), amount="12,5")
        run.begin("1")
        run.fail("1")
        run.begin("2")
        run.line(1, "irreversible.intent", queue="orders", item="2", attempt=1, step="submit")
        run.fail("2", kind="unknown", message="outcome of step 'submit' is unknown", code="OUTCOME_UNKNOWN")
        run.begin("4")
        run.end("4")
        run.finished("exceptions")
        run.take_in()
    return run


def case(key: str) -> Case:
    return Case.objects.select_related("item").get(pk=item_case_id("orders", key))


def item(key: str) -> Item:
    return Item.objects.get(key=key)


def again(tmp_path: Path, work: Callable[[RunMaker], None], run: str | None = None) -> None:
    """Another run, in which `work` happens."""
    with RunMaker(tmp_path, run=run) as later:
        later.started()
        work(later)
        later.finished()
        later.take_in()


def test_a_retry_is_resolved_by_the_new_attempt_and_not_by_the_button(
    failed: RunMaker, tmp_path: Path
) -> None:
    given = decisions.retry(case("1").pk, by=ANN, at=now())
    assert (given.status, item("1").status) == ("retrying", "pending")

    def work(run: RunMaker) -> None:
        run.begin("1", 2)
        run.end("1", 2, confirmation="C-2")

    again(tmp_path, work)
    settled = case("1")
    assert (settled.status, settled.resolution, item("1").status) == ("resolved", "retried", "done")
    assert settled.problem.status == "resolved"
    verbs = [(a.verb, a.by) for a in Act.objects.filter(subject=settled.pk)]
    assert verbs == [("opened", "runner"), ("retry", ANN), ("resolved", "runner")]


def test_a_retry_that_fails_opens_the_case_again(failed: RunMaker, tmp_path: Path) -> None:
    opened, problem = case("1").opened, case("1").problem
    decisions.retry(case("1").pk, by=ANN, at=now())

    def work(run: RunMaker) -> None:
        run.begin("1", 2)
        run.fail("1", 2, kind="application", message="Timeout 300ms exceeded", code="")

    again(tmp_path, work)
    reopened = case("1")
    assert (reopened.status, reopened.times_opened, reopened.kind) == ("open", 2, "application")
    assert reopened.opened == opened
    problem.refresh_from_db()
    assert (problem.status, reopened.problem.status) == ("resolved", "open")
    assert reopened.due is not None


def test_a_retry_with_data_keeps_the_old_data(failed: RunMaker) -> None:
    before = item("3").data
    with pytest.raises(ConflictError, match=r"STATE: its row does not fit .* --set"):
        decisions.retry(case("3").pk, by=ANN, at=now())
    decisions.retry(case("3").pk, by=ANN, at=now(), data={"number": "3", "amount": "12.50"})
    row = item("3")
    assert (row.status, row.valid, row.data["amount"], row.original) == ("pending", True, "12.50", before)
    act = Act.objects.get(verb="retry")
    assert act.data["before"] == before
    assert act.data["after"] == {"number": "3", "amount": "12.50"}


def test_retries_leave_one_queued_run_of_the_same_bot_with_the_same_parameters(failed: RunMaker) -> None:
    first = decisions.retry(case("1").pk, by=ANN, at=now())
    second = decisions.retry(case("3").pk, by=ANN, at=now(), data={"number": "3"})
    run = Run.objects.get(status="queued")
    assert first.run == second.run == run.pk
    assert (run.bot, run.parameters) == ("post_orders", {"workbook": "orders.xlsx"})
    assert (run.requested_by, run.process) == (ANN, "sales")


def test_a_retry_can_be_told_to_start_no_run(failed: RunMaker) -> None:
    assert decisions.retry(case("1").pk, by=ANN, at=now(), start_run=False).run is None
    assert not Run.objects.filter(status="queued").exists()


def test_an_unknown_outcome_is_neither_retried_nor_closed_without_being_looked_at(failed: RunMaker) -> None:
    unknown = case("2").pk
    refused: tuple[Callable[[], Decided], ...] = (
        lambda: decisions.retry(unknown, by=ANN, at=now()),
        lambda: decisions.done(unknown, by=ANN, at=now(), note="typed it in"),
        lambda: decisions.reject(unknown, by=ANN, at=now(), note="no"),
    )
    for act in refused:
        with pytest.raises(ConflictError) as caught:
            act()
        text = str(caught.value)
        assert "STATE: outcome of step 'submit' is unknown - " in text
        assert "confirm in the target system first" in text
    assert (case("2").status, item("2").status, Act.objects.filter(machine=False).count()) == (
        "open",
        "exception",
        0,
    )
    decisions.comment(unknown, by=ANN, at=now(), note="I ask the portal's people")
    decisions.snooze(unknown, by=ANN, at=now(), until=now() + timedelta(hours=1))
    assert decisions.claim(unknown, by=ANN, at=now()).status == "claimed"


def test_attested_as_done_finishes_the_item(failed: RunMaker) -> None:
    given = decisions.attest(
        case("2").pk, by=ANN, at=now(), outcome=Settled.DONE, note="order 2 is in the portal"
    )
    assert (given.status, given.run, case("2").resolution) == ("resolved", None, "attested")
    assert (item("2").status, item("2").irreversible) == ("done", {"submit": {"state": "done"}})


def test_attested_as_not_done_lets_the_step_act_again(failed: RunMaker) -> None:
    given = decisions.attest(
        case("2").pk, by=ANN, at=now(), outcome=Settled.NOT_DONE, note="no order 2 there"
    )
    assert (given.status, item("2").status) == ("retrying", "pending")
    assert item("2").irreversible == {"submit": {"state": "not_done"}}
    assert given.run is not None
    with pytest.raises(ConflictError, match="nothing to attest"):
        decisions.attest(case("1").pk, by=ANN, at=now(), outcome=Settled.DONE, note="x")


def test_done_by_hand_and_reject_need_words_and_settle_the_item(failed: RunMaker) -> None:
    with pytest.raises(UsageError, match="what was done by hand is missing"):
        decisions.done(case("1").pk, by=ANN, at=now(), note=" ")
    with pytest.raises(UsageError, match="the reason is missing"):
        decisions.reject(case("1").pk, by=ANN, at=now(), note="")
    decisions.done(case("1").pk, by=ANN, at=now(), note="typed in by me")
    decisions.reject(case("3").pk, by=ANN, at=now(), note="the customer withdrew it")
    assert (item("1").status, case("1").resolution) == ("done", "by_hand")
    assert (item("3").status, case("3").resolution) == ("rejected", "rejected")
    assert {c.problem.status for c in (case("1"), case("3"))} == {"resolved"}


def test_a_retry_that_nobody_has_begun_can_still_be_done_by_hand(failed: RunMaker) -> None:
    decisions.retry(case("1").pk, by=ANN, at=now())
    assert decisions.done(case("1").pk, by=ANN, at=now(), note="typed in").status == "resolved"


def test_an_item_that_is_being_worked_on_is_not_decided(failed: RunMaker) -> None:
    decisions.retry(case("1").pk, by=ANN, at=now())
    Item.objects.filter(key="1").update(status="running")
    with pytest.raises(ConflictError, match="being worked on"):
        decisions.done(case("1").pk, by=ANN, at=now(), note="typed in")


def test_the_second_of_two_decisions_hears_who_was_faster(failed: RunMaker) -> None:
    seen = case("1").version
    decisions.done(case("1").pk, by="ben", at=now(), note="typed in", version=seen)
    with pytest.raises(ConflictError) as caught:
        decisions.retry(case("1").pk, by=ANN, at=now(), version=seen)
    text = str(caught.value)
    assert "already decided by ben at 20" in text
    assert "reload it" in text
    assert caught.value.exit_code == 5
    assert item("1").status == "done"
    with pytest.raises(ConflictError, match="already decided by ben"):
        decisions.claim(case("1").pk, by=ANN, at=now())
    decisions.comment(case("1").pk, by=ANN, at=now(), note="thank you")


def test_a_stale_claim_is_refused_and_a_comment_makes_nothing_stale(failed: RunMaker) -> None:
    seen = case("1").version
    decisions.comment(case("1").pk, by="ben", at=now(), note="look at the catalogue")
    decisions.claim(case("1").pk, by=ANN, at=now(), version=seen)
    assert case("1").assignee == ANN
    with pytest.raises(ConflictError, match=r"already decided by ann at .*: claim"):
        decisions.claim(case("1").pk, by="ben", at=now(), version=seen)


def test_snooze_needs_the_future(failed: RunMaker) -> None:
    at = now()
    with pytest.raises(UsageError, match="not in the future"):
        decisions.snooze(case("1").pk, by=ANN, at=at, until=at)
    until = at + timedelta(days=1)
    assert decisions.snooze(case("1").pk, by=ANN, at=at, until=until).status == "waiting"
    assert case("1").snoozed_until == until


def test_bulk_works_on_what_was_seen_and_says_what_became_of_each(failed: RunMaker) -> None:
    chosen = bulk.select(CaseFilter(queue="orders", status=("open",)))
    assert len(chosen) == 3
    decisions.claim(case("3").pk, by="ben", at=now())

    def rejected(one: Chosen) -> Decided:
        return decisions.reject(one.id, by=ANN, at=now(), note="old orders", version=one.version)

    results = {row.id: row for row in bulk.bulk(chosen, rejected)}
    assert results[case("1").pk].outcome == Outcome.DONE
    assert results[case("2").pk].outcome == Outcome.REFUSED
    assert "confirm in the target system first" in results[case("2").pk].why
    assert results[case("3").pk].outcome == Outcome.SKIPPED
    assert "already decided by ben" in results[case("3").pk].why
    assert case("3").status == "claimed"


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (CaseFilter(kind="business"), {"1", "3"}),
        (CaseFilter(text="catalogue"), {"1"}),
        (CaseFilter(text="amount 'x'"), {"3"}),
        (CaseFilter(bot="other"), set()),
        (CaseFilter(status=("claimed",)), set()),
        (CaseFilter(), {"1", "2", "3"}),
    ],
)
def test_filters_choose(failed: RunMaker, wanted: CaseFilter, keys: set[str]) -> None:
    assert {one.id for one in bulk.select(wanted)} == {item_case_id("orders", key) for key in keys}


def test_a_run_case_asks_for_a_new_run_and_is_resolved_when_that_goes_through(tmp_path: Path) -> None:
    crash = {"kind": "application", "why": "crash"}
    with RunMaker(tmp_path) as run:
        run.started(parameters={"n": 1})
        run.finished("failed", case=crash)
        run.take_in()
    case_id = run_case_id(run.run)
    with pytest.raises(ConflictError, match="a run has no data"):
        decisions.retry(case_id, by=ANN, at=now(), data={"n": 2})
    first = decisions.retry(case_id, by=ANN, at=now())
    assert first.run is not None
    assert Run.objects.get(pk=first.run).parameters == {"n": 1}
    with RunMaker(tmp_path, run=first.run) as second:
        second.started()
        second.finished("failed", case=crash)
        second.take_in()
    assert Case.objects.get().status == "open"
    assert Case.objects.get().run_id == first.run
    third = decisions.retry(case_id, by=ANN, at=now())
    again(tmp_path, lambda _: None, run=third.run)
    assert (Case.objects.get().status, Case.objects.get().resolution) == ("resolved", "retried")


def test_a_decision_is_whole_or_not_at_all(failed: RunMaker) -> None:
    """The act and its effect are one transaction: here the effect fails after the act has been written."""
    Item.objects.filter(key="1").update(status="rejected")
    with pytest.raises(ConflictError):
        decisions.done(case("1").pk, by=ANN, at=now(), note="typed in")
    assert not Act.objects.filter(machine=False).exists()


def test_ids_are_found_by_their_beginning(failed: RunMaker) -> None:
    whole = case("1").pk
    assert resolve_case_id(whole[:8].lower()) == whole
    assert resolve_case_id(whole.replace("0", "o").replace("1", "l")) == whole
    with pytest.raises(UsageError, match="too short"):
        resolve_case_id(whole[:2])
    wrong = whole[:-1] + ("A" if whole[-1] != "A" else "B")
    with pytest.raises(UsageError, match=f"not found - did you mean '{whole}'"):
        resolve_case_id(wrong)
    twin = Case.objects.get(pk=whole)
    twin.pk, twin.item = whole[:4] + "????????", None
    twin.save(force_insert=True)
    with pytest.raises(UsageError, match="fits more than one case"):
        resolve_case_id(whole[:4])
    assert resolve_run_id(failed.run[-6:]) == failed.run
    assert resolve_run_id(failed.run[:20].upper()) == failed.run


def test_an_unknown_case_is_said_to_be_unknown() -> None:
    with pytest.raises(UsageError, match="NOT_FOUND: case 'ABC' not found"):
        decisions.comment("ABC", by=ANN, at=now(), note="hello")


def test_of_two_people_who_decide_at_one_moment_one_is_heard(failed: RunMaker) -> None:
    seen, results, together = case("1").version, [], threading.Barrier(2)

    def decide(by: str) -> None:
        try:
            together.wait(20)
            decisions.done(case("1").pk, by=by, at=now(), note="typed in", version=seen)
            results.append("heard")
        except ConflictError as error:
            results.append(error.stable_code)
        finally:
            connections.close_all()

    people = [threading.Thread(target=decide, args=(by,)) for by in ("ann", "ben")]
    for person in people:
        person.start()
    for person in people:
        person.join(30)
    assert sorted(results) == ["CONFLICT", "heard"]
    assert Act.objects.filter(verb="done").count() == 1
