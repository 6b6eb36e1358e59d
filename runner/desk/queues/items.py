"""One item: its data as it is and as it was, every attempt with its steps and evidence, and what people did."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from runner.cases.item_acts import acts_on_item, put_back, take_out
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.core.nouns import ItemStatus
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.queues.views import process_of_queue
from runner.desk.recordings.failures import step_names
from runner.desk.runs.left_behind import shown_piece
from runner.desk.runs.steps import pieces_of
from runner.desk.words import word
from runner.store.models import Attempt, Case, Item, Step


@page("queues.see", process_of=process_of_queue)
def item(request: DeskRequest, name: str) -> HttpResponse:
    """The page of the item ``?key=``."""
    found = item_of(name, request.GET.get("key", ""))
    process = process_of_queue(name) or ""
    context = {
        "item": found,
        "queue": found.queue,
        "values": _values(found),
        "attempts": _attempts(found, sees_evidence=request.access.may("evidence.see", process)),
        "case": Case.objects.filter(item=found).first(),
        "acts": acts_on_item(name, found.key),
        "may_put": request.access.may("items.put", process),
        "can_take_out": found.status == ItemStatus.PENDING,
        "can_put_back": found.status == ItemStatus.REJECTED,
        **_neighbours(found),
    }
    return render(request, "queues/item.html", context)


@page("items.put", ACT, process_of=process_of_queue, see="queues.see")
def move(request: DeskRequest, name: str) -> HttpResponse:
    """Take a pending item out, or put a rejected one back; the message offers the way back."""
    key, note, verb = (request.POST.get(field, "").strip() for field in ("key", "note", "verb"))
    by, at = request.person.username, now()
    try:
        if verb == "put_back":
            put_back(name, key, by=by, at=at, note=note[:500])
            messages.success(request, _("%(key)s is pending again.") % {"key": key})
        else:
            take_out(name, key, by=by, at=at, note=note[:500] or _("no reason given"))
            messages.success(request, _("%(key)s was taken out: it is not worked on.") % {"key": key})
    except ConflictError:
        state = word("item", item_of(name, key).status)
        messages.warning(request, _("Nothing was changed: the item is “%(state)s” now.") % {"state": state})
    return redirect(address_of_item(name, key))


def item_of(queue: str, key: str) -> Item:
    """The item with this key. Raises Http404."""
    found = (
        Item.objects.select_related("queue", "put_run", "claimed_run").filter(queue_id=queue, key=key).first()
    )
    if found is None:
        raise Http404(key)
    return found


def address_of_item(queue: str, key: str) -> str:
    """Where the page of an item is."""
    from urllib.parse import quote

    return f"{reverse('queues:item', args=[queue])}?key={quote(key)}"


def _values(found: Item) -> list[dict[str, Any]]:
    """Each field with its value, and the first value where somebody has changed it; the model's title where it has one."""
    fields = found.queue.fields.get("properties", {})
    names = dict.fromkeys([*found.data, *found.original])
    return [
        {
            "name": name,
            "title": fields.get(name, {}).get("title") or name,
            "value": found.data.get(name),
            "was": found.original.get(name),
            "changed": found.data.get(name) != found.original.get(name),
        }
        for name in names
    ]


def _attempts(found: Item, *, sees_evidence: bool) -> list[dict[str, Any]]:
    steps = list(
        Step.objects.filter(queue=found.queue_id, item=found.key).order_by("run_id", "lane", "seq")[:500]
    )
    rows = Attempt.objects.filter(item=found).select_related("run").order_by("-number")[:50]
    told = []
    for attempt in rows:
        mine = [step for step in steps if (step.run_id, step.attempt) == (attempt.run_id, attempt.number)]
        evidence = _evidence(attempt) if sees_evidence else []
        names = step_names(attempt.run.bot if attempt.run else "")
        told.append({"row": attempt, "pieces": pieces_of(mine, names), "evidence": evidence})
    return told


def _evidence(attempt: Attempt) -> list[dict[str, Any]]:
    run = attempt.run
    return [shown_piece(run, piece) for piece in attempt.evidence] if run is not None else []


def _neighbours(found: Item) -> dict[str, str]:
    """The items put just before and after, for going through them with j and k."""
    rows = Item.objects.filter(queue_id=found.queue_id)
    before = rows.filter(pk__lt=found.pk).order_by("-pk").values_list("key", flat=True).first()
    after = rows.filter(pk__gt=found.pk).order_by("pk").values_list("key", flat=True).first()
    return {
        "before": address_of_item(found.queue_id, before) if before else "",
        "after": address_of_item(found.queue_id, after) if after else "",
    }
