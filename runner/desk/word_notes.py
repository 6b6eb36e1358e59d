"""What a page says of a search by words: that very many have them, or that the index of words is being made."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Model
from django.utils.translation import gettext as _

from runner.desk.templatetags.desk import number, percent
from runner.store.word_index import share_made
from runner.store.words import NEWEST, are_very_many, words_of


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


def of_filter(model: type[Model]) -> Callable[[str], str]:
    """What a list of such rows says of its filter by words, in which `with_words` looks at the newest alone."""

    def note(value: str) -> str:
        many = are_very_many(model, words_of(value), NEWEST)
        return " ".join(said for said in (being_made(), only_the_newest(NEWEST) if many else "") if said)

    return note
