"""Who wrote a cell of a workbook, as values (fields: docs/json.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from runner.core.clock import iso
from runner.store.models import Run, WorkbookWrite

_AREA: Final = re.compile(r"([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?")


def writes_of(file: Path, sheet: str, row: int, column: int) -> list[dict[str, Any]]:
    """The saves of runs that wrote a cell, the newest first; `row` and `column` from 1.

    A file is known by its path, or by its name where it was moved (`moved` says so).
    """
    rows = WorkbookWrite.objects.filter(name=file.name, sheet__iexact=sheet).order_by("-time", "-seq")
    found = [one for one in rows if any(_is_within(area, row, column) for area in one.cells)]
    seen: set[tuple[str, str, str]] = set()
    out = []
    versions = dict(Run.objects.filter(pk__in={one.run for one in found}).values_list("id", "bot_version"))
    for one in found:
        keys = dict(map(tuple, one.items))
        item = one.item or keys.get(row, "")
        save = (one.run, one.sha256, one.sheet)
        if (
            one.items
            and row not in keys
            and save in {(o.run, o.sha256, o.sheet) for o in found if row in dict(map(tuple, o.items))}
        ):
            continue  # another line of the same save knows the item of this row
        if (*save[:2], item) in seen:
            continue
        seen.add((*save[:2], item))
        out.append({
            "time": iso(one.time),
            "run": one.run,
            "bot": one.bot,
            "version": versions.get(one.run) or None,
            "queue": one.queue or None,
            "item": item or None,
            "file": one.file,
            "moved": one.file != str(file.resolve()),
            "sheet": one.sheet,
            "sha256": one.sha256,
        })  # fmt: skip
    return out


def _is_within(area: str, row: int, column: int) -> bool:
    found = _AREA.fullmatch(area)
    if found is None:
        return False
    first, last = _number(found[1]), _number(found[3] or found[1])
    return first <= column <= last and int(found[2]) <= row <= int(found[4] or found[2])


def _number(letters: str) -> int:
    number = 0
    for sign in letters:
        number = number * 26 + ord(sign) - 64
    return number
