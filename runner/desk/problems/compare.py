"""Failed against clean: what the failed ones have in common that clean ones have not, with counts, bars and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from runner.cases.contrast import Finding
from runner.cases.contrast_sample import Contrast, contrast_of
from runner.core.nouns import Branch
from runner.desk.access import page
from runner.desk.asking import DeskRequest, NotAllowed
from runner.desk.live import live
from runner.desk.problems.asked import process_of_problem
from runner.desk.templatetags.desk import number
from runner.desk.words import Word
from runner.store.models import Case, Problem

_MOST: Final = 12
_FEW: Final = 5  # with fewer failed or clean ones hardly anything can be told
_SURE: Final = ((0.0001, "sure"), (0.01, "likely"), (0.05, "maybe"))  # a chance below it is called so
_FORMS: Final[Mapping[str, Word]] = {
    "(empty)": gettext_lazy("empty"),
    "(has characters outside ASCII)": gettext_lazy("has characters outside of plain Latin letters"),
    "(has spaces at an end)": gettext_lazy("has spaces at an end"),
    "by hand": gettext_lazy("by hand"),
    "Monday": gettext_lazy("Monday"),
    "Tuesday": gettext_lazy("Tuesday"),
    "Wednesday": gettext_lazy("Wednesday"),
    "Thursday": gettext_lazy("Thursday"),
    "Friday": gettext_lazy("Friday"),
    "Saturday": gettext_lazy("Saturday"),
    "Sunday": gettext_lazy("Sunday"),
}
_DIMENSIONS: Final[Mapping[str, Word]] = {
    "bot_version": gettext_lazy("version of the bot"),
    "host": gettext_lazy("machine"),
    "hour": gettext_lazy("hour of the day"),
    "weekday": gettext_lazy("weekday"),
    "schedule": gettext_lazy("schedule"),
}
_BRANCHES: Final = {
    "data": Branch.MATERIAL, "parameter": Branch.MATERIAL, "bot_version": Branch.METHOD, "schedule": Branch.METHOD,
    "host": Branch.MACHINE, "locator": Branch.MACHINE, "hour": Branch.ENVIRONMENT, "weekday": Branch.ENVIRONMENT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """One value that is over-represented, in words. `bars` are shares in percent; `split` the field to split by, if any."""

    finding: Finding
    what: str
    value: str
    sentence: str
    how_sure: str
    sure: str
    failed_share: float
    clean_share: float
    split: str
    branch: str

    @property
    def cause(self) -> str:
        """The words under which it goes into the fishbone."""
        return f"{self.what}: {self.value}"


def _version(_request: DeskRequest, problem_id: str) -> object:
    return Problem.objects.filter(pk=problem_id).values_list("total", "last_seen", "version").first()


@page("problems.see", process_of=process_of_problem)
@live(_version)
def compare(request: DeskRequest, problem_id: str) -> HttpResponse:
    """The comparison, as a part of the page that comes after the rest: it reads thousands of items."""
    problem = Problem.objects.get(pk=problem_id)
    mine = request.access.limit(Case.objects.filter(problem=problem), "cases.see")
    if request.access.by_process and mine.count() != problem.total:
        raise NotAllowed(
            request.access.role, "cases.see"
        )  # it would show rows of a process that is not theirs
    found = contrast_of(problem_id, zone=timezone.get_current_timezone(), most=_MOST)
    rows = [told(one, found.of) for one in found.findings]
    context: dict[str, Any] = {
        "problem": problem,
        "found": found,
        "summary": summary_of(found),
        "few": min(found.failed, found.clean) < _FEW,
        "notable": [one for one in rows if one.finding.is_notable],
        "others": [one for one in rows if not one.finding.is_notable],
        "may_work": request.access.may("problems.work", problem.process) and problem.merged_into_id is None,
        "may_merge": request.access.may("problems.merge", problem.process) and problem.merged_into_id is None,
    }
    return render(request, "problems/compare.html", context)


def summary_of(found: Contrast) -> str:
    """What was compared, in a sentence."""
    if found.of == "items":
        failed = _failed_items(found)
        clean = ngettext("%(n)d clean one", "%(n)d clean ones", found.clean) % {"n": found.clean}
        text = _("%(failed)s, beside %(clean)s of the same queue that were put in the same time.")
        return text % {"failed": failed, "clean": clean}
    failed = _failed_runs(found)
    clean = ngettext("%(n)d run", "%(n)d runs", found.clean) % {"n": found.clean}
    return _("%(failed)s, beside %(clean)s of the same bot that went through.") % {
        "failed": failed, "clean": clean,
    }  # fmt: skip


def _failed_items(found: Contrast) -> str:
    if found.all_failed > found.failed:
        return _("The last %(n)s of %(all)s failed items") % _numbers(found)
    return ngettext("%(n)d failed item", "%(n)d failed items", found.failed) % {"n": found.failed}


def _failed_runs(found: Contrast) -> str:
    if found.all_failed > found.failed:
        return _("The last %(n)s of %(all)s failed runs") % _numbers(found)
    return ngettext("%(n)d failed run", "%(n)d failed runs", found.failed) % {"n": found.failed}


def _numbers(found: Contrast) -> dict[str, str]:
    return {"n": number(found.failed), "all": number(found.all_failed)}


def told(one: Finding, of: str) -> Compared:
    """A finding in words. `of` is ``items`` or ``runs``."""
    name, _dot, rest = one.dimension.partition(".")
    how_sure = next((words for limit, words in _SURE if one.chance < limit), "chance")
    is_form = one.value.startswith(("(", "≥ ", "< "))
    split = (
        one.dimension if (name == "data" and "(" not in rest and not is_form) or name == "bot_version" else ""
    )
    return Compared(
        finding=one,
        what=dimension_words(one.dimension),
        value=str(_FORMS.get(one.value, one.value.replace("rank ", "#"))),
        sentence=_sentence(one, of),
        how_sure=how_sure,
        sure=_how_sure(how_sure, one.chance),
        failed_share=_percent(one.failed_with, one.failed),
        clean_share=_percent(one.clean_with, one.clean),
        split=split,
        branch=_BRANCHES.get(
            name if name in _BRANCHES else one.dimension.partition(" ")[0], Branch.ENVIRONMENT
        ),
    )


def dimension_words(dimension: str) -> str:
    """What a dimension is called: a field of the data by its own name, the rest in the language of the page."""
    if dimension in _DIMENSIONS:
        return str(_DIMENSIONS[dimension])
    kind, _dot, name = dimension.partition(".")
    entries = name.endswith(" (entries)")
    shown = name.removesuffix(" (entries)")
    if kind == "data":
        return _("number of %(field)s") % {"field": shown} if entries else shown
    if kind == "parameter":
        return _("parameter %(name)s") % {"name": shown}
    if dimension.startswith("locator "):
        return _("which choice found “%(name)s”") % {"name": dimension.removeprefix("locator ")}
    return dimension


def _sentence(one: Finding, of: str) -> str:
    facts = {
        "a": one.failed_with, "n": one.failed, "c": one.clean_with, "m": one.clean,
        "times": f"{one.ratio:.1f}" if one.ratio and one.ratio < 10 else f"{one.ratio or 0:.0f}",
    }  # fmt: skip
    texts: Mapping[tuple[str, bool], Callable[[], str]] = {
        ("items", True): lambda: _("%(a)d of %(n)d failed items have it, and not one of %(m)d clean ones."),
        ("items", False): lambda: _(
            "%(a)d of %(n)d failed items have it, %(c)d of %(m)d clean ones: %(times)s times as often."
        ),
        ("runs", True): lambda: _("%(a)d of %(n)d failed runs have it, and not one of %(m)d clean ones."),
        ("runs", False): lambda: _(
            "%(a)d of %(n)d failed runs have it, %(c)d of %(m)d clean ones: %(times)s times as often."
        ),
    }
    return texts[of, one.ratio is None]() % facts


def _how_sure(how: str, chance: float) -> str:
    """How sure it is that this is no coincidence, in words and as odds."""
    odds = f"{min(1 / chance, 1e6):,.0f}" if chance > 0 else f"{1e6:,.0f}"
    texts = {
        "sure": _(
            "Almost certainly no coincidence: chance alone does this less than once in %(odds)s times."
        ),
        "likely": _("Very probably no coincidence: chance alone does this about once in %(odds)s times."),
        "maybe": _("Probably no coincidence: chance alone does this about once in %(odds)s times."),
        "chance": _("This may well be a coincidence."),
    }
    return texts[how] % {"odds": odds}


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
