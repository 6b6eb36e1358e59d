"""The audit trail: whole as long as nobody touches it, broken at the first place that somebody did."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from runner.cases import decisions
from runner.cases.audit import append, list_entries, verify
from runner.cases.cancel import cancel_run
from runner.cases.openings import item_case_id
from runner.cases.proofs import keep_proof
from runner.cases.rebuild import rebuild
from runner.cases.schedule_acts import pause
from runner.core.contract import Settled
from runner.core.errors import RunnerError
from runner.store.models import Act, AuditEntry, AuditHead
from tests.journal_maker import RunMaker

ROOT = Path(__file__).resolve().parents[1]


def now() -> datetime:
    return datetime.now(UTC)


def some_acts(folder: Path) -> str:
    """A run with a failed and an unknown item, a few decisions about them, a pause; gives the unknown one's case."""
    with RunMaker(folder / "runs") as run:
        run.started()
        run.put("1", "2")
        run.begin("1")
        run.fail("1")
        run.begin("2")
        run.line(1, "irreversible.intent", queue="orders", item="2", attempt=1, step="submit")
        run.fail("2", kind="unknown", message="outcome of step 'submit' is unknown", code="OUTCOME_UNKNOWN")
        run.finished("exceptions")
        run.take_in()
    case, unknown = item_case_id("orders", "1"), item_case_id("orders", "2")
    decisions.claim(case, by="ann", at=now())
    decisions.comment(case, by="ben", at=now(), note="see the mail")
    decisions.done(case, by="ann", at=now(), note="typed in")
    proof = keep_proof(folder / "proofs", "seen.txt", b"order 2 is there")
    decisions.attest(unknown, by="ben", at=now(), outcome=Settled.DONE, note="seen", proof=proof)
    pause("orders", by="ann", at=now(), reason="holiday")
    append(now(), "cleo", "signin", "user", "cleo", {"address": "127.0.0.1"})
    return unknown


def test_every_act_of_a_person_stands_in_a_whole_trail(store: Path, tmp_path: Path) -> None:
    some_acts(tmp_path)
    report = verify(tmp_path / "proofs")
    assert (report.entries, report.broken) == (6, None)
    listed = list_entries()
    assert [e["what"] for e in listed] == [
        "signin", "schedule.pause", "case.attest", "case.done", "case.comment", "case.claim",
    ]  # fmt: skip
    assert [e["what"] for e in list_entries(by="ann", subject="case")] == ["case.done", "case.claim"]
    assert [e["seq"] for e in list_entries(before=3)] == [2, 1]
    assert {e["by"] for e in list_entries(what="signin")} == {"cleo"}


@pytest.mark.parametrize(
    ("change", "seq", "why"),
    [
        ("UPDATE store_auditentry SET by = 'dan' WHERE seq = 2", 2, "content"),
        ("UPDATE store_auditentry SET data = '{}' WHERE seq = 3", 3, "content"),
        ("DELETE FROM store_auditentry WHERE seq = 4", 5, "entry 4 is missing"),
        ("DELETE FROM store_auditentry WHERE seq = 6", 5, "ends at entry 5, its head says 6"),
        ("UPDATE store_auditentry SET previous = hash WHERE seq = 3", 3, "chained"),
        ("UPDATE store_act SET note = 'something else' WHERE verb = 'done'", 3, "not what was written"),
        ("UPDATE store_act SET by = 'dan' WHERE verb = 'claim'", 1, "not what was written"),
        ("DELETE FROM store_act WHERE verb = 'attest'", 4, "is gone"),
        ("UPDATE store_act SET machine = 0 WHERE verb = 'opened'", 6, "stands in no entry"),
    ],
)
def test_a_change_behind_its_back_is_named(
    store: Path, tmp_path: Path, change: str, seq: int, why: str
) -> None:
    some_acts(tmp_path)
    with closing(sqlite3.connect(store)) as other, other:
        other.execute(change)
    broken = verify(tmp_path / "proofs").broken
    assert broken is not None
    assert broken.seq == seq
    assert why in broken.why


def test_a_changed_or_lost_proof_file_is_named(store: Path, tmp_path: Path) -> None:
    some_acts(tmp_path)
    file = next(path for path in (tmp_path / "proofs").rglob("*") if path.is_file())
    file.write_bytes(b"order 2 is not there")
    found = verify(tmp_path / "proofs").broken
    assert found is not None
    assert (found.seq, "not what was attached" in found.why) == (4, True)
    file.unlink()
    gone = verify(tmp_path / "proofs").broken
    assert gone is not None
    assert "is gone" in gone.why
    assert verify().broken is None


def test_a_trail_written_anew_is_told_by_a_noted_end(store: Path, tmp_path: Path) -> None:
    some_acts(tmp_path)
    noted = verify()
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    for act in Act.objects.filter(machine=False):
        from runner.cases.audit import act_digest

        append(
            act.at,
            act.by,
            f"case.{act.verb}",
            "case",
            act.subject,
            {"act": act.pk, "digest": act_digest(act)},
        )
    assert verify().broken is None
    found = verify(expected=(3, noted.head)).broken
    assert found is not None
    assert "not the one that was noted" in found.why
    cut = verify(expected=(noted.entries, noted.head)).broken
    assert cut is not None
    assert "entry 6 was noted" in cut.why


def test_an_act_that_is_refused_leaves_no_entry(store: Path, tmp_path: Path) -> None:
    some_acts(tmp_path)
    case = item_case_id("orders", "1")
    with pytest.raises(RunnerError):
        decisions.retry(case, by="ann", at=now())
    with transaction.atomic():
        append(now(), "ann", "role.change", "user", "ben", {"to": "admin"})
        transaction.set_rollback(True)  # the deed itself failed
    report = verify()
    assert (report.entries, report.broken) == (6, None)


def test_the_trail_survives_a_rebuild(store: Path, tmp_path: Path) -> None:
    some_acts(tmp_path)
    before = verify()
    rebuild(tmp_path / "runs", now=now())
    assert verify(tmp_path / "proofs") == before


def test_cancelling_a_run_is_an_entry(store: Path, tmp_path: Path) -> None:
    from runner.store.models import Run

    Run.objects.create(pk="r", bot="b", queued=now())
    cancel_run("r", by="ann", at=now())
    assert [e["what"] for e in list_entries()] == ["run.cancel"]


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from runner.store.open import open_store
open_store(Path(sys.argv[1]))
from runner.cases.audit import append
print("ready", flush=True)
sys.stdin.readline()
for number in range(60):
    append(datetime.now(UTC), sys.argv[2], "signin", "user", sys.argv[2], {"number": number})
"""


def test_two_processes_write_one_chain(store: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store), who],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for who in ("ann", "ben")
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    report = verify()
    assert (report.entries, report.broken) == (120, None)
    first = list(AuditEntry.objects.values_list("by", flat=True))
    assert first.count("ann") == first.count("ben") == 60
