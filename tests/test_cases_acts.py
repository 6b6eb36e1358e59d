"""What the desk lets people do with one case: hand it on, name somebody, put it aside, prove it, take it back."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections

from runner.cases import decisions
from runner.cases.audit import verify
from runner.cases.deciding import Decided
from runner.cases.mentions import mentions_in, mentions_of, see_mentions
from runner.cases.proofs import LARGEST, keep_proof, read_proof
from runner.cases.undoing import undo
from runner.cases.waking import wake_due
from runner.core.contract import Settled
from runner.core.errors import ConflictError, EnvironmentProblem, UsageError
from runner.core.nouns import ActVerb, Priority
from runner.store.models import Act, Run
from runner.store.outcomes import item_outcomes
from tests.cases_history import (
    case_of,
    failed_run,
    item_of,
    now,
    queued,
    retried_run,
    same_after_rebuild,
    verbs,
)
from tests.journal_maker import RunMaker

pytestmark = pytest.mark.usefixtures("store")
ANN, BEN = "ann", "ben"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Items 1, 2, 3 have failed."""
    failed_run(tmp_path / "runs", "1", "2", "3")
    return tmp_path / "runs"


def unknown(runs: Path, key: str = "9") -> str:
    """An item whose irreversible step has an unknown outcome; its case."""
    with RunMaker(runs) as run:
        run.started()
        run.put(key)
        run.begin(key)
        run.line(1, "irreversible.intent", queue="orders", item=key, attempt=1, step="submit")
        run.fail(key, kind="unknown", message="outcome of step 'submit' is unknown", code="OUTCOME_UNKNOWN")
        run.finished("exceptions")
        run.take_in()
    return case_of(key).pk


# -- handing on ------------------------------------------------------------------------------------------------------


def test_a_case_is_given_to_somebody_and_taken_from_them(runs: Path) -> None:
    pk = case_of("1").pk
    assert decisions.assign(pk, by=ANN, at=now(), assignee=BEN).status == "claimed"
    assert case_of("1").assignee == BEN
    assert decisions.unassign(pk, by=ANN, at=now()).status == "open"
    assert case_of("1").assignee == ""
    with pytest.raises(ConflictError, match="STATE: nobody has taken it on"):
        decisions.unassign(pk, by=ANN, at=now())
    with pytest.raises(UsageError, match="it is not said to whom"):
        decisions.assign(pk, by=ANN, at=now(), assignee=" ")
    same_after_rebuild(runs)


def test_a_case_that_was_put_aside_stays_so_when_it_is_given_on(runs: Path) -> None:
    pk = case_of("1").pk
    until = now() + timedelta(hours=2)
    decisions.snooze(pk, by=ANN, at=now(), until=until)
    assert decisions.assign(pk, by=ANN, at=now(), assignee=BEN).status == "waiting"
    assert case_of("1").snoozed_until == until
    assert decisions.unassign(pk, by=ANN, at=now()).status == "waiting"


def test_the_priority_is_set_and_makes_older_decisions_stale(runs: Path) -> None:
    case = case_of("1")
    decisions.prioritise(case.pk, by=ANN, at=now(), priority=Priority.URGENT, version=case.version)
    assert case_of("1").priority == Priority.URGENT
    with pytest.raises(
        ConflictError, match=r"already decided by ann at 20.*: priority; it is open now, in version 2"
    ):
        decisions.done(case.pk, by=BEN, at=now(), note="x", version=case.version)
    with pytest.raises(UsageError, match="low, normal, high or urgent"):
        decisions.decide(case.pk, decisions.Decision(ActVerb.PRIORITY), by=ANN, at=now())
    same_after_rebuild(runs)


# -- naming somebody -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@Ben please look", ("ben",)),
        ("see @ben, @mei.lin and @Ben.", ("ben", "mei.lin")),
        ("mail to ben@example.invalid", ()),
        ("请 @小李 看一下", ("小李",)),
        ("@ nobody, a/@b, @@c", ()),
        ("(@ann)", ("ann",)),
    ],
)
def test_who_is_named(text: str, names: tuple[str, ...]) -> None:
    assert mentions_in(text) == names


def test_who_is_named_can_see_where_and_mark_it_as_seen(runs: Path) -> None:
    pk = case_of("1").pk
    decisions.comment(pk, by=ANN, at=now(), note="@Ben, is this the old price?")
    decisions.done(case_of("2").pk, by=ANN, at=now(), note="done with @ben and @cleo")
    found = mentions_of("BEN", unseen=True)
    assert [(m["subject"], m["by"]) for m in found] == [(case_of("2").pk, ANN), (pk, ANN)]
    assert found[1]["note"] == "@Ben, is this the old price?"
    assert see_mentions("ben", now(), subject=pk) == 1
    assert [m["subject"] for m in mentions_of("ben", unseen=True)] == [case_of("2").pk]
    assert len(mentions_of("ben")) == 2
    same_after_rebuild(runs)
    assert len(mentions_of("ben")) == 2


# -- proof -----------------------------------------------------------------------------------------------------------


def test_what_was_said_of_an_item_that_was_settled_by_hand_goes_beside_its_row(runs: Path) -> None:
    decisions.done(case_of("1").pk, by=ANN, at=now(), note="typed in as PC-7")
    decisions.attest(unknown(runs), by=ANN, at=now(), outcome=Settled.DONE, note="it is there")
    decisions.reject(case_of("3").pk, by=ANN, at=now(), note="not ours")
    told = {key: (one["status"], one["message"]) for key, one in item_outcomes("orders", "1239").items()}
    assert told["1"] == ("done", "done by hand: typed in as PC-7")
    assert told["9"] == ("done", "attested: it is there")
    assert told["2"][0] == "exception"
    assert told["2"][1]
    assert told["3"][0] == "rejected"
    assert "not ours" not in told["3"][1]


def test_an_attest_carries_its_proof_by_the_hash_of_its_bytes(runs: Path, tmp_path: Path) -> None:
    pk = unknown(runs)
    content = b"\x89PNG\r\n\x1a\n" + b"0" * 100
    proof = keep_proof(tmp_path / "proofs", r"C:\shots\..\seen <1>.png", content)
    assert (proof.name, proof.type, proof.size) == ("seen 1.png", "image/png", 108)
    assert keep_proof(tmp_path / "proofs", "again.png", content).sha256 == proof.sha256
    decisions.attest(pk, by=ANN, at=now(), outcome=Settled.DONE, note="it is there", proof=proof)
    act = Act.objects.get(verb="attest")
    assert act.data["proof"] == proof.as_json()
    assert read_proof(tmp_path / "proofs", proof.sha256) == content
    assert verify(tmp_path / "proofs").broken is None
    same_after_rebuild(runs)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.png", b"", "PROOF_EMPTY"),
        ("a.png", b"MZ\x90\x00 a program", "PROOF_TYPE"),
        ("a.pdf", b"<html><script>alert(1)</script>", "PROOF_TYPE"),
        ("a.html", b"<html></html>", "PROOF_TYPE"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PROOF_TYPE"),
        ("a.txt", b"\x00\x01", "PROOF_TYPE"),
        ("a.xlsx", b"PK\x03\x04 something else", "PROOF_TYPE"),
        ("a.txt", b"x" * (LARGEST + 1), "PROOF_SIZE"),
    ],
)
def test_a_proof_of_another_kind_or_size_is_refused(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        keep_proof(tmp_path / "proofs", name, content)
    assert caught.value.stable_code == code
    assert not (tmp_path / "proofs").exists()


@pytest.mark.parametrize("asked", ["../../etc/passwd", "0" * 63, "0" * 64, "A" * 64])
def test_only_a_kept_proof_can_be_read(tmp_path: Path, asked: str) -> None:
    with pytest.raises(EnvironmentProblem, match="PROOF_DAMAGED"):
        read_proof(tmp_path, asked)


# -- put aside -------------------------------------------------------------------------------------------------------


def test_a_case_that_was_put_aside_comes_back_by_itself_once(runs: Path) -> None:
    first, second = case_of("1").pk, case_of("2").pk
    decisions.claim(second, by=BEN, at=now())
    for pk in (first, second):
        decisions.snooze(pk, by=ANN, at=now(), until=now() + timedelta(hours=1))
    assert wake_due(now()) == []
    later = now() + timedelta(hours=2)
    assert sorted(wake_due(later)) == sorted([first, second])
    assert wake_due(later) == []
    assert (case_of("1").status, case_of("1").snoozed_until) == ("open", None)
    assert (case_of("2").status, case_of("2").assignee) == ("claimed", BEN)
    assert verbs(case_of("1")) == ["opened", "snooze", "wake"]
    with pytest.raises(ConflictError, match=r"changed by runner at .*: wake"):
        decisions.done(first, by=ANN, at=later, note="x", version=2)
    same_after_rebuild(runs)


# -- taken back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["claim", "assign", "snooze", "done", "reject", "priority", "retry"])
def test_a_decision_is_taken_back_and_everything_is_as_it_was(runs: Path, verb: str) -> None:
    before, item = case_of("1"), item_of("1")
    carried: dict[str, dict[str, object]] = {
        "assign": {"assignee": BEN},
        "snooze": {"until": now() + timedelta(hours=1)},
        "done": {"note": "typed in"},
        "reject": {"note": "old"},
        "priority": {"priority": Priority.HIGH},
        "retry": {"data": {"number": "1", "customer": "Ho"}},
    }
    act = getattr(decisions, "prioritise" if verb == "priority" else verb)
    given: Decided = act(before.pk, by=ANN, at=now(), **carried.get(verb, {}))
    undo(given.act, by=BEN, at=now())
    after = case_of("1")
    for name in ("status", "assignee", "priority", "snoozed_until", "resolved", "resolution", "due"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.version == before.version + 2
    for name in ("status", "data", "valid", "group_key", "error", "finished"):
        assert getattr(item_of("1"), name) == getattr(item, name), name
    assert after.problem.status == "open"
    assert queued() == []
    assert verbs(after)[-2:] == [verb, "undo"]
    assert verify().broken is None
    same_after_rebuild(runs)


def test_the_last_settled_case_taken_back_opens_its_problem_again(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    failed_run(runs, "1")
    given = decisions.done(case_of("1").pk, by=ANN, at=now(), note="x")
    assert case_of("1").problem.status == "resolved"
    undo(given.act, by=ANN, at=now())
    assert case_of("1").problem.status == "open"
    same_after_rebuild(runs)


def test_a_comment_does_not_stand_against_taking_back(runs: Path) -> None:
    given = decisions.claim(case_of("1").pk, by=ANN, at=now())
    decisions.comment(case_of("1").pk, by=BEN, at=now(), note="oh")
    undo(given.act, by=ANN, at=now())
    assert case_of("1").status == "open"


def test_what_cannot_be_taken_back_says_why(runs: Path) -> None:
    pk = case_of("1").pk
    late = decisions.claim(pk, by=ANN, at=now() - timedelta(minutes=11))
    attested = decisions.attest(unknown(runs), by=ANN, at=now(), outcome=Settled.DONE, note="seen")
    moved = decisions.claim(case_of("2").pk, by=ANN, at=now())
    decisions.done(case_of("2").pk, by=BEN, at=now(), note="x")
    begun = decisions.retry(case_of("3").pk, by=ANN, at=now())
    retried_run(runs, bad=("3",))
    for act, why in (
        (late, "it is older than 10m"),
        (attested, "final"),
        (moved, "the case has moved since"),
        (begun, "the case has moved since"),
    ):
        with pytest.raises(ConflictError, match=r"UNDO: .* can't be taken back") as caught:
            undo(act.act, by=ANN, at=now())
        assert why in str(caught.value)
    with pytest.raises(UsageError, match="NOT_FOUND"):
        undo("nothing", by=ANN, at=now())


def test_a_retry_is_not_taken_back_once_its_attempt_has_begun(runs: Path) -> None:
    given = decisions.retry(case_of("1").pk, by=ANN, at=now())
    with RunMaker(runs) as run:
        run.started()
        run.begin("1", 2)
        run.take_in()
        with pytest.raises(ConflictError, match="the new attempt has begun"):
            undo(given.act, by=ANN, at=now())


def test_the_run_of_a_retry_stays_while_another_case_waits_for_it(runs: Path) -> None:
    first = decisions.retry(case_of("1").pk, by=ANN, at=now())
    second = decisions.retry(case_of("2").pk, by=ANN, at=now())
    undo(first.act, by=ANN, at=now())
    assert [run.pk for run in queued()] == [second.run]
    undo(second.act, by=ANN, at=now())
    assert item_of("2").status == "exception"
    same_after_rebuild(runs)


def test_a_settled_item_is_not_taken_back_once_a_later_one_of_its_group_has_been_started(
    tmp_path: Path,
) -> None:
    with RunMaker(tmp_path) as run:
        run.started()
        run.put("1", "2", customer="Ho")
        run.begin("1")
        run.fail("1")
        run.take_in()
        given = decisions.done(case_of("1").pk, by=ANN, at=now(), note="x")
        run.begin("2")
        run.take_in()
        with pytest.raises(ConflictError, match="a later item of its group"):
            undo(given.act, by=ANN, at=now())


# -- two at once -----------------------------------------------------------------------------------------------------


def test_the_same_decision_sent_twice_is_applied_once(runs: Path) -> None:
    case = case_of("1")
    first = decisions.retry(case.pk, by=ANN, at=now(), version=case.version, token="form-1")
    again = decisions.retry(case.pk, by=ANN, at=now(), version=case.version, token="form-1")
    assert (again.act, again.run, again.repeated, first.repeated) == (first.act, first.run, True, False)
    assert Act.objects.filter(machine=False).count() == 1
    assert Run.objects.filter(status="queued").count() == 1
    with pytest.raises(ConflictError, match="TOKEN: the token 'form-1' stands for 'retry' by ann"):
        decisions.done(case_of("2").pk, by=ANN, at=now(), note="x", token="form-1")


def test_of_two_people_deciding_at_once_one_wins_and_the_other_is_told(runs: Path) -> None:
    case = case_of("1")
    gate = threading.Barrier(2)
    wins: list[str] = []
    told: list[ConflictError] = []

    def decide(who: str) -> None:
        gate.wait(60)
        try:
            decisions.done(case.pk, by=who, at=now(), note=f"by {who}", version=case.version)
            wins.append(who)
        except ConflictError as error:
            told.append(error)
        finally:
            connections.close_all()

    people = [threading.Thread(target=decide, args=(who,)) for who in (ANN, BEN)]
    for person in people:
        person.start()
    for person in people:
        person.join(30)
    assert (len(wins), len(told)) == (1, 1)
    assert f"already decided by {wins[0]} at 20" in str(told[0])
    assert "done; it is resolved now, in version 2" in str(told[0])
    assert Act.objects.filter(verb="done").count() == 1
    assert verify().broken is None
