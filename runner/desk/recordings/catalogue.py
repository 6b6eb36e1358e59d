"""Tells the catalogue of bots of a binding that was just written, so that it can be run at once and not at the next look."""

from __future__ import annotations

from runner.core.clock import now
from runner.desk.outside import place
from runner.recordings.library import Place
from runner.store.bot_catalogue import FileFound, remember
from runner.store.models import Bot


def remember_bot(where: Place) -> str:
    """Describe the bot of a recording in a child process and write it down; gives what is wrong with it, or an empty text."""
    here = place()
    file = where.binding.relative_to(here.settings.project).as_posix()
    if not where.binding.is_file() or not where.file.is_file():
        Bot.objects.filter(file=file).update(present=False, looked=now())
        return ""
    bots, errors = here.outside.discover([where.binding])
    said = "\n".join(str(error) for error in errors)
    found = [FileFound(file, tuple(bots), said, (where.name,))]
    if not Bot.objects.exclude(
        file=file
    ).exists():  # nobody has taken stock yet: one bot alone would look like all of them
        others = here.outside.discover(None)[0]
        files = dict.fromkeys(one.file for one in others if one.file != file)
        found += [FileFound(name, tuple(one for one in others if one.file == name)) for name in files]
    remember(here.settings.project, here.settings.home, found, now(), everything=False)
    return said
