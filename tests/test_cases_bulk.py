"""Bulk acts: what was looked at is what is decided, each case has its result, and a crash in the middle loses nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from runner.cases import decisions
from runner.cases.audit import verify
from runner.cases.bulk import Chosen, Outcome, apply, freeze, preview, selection, undo_all
from runner.cases.case_rows import wrong_counts
from runner.cases.decisions import Decision
from runner.core.errors import ConflictError, UsageError
from runner.core.nouns import ActVerb, Priority
from runner.store.case_lists import CaseFilter
from runner.store.models import Act, BulkSelection, Case
from tests.cases_history import case_of, failed_run, item_of, now, queued, same_after_rebuild

ROOT = Path(__file__).resolve().parents[1]
ANN, BEN = "ann", "ben"
RETRY = Decision(ActVerb.RETRY, "again")


@pytest.fixture
def runs(store: Path, tmp_path: Path) -> Path:
    """Items 1 to 5 have failed."""
    failed_run(tmp_path / "runs", "1", "2", "3", "4", "5")
    return tmp_path / "runs"


def test_a_selection_is_frozen_and_what_moved_meanwhile_is_skipped_with_the_reason(runs: Path) -> None:
    chosen = freeze(CaseFilter(queue="orders"), by=ANN, at=now())
    assert len(chosen.cases) == 5
    failed_run(runs, "6")
    decisions.reject(case_of("2").pk, by=BEN, at=now(), note="old")
    decisions.claim(case_of("3").pk, by=BEN, at=now())
    foreseen = preview(selection(chosen.id), RETRY)
    assert [one.outcome for one in foreseen].count(Outcome.SKIPPED) == 2
    assert Act.objects.filter(verb="retry").count() == 0
    results = apply(chosen, RETRY, by=ANN, at=now)
    assert [(r.id, r.outcome) for r in results] == [(p.id, p.outcome) for p in foreseen]
    why = {r.id: r.why for r in results}
    assert "already decided by ben at 20" in why[case_of("2").pk]
    assert "claim; it is claimed now" in why[case_of("3").pk]
    assert case_of("6").status == "open"
    stored = selection(chosen.id)
    assert stored.counts == {"done": 3, "skipped": 2}
    assert stored.finished is not None
    assert len(queued()) == 1
    assert verify().broken is None
    same_after_rebuild(runs)


def test_what_a_case_does_not_allow_is_refused_for_that_case_only(runs: Path) -> None:
    from tests.test_cases_acts import unknown

    pk = unknown(runs)
    chosen = freeze([case_of("1").pk, pk], by=ANN, at=now())
    for results in (preview(chosen, RETRY), apply(chosen, RETRY, by=ANN, at=now)):
        assert [one.outcome for one in results] == [Outcome.DONE, Outcome.REFUSED]
        assert "outcome of step 'submit' is unknown" in results[1].why


@pytest.mark.parametrize(
    "decision",
    [
        Decision(ActVerb.ASSIGN, assignee=BEN),
        Decision(ActVerb.SNOOZE, until=now() + timedelta(days=1)),
        Decision(ActVerb.PRIORITY, priority=Priority.HIGH),
        Decision(ActVerb.DONE, "typed in"),
        Decision(ActVerb.REJECT, "old"),
        Decision(ActVerb.CLAIM),
        RETRY,
    ],
    ids=lambda one: one.verb,
)
def test_every_bulk_decision_is_taken_back_as_a_whole(runs: Path, decision: Decision) -> None:
    assert Decision.from_json(decision.as_json()) == decision
    chosen = freeze([case_of("1").pk, case_of("2").pk], by=ANN, at=now())
    apply(chosen, decision, by=ANN, at=now)
    back = undo_all(chosen, by=ANN, at=now)
    assert [one.outcome for one in back] == [Outcome.DONE, Outcome.DONE]
    assert {case_of(key).status for key in "12"} == {"open"}
    assert {item_of(key).status for key in "12"} == {"exception"}
    same_after_rebuild(runs)


def test_a_selection_goes_on_where_it_stopped_and_decides_nothing_twice(runs: Path) -> None:
    chosen = freeze(CaseFilter(), by=ANN, at=now())

    class PowerCut(Exception):
        pass

    def cut(number: int, _result: object) -> None:
        if number == 2:
            raise PowerCut

    with pytest.raises(PowerCut):
        apply(chosen, RETRY, by=ANN, at=now, progress=cut)
    assert Act.objects.filter(verb="retry").count() == 2
    assert selection(chosen.id).finished is None
    results = apply(selection(chosen.id), RETRY, by=ANN, at=now)
    assert [one.outcome for one in results] == [Outcome.DONE] * 5
    assert [one.decided.repeated for one in results if one.decided] == [True, True, False, False, False]
    assert Act.objects.filter(verb="retry").count() == 5
    with pytest.raises(ConflictError, match=r"SELECTION: 'retry' by ann was begun"):
        apply(chosen, Decision(ActVerb.REJECT, "x"), by=ANN, at=now)
    with pytest.raises(ConflictError, match="SELECTION"):
        apply(chosen, RETRY, by=BEN, at=now)


def test_a_selection_that_can_not_be_frozen_says_why(runs: Path) -> None:
    with pytest.raises(UsageError, match="SELECTION_EMPTY"):
        freeze(CaseFilter(text="nothing like it"), by=ANN, at=now())
    with pytest.raises(UsageError, match=r"NOT_FOUND: case 'NOPE'"):
        freeze(["NOPE"], by=ANN, at=now())
    with pytest.raises(UsageError, match=r"SELECTION_SIZE: more than 10,000"):
        freeze([case_of("1").pk] + [f"X{n}" for n in range(10_000)], by=ANN, at=now())
    with pytest.raises(UsageError, match=r"selection 'x' not found"):
        selection("x")


def test_the_version_that_was_looked_at_is_kept(runs: Path) -> None:
    case = case_of("1")
    decisions.claim(case.pk, by=BEN, at=now())
    chosen = freeze([Chosen(case.pk, case.version)], by=ANN, at=now())
    assert apply(chosen, RETRY, by=ANN, at=now)[0].outcome is Outcome.SKIPPED


SERVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from runner.store.open import open_store
open_store(Path(sys.argv[1]))
from runner.cases.bulk import apply, selection
from runner.cases.decisions import Decision
from runner.core.nouns import ActVerb
def tell(number, result):
    print(result.id, result.outcome, flush=True)
chosen = selection(sys.argv[2])
apply(chosen, Decision(ActVerb.DONE, "typed in"), by="ann", at=lambda: datetime.now(UTC), progress=tell)
"""


def test_a_server_killed_in_the_middle_of_200_decisions_has_stored_what_it_acknowledged_and_none_twice(
    store: Path, tmp_path: Path
) -> None:
    failed_run(tmp_path / "runs", *(str(n) for n in range(200)))
    chosen = freeze(CaseFilter(), by=ANN, at=now())
    connection.close()
    acknowledged: set[str] = set()
    for kill_after in (1, 40, 90, None):
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(store), chosen.id], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        before = Act.objects.filter(verb="done").count()
        new = 0
        for line in server.stdout:
            case, outcome = line.split()
            assert outcome == "done"
            new += case not in acknowledged
            acknowledged.add(case)
            if kill_after is not None and new >= kill_after:
                server.send_signal(signal.SIGKILL)
                break
        server.stdout.close()
        server.wait(30)
        stored = set(Act.objects.filter(verb="done").values_list("subject", flat=True))
        assert acknowledged <= stored
        assert Act.objects.filter(verb="done").count() == len(stored) >= before
    assert len(acknowledged) == 200
    assert Case.objects.filter(status="resolved").count() == 200
    assert BulkSelection.objects.get().counts == {"done": 200}
    assert verify().broken is None
    assert wrong_counts() == []
