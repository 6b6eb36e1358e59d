"""People ask for runs, start schedules, answer missed due times, and others start them by URL; kept over a rebuild."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.cases import decisions, schedule_acts, trigger_urls
from runner.cases.cancel import cancel_run
from runner.cases.rebuild import rebuild
from runner.cases.run_requests import RunWish, ask_run, new_token, run_again
from runner.cases.schedule_requests import backfill, decide_missed, missed_of, preview_backfill, run_schedule
from runner.core.errors import ConfigurationError, ConflictError, ErrorReport, UsageError
from runner.core.nouns import CaseStatus, OccurrenceState, RunStatus
from runner.core.schedules_model import Schedule
from runner.engine.occurrences import Wanted, record_all
from runner.journal.write import Journal
from runner.store.models import Act, Bot, Case, Occurrence, Run
from runner.timetable.due_times import DueTime, Planned
from runner.timetable.loading import trigger_of
from runner.timetable.policies import Decision
from tests.store_snapshot import differences, snapshot

pytestmark = pytest.mark.usefixtures("store")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SCHEMA = {
    "type": "object",
    "properties": {"top": {"type": "integer", "minimum": 1}, "day": {"type": "string", "format": "date"}},
    "required": ["top"],
}


def known_bot(**values: Any) -> None:
    told = {"parameters": SCHEMA, "title": "Count."}
    Bot.objects.create(name="count", file="bots/counting.py", looked=NOON, description=told, **values)


def planned(**values: Any) -> Planned:
    told = {"id": "orders", "bot": "count", "every": "1h", "parameters": {"top": 2}, **values}
    schedule = Schedule.model_validate(told)
    return Planned(schedule, trigger_of(schedule))


def missed(tmp_path: Path, *dues: datetime) -> None:
    with Journal(tmp_path / "scheduler" / "a.jsonl", run="", lane=0, bot="") as journal:
        ends = [
            Decision(DueTime(d, d), OccurrenceState.MISSED, "nobody was there", needs_case=True) for d in dues
        ]
        record_all([Wanted(end, planned()) for end in ends], NOON, journal)


def test_a_run_is_asked_for_with_checked_parameters_and_by_whom() -> None:
    known_bot(process="counting")
    run = Run.objects.get(
        pk=ask_run(RunWish("count", {"top": "3", "day": "2026-11-24"}, priority=5), by="ann", at=NOON)
    )
    assert (run.status, run.parameters, run.process) == (
        "queued",
        {"top": 3, "day": "2026-11-24"},
        "counting",
    )
    assert (run.requested_by, run.priority, run.bot_file) == ("ann", 5, "bots/counting.py")
    act = Act.objects.get()
    assert (act.by, act.subject, act.verb) == ("ann", run.pk, "start")
    with pytest.raises(ErrorReport) as caught:
        ask_run(RunWish("count", {"top": 0, "dya": "x"}), by="ann", at=NOON)
    assert [error.where for error in caught.value.errors] == ["parameters.top", "parameters.dya"]
    with pytest.raises(UsageError, match="did you mean 'count'"):
        ask_run(RunWish("cuont"), by="ann", at=NOON)
    Bot.objects.update(error="bots/counting.py:3: BOT_SYNTAX: no")
    with pytest.raises(ConfigurationError, match=r"BOT_BROKEN.*BOT_SYNTAX"):
        ask_run(RunWish("count", {"top": 1}), by="ann", at=NOON)
    Bot.objects.update(error="", present=False)
    with pytest.raises(UsageError, match="no longer there"):
        ask_run(RunWish("count", {"top": 1}), by="ann", at=NOON)
    assert Run.objects.count() == 1


def test_a_form_that_is_sent_twice_is_one_run() -> None:
    known_bot()
    token = new_token(NOON)
    wish = RunWish("count", {"top": 1}, token=token)
    first, second = (ask_run(wish, by="ann", at=NOON + n * MINUTE) for n in (1, 2))
    assert first == second
    assert ask_run(wish, by="ben", at=NOON + MINUTE) != first
    token = new_token(NOON)
    starts = {run_schedule(planned(), by="ann", at=NOON + n * MINUTE, token=token) for n in (1, 2)}
    assert len(starts) == 1
    for wrong in ("x", f"{NOON + HOUR:%Y-%m-%dT%H:%M:%S.%fZ}.later"):
        with pytest.raises(UsageError, match="TOKEN"):
            ask_run(RunWish("count", {"top": 1}, token=wrong), by="ann", at=NOON)


def test_a_run_is_asked_for_again_with_the_same_or_other_parameters() -> None:
    known_bot()
    first = ask_run(RunWish("count", {"top": 1}, priority=7), by="ann", at=NOON)
    Run.objects.filter(pk=first).update(
        schedule="orders", policy={"resources": ["portal"], "retry": {"times": 2}, "file": {"path": "x"}}
    )
    same = Run.objects.get(pk=run_again(first, by="ben", at=NOON + MINUTE))
    assert (same.parameters, same.priority, same.schedule) == ({"top": 1}, 7, None)
    assert same.policy == {"resources": ["portal"]}
    other = Run.objects.get(pk=run_again(first, by="ben", at=NOON + MINUTE, parameters={"top": "9"}))
    assert other.parameters == {"top": 9}
    assert Act.objects.filter(data__like=first).count() == 2
    with pytest.raises(ErrorReport, match="PARAM_MISSING"):
        run_again(first, by="ben", at=NOON, parameters={})
    with pytest.raises(UsageError, match="NOT_FOUND"):
        run_again("no-such-run", by="ben", at=NOON)


def test_runs_that_were_asked_for_and_cancelled_are_the_same_after_a_rebuild(tmp_path: Path) -> None:
    known_bot()
    asked = ask_run(RunWish("count", {"top": 1}), by="ann", at=NOON)
    gone = ask_run(RunWish("count", {"top": 2}), by="ann", at=NOON + MINUTE)
    assert cancel_run(gone, by="ben", at=NOON + HOUR) == RunStatus.CANCELLED
    before = snapshot()
    (tmp_path / "runs").mkdir()
    rebuild(tmp_path / "runs", now=NOON + 2 * HOUR)
    assert differences(before, snapshot()) == []
    assert dict(Run.objects.values_list("pk", "status")) == {asked: "queued", gone: "cancelled"}


def test_a_schedule_is_run_now_with_parameters_over_its_own() -> None:
    known_bot()
    run = Run.objects.get(pk=run_schedule(planned(), by="ann", at=NOON, parameters={"day": "2026-01-31"}))
    assert run.parameters == {"top": 2, "day": "2026-01-31"}
    assert (run.schedule, run.due) == ("orders", NOON)
    with pytest.raises(ErrorReport, match="PARAM_UNKNOWN"):
        run_schedule(planned(), by="ann", at=NOON + MINUTE, parameters={"x": 1})


def test_a_backfill_shows_first_and_runs_each_due_time_once() -> None:
    rows = preview_backfill(planned(), NOON - 3 * HOUR, NOON + HOUR, NOON)
    assert [row.due for row in rows] == [NOON - n * HOUR for n in (3, 2, 1, 0)]
    done = backfill(planned(), rows, by="ann", at=NOON)
    assert all(row.run for row in done)
    again = backfill(planned(), rows, by="ann", at=NOON + MINUTE)
    assert all("has ended already: ran" in row.why for row in again)
    assert preview_backfill(planned(), NOON - 3 * HOUR, NOON, NOON) == []
    assert Run.objects.count() == 4
    with pytest.raises(UsageError, match="more than 1000"):
        preview_backfill(planned(every="1m"), NOON - 40 * HOUR, NOON, NOON)


@pytest.mark.parametrize("run", [True, False])
def test_missed_due_times_are_answered_together_with_their_case(tmp_path: Path, *, run: bool) -> None:
    dues = [NOON - n * HOUR for n in (3, 2, 1)]
    missed(tmp_path, *dues)
    case = Case.objects.get()
    later = datetime.now(UTC)  # people answer after the scheduler has written
    assert [row.due for row in missed_of("orders", case.pk)] == dues
    decide_missed(planned(), dues[:1], run=run, by="ann", at=later, note="stocktaking")
    assert Case.objects.get().status == CaseStatus.OPEN
    assert len(missed_of("orders")) == 2
    done = decide_missed(planned(), dues, run=run, by="ann", at=later + MINUTE, note="stocktaking")
    assert [bool(row.why) for row in done] == [True, False, False]
    assert Case.objects.get().status == CaseStatus.RESOLVED
    assert missed_of("orders") == []
    assert Run.objects.count() == (3 if run else 0)
    assert all("ann: stocktaking" in reason for reason in Occurrence.objects.values_list("reason", flat=True))
    before = snapshot()
    (tmp_path / "runs").mkdir()
    rebuild(tmp_path / "runs", now=NOON + HOUR)
    assert differences(before, snapshot()) == []


def test_what_is_left_needs_a_reason() -> None:
    with pytest.raises(UsageError, match="reason is missing"):
        decide_missed(planned(), [NOON], run=False, by="ann", at=NOON, note=" ")
    (row,) = decide_missed(planned(), [NOON], run=False, by="ann", at=NOON, note="no")
    assert "was not missed" in row.why


def test_a_pause_until_a_time_ends_by_itself_and_says_so_once() -> None:
    schedule_acts.pause("orders", by="ann", at=NOON, reason="audit", until=NOON + HOUR)
    schedule_acts.pause("early", by="ann", at=NOON, reason="audit", until=NOON + HOUR)
    schedule_acts.resume("early", by="ben", at=NOON + MINUTE)
    schedule_acts.pause("open", by="ann", at=NOON, reason="audit")
    assert schedule_acts.end_pauses(NOON + MINUTE) == []
    assert schedule_acts.end_pauses(NOON + 2 * HOUR) == ["orders"]
    assert schedule_acts.end_pauses(NOON + 3 * HOUR) == []
    ended = Act.objects.get(subject="orders", verb="resume")
    assert (ended.at, ended.machine) == (NOON + HOUR, True)
    assert "ann" in ended.note
    standing = schedule_acts.standings(["orders"])["orders"]
    assert standing.pause_at(NOON + MINUTE, NOON + 2 * HOUR) is not None
    assert standing.pause_at(NOON + HOUR, NOON + 2 * HOUR) is None


def test_a_url_starts_its_schedule_and_each_call_counts_once(tmp_path: Path) -> None:
    known_bot()
    made = trigger_urls.make_trigger_url("orders", label="warehouse", by="ann", at=NOON)
    one = planned(overlap="queue")

    def fire(token: str = made.token, **more: Any) -> trigger_urls.Fired:
        return trigger_urls.fire_by_url(token, lambda name: one if name == "orders" else None, **more)

    first = fire(at=NOON, parameters={"top": 4}, call="order-17")
    assert (first.state, first.again) == (OccurrenceState.RAN, False)
    assert fire(at=NOON + MINUTE, call="order-17").run == first.run
    run = Run.objects.get(pk=first.run)
    assert (run.parameters, run.requested_by, run.schedule) == ({"top": 4}, "url:warehouse", "orders")
    with pytest.raises(ErrorReport, match="PARAM_VALUE"):
        fire(at=NOON + MINUTE, parameters={"top": 0})
    second = fire(at=NOON)  # at the same instant: an occurrence of its own
    assert second.due != first.due
    schedule_acts.pause("orders", by="ann", at=NOON, reason="audit")
    assert (third := fire(at=NOON + HOUR)).state == OccurrenceState.SKIPPED
    assert third.reason == "paused: by ann: audit"
    assert trigger_urls.trigger_urls("orders")[0].uses == 3
    before = snapshot()
    (tmp_path / "runs").mkdir()
    rebuild(tmp_path / "runs", now=NOON + HOUR)
    assert differences(before, snapshot()) == []
    trigger_urls.revoke_trigger_url(made.id, by="ann", at=NOON)
    for token in (made.token, "guessed"):
        with pytest.raises(UsageError, match="TRIGGER_TOKEN"):
            fire(token, at=NOON)
    with pytest.raises(ConflictError, match="ann revoked it already"):
        trigger_urls.revoke_trigger_url(made.id, by="ben", at=NOON)
    assert made.token not in str(list(Act.objects.values_list("data", "note")))


def test_a_url_leaves_out_what_overlaps() -> None:
    made = trigger_urls.make_trigger_url("orders", label="warehouse", by="ann", at=NOON)
    for overlap, states in (("skip", ["ran", "skipped"]), ("replace", ["ran", "ran"])):
        one = planned(overlap=overlap)
        found = [trigger_urls.fire_by_url(made.token, lambda _: one, at=NOON + n * MINUTE) for n in range(2)]  # noqa: B023
        assert [fired.state for fired in found] == states
        Run.objects.update(status=RunStatus.DONE)
        Occurrence.objects.all().delete()


def test_a_case_of_missed_due_times_can_still_be_closed_by_itself(tmp_path: Path) -> None:
    missed(tmp_path, NOON - HOUR)
    decisions.done(Case.objects.get().pk, by="ann", at=NOON, note="done on paper")
    decide_missed(planned(), [NOON - HOUR], run=False, by="ann", at=NOON + MINUTE, note="done on paper")
    assert Case.objects.get().status == CaseStatus.RESOLVED
