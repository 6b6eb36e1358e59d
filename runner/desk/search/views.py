"""The page of search, and what is offered while somebody types into its field."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from runner.core.clock import now
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.search.conditions import Asked, all_names, asked_of, data_fields
from runner.desk.search.finding import find
from runner.desk.search.names import IS, KINDS
from runner.desk.search.query import MOST_CHARACTERS, parse
from runner.desk.search.suggesting import completions
from runner.desk.word_notes import being_made

_OFFERED = 3  # hits of each kind


@page("search.use")
def search(request: DeskRequest) -> HttpResponse:
    """What was found, by kind, with what was not understood above it; without a query the help."""
    text, asked = _asked(request)
    groups = find(request, asked, text)
    context: dict[str, Any] = {
        "words": text,
        "refused": asked.refused,
        "groups": groups,
        "names": all_names(),
        "kinds": KINDS.items(),
        "states": IS.items(),
        "only": asked.only,
        "being_made": being_made(),
        "fields": [word for word in asked.words.all if word in data_fields()] if text and not groups else (),
        "too_long": len(request.GET.get("q", "")) > MOST_CHARACTERS,
    }
    return render(request, "search/page.html", context)


@page("search.use")
def suggest(request: DeskRequest) -> HttpResponse:
    """How the query could go on, and the best hits for it so far."""
    text, asked = _asked(request)
    groups = find(request, asked, text, _OFFERED) if len(text) > 1 else []
    return render(
        request, "search/suggest.html", {"words": text, "groups": groups, "completions": completions(text)}
    )


def _asked(request: DeskRequest) -> tuple[str, Asked]:
    text = request.GET.get("q", "").strip()
    return text, asked_of(parse(text), request.person.username, now())
