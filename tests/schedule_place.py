"""A desk with a schedules.yaml of one schedule of each kind, and the pages of it as people read them."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from runner.core.clock import now
from runner.engine.bot_watch import take_stock
from runner.store.models import Occurrence
from tests.desk_place import Desk

SCHEDULES = """\
# What runs here.
defaults: {timezone: Europe/Berlin}
calendars:
  company:            # ours
    country: DE
    closed: ["2030-12-24"]
    blackouts: ["Sun 02:00-04:00"]
schedules:
  # Posts the invoices.
  - id: invoices      # the first
    description: Post invoices
    bot: invoice
    cron: "30 8 * * 1-5"   # early
    calendars: [company]
    parameters: {count: 3}

  - id: slow-one
    bot: slow
    every: 2h
    enabled: false

  - id: tried
    bot: slow
    at: "23:30"
    stage: pilot
    sample: 5 %
    deadline: 1m
    concurrency: [portal]

  - id: on-request
    bot: invoice
    manual: yes
"""


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk whose schedules.yaml has one of each kind that these tests look at."""
    desk.settings.schedules.write_text(SCHEDULES, "utf-8")
    take_stock(desk.settings, changed_only=True)
    return desk


def text_of(answer: Any) -> str:
    """A page as people read it."""
    plain = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r" (?=[,.:;)])", "", re.sub(r"\s+", " ", html.unescape(plain)))


def hidden(answer: Any, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, text_of(answer)
    return html.unescape(found[1])


def hidden_all(answer: Any) -> dict[str, Any]:
    """Every hidden field of a page's form, lists where there are several of a name."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.content.decode()
    ):
        found.setdefault(name, []).append(html.unescape(value))
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def recorded(schedule: str, due: datetime, state: str, reason: str, **more: Any) -> Occurrence:
    """A due time that ended so."""
    return Occurrence.objects.create(
        schedule=schedule, due=due, state=state, reason=reason, recorded=now(), **more
    )


def full_hour(ago: timedelta) -> datetime:
    """A full hour of the past."""
    return (now() - ago).replace(minute=0, second=0, microsecond=0)
