"""Takes in what journals say about items and attempts, and opens the cases that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runner.cases.batch import Batch
from runner.cases.later import PUT_OFF, put_off_too_often
from runner.cases.openings import Opening, give_back, item_case_id, open_case, resolve_case
from runner.core.clock import from_iso
from runner.core.contract import Settled
from runner.core.nouns import AttemptStatus, FailureKind, ItemStatus
from runner.journal import Line
from runner.store.models import Attempt, Case, Item, Queue, Run
from runner.store.models.items import LONGEST_SOURCE

LOST_LIMIT: Final = 3  # an item that takes its process with it so often is quarantined
BAD_ROW: Final = "BadRow"  # the error type of a row that never fitted the queue's model
_RELEASED: Final[Mapping[str, Any]] = {"claimed_run_id": None, "claimed_lane": None, "lease_until": None}


def items_put(batch: Batch, line: Line) -> None:
    """Rows came into a queue: a key not seen before makes an item, a bad row an exception item with its case."""
    queue = line.queue or ""
    good = line.data.get("items") or []
    bad = line.data.get("bad") or []
    described = _ensure_queue(queue, line.bot)
    counts = batch.counts(queue)
    _load(batch, queue, [row["key"] for row in (*good, *bad)])
    new: dict[str, Item] = {}
    for row in good:
        key = row["key"]
        known = batch.items.get((queue, key))
        if key in new or (known is not None and not _only_ever_bad(known)):
            counts.known += 1
            continue
        counts.new += 1
        if known is None:
            new[key] = _new_item(line, described, row, row["data"])
        else:
            _correct(batch, line, known, row, described.group_of(row["data"]))
    rejected = []
    for row in bad:
        key = row["key"]
        if key in new or batch.items.get((queue, key)) is not None:
            counts.known += 1
            continue
        counts.bad += 1
        item = new[key] = _new_item(line, described, row, row.get("raw") or {})
        item.valid, item.status, item.error = False, ItemStatus.EXCEPTION, _bad_row_error(row)
        rejected.append(item)
    _insert(batch, list(new.values()))
    for item in rejected:
        _open_item_case(batch, line, item, FailureKind.BUSINESS, item.error or {}, why="bad_row")


def attempt_started(batch: Batch, line: Line) -> None:
    """A try at an item began."""
    item = _item_of(batch, line)
    number = line.attempt or 1
    known = _attempt_of(batch, item, number) if number <= item.attempts_made else None
    if known is None:
        _new_attempt(batch, line, item, number, line.lane)
    else:
        batch.attempts.change((item.pk, number), started=line.time)
    if known is None or known.status == AttemptStatus.RUNNING:
        batch.change_item(item, attempts_made=max(item.attempts_made, number), status=ItemStatus.RUNNING)


def attempt_finished(batch: Batch, line: Line) -> None:
    """A try at an item ended: done, failed (for now or for good), or lost with its process."""
    item = _item_of(batch, line)
    number = line.attempt or item.attempts_made or 1
    lane = line.data.get("lane") or line.lane
    attempt = _attempt_of(batch, item, number)
    if attempt is None:  # its beginning is not known (yet)
        attempt = _new_attempt(batch, line, item, number, lane)
        batch.change_item(item, attempts_made=max(item.attempts_made, number))
    status = line.data.get("status")
    if status == AttemptStatus.LOST:
        if attempt.status == AttemptStatus.RUNNING:
            _attempt_lost(batch, line, item, attempt)
        return
    batch.finished += 1
    error = line.error or {}
    known = status in {AttemptStatus.DONE, AttemptStatus.LATER}
    batch.attempts.change(
        (item.pk, number),
        status=AttemptStatus(str(status)) if known else AttemptStatus.FAILED,
        finished=line.time,
        ms=line.ms,
        will_retry=bool(line.data.get("will_retry")),
        kind=error.get("kind") or "",
        step=line.step or "",
        error=line.error,
        row=line.data.get("row"),
    )
    output = line.data.get("output")
    if output:
        batch.change_item(item, output={**item.output, **output})
    if status == AttemptStatus.DONE:
        _attempt_done(batch, line, item)
    elif status == AttemptStatus.LATER:
        _put_off(batch, line, item, attempt)
    elif not line.data.get("will_retry"):
        kind = FailureKind(error.get("kind") or FailureKind.APPLICATION)
        batch.change_item(
            item, status=ItemStatus.EXCEPTION, error=line.error, finished=None, not_before=None, **_RELEASED
        )
        _open_item_case(batch, line, item, kind, error, why="item", step=line.step or "", attempt=attempt)


def irreversible_intent(batch: Batch, line: Line) -> None:
    """An irreversible step is about to act."""
    _settle_irreversible(batch, line, {"state": Settled.INTENT})


def irreversible_outcome(batch: Batch, line: Line) -> None:
    """It is known how an irreversible step ended."""
    if line.data.get("how") == "not_done":
        _settle_irreversible(batch, line, {"state": Settled.NOT_DONE})
    else:
        _settle_irreversible(batch, line, {"state": Settled.DONE, "result": line.data.get("result")})


def once(batch: Batch, line: Line) -> None:
    """A part of an item is proven to be finished."""
    item = _item_of(batch, line)
    batch.change_item(item, once={**item.once, line.step or "": line.data.get("result")})


def evidence(batch: Batch, line: Line) -> None:
    """A file shows what happened: it goes to the attempt and its open case, or to the run."""
    entry = {"path": line.evidence or "", **{k: line.data.get(k) for k in _EVIDENCE}}
    if line.queue is None or line.item is None:
        run = batch.run(line.run)
        if run is not None:
            run.evidence = [*run.evidence, entry]
            Run.objects.filter(pk=line.run).update(evidence=run.evidence)
        return
    item = _item_of(batch, line)
    number = line.attempt or item.attempts_made or 1
    attempt = _attempt_of(batch, item, number)
    if attempt is None:
        return
    batch.attempts.change((item.pk, number), evidence=[*attempt.evidence, entry])
    if attempt.status != AttemptStatus.RUNNING and item.status == ItemStatus.EXCEPTION:
        case = Case.objects.filter(pk=item_case_id(item.queue_id, item.key), run_id=line.run)
        case.update(evidence=attempt.evidence)


_EVIDENCE: Final = ("kind", "url", "http_status", "page_error")


def note_locator(batch: Batch, line: Line) -> None:
    """An attempt found an element by a lower choice of its locator: for telling failed items from clean ones."""
    if line.queue is None or line.item is None:
        return
    item = _item_of(batch, line)
    number = line.attempt or item.attempts_made or 1
    attempt = _attempt_of(batch, item, number)
    if attempt is not None:
        seen = {**attempt.locators, str(line.data.get("name") or ""): line.data.get("rank")}
        batch.attempts.change((item.pk, number), locators=seen)


def target_down(batch: Batch, line: Line) -> None:
    """Several failures in a row meant that the site is down: their items wait again, without a person's decision."""
    note = line.message or f"{line.data.get('failures')} failures in a row: the site was down"
    for named in line.data.get("items") or ():
        item = batch.items.find((named["queue"], named["item"]), queue_id=named["queue"], key=named["item"])
        if item is None or item.status != ItemStatus.EXCEPTION:
            continue
        case_id = item_case_id(item.queue_id, item.key)
        if Case.objects.filter(pk=case_id, kind=FailureKind.UNKNOWN).exists():
            continue
        batch.change_item(item, status=ItemStatus.PENDING)
        give_back(case_id, line, "given back", note)


def _put_off(batch: Batch, line: Line, item: Item, attempt: Attempt) -> None:
    """It can't be done yet: the item waits, unless it has been put off too often or for too long."""
    error = put_off_too_often(batch, line, item)
    if error is None:
        not_before = from_iso(line.data["not_before"])
        batch.change_item(item, status=ItemStatus.PENDING, not_before=not_before, **_RELEASED)
        return
    batch.change_item(item, status=ItemStatus.EXCEPTION, error=error, not_before=None, **_RELEASED)
    _open_item_case(
        batch, line, item, FailureKind.APPLICATION, error, why=PUT_OFF, step=line.step or "", attempt=attempt
    )


def _attempt_done(batch: Batch, line: Line, item: Item) -> None:
    had_case = item.error is not None
    batch.change_item(
        item, status=ItemStatus.DONE, finished=line.time, error=None, not_before=None, **_RELEASED
    )
    if had_case:
        note = f"attempt {line.attempt} went through"
        resolve_case(item_case_id(item.queue_id, item.key), line, "retried", note)


def _attempt_lost(batch: Batch, line: Line, item: Item, attempt: Attempt) -> None:
    reason = line.data.get("reason") or "its process ended"
    open_intent = line.data.get("open_intent")
    step = open_intent or line.data.get("last_step") or ""
    lost: dict[str, Any] = {"status": AttemptStatus.LOST, "finished": line.time, "step": step}
    error: dict[str, Any] | None = None
    if open_intent:
        lost["kind"] = FailureKind.UNKNOWN
        message = (
            f"outcome of step '{open_intent}' is unknown: the process ended ({reason}) after it had begun"
        )
        error = _error(FailureKind.UNKNOWN, "OutcomeUnknown", "OUTCOME_UNKNOWN", message)
    else:
        lost["kind"] = FailureKind.APPLICATION
        times = 1 + _times_lost(batch, item, attempt)
        if times >= LOST_LIMIT:
            message = f"the process ended {times} times while it worked on this item ({reason})"
            error = _error(FailureKind.APPLICATION, "AttemptLost", "ITEM_QUARANTINED", message)
    batch.attempts.change((item.pk, attempt.number), error=error or line.error, **lost)
    if error is None:
        batch.change_item(item, status=ItemStatus.PENDING, **_RELEASED)
        return
    batch.change_item(item, status=ItemStatus.EXCEPTION, error=error, **_RELEASED)
    kind = FailureKind(error["kind"])
    why = "item" if open_intent else "quarantined"
    _open_item_case(batch, line, item, kind, error, why=why, step=step, attempt=attempt)


def _times_lost(batch: Batch, item: Item, this: Attempt) -> int:
    batch.attempts.write()
    lost = Attempt.objects.filter(item_id=item.pk, status=AttemptStatus.LOST)
    return lost.exclude(number=this.number).count()


def _open_item_case(
    batch: Batch,
    line: Line,
    item: Item,
    kind: FailureKind,
    error: Mapping[str, Any],
    *,
    why: str,
    step: str = "",
    attempt: Attempt | None = None,
) -> None:
    run = batch.run(line.run)
    open_case(
        Opening(
            case_id=item_case_id(item.queue_id, item.key),
            line=line,
            kind=kind,
            why=why,
            error=error,
            step=step,
            run=run,
            item=item,
            evidence=list(attempt.evidence) if attempt else [],
        )
    )


def _only_ever_bad(item: Item) -> bool:
    return not item.valid and item.attempts_made == 0 and item.status == ItemStatus.EXCEPTION


def _correct(batch: Batch, line: Line, item: Item, row: Mapping[str, Any], group: str) -> None:
    """A good row for a key that was only ever bad: the source has been corrected."""
    batch.change_item(
        item,
        valid=True,
        status=ItemStatus.PENDING,
        data=row["data"],
        source=_source(row) or item.source,
        group_key=group,
    )
    give_back(item_case_id(item.queue_id, item.key), line, "corrected", "a good row for the same key came in")


def _new_item(line: Line, queue: Queue, row: Mapping[str, Any], data: dict[str, Any]) -> Item:
    return Item(
        queue_id=queue.name,
        group_key=queue.group_of(data),
        key=row["key"],
        data=data,
        original=data,
        source=_source(row),
        put_run_id=line.run,
        put_at=line.time,
    )


def _source(row: Mapping[str, Any]) -> str:
    return str(row.get("source") or "")[-LONGEST_SOURCE:]


def _bad_row_error(row: Mapping[str, Any]) -> dict[str, Any]:
    errors = row.get("errors") or [{"code": "BAD_ROW", "what": "the row does not fit"}]
    message = "; ".join(
        " - ".join(part for part in (e.get("what"), e.get("expected"), e.get("hint")) if part) for e in errors
    )
    error = _error(FailureKind.BUSINESS, BAD_ROW, errors[0].get("code") or "BAD_ROW", message)
    return {**error, "where": errors[0].get("where") or row.get("source") or "", "errors": errors}


def _error(kind: FailureKind, type_name: str, code: str, message: str) -> dict[str, Any]:
    return {"kind": kind, "type": type_name, "code": code, "message": message, "where": "", "hint": ""}


def _settle_irreversible(batch: Batch, line: Line, record: dict[str, Any]) -> None:
    item = _item_of(batch, line)
    batch.change_item(item, irreversible={**item.irreversible, line.step or "": record})


def _new_attempt(batch: Batch, line: Line, item: Item, number: int, lane: int) -> Attempt:
    attempt = Attempt(item_id=item.pk, number=number, run_id=line.run, lane=lane, started=line.time)
    batch.attempts.keep((item.pk, number), attempt)
    return attempt


def _attempt_of(batch: Batch, item: Item, number: int) -> Attempt | None:
    return batch.attempts.find((item.pk, number), item_id=item.pk, number=number)


def _item_of(batch: Batch, line: Line) -> Item:
    """The item that the line names, made from the line where the run that put it is not there any more."""
    queue, key = line.queue or "", line.item or ""
    found = batch.items.find((queue, key), queue_id=queue, key=key)
    if found is None:
        group = _ensure_queue(queue, line.bot).group_of
        row = dict(line.data.get("row") or {})
        found = Item(queue_id=queue, key=key, data=row, original=row, put_at=line.time, group_key=group(row))
        _insert(batch, [found])
    return found


def _load(batch: Batch, queue: str, keys: list[str]) -> None:
    wanted = [key for key in keys if batch.items.get((queue, key)) is None]
    for item in Item.objects.filter(queue_id=queue, key__in=wanted):
        batch.items.keep((queue, item.key), item)


def _insert(batch: Batch, items: list[Item]) -> None:
    """Insert in this order: it is the order in which they will be handed out."""
    for item in Item.objects.bulk_create(items):
        batch.items.keep((item.queue_id, item.key), item)


def _ensure_queue(queue: str, bot: str) -> Queue:
    return Queue.objects.get_or_create(name=queue, defaults={"bot": bot})[0]
