"""The versions of a bot: the source of one, and what changed from one to another."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.bots.diffs import marked
from runner.desk.bots.views import process_of_bot
from runner.desk.outside import place
from runner.store.bot_lists import bot_of, version_diff, version_texts
from runner.store.models import BotVersion


@page("bots.see", process_of=process_of_bot)
def changes(request: DeskRequest, name: str, old: str, new: str) -> HttpResponse:
    """What changed from the version `old` to `new`, file by file."""
    files = version_diff(place().settings.home, name, old, new)
    context = {"bot": bot_of(name), "old": old, "new": new, "files": [marked(one) for one in files]}
    return render(request, "bots/changes.html", context | _seen(name, old, new))


@page("bots.see", process_of=process_of_bot)
def source(request: DeskRequest, name: str, version: str) -> HttpResponse:
    """The source of a version, every file of it."""
    texts = version_texts(place().settings.home, name, version)
    context = {"bot": bot_of(name), "version": version, "texts": texts}
    return render(request, "bots/source.html", context | _seen(name, version, version))


def _seen(name: str, old: str, new: str) -> dict[str, object]:
    rows = BotVersion.objects.filter(bot=name, version__in=[old, new])
    seen = dict(rows.values_list("version", "first_seen"))
    return {"old_seen": seen.get(old), "new_seen": seen.get(new)}
