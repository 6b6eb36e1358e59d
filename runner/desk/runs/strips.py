"""The last runs of a bot as a strip of little bars, one per run, coloured by how it ended and linked to it."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from runner.core.clock import now
from runner.desk import times
from runner.desk.charts import Box
from runner.desk.words import tone, word
from runner.store.bot_health import PastRun

STEP, WIDE, HIGH = 8.0, 6.0, 18.0


def strip_of(runs: Sequence[PastRun]) -> list[Box]:
    """A bar for each run, the oldest on the left."""
    return [
        Box(at * STEP, 1, WIDE, HIGH, tone("run", run.status), _told(run), reverse("runs:run", args=[run.id]))
        for at, run in enumerate(runs)
    ]


def _told(run: PastRun) -> str:
    parts = [word("run", run.status)]
    if run.started:
        parts.append(times.short(run.started, now()))
    if run.started and run.finished:
        parts.append(times.lasted(run.finished - run.started))
    if run.exceptions:
        parts.append(_("exceptions: %(n)d") % {"n": run.exceptions})
    return " · ".join(parts)
