"""A unified diff as lines with line numbers and a class each, for people to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from runner.store.bot_lists import FileDiff

_HUNK: Final = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line: its numbers before and after (empty where it is not), its class (``add``, ``cut``, ``gap`` or none), its text."""

    before: str
    after: str
    css: str
    text: str


@dataclass(frozen=True, slots=True)
class MarkedDiff:
    """What changed in one file. `kept` is False where a text is not there any more; then there are no lines."""

    path: str
    kept: bool
    lines: tuple[DiffLine, ...]
    added: int
    removed: int


def marked(diff: FileDiff) -> MarkedDiff:
    """The diff with numbers; its two lines of names are left out."""
    lines: list[DiffLine] = []
    before = after = 0
    for line in diff.lines[2:]:
        hunk = _HUNK.match(line)
        if hunk:
            before, after = int(hunk[1]), int(hunk[2])
            lines.append(DiffLine("", "", "gap", "…"))
        elif line.startswith("+"):
            lines.append(DiffLine("", str(after), "add", line[1:]))
            after += 1
        elif line.startswith("-"):
            lines.append(DiffLine(str(before), "", "cut", line[1:]))
            before += 1
        else:
            lines.append(DiffLine(str(before), str(after), "", line[1:]))
            before, after = before + 1, after + 1
    lines = (
        lines[1:]
        if lines and lines[0].css == "gap" and lines[1:2] and "1" in (lines[1].before, lines[1].after)
        else lines
    )
    added, removed = (sum(line.css == css for line in lines) for css in ("add", "cut"))
    return MarkedDiff(diff.path, diff.kept, tuple(lines), added, removed)
