"""Finds the cases that have become overdue since the last look, and tells those who want to know; each once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from runner.cases.announcing import News, announce_late
from runner.cases.case_news import case_facts
from runner.core.clock import iso
from runner.core.nouns import Event
from runner.store.models import Case, Webhook

_AT_ONCE: Final = 2000


def announce_overdue(at: datetime) -> None:
    """Put the cases whose due time passed between the last look and `at`, and that still wait, into the outbox."""
    for webhook in Webhook.objects.filter(enabled=True, overdue_since__lt=at):
        if Event.CASE_OVERDUE not in webhook.events:
            continue
        with transaction.atomic():
            rows = Case.objects.select_related("problem").filter(
                waits=True, due__gt=webhook.overdue_since, due__lte=at
            )
            for case in rows.order_by("due", "id")[:_AT_ONCE]:
                if case.due is not None:
                    key = f"{case.pk} {iso(case.due)}"
                    announce_late(
                        webhook, News(Event.CASE_OVERDUE, key, case.due, case.process, case_facts(case))
                    )
            Webhook.objects.filter(pk=webhook.pk).update(overdue_since=at)
