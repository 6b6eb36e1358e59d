"""The desk's words for Runner's nouns, in one table: states, kinds, roles, verbs. Every screen takes them from here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Word = str | Promise

WORDS: Final[Mapping[str, Mapping[str, Word]]] = MappingProxyType({
    "case": {
        "open": pgettext_lazy("case", "open"),
        "claimed": pgettext_lazy("case", "claimed"),
        "waiting": pgettext_lazy("case", "waiting"),
        "retrying": pgettext_lazy("case", "retrying"),
        "resolved": pgettext_lazy("case", "resolved"),
        "verified": pgettext_lazy("case", "verified"),
        "closed": pgettext_lazy("case", "closed"),
    },
    "problem": {
        "open": pgettext_lazy("problem", "open"),
        "analysing": pgettext_lazy("problem", "analysing"),
        "acting": pgettext_lazy("problem", "acting"),
        "verifying": pgettext_lazy("problem", "verifying"),
        "resolved": pgettext_lazy("problem", "resolved"),
        "closed": pgettext_lazy("problem", "closed"),
    },
    "kind": {
        "business": pgettext_lazy("kind of failure", "business"),
        "application": pgettext_lazy("kind of failure", "application"),
        "unknown": pgettext_lazy("kind of failure", "outcome unknown"),
    },
    "run": {
        "queued": pgettext_lazy("run", "queued"),
        "running": pgettext_lazy("run", "running"),
        "done": pgettext_lazy("run", "done"),
        "exceptions": pgettext_lazy("run", "with exceptions"),
        "failed": pgettext_lazy("run", "failed"),
        "lost": pgettext_lazy("run", "lost"),
        "cancelled": pgettext_lazy("run", "cancelled"),
    },
    "item": {
        "pending": pgettext_lazy("item", "pending"),
        "running": pgettext_lazy("item", "in work"),
        "done": pgettext_lazy("item", "done"),
        "exception": pgettext_lazy("item", "exception"),
        "rejected": pgettext_lazy("item", "rejected"),
    },
    "attempt": {
        "running": pgettext_lazy("attempt", "running"),
        "done": pgettext_lazy("attempt", "done"),
        "failed": pgettext_lazy("attempt", "failed"),
        "later": pgettext_lazy("attempt", "put off"),
        "lost": pgettext_lazy("attempt", "lost"),
    },
    "occurrence": {
        "due": pgettext_lazy("occurrence", "due"),
        "ran": pgettext_lazy("occurrence", "ran"),
        "coalesced": pgettext_lazy("occurrence", "coalesced"),
        "missed": pgettext_lazy("occurrence", "missed"),
        "skipped": pgettext_lazy("occurrence", "skipped"),
        "cancelled": pgettext_lazy("occurrence", "cancelled"),
    },
    "role": {
        "none": pgettext_lazy("role", "no access"),
        "viewer": pgettext_lazy("role", "viewer"),
        "operator": pgettext_lazy("role", "operator"),
        "supervisor": pgettext_lazy("role", "supervisor"),
        "developer": pgettext_lazy("role", "developer"),
        "admin": pgettext_lazy("role", "admin"),
    },
    "verb": {
        "claim": _("claimed it"),
        "retry": _("decided: retry"),
        "done": _("decided: done by hand"),
        "reject": _("decided: reject"),
        "attest": _("attested the outcome"),
        "snooze": _("snoozed it"),
        "comment": _("commented"),
    },
    "check": {
        "OK": pgettext_lazy("check", "OK"),
        "warning": pgettext_lazy("check", "warning"),
        "error": pgettext_lazy("check", "error"),
    },
})  # fmt: skip

# The heads of columns, names of filters and labels that several areas have: one translation for all of them.
TITLES: Final[tuple[Word, ...]] = (
    _("Name"), _("Title"), _("What"), _("Kind"), _("State"), _("Bot"), _("Bots"), _("Process"), _("Queue"), _("Item"), _("Items"),
    _("Run"), _("Case"), _("Cases"), _("Problem"), _("Problems"), _("Schedule"), _("Step"), _("Steps"), _("Attempt"), _("Attempts"),
    _("Owner"), _("Due"), _("Opened"), _("First seen"), _("Last seen"), _("Started"), _("Finished"), _("Took"), _("Asked for"),
    _("Pending"), _("Done"), _("Exceptions"), _("Total"), _("Time"), _("Message"), _("Note"), _("Reason"), _("File"), _("Found"),
    _("Priority"), _("Version"), _("Host"), _("Worker"), _("Parameters"), _("Value"), _("Data"), _("History"), _("Views"),
    _("Role"), _("E-mail"), _("Save"), _("Cancel"), _("Delete"), _("Edit"), _("Close"), _("Open"), _("Undo"), _("Confirm"), _("Add"),
    _("Yes"), _("No"), _("on"), _("off"), _("Now"), _("Last"), _("Date"), _("Language"), _("Description"), _("Comment"),
)  # fmt: skip

# How a state looks: a class of desk.css (good, bad, warn, idle, plain).
TONES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "case": {"open": "bad", "claimed": "warn", "waiting": "idle", "retrying": "info", "resolved": "good", "verified": "good"},
    "problem": {"open": "bad", "analysing": "warn", "acting": "warn", "verifying": "info", "resolved": "good"},
    "kind": {"business": "warn", "application": "bad", "unknown": "idle"},
    "run": {"running": "info", "done": "good", "exceptions": "warn", "failed": "bad", "lost": "bad"},
    "item": {"running": "info", "done": "good", "exception": "bad"},
    "attempt": {"running": "info", "done": "good", "failed": "bad", "later": "idle", "lost": "bad"},
    "occurrence": {"due": "info", "ran": "good", "missed": "bad", "skipped": "idle", "coalesced": "idle"},
    "check": {"OK": "good", "warning": "warn", "error": "bad"},
})  # fmt: skip


def word(noun: str, value: str) -> str:
    """What people read for `value` of `noun`, in the language of the page; the value itself where it has no word."""
    return str(WORDS.get(noun, {}).get(str(value), value))


def tone(noun: str, value: str) -> str:
    """The class that gives a state its colour; ``plain`` for one without."""
    return TONES.get(noun, {}).get(str(value), "plain")


def choices(noun: str) -> list[tuple[str, str]]:
    """All values of a noun with their words, for a filter or a form."""
    return [(value, str(shown)) for value, shown in WORDS[noun].items()]
