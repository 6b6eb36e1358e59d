"""Work queues: what is in them by state, and the items of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from runner.cases.item_acts import known_queue
from runner.core.nouns import ItemStatus
from runner.desk import lists, word_notes
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.words import choices
from runner.store.counts import MOST_COUNTED, counts_by_state
from runner.store.models import Attempt, Bot, Item, Queue, Run

_STATES: Final = (
    ItemStatus.PENDING,
    ItemStatus.RUNNING,
    ItemStatus.EXCEPTION,
    ItemStatus.DONE,
    ItemStatus.REJECTED,
)
_SHOWN_FIELDS: Final = 4


def _number_of(status: ItemStatus) -> Callable[[Queue], int]:
    return lambda one: one.items.filter(status=status).count()


QUEUES: Final = lists.ListOf(
    "queues",
    (
        lists.Col("name", _("Name"), "name", "what", lambda one: one.pk),
        lists.Col("bot", _("Bot"), "bot", "opt", lambda one: one.bot),
        lists.Col("pending", _("Pending"), "", "num opt", _number_of(ItemStatus.PENDING)),
        lists.Col("oldest", _("Oldest waits since"), "", ""),
        lists.Col("running", _("In work"), "", "num opt"),
        lists.Col("exceptions", _("Exceptions"), "", "num", _number_of(ItemStatus.EXCEPTION)),
        lists.Col("done", _("Done"), "", "num opt", _number_of(ItemStatus.DONE)),
        lists.Col("rejected", _("Rejected"), "", "num opt"),
    ),
    (lists.field_filter("bot", _("Bot"), "bot"), lists.Filter("text", _("Name"), lambda rows, v: rows.filter(name__icontains=v))),
    usual="name",
)  # fmt: skip


def _of_run(rows: QuerySet[Item], value: str) -> QuerySet[Item]:
    tried = Attempt.objects.filter(run_id=value).values("item_id")
    return rows.filter(Q(put_run_id=value) | Q(pk__in=tried))


ITEMS: Final = lists.ListOf(
    "items",
    (
        lists.Col("key", _("Item"), "key", "what", lambda one: one.key),
        lists.Col("status", _("State"), "", "", lambda one: one.status),
        lists.Col("attempts", _("Attempts"), "attempts_made", "num opt", lambda one: one.attempts_made),
        lists.Col("put", _("Put"), "id", "", lambda one: one.put_at),
        lists.Col("finished", _("Finished"), "finished", "opt", lambda one: one.finished),
        lists.Col("source", _("Source"), "", "opt", lambda one: one.source),
        lists.Col("data", _("Data"), "", "", lambda one: _in_words(one.data)),
    ),
    (
        lists.field_filter("status", _("State"), "status", lambda: choices("item")),
        word_notes.filter_by_words("text", _("Key or words")),
        lists.Filter("run", _("Run"), _of_run),
    ),
    usual="id",
)


def queues_with_process() -> QuerySet[Any]:
    """All queues, each with `process`: that of the bot that works on it."""
    process = Bot.objects.filter(pk=OuterRef("bot")).values("process")[:1]
    return Queue.objects.annotate(process=Coalesce(Subquery(process), Value("")))


def process_of_queue(name: str, **_parts: object) -> str | None:
    """The process that a queue belongs to; None where there is no such queue."""
    found = known_queue(name)
    if found is None:
        return None
    return Bot.objects.filter(pk=found.bot).values_list("process", flat=True).first() or ""


@page("queues.see")
@live()
def queues(request: DeskRequest) -> HttpResponse:
    """All work queues; htmx gets the rows alone."""
    rows = request.access.limit(queues_with_process(), "queues.see")
    oldest = (
        Item.objects.filter(queue=OuterRef("pk"), status=ItemStatus.PENDING).order_by("id").values("put_at")
    )
    rows = rows.annotate(oldest=Subquery(oldest[:1]))
    if lists.wants_export(request):
        return lists.export(request, QUEUES, rows)
    shown = lists.show(request, QUEUES, rows)
    _count(shown.rows)
    part = request.htmx and request.htmx.target == "queues"
    return render(
        request, "queues/rows.html" if part else "queues/list.html", {"shown": shown, "most": MOST_COUNTED}
    )


@page("queues.see", process_of=process_of_queue)
@live()
def queue(request: DeskRequest, name: str) -> HttpResponse:
    """The items of a queue; htmx gets the rows alone."""
    found = known_queue(name)
    if found is None:
        raise Http404(name)
    rows = Item.objects.filter(queue_id=name)
    if lists.wants_export(request):
        return lists.export(request, ITEMS, rows)
    shown = lists.show(request, ITEMS, rows)
    for row in shown.rows:
        decorated: Any = row
        decorated.summary = list(row.data.items())[:_SHOWN_FIELDS] if isinstance(row.data, dict) else []
    of_run = request.GET.get("run", "")
    context = {
        "queue": found, "shown": shown, "states": _states(name), "most": MOST_COUNTED,
        "of_run": Run.objects.filter(pk=of_run).first() if of_run else None,
        "may_put": request.access.may("items.put", process_of_queue(name) or ""),
    }  # fmt: skip
    part = request.htmx and request.htmx.target == "items"
    return render(request, "queues/item_rows.html" if part else "queues/queue.html", context)


def _states(name: str) -> list[tuple[str, int]]:
    counted = counts_by_state([name])[name]
    return [(state, counted.get(state, 0)) for state in _STATES]


def _count(rows: Sequence[Queue]) -> None:
    """Give each queue the number of its items by state. One query."""
    counted = counts_by_state([row.pk for row in rows])
    for row in rows:
        decorated: Any = row
        decorated.counts = counted[row.pk]


def _in_words(data: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in data.items())
