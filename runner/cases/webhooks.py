"""Subscriptions: who is told what, with which secret; and the outbox as people see it, with what did not arrive."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from runner.cases.announcing import EVENTS, News, announce_to
from runner.cases.audit import append
from runner.cases.webhook_addresses import checked
from runner.cases.webhook_posting import secret_of, signing_key
from runner.core.clock import iso
from runner.core.errors import ConflictError, ErrorReport, RunnerError, UsageError, did_you_mean
from runner.core.ids import uuid7
from runner.core.nouns import Event
from runner.store.models import Delivery, Webhook

WAITING, SENT, DEAD = "waiting", "sent", "dead"
KEPT_SENT: Final = timedelta(days=7)
KEPT_DEAD: Final = timedelta(days=90)
_LONGEST_LABEL: Final = 200
_NOTICED_AFTER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody subscribes to; no `processes`: all. `events` are names of `Event`."""

    label: str
    url: str
    events: Sequence[str]
    processes: Sequence[str] = ()


def subscribe(
    wanted: Wanted, home: Path, allowed: Iterable[str], *, by: str, at: datetime
) -> tuple[Webhook, str]:
    """A new subscription and its secret, which can be asked for again. Raises ErrorReport with what is wrong, all of it."""
    found = _fitting(wanted, allowed)
    salt = secrets.token_hex(16)
    with transaction.atomic():
        made = Webhook.objects.create(
            label=found.label, url=found.url, events=list(found.events), processes=list(found.processes), salt=salt,
            made=at, made_by=by, overdue_since=at,
        )  # fmt: skip
        _note("webhook.add", made, by, at, {"url": found.url, "events": list(found.events)})
    return made, secret_of(signing_key(home), salt)


def change(webhook_id: int, wanted: Wanted, allowed: Iterable[str], *, by: str, at: datetime) -> Webhook:
    """Another address, name or choice of events; what waits goes to the new address. Raises like `subscribe`."""
    found = _fitting(wanted, allowed)
    with transaction.atomic():
        webhook = webhook_of(webhook_id)
        for name in ("label", "url"):
            setattr(webhook, name, getattr(found, name))
        webhook.events, webhook.processes = list(found.events), list(found.processes)
        webhook.save(update_fields=["label", "url", "events", "processes"])
        _note("webhook.change", webhook, by, at, {"url": found.url, "events": list(found.events)})
    return webhook


def switch(webhook_id: int, *, on: bool, by: str, at: datetime) -> Webhook:
    """Stop telling an address, or go on. What happens while it is off is not told later; what waits then waits."""
    with transaction.atomic():
        webhook = webhook_of(webhook_id)
        if webhook.enabled == on:
            raise ConflictError(
                f"it is {'on' if on else 'off'} already", where=f"webhook {webhook_id}", code="STATE"
            )
        webhook.enabled, webhook.overdue_since = on, at
        webhook.save(update_fields=["enabled", "overdue_since"])
        _note("webhook.on" if on else "webhook.off", webhook, by, at)
    return webhook


def new_secret(webhook_id: int, home: Path, *, by: str, at: datetime) -> str:
    """Another secret, from now on; messages on their way are signed with it too."""
    salt = secrets.token_hex(16)
    with transaction.atomic():
        webhook = webhook_of(webhook_id)
        Webhook.objects.filter(pk=webhook.pk).update(salt=salt)
        _note("webhook.secret", webhook, by, at)
    return secret_of(signing_key(home), salt)


def unsubscribe(webhook_id: int, *, by: str, at: datetime) -> None:
    """End a subscription, with everything that waits for it. Raises UsageError (NOT_FOUND)."""
    with transaction.atomic():
        webhook = webhook_of(webhook_id)
        _note("webhook.remove", webhook, by, at, {"url": webhook.url})
        webhook.delete()


def send_test(webhook_id: int, *, by: str, at: datetime) -> str:
    """Put a message of the event `test` into the outbox; gives its id. `runner up` sends it within seconds."""
    with transaction.atomic():
        webhook = webhook_of(webhook_id)
        if not webhook.enabled:
            raise ConflictError(
                "it is off", expected="one that is on", where=f"webhook {webhook_id}", code="STATE"
            )
        return announce_to(webhook, News(Event.TEST, uuid7(at), at, data={"by": by, "label": webhook.label}))


def send_again(delivery_id: str, *, by: str, at: datetime) -> None:
    """Try a dead message once more, from the first wait on. Raises ConflictError for one that is not dead."""
    with transaction.atomic():
        found = Delivery.objects.filter(pk=delivery_id).first()
        if found is None:
            raise UsageError(f"message '{delivery_id}' not found", code="NOT_FOUND")
        dead = Delivery.objects.filter(pk=delivery_id, status=DEAD)
        if not dead.update(status=WAITING, next_try=at, attempts=0, ended=None):
            raise ConflictError(
                f"it is {found.status}", expected="a message that did not arrive", where=f"message {delivery_id}",
                code="STATE",
            )  # fmt: skip
        append(at, by, "webhook.again", "message", delivery_id, {"webhook": found.webhook_id})


def webhook_of(webhook_id: int) -> Webhook:
    """The subscription of that number. Raises UsageError (NOT_FOUND)."""
    found = Webhook.objects.filter(pk=webhook_id).first()
    if found is None:
        raise UsageError(
            f"webhook {webhook_id} not found", hint="see: runner webhooks list", code="NOT_FOUND"
        )
    return found


def nobody_sends(at: datetime) -> bool:
    """Whether a message has been due for more than a minute, which says that no `runner up` is there to send it."""
    late = Delivery.objects.filter(next_try__lt=at - _NOTICED_AFTER, webhook__enabled=True)
    return late.exists()


def counted_webhooks() -> QuerySet[Any]:
    """All subscriptions with how many messages wait (`waiting`), and how many did not arrive (`dead`)."""
    return Webhook.objects.annotate(
        waiting=Count("deliveries", filter=Q(deliveries__status=WAITING)),
        dead=Count("deliveries", filter=Q(deliveries__status=DEAD)),
    ).order_by("pk")


def webhook_json(one: Any) -> dict[str, Any]:
    """A row of `counted_webhooks` as JSON values; never its secret."""
    return {
        "id": one.pk,
        "label": one.label,
        "url": one.url,
        "events": one.events,
        "processes": one.processes,
        "enabled": one.enabled,
        "made": iso(one.made),
        "made_by": one.made_by,
        "last_sent": iso(one.last_sent) if one.last_sent else None,
        "broken_since": iso(one.broken_since) if one.broken_since else None,
        "waiting": one.waiting,
        "dead": one.dead,
    }


def message_json(one: Delivery) -> dict[str, Any]:
    """A message as JSON values."""
    return {
        "id": one.pk,
        "webhook": one.webhook_id,
        "event": one.event,
        "status": one.status,
        "attempts": one.attempts,
        "made": iso(one.made),
        "next_try": iso(one.next_try) if one.next_try else None,
        "http_status": one.http_status,
        "error": one.error,
    }


def _fitting(wanted: Wanted, allowed: Iterable[str]) -> Wanted:
    errors: list[RunnerError] = []
    label, url = wanted.label.strip(), wanted.url.strip()
    if not 0 < len(label) <= _LONGEST_LABEL or not label.isprintable():
        errors.append(_wrong("label", "the label is missing" if not label else "the label can't be used", "who is told, in 1 to 200 characters"))  # fmt: skip
    unknown = [one for one in wanted.events if one not in list(EVENTS)]
    if not wanted.events:
        errors.append(_wrong("events", "no event is chosen", f"one or several of {', '.join(EVENTS)}"))
    errors += [
        _wrong("events", f"there is no event '{one[:60]}'", did_you_mean(one, list(EVENTS)) or f"one of {', '.join(EVENTS)}")
        for one in unknown
    ]  # fmt: skip
    try:
        checked(url, allowed)
    except UsageError as error:
        errors.append(error)
    if errors:
        raise ErrorReport(errors)
    processes = list(dict.fromkeys(one.strip() for one in wanted.processes if one.strip()))
    return Wanted(label, url, list(dict.fromkeys(wanted.events)), processes)


def _wrong(where: str, what: str, expected: str) -> UsageError:
    return UsageError(what, expected=expected, hint="correct it", where=where, code="WEBHOOK")


def _note(what: str, webhook: Webhook, by: str, at: datetime, data: Mapping[str, Any] | None = None) -> None:
    append(at, by, what, "webhook", str(webhook.pk), {"label": webhook.label, **(data or {})})
