"""The timeline: what ran, runs, and is due to run, as bars along the hours, by bot, worker or schedule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.clock import now
from runner.core.nouns import RunStatus
from runner.desk import times
from runner.desk.access import page
from runner.desk.asking import Access, DeskRequest
from runner.desk.charts import Bar
from runner.desk.live import live
from runner.desk.planned import in_force
from runner.desk.runs.views import read_moment
from runner.desk.words import tone, word
from runner.store.bot_health import bot_health
from runner.store.models import Run

HOURS: Final = (2, 6, 12, 24, 72)
ROWS: Final = {
    "bot": gettext_lazy("Bot"),
    "worker": gettext_lazy("Worker"),
    "schedule": gettext_lazy("Schedule"),
}
_MOST_BARS: Final = 600
_MOST_ROWS: Final = 30
_MOST_PREDICTED: Final = 300
_LONGEST: Final = timedelta(
    days=1
)  # a run that began longer before the left border is found by its state alone
_UNKNOWN: Final = timedelta(minutes=5)  # how long a bot is thought to take that never ran


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: `hours` around `middle`, in rows by `by`; `is_now` follows the clock."""

    middle: datetime
    hours: int
    by: str
    is_now: bool

    @property
    def start(self) -> datetime:
        """The left border, on the reader's clock: two thirds of the width lie before the middle."""
        return times.local(self.middle - timedelta(hours=self.hours) * 2 / 3)

    @property
    def end(self) -> datetime:
        """The right border."""
        return times.local(self.start + timedelta(hours=self.hours))


def _version(request: DeskRequest) -> object:  # noqa: ARG001 (what `live` asks with)
    open_ones = Run.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).order_by("queued")[:200]
    newest = Run.objects.order_by("-queued").values_list("pk", "status", "finished").first()
    return list(open_ones.values_list("pk", "status")), newest


@page("runs.see")
@live(_version)
def timeline(request: DeskRequest) -> HttpResponse:
    """The page; htmx gets the drawing alone."""
    view = _view(request)
    bars, more = bars_of(view, request.access)
    counts = Counter(bar.row for bar in bars)
    rows = sorted(dict(counts.most_common(_MOST_ROWS)))
    kept = [bar for bar in bars if bar.row in rows]
    context: dict[str, Any] = {
        "view": view, "bars": kept, "rows": rows, "start": view.start, "end": view.end, "now": now(),
        "hours": HOURS, "by": ROWS.items(), "more": more or len(counts) > len(rows), "tab": "timeline",
        "before": (view.middle - timedelta(hours=view.hours) / 2).isoformat(),
        "after": (view.middle + timedelta(hours=view.hours) / 2).isoformat(),
        "label": _("Runs from %(start)s to %(end)s") % {"start": times.moment(view.start), "end": times.moment(view.end)},
    }  # fmt: skip
    part = request.htmx and request.htmx.target == "timeline"
    return render(request, "runs/timeline_part.html" if part else "runs/timeline.html", context)


def bars_of(view: View, access: Access) -> tuple[list[Bar], bool]:
    """The bars of a view, past and predicted, and whether there were more runs than are drawn. At most six queries."""
    at = now()
    seen = access.limit(Run.objects.all(), "runs.see")
    begun = seen.filter(queued__gte=view.start - _LONGEST, queued__lte=view.end)
    inside = begun.filter(Q(finished=None) | Q(finished__gte=view.start)).order_by("-queued")[
        : _MOST_BARS + 1
    ]
    older = seen.filter(status=RunStatus.RUNNING, queued__lt=view.start - _LONGEST).order_by("queued")[
        :_MOST_BARS
    ]
    found = [*inside, *older]  # two queries, each along an index
    bars = [_bar(run, view.by, at) for run in found[:_MOST_BARS]]
    return [*bars, *_predicted(view, access, at)], len(found) > _MOST_BARS


def _bar(run: Run, by: str, at: datetime) -> Bar:
    names = {
        "bot": run.bot,
        "worker": run.worker or _("no worker yet"),
        "schedule": run.schedule or _("by hand"),
    }
    start = run.started or max(run.queued, run.not_before or run.queued)
    end = run.finished or max(at, start)
    told = [
        run.bot,
        word("run", run.status),
        times.short(start, at),
        times.lasted(max(end - start, timedelta())),
    ]
    if run.exceptions:
        told.append(_("exceptions: %(n)d") % {"n": run.exceptions})
    return Bar(
        names[by],
        start,
        max(end, start),
        tone("run", run.status),
        " · ".join(told),
        reverse("runs:run", args=[run.pk]),
    )


def _predicted(view: View, access: Access, at: datetime) -> list[Bar]:
    if view.end <= at:
        return []
    planned = in_force()
    health = bot_health(sorted({one.schedule.bot or one.schedule.recording or "" for one in planned}))
    bars: list[Bar] = []
    for one in planned:
        bot = one.schedule.bot or one.schedule.recording or ""
        usual = health[bot].usual_seconds
        long = timedelta(seconds=usual) if usual is not None else _UNKNOWN
        names = {"bot": bot, "worker": _("planned"), "schedule": one.schedule.id}
        for coming in one.due_times(max(at, view.start), view.end):
            if coming.skip is None:
                told = _("%(bot)s is due %(time)s") % {"bot": bot, "time": times.short(coming.due, at)}
                link = reverse("schedules:one", args=[one.schedule.id])
                bars.append(Bar(names[view.by], coming.due, coming.due + long, "predicted plain", told, link))
            if len(bars) >= _MOST_PREDICTED:
                return bars
    return bars if access.may("schedules.see") else []


def _view(request: DeskRequest) -> View:
    asked = request.GET
    hours = int(asked["hours"]) if asked.get("hours", "").isdigit() and int(asked["hours"]) in HOURS else 12
    by = asked.get("by", "bot")
    try:
        middle = read_moment(asked["at"].replace(" ", "+")) if asked.get("at") else None
    except ValueError:
        middle = None
    return View(middle or _minute(now()), hours, by if by in ROWS else "bot", is_now=middle is None)


def _minute(at: datetime) -> datetime:
    """The full minute: the drawing stays the same until the next."""
    return at.replace(second=0, microsecond=0)
