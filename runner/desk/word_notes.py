"""Filters by words, and what a page says of them: that very many have the words, or that the index of words is being made."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from runner.desk.lists import Filter
from runner.desk.templatetags.desk import number, percent
from runner.desk.words import Word
from runner.store.word_index import share_made
from runner.store.words import NEWEST, newest_with_words, with_words, words_of

Row = TypeVar("Row", bound=Model)


def being_made() -> str:
    """How far the index of words is; empty where it is whole, and where there is none."""
    share = share_made()
    if share is None or share == 1.0:
        return ""
    return _(
        "The index of words is being made, %(share)s are done: what came last is found, older rows follow."
    ) % {"share": percent(int(share * 100) / 100, 0)}


def only_the_newest(looked_at: int) -> str:
    """That not all rows with the words were looked at."""
    return _("Very many have these words: only the newest %(n)s of them were looked at.") % {
        "n": number(looked_at)
    }


def filter_by_words(key: str, title: Word) -> Filter:
    """The filter of a list by words: a page looks at the newest rows that have them, and says so; an export at all."""
    return Filter(key, title, _whole, noted=_newest)


def _whole(rows: QuerySet[Row], value: str) -> QuerySet[Row]:
    return with_words(rows, words_of(value))


def _newest(rows: QuerySet[Row], value: str) -> tuple[QuerySet[Row], str]:
    found, are_more = newest_with_words(rows, words_of(value), NEWEST)
    said = (being_made(), only_the_newest(NEWEST) if are_more else "")
    return found, " ".join(one for one in said if one)
