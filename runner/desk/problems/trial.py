"""The trial of a problem: a few cases are tried again and watched, then the rest follows, or is held back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.cases import bulk, canary
from runner.cases.problems import Who
from runner.core.clock import now
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.problems.asked import Said, acting, process_of_problem, typed_in
from runner.desk.queue.asked import Refused, new_token
from runner.store.models import Case, Problem

USUAL: Final = 3
_AT_ONCE: Final = timedelta(seconds=4)
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """How the trial stands (`seen`: None where there was none), its first cases, and how many cases could begin one."""

    seen: canary.Canary | None
    cases: Sequence[Case]
    could: int

    @property
    def is_watched(self) -> bool:
        """Whether it waits for somebody to release or hold the rest."""
        return self.seen is not None and self.seen.state == "watching"

    @property
    def parts(self) -> list[tuple[float, str, str]]:
        """The bar of its cases: those that went through, failed again, have not ended."""
        one = self.seen
        if one is None:
            return []
        return [
            (one.succeeded, "good", _("%(n)d went through") % {"n": one.succeeded}),
            (one.failed, "bad", _("%(n)d failed again") % {"n": one.failed}),
            (one.waiting, "info", _("%(n)d not ended yet") % {"n": one.waiting}),
        ]

    @property
    def usual(self) -> int:
        """How many cases a new trial would begin with."""
        return min(USUAL, self.could)


def trial_of(problem: Problem) -> Trial:
    """How the trial of a problem stands. At most three queries."""
    said = (problem.canary or {}).get("cases", [])
    cases = (
        list(Case.objects.filter(pk__in=said).defer("error", "evidence").order_by("due", "pk"))
        if said
        else []
    )
    seen = canary.canary_of(problem, cases)
    could = seen.left if seen and seen.state == "watching" else canary.could_follow(problem.pk)
    return Trial(seen, cases[:_SHOWN], could)


def _version(_request: DeskRequest, problem_id: str) -> object:
    problem: Any = (
        Problem.objects.filter(pk=problem_id).values("canary", "version", "waiting", "status").first()
    )
    cases = ((problem or {}).get("canary") or {}).get("cases", [])
    states = Case.objects.filter(pk__in=cases).order_by("pk").values_list("version", flat=True)
    return [problem, list(states)]


@page("problems.see", process_of=process_of_problem)
@live(_version)
def trial(request: DeskRequest, problem_id: str) -> HttpResponse:
    """The part of the page that follows the trial."""
    problem = Problem.objects.get(pk=problem_id)
    return render(request, "problems/trial.html", trial_context(request, problem))


def trial_context(request: DeskRequest, problem: Problem) -> dict[str, Any]:
    """What the part needs."""
    may = request.access.may
    decides = may("problems.work", problem.process) and may("cases.decide", problem.process)
    return {
        "problem": problem,
        "trial": trial_of(problem),
        "may_try": decides and problem.merged_into_id is None,
        "token": new_token(),
    }


def _start(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """Try a few cases again, those that are due first."""
    require_deciding(request, problem_id)
    wanted = request.POST.get("cases", "").strip()
    if not wanted.isdecimal() or not 1 <= int(wanted) <= 100:
        said = _("“%(n)s” is no number from 1 to 100.") % {"n": wanted}
        return Refused("trial", errors={"cases": said}, typed=typed_in(request))
    _canary, results = canary.start_canary(problem_id, int(wanted), who)
    done = sum(one.outcome == bulk.Outcome.DONE for one in results)
    text = ngettext("%(n)d case is tried again.", "%(n)d cases are tried again.", done) % {"n": done}
    refused = len(results) - done
    if refused:
        text += " " + _("Not possible: %(n)d.") % {"n": refused}
    return Said(text, place="trial", warning=bool(refused))


def _release(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """Try the rest again: decided one by one, on a page of its own where it takes longer, with a result for each."""
    require_deciding(request, problem_id)
    note = request.POST.get("note", "").strip()[:4000]
    frozen = canary.begin_release(problem_id, who, anyway=note)
    if frozen is None:
        return Said(_("There was no other case to try again."), place="trial")
    wanted = canary.release_decision(problem_id)
    part = bulk.apply_part(frozen, wanted, by=who.by, at=now, limit=_AT_ONCE)
    done, total = sum(part.counts.values()), len(frozen.cases)
    if part.finished:
        text = ngettext("%(n)d case follows.", "%(n)d cases follow.", done) % {"n": done}
    else:
        text = _("%(n)d of %(total)d cases are decided; this page goes on by itself.") % {
            "n": done,
            "total": total,
        }
    return Said(text, elsewhere=f"/bulk/{frozen.id}/")


def _hold(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """End the trial without trying the rest."""
    canary.hold(problem_id, who, note=request.POST.get("note", "").strip()[:4000])
    return Said(_("The rest is held back; another trial can begin at any time."), place="trial")


def require_deciding(request: DeskRequest, problem_id: str) -> None:
    """Its cases are retried wherever they belong: a problem may hold those of several processes."""
    waiting = Case.objects.filter(problem=problem_id, waits=True).order_by().values_list("process", flat=True)
    for process in {process_of_problem(problem_id) or "", *waiting.distinct()}:
        request.access.require("cases.decide", process)


start = acting("problems.work", "trial", _start)
release = acting("problems.work", "release", _release)
hold = acting("problems.work", "hold", _hold)
