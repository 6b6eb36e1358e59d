"""An edit of schedules.yaml for a program: looked at, or made where the file is still the one that was looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Final

from django.http import Http404, HttpResponse
from pydantic import Field

from runner.cases.schedule_edits import apply_edit
from runner.cases.schedule_json import edit_json
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError, UsageError
from runner.core.yaml_text import parse_yaml
from runner.desk.api.answers import answered
from runner.desk.api.once import once
from runner.desk.api.wrong_input import Note, Said, Text
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.planned import plan
from runner.desk.schedules import preview
from runner.timetable.edits import Edit, EditPreview, check_base, digest_of_file
from runner.timetable.loading import Timetable

_PLACE: Final = re.compile(r"^(?:\w+ '[^']*', )?line \d+: ")  # of a file that is not written: it says nothing
_LISTS: Final = {
    "closed": "days", "open": "days", "half_days": "days", "blackouts": "window", "country": "country",
    "subdivision": "subdivision",
}  # fmt: skip
_KEYS: Final = {"SCHED_DUP_ID": ("id",)}  # what the refusal of an edit is about, where it is one key
_BASE: Final = "The `base` of the preview, which names the content that was looked at. Needed to write."


class FileEdit(Said):
    """How an edit is sent: first as a preview, then with the `base` of that answer."""

    preview: Annotated[bool, Field(description="Only say what would change.")] = False
    base: Annotated[Text, Field(max_length=64, description=_BASE)] = ""
    note: Annotated[Note, Field(max_length=500, description="Why; it stands in the history.")] = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """An edit, and how what is wrong with it is named.

    `part` is the field of the body that has the keys of the file (empty: its own fields are about them). `wrong` is what is
    wrong with some of these keys beside the rules of the file; what the file's rules say of the same keys is left out, and so
    are errors whose codes begin with `untold`.
    `window` is the time whose due times are compared; None: the next seven days.
    """

    edit: Edit
    part: str = ""
    wrong: Mapping[str, RunnerError] = field(default_factory=dict)
    untold: str = ""
    window: tuple[datetime, datetime] | None = None


def edited(
    request: DeskRequest, said: FileEdit, ask: Callable[[datetime], Asked], status: int = 200
) -> HttpResponse:
    """What an edit of the file would do, or what it did (then with `status`); one that changes nothing is not written.

    Raises ErrorReport with everything that is wrong, named by the fields of the body, and ConflictError where the file is not
    the one of `base` (SCHED_MOVED), or can't be edited without touching other lines (SCHED_EDIT).
    """
    path = place().settings.schedules

    def act(at: datetime) -> tuple[dict[str, Any], int]:
        if said.base:
            check_base(digest_of_file(path), said.base, path.name)
        shown = _looked_at(said, ask, at)
        if said.base:
            check_base(shown.base, said.base, path.name)
        if said.preview or shown.text == shown.before:
            return _told(shown, None), 200
        return _told(
            shown, apply_edit(path, shown, by=request.person.username, at=at, note=said.note)
        ), status

    return answered(request, act(now())[0]) if said.preview else once(request, act, status)


def require_timetable() -> Timetable:
    """The timetable of a file that can be edited. Raises ErrorReport while the file is broken, Http404 where there is none."""
    found = plan()
    if found.errors:
        raise ErrorReport(found.errors)
    if found.timetable is None:
        raise Http404
    return found.timetable


def _looked_at(said: FileEdit, ask: Callable[[datetime], Asked], at: datetime) -> EditPreview:
    errors = [] if said.preview or said.base else [_no_base()]
    try:
        asked = ask(at)
    except UsageError as error:
        raise ErrorReport([*errors, error]) from error
    errors += asked.wrong.values()
    texts: list[str] = []

    def apply(text: str) -> str:
        texts.append(asked.edit.apply(text))
        return texts[-1]

    try:
        shown = preview.look_at(replace(asked.edit, apply=apply), asked.window)
    except ErrorReport as report:
        raise ErrorReport([*errors, *_named(report, asked, texts)]) from report
    except UsageError as error:
        where = ".".join([asked.part, *_KEYS.get(error.stable_code, ())]) or _usual(asked)
        raise ErrorReport([*errors, _at(error, where)]) from error
    if errors:
        raise ErrorReport(errors)
    return shown


def _no_base() -> RunnerError:
    return UsageError(
        "'base' is missing", expected="the base of a preview", hint="send it with preview first, look, and send that base",
        where="base", code="API_SCHEMA",
    )  # fmt: skip


def _named(report: ErrorReport, asked: Asked, texts: list[str]) -> list[RunnerError]:
    """The errors of the new file by the fields that asked for it; what is wrong elsewhere keeps its place in the file."""
    fields = _fields(texts[-1], asked) if texts else {}
    found: list[RunnerError] = []
    for one in report.errors:
        name = fields.get(one.where)
        key = name.removeprefix(f"{asked.part}.").partition(".")[0] if name else ""
        is_untold = bool(asked.untold) and one.stable_code.startswith(asked.untold)
        if key not in asked.wrong and not is_untold:
            found.append(_at(one, name) if name else one)
    return found


def _fields(text: str, asked: Asked) -> dict[str, str]:
    """Which field of the body each place of the new file is about: ``{"schedules.yaml:12:5": "entry.cron"}``."""
    file, subject = place().settings.schedules.name, asked.edit.subject
    try:
        document = parse_yaml(text, file)
    except ErrorReport:
        return {}
    entries = document.value.get("schedules") or [] if isinstance(document.value, dict) else []
    schedules = {
        ("schedules", number)
        for number, one in enumerate(entries)
        if isinstance(one, dict) and str(one.get("id")) == subject
    }
    own = schedules if asked.part else {("calendars", subject)}
    found: dict[str, str] = {}
    for path, at in sorted([*document.values.items(), *document.keys.items()], key=lambda one: len(one[0])):
        if path[:2] in own:
            inner = [str(part) for part in path[2:]]
            name = ".".join([asked.part, *inner]) if asked.part else _LISTS.get((inner or [""])[0], "")
            found.setdefault(document.where(at), name or _usual(asked))
    return found


def _usual(asked: Asked) -> str:
    """The field that an error is about where nothing narrower is known."""
    return asked.part or {"day": "days", "blackout": "window", "calendar": "name"}.get(
        asked.edit.kind, asked.edit.kind
    )


def _at(error: RunnerError, where: str) -> UsageError:
    what = _PLACE.sub("", error.what)
    return UsageError(what, expected=error.expected, hint=error.hint, where=where, code=error.stable_code)


def _told(shown: EditPreview, act: str | None) -> dict[str, Any]:
    told = edit_json(shown, applied=act is not None)
    base = shown.base if act is None else shown.made
    return {"subject": shown.edit.subject, "act": act, "base": base, **told}
