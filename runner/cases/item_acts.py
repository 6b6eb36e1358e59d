"""What people do with items themselves: put some into a queue, take one out before it is worked on, put it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from pydantic import ValidationError

from runner.cases.audit import record_act
from runner.cases.openings import item_case_id
from runner.cases.tokens import acts_sent_as
from runner.core.errors import ConflictError, ErrorReport, RunnerError, UsageError, did_you_mean
from runner.core.ids import uuid7
from runner.core.nouns import ItemStatus
from runner.core.parameters import model_of
from runner.store.models import Act, Bot, Item, Queue

QUEUE: Final = "queue"  # an act on a queue: somebody put items
ITEM: Final = "item"  # an act on one item; its subject is the id that its case has, or would have
PUT, TAKE_OUT, PUT_BACK = "put", "take_out", "put_back"
_MOVES: Final[Mapping[str, tuple[ItemStatus, ItemStatus]]] = {  # both are in the table of an item's moves
    TAKE_OUT: (ItemStatus.PENDING, ItemStatus.REJECTED),
    PUT_BACK: (ItemStatus.REJECTED, ItemStatus.PENDING),
}
_A_CHUNK: Final = 500  # items of one act
_LONGEST_KEY: Final = 500


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item that somebody puts: its key, its data as JSON values, and where it comes from."""

    key: str
    data: Mapping[str, Any]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """What came of items that were put: the keys that are new, and those that the queue had before (left as they are)."""

    new: tuple[str, ...]
    known: tuple[str, ...]


def known_queue(name: str) -> Queue | None:
    """The queue of this name; one that a bot describes and no run has used yet is given unsaved; None: there is none."""
    found = Queue.objects.filter(pk=name).first()
    if found is not None:
        return found
    for bot in Bot.objects.filter(present=True).order_by("name"):
        for told in bot.description.get("queues", ()):
            if told["name"] == name:
                return Queue(
                    name=name, key=told["key"], fields=told["fields"], group=told.get("group", ""), bot=bot.pk, bot_file=bot.file
                )  # fmt: skip
    return None


def checked_item(queue: Queue, data: Mapping[str, Any], source: str = "") -> NewItem:
    """`data` (JSON values, or texts as a form sends them) by the queue's described model, with its key.

    The model itself has the last word when the item is worked on. Raises ErrorReport with one error per field: its `where`
    is the field's name, its code ITEM_MISSING, ITEM_UNKNOWN or ITEM_VALUE.
    """
    try:
        found = model_of(queue.fields, "Item").model_validate(dict(data))
    except ValidationError as error:
        known = list(queue.fields.get("properties", ()))
        raise ErrorReport([_wrong(one, known) for one in error.errors(include_url=False)]) from error
    valid = {
        name: value for name, value in found.model_dump(mode="json").items() if name in found.model_fields_set
    }
    return NewItem(key_of(queue, valid), valid, source)


def key_of(queue: Queue, data: Mapping[str, Any]) -> str:
    """The key of an item with this data. Raises ErrorReport (ITEM_KEY) where it has none, or one that is too long."""
    key = str(data.get(queue.key) if data.get(queue.key) is not None else "").strip()
    if 0 < len(key) <= _LONGEST_KEY:
        return key
    what = f"the key is {len(key)} characters long" if key else "the key is empty"
    error = UsageError(
        what, expected=f"1 to {_LONGEST_KEY} characters", hint="fill it in", where=queue.key, code="ITEM_KEY"
    )
    raise ErrorReport([error])


def put_items(
    queue: str, items: Sequence[NewItem], *, by: str, at: datetime, note: str = "", token: str = ""
) -> Put:
    """Put `items` into a queue, in their order, behind what is there; all of them or none.

    A key that the queue has is left as it is, so the same file twice puts nothing twice; neither does the same `token`.
    Raises UsageError (NOT_FOUND) for an unknown queue, (ITEM_TWICE) for a key that `items` holds twice.
    """
    with transaction.atomic():
        row = known_queue(queue)
        if row is None:
            raise _no_queue(queue)
        _refuse_twice([item.key for item in items])
        known = set(_known(queue, [item.key for item in items]))
        before = _put_before(token)
        if before:
            return Put(before, tuple(sorted(known - set(before))))
        new = [item for item in items if item.key not in known]
        for number, start in enumerate(range(0, len(new), _A_CHUNK)):
            rows = [
                {"key": i.key, "data": dict(i.data), "source": i.source}
                for i in new[start : start + _A_CHUNK]
            ]
            act = Act(
                pk=uuid7(at),
                at=at,
                by=by,
                subject_kind=QUEUE,
                subject=queue[:200],
                verb=PUT,
                note=note.strip(),
            )
            described = {name: getattr(row, name) for name in ("key", "fields", "group", "bot", "bot_file")}
            act.data = {"queue": queue, "described": described, "items": rows}
            act.token = _token_of(token, number) if token else ""
            record_act(act)
            apply_put(act)
    return Put(tuple(item.key for item in new), tuple(sorted(known)))


def take_out(queue: str, key: str, *, by: str, at: datetime, note: str) -> None:
    """Take a pending item out of its queue: it is rejected, without a case. Raises UsageError without a note.

    Raises ConflictError (STATE) for an item that is not pending: one in exception is answered through its case.
    """
    if not note.strip():
        raise UsageError(
            "a reason is needed", expected="why it is not to be worked on", where="note", code="NOTE"
        )
    _act_on(queue, key, TAKE_OUT, by=by, at=at, note=note)


def put_back(queue: str, key: str, *, by: str, at: datetime, note: str = "") -> None:
    """Let a rejected item wait again, in its old place. Raises ConflictError (STATE) for one that is not rejected."""
    _act_on(queue, key, PUT_BACK, by=by, at=at, note=note)


def apply_put(act: Act) -> None:
    """Make the items of an act that are not there yet: now, and again in a rebuild."""
    name = act.data["queue"]
    queue, _ = Queue.objects.get_or_create(pk=name, defaults=act.data["described"])
    known = set(_known(name, [one["key"] for one in act.data["items"]]))
    Item.objects.bulk_create(
        Item(
            queue_id=name, key=one["key"], data=one["data"], original=one["data"], source=one["source"], put_at=act.at,
            group_key=queue.group_of(one["data"]),
        )
        for one in act.data["items"]
        if one["key"] not in known
    )  # fmt: skip


def apply_item_act(act: Act) -> None:
    """Move the item of an act. Raises ConflictError where it can't be moved so any more."""
    from_, to = _MOVES[act.verb]
    mine = Item.objects.filter(queue_id=act.data["queue"], key=act.data["key"], status=from_)
    if not mine.update(status=to, finished=act.at if to == ItemStatus.REJECTED else None):
        raise ConflictError("the item has moved meanwhile", where=f"item {act.data['key']}", code="STATE")


def acts_on_item(queue: str, key: str) -> list[Act]:
    """What people did with an item itself, the oldest first; decisions are in the history of its case."""
    return list(Act.objects.filter(subject_kind=ITEM, subject=item_case_id(queue, key)).order_by("at", "id"))


def _act_on(queue: str, key: str, verb: str, *, by: str, at: datetime, note: str) -> None:
    from_, to = _MOVES[verb]
    with transaction.atomic():
        item = Item.objects.select_for_update().filter(queue_id=queue, key=key).first()
        if item is None:
            raise UsageError(
                f"queue {queue} has no item '{key}'", hint=f"see: runner items list {queue}", code="NOT_FOUND"
            )
        if item.status != from_:
            raise ConflictError(
                f"the item is {item.status}",
                expected=f"one that is {from_}, to become {to}",
                hint="an item in exception is answered through its case; one that is done stays done",
                where=f"item {key}",
                code="STATE",
            )
        act = Act(pk=uuid7(at), at=at, by=by, subject_kind=ITEM, subject=item_case_id(queue, key), verb=verb)
        act.note, act.data = note.strip(), {"queue": queue, "key": key}
        record_act(act)
        apply_item_act(act)


def _put_before(token: str) -> tuple[str, ...]:
    """The keys that were put with this token already."""
    if not token:
        return ()
    keys, number = list[str](), 0
    # Each by its whole token: what only begins like one is looked up in no index.
    while act := acts_sent_as([_token_of(token, number)]).filter(verb=PUT).first():
        keys += [one["key"] for one in act.data["items"]]
        number += 1
    return tuple(keys)


def _token_of(token: str, number: int) -> str:
    """The token of one of the acts that a list of items is put with."""
    return f"{token}#{number}"


def _known(queue: str, keys: Sequence[str]) -> list[str]:
    found: list[str] = []
    for start in range(0, len(keys), _A_CHUNK):
        part = keys[start : start + _A_CHUNK]
        found += Item.objects.filter(queue_id=queue, key__in=part).values_list("key", flat=True)
    return found


def _refuse_twice(keys: Sequence[str]) -> None:
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise UsageError(
            f"the key '{twice[0]}' stands there more than once",
            expected="each key once",
            hint="remove the row that is too much",
            where=twice[0],
            code="ITEM_TWICE",
        )


def _no_queue(queue: str) -> UsageError:
    near = did_you_mean(queue, Queue.objects.values_list("name", flat=True))
    return UsageError(
        f"unknown queue '{queue}'", expected=near, hint="see: runner queues list", code="NOT_FOUND"
    )


def _wrong(error: Any, known: Sequence[str]) -> RunnerError:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "missing":
        return UsageError(
            f"'{name}' is missing", expected="a value", hint="fill it in", where=name, code="ITEM_MISSING"
        )
    if error["type"] == "extra_forbidden":
        return UsageError(
            f"the queue has no field '{name}'", expected=did_you_mean(name, known) or f"one of {', '.join(known)}",
            hint="remove it", where=name, code="ITEM_UNKNOWN",
        )  # fmt: skip
    return UsageError(
        f"'{name}' is {error['input']!r}"[:120], expected=str(error["msg"]), hint="correct the value", where=name,
        code="ITEM_VALUE",
    )  # fmt: skip
