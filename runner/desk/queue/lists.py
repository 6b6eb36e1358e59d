"""The lists of the exception queue: their columns, filters and usual order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from runner.desk import lists, word_notes
from runner.desk.words import Word, choices


def _kinds() -> Iterable[tuple[str, Word]]:
    return choices("kind")


def _problem_text(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    for word in value.split():
        rows = rows.filter(Q(title__icontains=word) | Q(id__istartswith=word))
    return rows


PROBLEMS: Final = lists.ListOf(
    "problems",
    (
        lists.Col("title", _("What"), "", "what", lambda one: one.title),
        lists.Col("kind", _("Kind"), "kind", "", lambda one: one.kind),
        lists.Col("cases", _("Cases"), "waiting", "num", lambda one: one.waiting),
        lists.Col("trend", _("14 days"), "", "opt"),
        lists.Col("due", _("Due"), "oldest_due", "", lambda one: one.oldest_due),
        lists.Col("owner", _("Owner"), "owner", "opt", lambda one: one.owner),
        lists.Col("status", _("State"), "status", "opt", lambda one: one.status),
        lists.Col("last", _("Last seen"), "last_seen", "opt wide", lambda one: one.last_seen),
    ),
    (
        lists.field_filter("kind", _("Kind"), "kind", _kinds),
        lists.field_filter("status", _("State"), "status", lambda: choices("problem")),
        lists.field_filter("process", _("Process"), "process"),
        lists.field_filter("bot", _("Bot"), "bot"),
        lists.field_filter("owner", _("Owner"), "owner"),
        lists.Filter("text", _("Words"), _problem_text),
    ),
    usual="-waiting",
)

PROBLEMS_AT_REST: Final = lists.ListOf("problems", PROBLEMS.columns, PROBLEMS.filters, usual="-last_seen")

_CASE_COLUMNS: Final = (
    lists.Col("id", _("Case"), "", lists.EXPORT_ONLY, lambda one: one.pk),
    lists.Col("item", _("What"), "key", "what", lambda one: one.key or one.bot),
    lists.Col("message", _("Message"), "", lists.EXPORT_ONLY, lambda one: one.message),
    lists.Col("kind", _("Kind"), "kind", "", lambda one: one.kind),
    lists.Col("status", _("State"), "status", "", lambda one: one.status),
    lists.Col("priority", _("Priority"), "priority", "opt", lambda one: one.priority),
    lists.Col("due", _("Due"), "due", "", lambda one: one.due),
    lists.Col("opened", _("Opened"), "opened", "opt", lambda one: one.opened),
    lists.Col("owner", _("Owner"), "assignee", "opt", lambda one: one.assignee),
)
_CASE_FILTERS: Final = (
    lists.field_filter("kind", _("Kind"), "kind", _kinds),
    lists.field_filter("status", _("State"), "status", lambda: choices("case")),
    lists.field_filter("queue", _("Queue"), "queue"),
    lists.field_filter("bot", _("Bot"), "bot"),
    lists.field_filter("process", _("Process"), "process"),
    lists.field_filter("owner", _("Owner"), "assignee"),
    lists.field_filter("priority", _("Priority"), "priority", lambda: choices("priority")),
    lists.field_filter("problem", _("Problem"), "problem_id"),
    lists.field_filter("run", _("Run"), "run_id"),
    word_notes.filter_by_words("text", _("Words")),
)
CASES: Final = lists.ListOf("cases", _CASE_COLUMNS, _CASE_FILTERS, usual="due")
_SETTLED_COLUMNS: Final = tuple(
    lists.Col("settled", _("Settled"), "", "", lambda one: one.resolved) if one.key == "due" else one
    for one in _CASE_COLUMNS
)
SETTLED: Final = lists.ListOf("closed-cases", _SETTLED_COLUMNS, _CASE_FILTERS, usual="-opened")
