"""The audit trail: who did what, each entry sealed by a hash over all before it, so that a later change shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from runner.cases.proofs import proof_fault
from runner.core.clock import iso
from runner.store.models import Act, AuditEntry, AuditHead

START: Final = "0" * 64  # what the first entry is chained to
_HEAD: Final = 1
_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where the trail is not what was written; `seq` is that of the entry (0: none is there)."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a verification found. `head` is the hash of the last entry: noted elsewhere, it can be asked for later."""

    entries: int
    head: str
    broken: Broken | None


def append(  # noqa: PLR0917 - what every entry has, in the order in which it is read
    at: datetime, by: str, what: str, subject_kind: str, subject: str, data: Mapping[str, Any] | None = None
) -> int:
    """Add an entry to the end of the trail; gives its number. `data` holds JSON values, never a secret.

    Called inside the transaction of the deed itself: both are stored, or neither. Writers wait for each other.
    """
    with transaction.atomic():
        head, _ = AuditHead.objects.select_for_update().get_or_create(
            pk=_HEAD, defaults={"seq": 0, "hash": START}
        )
        entry = AuditEntry(
            seq=head.seq + 1, at=at, by=by, what=what, subject_kind=subject_kind, subject=subject,
            data=json.loads(json.dumps(data or {})), previous=head.hash,
        )  # fmt: skip
        entry.hash = _hash(entry)
        entry.save(force_insert=True)
        AuditHead.objects.filter(pk=_HEAD).update(seq=entry.seq, hash=entry.hash)
        return entry.seq


def record_act(act: Act) -> None:
    """Store a person's act and its entry in the trail; the caller holds the transaction."""
    act.data = json.loads(json.dumps(act.data))
    act.save(force_insert=True)
    sealed = {"act": act.pk, "digest": act_digest(act)}
    append(act.at, act.by, f"{act.subject_kind}.{act.verb}", act.subject_kind, act.subject, sealed)


def act_digest(act: Act) -> str:
    """The SHA-256 of everything an act says."""
    said = [act.pk, iso(act.at), act.by, act.subject_kind, act.subject, act.verb, act.note, act.data]
    return hashlib.sha256(_canonical(said)).hexdigest()


def verify(proofs: Path | None = None, *, expected: tuple[int, str] | None = None) -> AuditReport:
    """Check the whole trail from its first entry on, the acts that it names, and the proof files where `proofs` says.

    `expected`: number and hash of an entry, as an earlier verification gave them. They show what no chain can show by
    itself: that its end was cut off, or all of it written anew. Changes nothing.
    """
    count, last, broken = 0, START, None
    acts: set[str] = set()
    for entries in _chunks():
        known = Act.objects.in_bulk([e.data["act"] for e in entries if "act" in e.data])
        for entry in entries:
            why = _fault(entry, count + 1, last) or _act_fault(entry, known, proofs)
            if not why and expected is not None and entry.seq == expected[0] and entry.hash != expected[1]:
                why = "its hash is not the one that was noted"
            if why:
                return AuditReport(count, last, Broken(entry.seq, why))
            count, last = entry.seq, entry.hash
            acts.update([entry.data["act"]] if "act" in entry.data else [])
    broken = _end_fault(count, last, expected) or _stray_act(acts, count)
    return AuditReport(count, last, broken)


def list_entries(
    *, by: str = "", subject: str = "", what: str = "", before: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Entries of the trail as JSON values, the newest first; `before` is the number to go on from. One query.

    `subject` is ``kind``, or ``kind:id``; `what` the beginning of a deed's name (``case.``, ``signin``).
    """
    found = AuditEntry.objects.order_by("-seq")
    kind, _, name = subject.partition(":")
    exact = {"by": by, "subject_kind": kind, "subject": name}
    found = found.filter(**{column: value for column, value in exact.items() if value})
    if what:
        found = found.filter(what__startswith=what)
    if before is not None:
        found = found.filter(seq__lt=before)
    return [
        {
            "seq": e.seq,
            "at": iso(e.at),
            "by": e.by,
            "what": e.what,
            "subject_kind": e.subject_kind,
            "subject": e.subject,
            "data": e.data,
            "hash": e.hash,
        }
        for e in found[:limit]
    ]


def _chunks() -> Iterator[list[AuditEntry]]:
    entries = AuditEntry.objects.order_by("seq").iterator(_CHUNK)
    while chunk := list(islice(entries, _CHUNK)):
        yield chunk


def _fault(entry: AuditEntry, number: int, last: str) -> str:
    if entry.seq != number:
        return f"entry {number} is missing before it"
    if entry.previous != last:
        return "it is not chained to the entry before it"
    return "" if entry.hash == _hash(entry) else "its content is not what was written"


def _act_fault(entry: AuditEntry, known: Mapping[str, Act], proofs: Path | None) -> str:
    if "act" not in entry.data:
        return ""
    act = known.get(entry.data["act"])
    if act is None:
        return f"its act {entry.data['act']} is gone"
    if act_digest(act) != entry.data["digest"]:
        return f"its act {act.pk} is not what was written"
    proof = act.data.get("proof")
    return proof_fault(proofs, proof["sha256"]) if proofs is not None and proof else ""


def _end_fault(count: int, last: str, expected: tuple[int, str] | None) -> Broken | None:
    head = AuditHead.objects.filter(pk=_HEAD).first()
    if (head.seq, head.hash) != (count, last) if head else count > 0:
        ends = head.seq if head else 0
        return Broken(count, f"the trail ends at entry {count}, its head says {ends}")
    if expected is not None and expected[0] > count:
        return Broken(count, f"the trail ends at entry {count}, entry {expected[0]} was noted")
    return None


def _stray_act(sealed: set[str], count: int) -> Broken | None:
    people = Act.objects.filter(machine=False).values_list("pk", flat=True)
    stray = next((one for one in people.iterator(_CHUNK) if one not in sealed), None)
    return Broken(count, f"act {stray} stands in no entry") if stray else None


def _hash(entry: AuditEntry) -> str:
    said: Sequence[Any] = [
        entry.seq, iso(entry.at), entry.by, entry.what, entry.subject_kind, entry.subject, entry.data,
    ]  # fmt: skip
    return hashlib.sha256(entry.previous.encode() + b"\n" + _canonical(said)).hexdigest()


def _canonical(values: Sequence[Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
