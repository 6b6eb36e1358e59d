"""Conditions of a search as conditions on rows, or in words what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext as _

from runner.desk.search.moments import span_of
from runner.desk.search.names import IN, IS, IS_NAMES, KINDS, NAMES, Name, key_of, name_of, nearest, value_of
from runner.desk.search.query import Condition, Query
from runner.store.models import Queue
from runner.store.words import Words

_COMPARED: Final = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_ME: Final = {"me", "我", "mine"}
_NOBODY: Final = {"nobody", "none", "无"}


@dataclass(slots=True)
class Asked:
    """A query as it is looked for: the words, per kind of row the conditions on it, and what was not understood.

    A kind that is not in `where` is not looked at: a condition means nothing there, or ``in:`` names another.
    """

    words: Words
    where: dict[str, Q]
    refused: list[str] = field(default_factory=list)
    only: str = ""
    limits: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for that rows have to have."""
        return self.words.is_empty and not self.limits


def asked_of(query: Query, who: str, now: datetime) -> Asked:
    """What a query asks for, when `who` asks at `now`."""
    asked = Asked(Words(query.words, query.unwanted), {kind: Q() for kind in KINDS})
    values: list[tuple[str, str]] = []
    no_values: list[tuple[str, str]] = []
    for one in query.conditions:
        name = name_of(one.name)
        if one.name.casefold() in IN:
            _only_in(asked, one)
        elif one.name.casefold() in IS_NAMES:
            _narrow(asked, one, *_state_of(one, who, now))
        elif name is not None:
            wrong = _wrong(name, one, now)
            found = {
                kind: _on(column, name, one, who, now)
                for kind, column in ({} if wrong else name.columns).items()
            }
            _narrow(asked, one, None if wrong else found, wrong)
        else:
            _data_field(asked, one, no_values if one.is_not else values)
    if values or no_values:
        asked.where = {kind: q for kind, q in asked.where.items() if kind in {"cases", "items", "runs"}}
    asked.words = Words(query.words, query.unwanted, tuple(values), no_values=tuple(no_values))
    if (query.unwanted or no_values) and asked.words.is_empty:
        asked.refused.append(_("Say what is looked for too: a minus alone only says what is not."))
    return asked


def _narrow(asked: Asked, one: Condition, found: dict[str, Q] | None, wrong: str) -> None:
    if found is None:
        asked.refused.append(wrong)
        return
    asked.limits = True
    asked.where = {
        kind: asked.where[kind] & (~found[kind] if one.is_not else found[kind])
        for kind in asked.where
        if kind in found
    }


def _only_in(asked: Asked, one: Condition) -> None:
    kind = key_of(KINDS, one.value)
    if kind is None:
        asked.refused.append(
            _("“%(said)s”: it can be looked for in %(known)s.")
            % {"said": one, "known": ", ".join(f"in:{key}" for key in KINDS)}
        )
        return
    asked.only = kind
    asked.where = {key: q for key, q in asked.where.items() if (key == kind) != one.is_not}


def _state_of(one: Condition, who: str, now: datetime) -> tuple[dict[str, Q] | None, str]:
    found = {
        "waiting": {"cases": Q(waits=True), "problems": Q(waiting__gt=0)},
        "overdue": {"cases": Q(waits=True, due__lt=now), "problems": Q(waiting__gt=0, oldest_due__lt=now)},
        "mine": {"cases": Q(waits=True, assignee=who), "problems": Q(owner=who)},
        "settled": {"cases": Q(waits=False), "problems": Q(status__in=["resolved", "closed"])},
    }
    key = key_of(IS, one.value)
    if key is None:
        known = ", ".join(f"is:{one}" for one in IS)
        return None, _("“%(said)s” is not known; there are %(known)s.") % {"said": one, "known": known}
    return found[key], ""


def _wrong(name: Name, one: Condition, now: datetime) -> str:
    """What is wrong with a condition, in words; empty for a good one."""
    if name.values == "choice" and value_of(name, one.value) is None:
        known = ", ".join(dict.fromkeys(name.choices().values()))
        return _("“%(said)s”: %(name)s is one of %(known)s.") % {
            "said": one,
            "name": name.title,
            "known": known,
        }
    if name.values == "number" and not one.value.isdigit():
        return _("“%(said)s”: %(name)s is a number.") % {"said": one, "name": name.title}
    if name.values == "time":
        try:
            span_of(one.value, now)
        except (ValueError, OverflowError):
            return _("“%(said)s” is no time: today, yesterday, -7d or 2026-11-24 are some.") % {"said": one}
    is_compared = one.operator != "="
    if is_compared and name.values in {"text", "person", "choice"} and name.key != "priority":
        return _("“%(said)s”: %(name)s can't be compared; write %(name)s:value.") % {
            "said": one,
            "name": name.title,
        }
    return ""


def _on(column: str, name: Name, one: Condition, who: str, now: datetime) -> Q:
    if name.values == "time":
        begin, end = span_of(one.value, now)
        if one.operator == "=":
            return Q(**{f"{column}__gte": begin, f"{column}__lt": end})
        edge = begin if one.operator in {"<", ">="} or begin == end else end
        return Q(**{f"{column}__{'gte' if one.operator in {'>', '>='} else 'lt'}": edge})
    value = one.value
    if name.values == "choice":
        value = value_of(name, value) or value
    if name.values == "person":
        value = who if value.casefold() in _ME else "" if value.casefold() in _NOBODY else value
    if one.operator in _COMPARED:
        return Q(**{f"{column}__{_COMPARED[one.operator]}": value})
    return Q(**{column: value})


def _data_field(asked: Asked, one: Condition, values: list[tuple[str, str]]) -> None:
    """A field of the data: a whole value of it is looked for. A name that no queue knows is looked for all the same."""
    if one.operator != "=":
        asked.refused.append(
            _("“%(said)s”: fields of the data can't be compared; write %(name)s:value.")
            % {"said": one, "name": one.name}
        )
        return
    known = data_fields()
    near = "" if one.name in known else nearest(one.name, known)
    if near and near != one.name:
        asked.refused.append(
            _("No field is called “%(name)s”; maybe %(near)s?") % {"name": one.name, "near": near}
        )
    values.append((one.name, one.value))


def data_fields() -> tuple[str, ...]:
    """The fields of the data that queues know. One query."""
    found = Queue.objects.values_list("fields", flat=True)
    return tuple(dict.fromkeys(name for fields in found for name in (fields or {}).get("properties", {})))


def all_names() -> list[tuple[str, str]]:
    """The names that a query may use with their titles, for help and suggestions."""
    return [(one.key, str(one.title)) for one in NAMES]
