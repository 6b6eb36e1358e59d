"""Webhooks for programs: who is told what, messages that did not arrive; for admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.cases import webhooks as acts
from runner.cases.webhook_addresses import allow_list
from runner.cases.webhook_posting import secret_of, signing_key
from runner.core.errors import UsageError
from runner.desk.api import shapes
from runner.desk.api.answers import Paged, answered, listed
from runner.desk.api.once import once
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Name, Said, Text
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.store.models import Delivery, Webhook

Number = Annotated[int, Field(ge=1, le=2_000_000_000)]
Told = Literal[
    "case.opened", "case.decided", "case.overdue", "run.finished", "problem.opened", "problem.regressed", "schedule.missed"
]  # fmt: skip


class MessageQuery(Paged):
    """Which messages."""

    status: Annotated[Literal["waiting", "sent", "dead"] | None, Field(description="Only in this state.")] = (
        None
    )


class Subscribe(Said):
    """Who is to be told of what; no `processes`: of all."""

    label: Name
    url: Annotated[Text, Field(max_length=1000)]
    events: Annotated[list[Told], Field(min_length=1)]
    processes: list[Name] = Field(default_factory=list)


@operation("GET", "webhooks", "webhooks.edit", summary=_("List webhooks"), gives=shapes.All[shapes.Webhook])
def list_webhooks(request: DeskRequest) -> HttpResponse:
    """With what waits for them, and what did not arrive."""
    return answered(request, {"rows": [acts.webhook_json(one) for one in acts.counted_webhooks()]})


@operation(
    "POST",
    "webhooks",
    "webhooks.edit",
    summary=_("Tell a program"),
    gives=shapes.NewWebhook,
    status=201,
    refuses=(409,),
)
def add_webhook(request: DeskRequest, wanted: Subscribe) -> HttpResponse:
    """From now on. `secret` is what its receiver checks signatures with. An address inside a network is refused with API_URL."""
    here = place().settings

    def act(at: datetime) -> dict[str, Any]:
        asked = acts.Wanted(wanted.label, wanted.url, wanted.events, wanted.processes)
        allowed = allow_list(here.webhook_allow)
        made, _secret = acts.subscribe(asked, here.home, allowed, by=request.person.username, at=at)
        return {"id": made.pk}

    return once(request, act, 201, shown=_with_secret)


@operation(
    "POST", "webhooks/{webhook_id}/test", "webhooks.edit", summary=_("Send a test"), gives=shapes.MessageSent,
    status=202, refuses=(409,),
)  # fmt: skip
def test_webhook(request: DeskRequest, webhook_id: Number) -> HttpResponse:
    """Put a message of the event `test` on its way; `runner up` sends it within seconds."""

    def act(at: datetime) -> dict[str, Any]:
        return {"message": acts.send_test(webhook_id, by=request.person.username, at=at)}

    return once(request, act, 202)


@operation(
    "DELETE", "webhooks/{webhook_id}", "webhooks.edit", summary=_("Remove a webhook"), gives=shapes.Removed,
    refuses=(409,),
)  # fmt: skip
def remove_webhook(request: DeskRequest, webhook_id: Number) -> HttpResponse:
    """With everything that waits for it."""

    def act(at: datetime) -> dict[str, Any]:
        acts.unsubscribe(webhook_id, by=request.person.username, at=at)
        return {"removed": webhook_id}

    return once(request, act)


@operation(
    "GET", "webhooks/{webhook_id}/messages", "webhooks.edit", summary=_("List messages"),
    gives=shapes.Rows[shapes.Message],
)  # fmt: skip
def list_messages(request: DeskRequest, webhook_id: Number, wanted: Query[MessageQuery]) -> HttpResponse:
    """The newest first: what arrived, what waits, what was given up and why. Sort: made."""
    if not Webhook.objects.filter(pk=webhook_id).exists():
        raise Http404
    rows = Delivery.objects.filter(webhook=webhook_id)
    rows = rows.filter(status=wanted.status) if wanted.status else rows
    return listed(request, rows, wanted, {"made": "made"}, "-made", _messages)


@operation(
    "POST", "messages/{message_id}/again", "webhooks.edit", summary=_("Send again"), gives=shapes.MessageSent,
    status=202, refuses=(409,),
)  # fmt: skip
def send_again(request: DeskRequest, message_id: Text) -> HttpResponse:
    """Try a message that was given up once more."""

    def act(at: datetime) -> dict[str, Any]:
        acts.send_again(message_id, by=request.person.username, at=at)
        return {"message": message_id}

    return once(request, act, 202)


def _with_secret(made: dict[str, Any]) -> dict[str, Any]:
    """The webhook of that number with its secret, which is worked out and not kept. Raises UsageError where it is gone."""
    found = acts.counted_webhooks().filter(pk=made["id"]).first()
    if found is None:
        raise UsageError("the webhook is gone", code="NOT_FOUND")
    secret = secret_of(signing_key(place().settings.home), found.salt)
    return acts.webhook_json(found) | {"secret": secret}


def _messages(rows: Sequence[Delivery]) -> list[dict[str, Any]]:
    return [acts.message_json(one) for one in rows]
