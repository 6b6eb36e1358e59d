"""The fields that a search may name, what they are called in each language, and which column of which rows each one is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext_lazy as _

from runner.desk.words import Word, choices

KINDS: Final[Mapping[str, Word]] = {
    "cases": _("Cases"),
    "items": _("Items"),
    "runs": _("Runs"),
    "problems": _("Problems"),
    "bots": _("Bots"),
    "schedules": _("Schedules"),
}


@dataclass(frozen=True, slots=True)
class Name:
    """One field: its word in queries, its title, the column that it is of each kind of row, and what its values are.

    `values` is ``text``, ``number``, ``time``, ``person`` or ``choice``, the latter one of `nouns` of the desk's words.
    """

    key: str
    title: Word
    columns: Mapping[str, str]
    values: str = "text"
    nouns: tuple[str, ...] = ()
    also: tuple[str, ...] = field(default=())

    def choices(self) -> dict[str, str]:
        """The values that it may have, with their words in the language of the page."""
        return {value: said for noun in self.nouns for value, said in choices(noun)}


NAMES: Final[tuple[Name, ...]] = (
    Name("kind", _("Kind"), {"cases": "kind", "problems": "kind"}, "choice", ("kind",)),
    Name("status", _("State"), {"cases": "status", "items": "status", "runs": "status", "problems": "status"}, "choice",
         ("case", "item", "run", "problem"), ("state",)),
    Name("queue", _("Queue"), {"cases": "queue", "items": "queue_id"}),
    Name("bot", _("Bot"), {"cases": "bot", "runs": "bot", "problems": "bot", "bots": "name", "schedules": "bot"}),
    Name("process", _("Process"), {"cases": "process", "runs": "process", "problems": "process", "bots": "process"}),
    Name("owner", _("Owner"), {"cases": "assignee", "problems": "owner"}, "person", also=("assignee",)),
    Name("priority", _("Priority"), {"cases": "priority"}, "choice", ("priority",)),
    Name("due", _("Due"), {"cases": "due", "problems": "oldest_due", "runs": "due"}, "time"),
    Name("opened", _("Opened"), {"cases": "opened", "problems": "first_seen"}, "time"),
    Name("put", _("Put"), {"items": "put_at"}, "time"),
    Name("started", _("Started"), {"runs": "started"}, "time"),
    Name("finished", _("Finished"), {"runs": "finished", "items": "finished"}, "time"),
    Name("key", _("Item"), {"cases": "key", "items": "key"}, also=("item",)),
    Name("step", _("Step"), {"cases": "step"}),
    Name("problem", _("Problem"), {"cases": "problem_id"}),
    Name("run", _("Run"), {"cases": "run_id", "items": "put_run_id"}),
    Name("schedule", _("Schedule"), {"runs": "schedule", "schedules": "id"}),
    Name("worker", _("Worker"), {"runs": "worker"}),
    Name("version", _("Version"), {"cases": "bot_version", "runs": "bot_version"}),
    Name("attempts", _("Attempts"), {"items": "attempts_made"}, "number"),
)  # fmt: skip
IS: Final[Mapping[str, Word]] = {
    "waiting": _("waits for a person"),
    "overdue": _("overdue"),
    "mine": _("mine"),
    "settled": _("settled"),
}
IN: Final = ("in", "范围")
IS_NAMES: Final = ("is", "是")


def name_of(text: str) -> Name | None:
    """The field that is called so, by its English word or by its title in the language of the page."""
    wanted = text.casefold()
    for one in NAMES:
        if wanted in (one.key, *one.also, str(one.title).casefold()):
            return one
    return None


def value_of(name: Name, text: str) -> str | None:
    """The value of a field with choices that is written so, as itself, in words or as the begin of them; None for none."""
    wanted = text.casefold()
    known = name.choices()
    whole = [value for value, said in known.items() if wanted in {value, said.casefold()}]
    begun = [
        value
        for value, said in known.items()
        if value.startswith(wanted) or said.casefold().startswith(wanted)
    ]
    return next(iter(whole or (begun if len(begun) == 1 else [])), None)


def key_of(known: Mapping[str, Word], text: str) -> str | None:
    """The entry that is called so, by its key or by its words."""
    wanted = text.casefold()
    return next((key for key, said in known.items() if wanted in {key, str(said).casefold()}), None)


def nearest(text: str, more: tuple[str, ...] = ()) -> str:
    """What may have been meant by a name that nothing has; empty where nothing is near."""
    known = [*(one.key for one in NAMES), *(str(one.title) for one in NAMES), "in", "is", *more]
    return next(iter(difflib.get_close_matches(text.casefold(), known, n=1, cutoff=0.6)), "")
