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
        "claim": _("took the case"),
        "retry": _("decided: retry"),
        "done": _("decided: done by hand"),
        "reject": _("decided: reject"),
        "attest": _("attested the outcome"),
        "snooze": _("put the case off"),
        "wake": _("the case came back"),
        "comment": _("commented"),
        "opened": _("opened the case"),
        "reopened": _("opened the case again"),
        "resolved": _("settled the case"),
        "given back": _("gave the item back to be tried again"),
        "corrected": _("brought a good row for the same key"),
        "assign": _("assigned the case"),
        "unassign": _("took the owner away"),
        "priority": _("changed the priority"),
        "undo": _("took a decision back"),
        "own": _("changed the owner of the problem"),
        "whys": _("wrote down the whys"),
        "causes": _("wrote down causes"),
        "root_cause": _("named the root cause"),
        "action": _("set a corrective action"),
        "move": _("changed the state of the problem"),
        "canary": _("began a trial with a few cases"),
        "release": _("released the rest"),
        "hold": _("held the rest back"),
        "merge": _("merged problems"),
        "split": _("split a problem"),
        "ungroup": _("took a grouping rule back"),
        "start": _("started a run"),
        "cancel": _("cancelled"),
        "pause": _("paused a schedule"),
        "resume": _("resumed a schedule"),
        "promote": _("promoted a schedule to production"),
        "backfill": _("started a run for a past due time"),
        "leave": _("left a missed due time without a run"),
        "fire": _("started a schedule by its URL"),
        "edit": _("changed a schedule"),
        "url": _("made a trigger URL"),
        "url-revoked": _("revoked a trigger URL"),
    },
    "deed": {
        "person.add": _("added a person"),
        "person.link": _("made a one-time link"),
        "person.role": _("changed a role"),
        "person.password": _("set a password"),
        "person.activate": _("let a person in again"),
        "person.deactivate": _("deactivated a person"),
        "session.end": _("ended a sign-in"),
        "signin.begin": _("signed in"),
        "signin.end": _("signed out"),
        "signin.locked": _("was locked out"),
        "secret.set": _("set a secret"),
        "secret.remove": _("removed a secret"),
        "token.make": _("made a key for a program"),
        "token.revoke": _("revoked a key"),
        "cases.export": _("took cases out as a workbook"),
        "recording.import": _("took in a recording"),
        "recording.bind": _("bound a recording"),
        "recording.workbook": _("put a workbook into the inbox"),
        "recording.back": _("brought a former recording back"),
        "recording.remove": _("removed a recording"),
        "webhook.add": _("added a webhook"),
        "webhook.change": _("changed a webhook"),
        "webhook.on": _("switched a webhook on"),
        "webhook.off": _("switched a webhook off"),
        "webhook.secret": _("made a new secret for a webhook"),
        "webhook.remove": _("removed a webhook"),
        "webhook.again": _("sent a message again"),
    },
    "decision": {
        "claim": pgettext_lazy("decision", "Claim"),
        "retry": pgettext_lazy("decision", "Retry"),
        "done": pgettext_lazy("decision", "Done by hand"),
        "reject": pgettext_lazy("decision", "Reject"),
        "attest": pgettext_lazy("decision", "Attest"),
        "snooze": pgettext_lazy("decision", "Put aside"),
        "comment": pgettext_lazy("decision", "Comment"),
        "assign": pgettext_lazy("decision", "Give to"),
        "unassign": pgettext_lazy("decision", "Take from its owner"),
        "priority": pgettext_lazy("decision", "Priority"),
        "undo": pgettext_lazy("decision", "Undo"),
    },
    "priority": {
        "-1": pgettext_lazy("priority", "low"),
        "0": pgettext_lazy("priority", "normal"),
        "1": pgettext_lazy("priority", "high"),
        "2": pgettext_lazy("priority", "urgent"),
    },
    "resolution": {
        "by_hand": pgettext_lazy("resolution", "done by hand"),
        "rejected": pgettext_lazy("resolution", "rejected"),
        "attested": pgettext_lazy("resolution", "attested"),
        "retried": pgettext_lazy("resolution", "a new attempt succeeded"),
        "first_choice": pgettext_lazy("resolution", "found at the first choice again"),
    },
    "recording": {
        "bound": pgettext_lazy("recording", "is a bot"),
        "unbound": pgettext_lazy("recording", "not bound yet"),
        "broken": pgettext_lazy("recording", "can't be used"),
    },
    "branch": {
        "people": pgettext_lazy("branch of a fishbone", "People"),
        "method": pgettext_lazy("branch of a fishbone", "Method"),
        "machine": pgettext_lazy("branch of a fishbone", "Machine and systems"),
        "material": pgettext_lazy("branch of a fishbone", "Material and data"),
        "measurement": pgettext_lazy("branch of a fishbone", "Measurement"),
        "environment": pgettext_lazy("branch of a fishbone", "Environment"),
    },
    "split": {
        "step": pgettext_lazy("what cases are split by", "step"),
        "type": pgettext_lazy("what cases are split by", "type of error"),
        "code": pgettext_lazy("what cases are split by", "code"),
        "bot_version": pgettext_lazy("what cases are split by", "version of the bot"),
        "message": pgettext_lazy("what cases are split by", "message contains"),
        "page_error": pgettext_lazy("what cases are split by", "message of the page contains"),
    },
    "event": {
        "case.opened": pgettext_lazy("event", "a case is opened, or opened again"),
        "case.decided": pgettext_lazy("event", "somebody decides a case"),
        "case.overdue": pgettext_lazy("event", "a case is overdue"),
        "run.finished": pgettext_lazy("event", "a run has ended"),
        "problem.opened": pgettext_lazy("event", "a new problem shows"),
        "problem.regressed": pgettext_lazy("event", "a problem that was solved is back"),
        "schedule.missed": pgettext_lazy("event", "a schedule has missed a due time"),
        "test": pgettext_lazy("event", "a test"),
    },
    "message": {
        "waiting": pgettext_lazy("message", "on its way"),
        "sent": pgettext_lazy("message", "arrived"),
        "dead": pgettext_lazy("message", "given up"),
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
    _("Yes"), _("No"), _("on"), _("off"), _("Now"), _("Act"), _("Last"), _("Date"), _("Language"), _("Description"), _("Comment"),
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
    "priority": {"-1": "plain", "1": "warn", "2": "bad"},
    "recording": {"bound": "good", "unbound": "idle", "broken": "bad"},
    "check": {"OK": "good", "warning": "warn", "error": "bad"},
    "message": {"waiting": "info", "sent": "good", "dead": "bad"},
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
