"""What a schedule's policies are called and what their values mean: for its page and for the form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from runner.core.clock import duration_text
from runner.core.schedules_model import Policies, Schedule
from runner.desk import times
from runner.desk.words import Word

POLICIES: Final[Mapping[str, Word]] = {
    "missed": gettext_lazy("When a due time was missed"),
    "grace": gettext_lazy("Late, but still on time, up to"),
    "max_catchup": gettext_lazy("Catch up at most"),
    "overlap": gettext_lazy("When the run before goes on"),
    "time_limit": gettext_lazy("A run is stopped after"),
    "deadline": gettext_lazy("Must be finished by"),
    "priority": gettext_lazy("Priority"),
    "jitter": gettext_lazy("Start up to so much later"),
    "concurrency": gettext_lazy("Holds alone"),
    "retry": gettext_lazy("Start a failed run again"),
    "item_retry": gettext_lazy("Try an item again"),
    "stage": gettext_lazy("Stage"),
    "sample": gettext_lazy("Sample of a pilot"),
    "shift": gettext_lazy("On a day off"),
}
MISSED: Final[Mapping[str, Word]] = {
    "run_once": gettext_lazy("run once for all that was missed"),
    "run_all": gettext_lazy("run each of them, one after the other"),
    "skip": gettext_lazy("run none, and open a case"),
}
OVERLAP: Final[Mapping[str, Word]] = {
    "skip": gettext_lazy("leave this one out"),
    "queue": gettext_lazy("wait until it has ended"),
    "replace": gettext_lazy("stop it and start anew"),
}
SHIFT: Final[Mapping[str, Word]] = {
    "skip": gettext_lazy("leave it out"),
    "next": gettext_lazy("the next working day"),
    "previous": gettext_lazy("the working day before"),
}
STAGE: Final[Mapping[str, Word]] = {
    "production": pgettext_lazy("schedule", "production"),
    "pilot": pgettext_lazy("schedule", "pilot: a sample only"),
}
PERIODS: Final[Mapping[str, Word]] = {
    "week": gettext_lazy("of the week"),
    "month": gettext_lazy("of the month"),
    "quarter": gettext_lazy("of the quarter"),
    "year": gettext_lazy("of the year"),
}
ENDINGS: Final[Mapping[str, Word]] = {
    "succeeded": gettext_lazy("succeeded"),
    "exceptions": gettext_lazy("ended with exceptions"),
    "failed": gettext_lazy("failed"),
    "ended": gettext_lazy("ended, however"),
}
CHOSEN: Final[Mapping[str, Mapping[str, Word]]] = {
    "missed": MISSED,
    "overlap": OVERLAP,
    "shift": SHIFT,
    "stage": STAGE,
}
_USUAL: Final = Policies()
_ALWAYS: Final = ("missed", "grace", "overlap", "time_limit")
_ELSEWHERE: Final = ("stage", "sample", "shift")  # shown with the state, and with the calendars


def weekdays() -> list[str]:
    """The names of the days of the week, Monday first, as the language of the page shortens them."""
    return _("Mon Tue Wed Thu Fri Sat Sun").split()


def policies_of(schedule: Schedule) -> list[tuple[str, str]]:
    """The policies of a schedule in words: those that always matter, and the others where they say something."""
    found = []
    for name, title in POLICIES.items():
        value = getattr(schedule, name)
        if name in _ELSEWHERE or (name not in _ALWAYS and value == getattr(_USUAL, name)):
            continue
        if name == "max_catchup" and schedule.missed != "run_all":
            continue
        found.append((str(title), value_words(name, value)))
    return found


def value_words(name: str, value: Any) -> str:
    """The value of a policy in words; a dash for none."""
    if value is None or value == ():
        return "–"
    if name in CHOSEN:
        return str(CHOSEN[name].get(str(value), value))
    if isinstance(value, timedelta):
        return times.lasted(value)
    if name in {"retry", "item_retry"}:
        words = {
            "times": value.times,
            "wait": duration_text(value.wait),
            "longest": duration_text(value.longest_wait),
        }
        return _("%(times)d times, after %(wait)s, later up to %(longest)s") % words  # fmt: skip
    if name == "max_catchup":
        return _("%(n)d due times") % {"n": value}
    return ", ".join(value) if isinstance(value, tuple) else str(value)
