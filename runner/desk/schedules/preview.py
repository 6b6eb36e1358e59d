"""An edit of schedules.yaml shown before it is made: what changes in words, the due times that come and go, the lines."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.urls import reverse

from runner.cases.schedule_edits import apply_edit
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.core.schedules_values import BotFacts
from runner.desk.asking import DeskRequest
from runner.desk.bots.diffs import MarkedDiff, marked
from runner.desk.outside import place
from runner.desk.queue.deciding import UNDO
from runner.desk.schedules.seen import language
from runner.sheets.plain_rows import first_sheet
from runner.store.bot_lists import FileDiff
from runner.store.models import Bot
from runner.timetable import edits

_SHOWN: Final = 30
_OWN: Final = frozenset({"csrfmiddlewaretoken", "step", "base"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview as its page shows it: `said` are the sentences of the reader's language."""

    preview: edits.EditPreview
    said: Sequence[str]
    coming: Sequence[tuple[str, Sequence[datetime]]]
    lost: Sequence[tuple[str, datetime]]
    gained: Sequence[tuple[str, datetime]]
    more_lost: int
    more_gained: int
    diff: MarkedDiff

    @property
    def is_nothing(self) -> bool:
        """Whether the file would stay as it is."""
        return self.preview.text == self.preview.before


def look_at(edit: edits.Edit, window: tuple[datetime, datetime] | None = None) -> edits.EditPreview:
    """What the edit would do to the file as it is now. Raises what `runner.timetable.edits.preview` raises."""
    return edits.preview(place().settings.schedules, edit, known_bots(), now(), first_sheet, window=window)


def shown(preview: edits.EditPreview) -> Shown:
    """A preview for its page."""
    said = preview.chinese if language() == "zh" else preview.english
    name = place().settings.schedules.name
    lines = difflib.unified_diff(
        preview.before.splitlines(), preview.text.splitlines(), name, name, lineterm="", n=2
    )
    return Shown(
        preview, [one.text for one in said], list(preview.coming.items()), preview.lost[:_SHOWN], preview.gained[:_SHOWN],
        max(len(preview.lost) - _SHOWN, 0), max(len(preview.gained) - _SHOWN, 0), marked(FileDiff(name, tuple(lines))),
    )  # fmt: skip


def known_bots() -> dict[str, BotFacts] | None:
    """What the bots of the catalogue take; None (nothing is checked) while one of their files is broken, or none is known."""
    rows = list(Bot.objects.filter(present=True))
    if not rows or any(row.error for row in rows):
        return None
    shapes = {row.pk: row.description.get("parameters", {}) for row in rows}
    return {
        name: BotFacts(name, dict(shape.get("properties", {})), frozenset(shape.get("required", ())))
        for name, shape in shapes.items()
    }


def carried(request: DeskRequest) -> list[tuple[str, str]]:
    """Everything that was typed, to be sent again with the answer to the preview."""
    return [(name, value) for name, values in request.POST.lists() if name not in _OWN for value in values]


def make(request: DeskRequest, preview: edits.EditPreview, text: str, note: str = "") -> bool:
    """Write the change and say so, with a way back; False where the file has changed meanwhile."""
    try:
        act = apply_edit(place().settings.schedules, preview, by=request.person.username, at=now(), note=note)
    except ConflictError as error:
        if error.stable_code != "SCHED_MOVED":
            raise
        return False
    messages.success(request, text, extra_tags=f"{UNDO}{reverse('schedules:undo', args=[act])}")
    return True


def context_of(preview: edits.EditPreview, request: DeskRequest, **more: Any) -> dict[str, Any]:
    """What the page of a preview needs."""
    return {
        "shown": shown(preview),
        "carried": carried(request),
        "moved": False,
        **more,
    }
