"""Work queues and their items for programs: look, put one or many, take out and put back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.cases.item_acts import NewItem, checked_item, key_of, known_queue, put_back, put_items, take_out
from runner.core.errors import ErrorReport, RunnerError
from runner.core.nouns import ItemStatus
from runner.desk.api import shapes
from runner.desk.api.answers import Paged, answered, listed
from runner.desk.api.once import once
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Name, Note, Said, Text, Values
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.queues.views import process_of_queue, queues_with_process
from runner.desk.refusals import told
from runner.store.item_lists import SORTS, ItemFilter, attempts_json, filtered_items, items_json, list_queues
from runner.store.models import Item, Queue

MOST = 5000  # items of one call


class ItemQuery(Paged):
    """Which items of a queue."""

    status: Annotated[list[ItemStatus], Field(description="One or several states.")] = Field(
        default_factory=list
    )
    run: Annotated[Text, Field(description="A run that put or tried the item.")] = ""
    text: Annotated[Text, Field(max_length=500, description="Words anywhere in key, source and data.")] = ""


class PutOne(Said):
    """An item to put: its data as the queue's model takes it; `source` says where it comes from."""

    data: Values
    source: Annotated[Note, Field(max_length=500)] = ""


class PutMany(Said):
    """Items to put, in this order."""

    items: Annotated[list[PutOne], Field(min_length=1, max_length=MOST)]
    note: Note = ""


class Moved(Said):
    """Which item, and why."""

    key: Annotated[Name, Field(max_length=500)]
    note: Note = ""


@operation("GET", "queues", "queues.see", summary=_("List work queues"), gives=shapes.All[shapes.Queue])
def get_queues(request: DeskRequest) -> HttpResponse:
    """With the number of their items by state."""
    names = set(request.access.limit(queues_with_process(), "queues.see").values_list("pk", flat=True))
    return answered(request, {"rows": [one for one in list_queues() if one["name"] in names]})


@operation(
    "GET",
    "queues/{queue}/items",
    "queues.see",
    summary=_("List the items of a queue"),
    gives=shapes.Rows[shapes.Item],
)
def get_items(request: DeskRequest, queue: Text, wanted: Query[ItemQuery]) -> HttpResponse:
    """In the order in which they were put. Sort: put, key, status, attempts, finished, source."""
    _queue(request, queue, "queues.see")
    if not Queue.objects.filter(pk=queue).exists():  # a bot describes it, and nothing has been put yet
        return answered(request, {"rows": [], "next": None})
    states = tuple(str(one) for one in wanted.status)
    rows = filtered_items(ItemFilter(queue, status=states, run=wanted.run, text=wanted.text))
    of_queue = Item.objects.filter(queue_id=queue)
    return listed(request, rows, wanted, SORTS, "put", items_json, of_queue)


@operation(
    "GET", "queues/{queue}/items/{path:key}", "queues.see", summary=_("Show one item"), gives=shapes.OneItem
)
def get_item(request: DeskRequest, queue: Text, key: Text) -> HttpResponse:
    """With every try at it."""
    _queue(request, queue, "queues.see")
    found = (
        items_json(filtered_items(ItemFilter(queue, key=key)))
        if Queue.objects.filter(pk=queue).exists()
        else []
    )
    if not found:
        raise Http404
    return answered(request, {**found[0], "tries": attempts_json(queue, key)})


@operation(
    "POST", "queues/{queue}/items", "items.put", summary=_("Put one item"), gives=shapes.OneItem, status=(201, 200),
    refuses=(409,),
)  # fmt: skip
def put_item(request: DeskRequest, queue: Text, wanted: PutOne) -> HttpResponse:
    """Checked by the queue's model. A key that is there already is left as it is, and answered with status 200."""
    found = _queue(request, queue, "items.put")
    item = _judged(found, [wanted])[0]
    if isinstance(item, ErrorReport):
        raise _in_data(item, "data")

    def act(at: datetime) -> tuple[dict[str, Any], int]:
        done = put_items(found.pk, [item], by=request.person.username, at=at)
        made = items_json(filtered_items(ItemFilter(found.pk, key=item.key)))[0]
        return {**made, "tries": attempts_json(found.pk, item.key)}, 201 if done.new else 200

    return once(request, act)


@operation(
    "POST", "queues/{queue}/bulk", "items.put", summary=_("Put many items"), gives=shapes.PutRows,
    refuses=(409,),
)  # fmt: skip
def put_many(request: DeskRequest, queue: Text, wanted: PutMany) -> HttpResponse:
    """A result for each: new, known (its key was there), or wrong with every error; one that is wrong stops no other."""
    found = _queue(request, queue, "items.put")
    judged = _judged(found, wanted.items)

    def act(at: datetime) -> dict[str, Any]:
        rows, new = _results(found, judged)
        if new:
            put_items(found.pk, new, by=request.person.username, at=at, note=wanted.note)
        counts = {name: sum(one["result"] == name for one in rows) for name in ("new", "known", "wrong")}
        return {**counts, "rows": rows}

    return once(request, act)


@operation(
    "POST", "queues/{queue}/take-out", "items.put", summary=_("Take an item out"), gives=shapes.ItemMoved,
    refuses=(409,),
)  # fmt: skip
def take_item_out(request: DeskRequest, queue: Text, wanted: Moved) -> HttpResponse:
    """A pending item is rejected, for the reason in `note`, which is needed."""
    found = _queue(request, queue, "items.put")

    def act(at: datetime) -> dict[str, Any]:
        take_out(found.pk, wanted.key, by=request.person.username, at=at, note=wanted.note)
        return {"queue": found.pk, "key": wanted.key, "status": str(ItemStatus.REJECTED)}

    return once(request, act)


@operation(
    "POST", "queues/{queue}/put-back", "items.put", summary=_("Put an item back"), gives=shapes.ItemMoved,
    refuses=(409,),
)  # fmt: skip
def put_item_back(request: DeskRequest, queue: Text, wanted: Moved) -> HttpResponse:
    """A rejected item waits again, in its old place."""
    found = _queue(request, queue, "items.put")

    def act(at: datetime) -> dict[str, Any]:
        put_back(found.pk, wanted.key, by=request.person.username, at=at, note=wanted.note)
        return {"queue": found.pk, "key": wanted.key, "status": str(ItemStatus.PENDING)}

    return once(request, act)


def _queue(request: DeskRequest, name: str, permission: str) -> Queue:
    """The queue. Raises Http404 where it is not theirs to see, NotAllowed where they may see it and no more."""
    process = process_of_queue(name)
    found = known_queue(name)
    if process is None or found is None:
        raise Http404
    if not (request.access.may("queues.see", process) or request.access.may(permission, process)):
        raise Http404
    request.access.require(permission, process)
    return found


def _judged(queue: Queue, wanted: Sequence[PutOne]) -> list[NewItem | ErrorReport]:
    """Each item by the described model, then all that fit by the model itself, in one process of the bot."""
    first = [_checked(queue, one) for one in wanted]
    fitting = [one for one in first if isinstance(one, NewItem)]
    if not fitting or not queue.bot_file:
        return first
    valid = iter(place().outside.validate_items(queue.bot_file, queue.pk, [one.data for one in fitting]))
    return [_confirmed(queue, one, next(valid)) if isinstance(one, NewItem) else one for one in first]


def _checked(queue: Queue, one: PutOne) -> NewItem | ErrorReport:
    try:
        return checked_item(queue, one.data, one.source)
    except ErrorReport as report:
        return report


def _confirmed(queue: Queue, item: NewItem, valid: dict[str, Any] | ErrorReport) -> NewItem | ErrorReport:
    if isinstance(valid, ErrorReport):
        return valid
    try:
        return NewItem(key_of(queue, valid), valid, item.source)
    except ErrorReport as report:
        return report


def _results(
    queue: Queue, judged: Sequence[NewItem | ErrorReport]
) -> tuple[list[dict[str, Any]], list[NewItem]]:
    """A row for each item, and those to put: new keys, each once."""
    keys = [one.key for one in judged if isinstance(one, NewItem)]
    seen: set[str] = set()
    for start in range(0, len(keys), 500):
        part = Item.objects.filter(queue_id=queue.pk, key__in=keys[start : start + 500])
        seen.update(part.values_list("key", flat=True))
    rows: list[dict[str, Any]] = []
    new: list[NewItem] = []
    for number, one in enumerate(judged):
        if isinstance(one, ErrorReport):
            wrong = [told(error) for error in one.errors]
            rows.append({"number": number, "key": None, "result": "wrong", "errors": wrong})
            continue
        is_known = one.key in seen
        seen.add(one.key)
        new += [] if is_known else [one]
        rows.append(
            {"number": number, "key": one.key, "result": "known" if is_known else "new", "errors": []}
        )
    return rows, new


def _in_data(report: ErrorReport, name: str) -> ErrorReport:
    """The same errors, each at its place in the body."""
    for error in report.errors:
        _put_below(error, name)
    return report


def _put_below(error: RunnerError, name: str) -> None:
    error.where = ".".join(part for part in (name, error.where.strip("/").replace("/", ".")) if part)
