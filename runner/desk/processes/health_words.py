"""The health of a process in words: each finding as a sentence with the page that it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.insight.process_health import Finding, Health, Sign


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words: its tone, the sentence, names that belong to it, and where to do something about it."""

    tone: str
    text: str
    names: tuple[str, ...]
    link: str


def findings_of(health: Health) -> list[Told]:
    """What was found, the worst first."""
    return [Told(one.tone, _text(one), one.names, _link(one, health.process)) for one in health.findings]


def verdict(health: Health) -> str:
    """The health in a word or two."""
    return {
        "bad": _("needs somebody now"),
        "warn": _("needs attention"),
        "info": _("cases wait, in time"),
        "good": _("all is well"),
    }[health.tone]


def _text(one: Finding) -> str:
    n = one.count
    texts = {
        Sign.OVERDUE: ngettext("%(n)d case is past its due time.", "%(n)d cases are past their due time.", n),
        Sign.MISSED: ngettext(
            "%(n)d due time of the last 7 days was missed.",
            "%(n)d due times of the last 7 days were missed.",
            n,
        ),
        Sign.LATE: ngettext(
            "%(n)d run should have begun and still waits.", "%(n)d runs should have begun and still wait.", n
        ),
        Sign.FAILING: ngettext("%(n)d bot keeps failing.", "%(n)d bots keep failing.", n),
        Sign.REGRESSED: ngettext(
            "%(n)d problem came back although it was fixed.",
            "%(n)d problems came back although they were fixed.",
            n,
        ),
        Sign.ACTIONS: ngettext(
            "%(n)d corrective action is past its due date.",
            "%(n)d corrective actions are past their due date.",
            n,
        ),
        Sign.UNLOADED: ngettext("%(n)d bot can't be loaded.", "%(n)d bots can't be loaded.", n),
        Sign.WAITING: ngettext("%(n)d case waits, in time.", "%(n)d cases wait, in time.", n),
    }
    return texts[one.sign] % {"n": n}


def _link(one: Finding, process: str) -> str:
    of = urlencode({"process": process})
    links = {
        Sign.OVERDUE: f"/cases/overdue/?{of}",
        Sign.MISSED: f"/schedules/{quote(one.names[0])}/" if len(one.names) == 1 else "/schedules/",
        Sign.LATE: f"/runs/?{of}&status=queued",
        Sign.FAILING: f"/bots/{quote(one.names[0])}/" if len(one.names) == 1 else f"/bots/?{of}",
        Sign.REGRESSED: f"/?{of}",
        Sign.ACTIONS: f"/?{of}",
        Sign.UNLOADED: f"/bots/?{of}",
        Sign.WAITING: f"/cases/?{of}",
    }
    return links[one.sign]
