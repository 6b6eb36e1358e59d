"""Tells subscribers what happens: a row in the outbox for each, in the transaction of the thing itself, so none is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from runner.core.clock import iso, now
from runner.core.ids import uuid7
from runner.core.nouns import Event
from runner.store.models import Delivery, Webhook

EVENTS: Final = tuple(one for one in Event if one is not Event.TEST)
_telling: Final[ContextVar[bool]] = ContextVar("telling", default=True)


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened: `key` names it once and for ever, `data` are JSON values, never a row's data or a secret.

    `data` may be a function, which is asked only when somebody wants to know.
    """

    event: Event
    key: str
    at: datetime
    process: str = ""
    data: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)


@contextmanager
def in_silence() -> Iterator[None]:
    """While rows are made again from journals: what they say has been told."""
    token = _telling.set(False)
    try:
        yield
    finally:
        _telling.reset(token)


def announce(news: News) -> None:
    """Put `news` into the outbox for each subscriber that wants it. The caller holds the transaction.

    Told again, it changes nothing; what happened before somebody subscribed is not told to them. One query where
    nobody has subscribed.
    """
    if not _telling.get():
        return
    wanted = [
        one
        for one in Webhook.objects.filter(enabled=True)
        if news.event in one.events
        and (not one.processes or news.process in one.processes)
        and news.at >= one.made
    ]
    if wanted:
        told = replace(news, data=news.data() if callable(news.data) else news.data)
        Delivery.objects.bulk_create([_delivery(one, told) for one in wanted], ignore_conflicts=True)


def announce_late(webhook: Webhook, news: News) -> None:
    """Put `news` into the outbox for one subscriber whose turn it is, unless it was told; its processes are respected."""
    if not webhook.processes or news.process in webhook.processes:
        Delivery.objects.bulk_create([_delivery(webhook, news)], ignore_conflicts=True)


def announce_to(webhook: Webhook, news: News) -> str:
    """Put `news` into the outbox for one subscriber, wanted or not; gives the message's id."""
    row = _delivery(webhook, news)
    row.save(force_insert=True)
    return row.pk


def _delivery(webhook: Webhook, news: News) -> Delivery:
    at = now()
    key = f"{news.event} {news.key}"[:300]
    message = uuid7(at, seed=f"{webhook.pk} {key}")
    told = {
        "id": message,
        "event": str(news.event),
        "at": iso(news.at),
        "process": news.process,
        "data": news.data() if callable(news.data) else dict(news.data),
    }
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return Delivery(pk=message, webhook=webhook, event=news.event, key=key, body=body, made=at, next_try=at)
