"""The geometry of a fishbone: six branches with their causes, once for wide screens and once for phones; numbers and texts out."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runner.core.nouns import Branch

LINE: Final = 16.0  # from one line of text to the next
_CHARACTER: Final = 6.7  # the width of a narrow character at 12.5 px; wide ones (Chinese) take two
_BOLD: Final = 0.88  # bold letters are so much wider
_TOP: Final = (Branch.PEOPLE, Branch.METHOD, Branch.MACHINE)
_BOTTOM: Final = (Branch.MATERIAL, Branch.MEASUREMENT, Branch.ENVIRONMENT)


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text, at the left end of its base line."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line from one point to another."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Bone:
    """One branch: its bone, its name, a twig for each cause, and the causes' lines of text."""

    branch: str
    bone: Line
    name: Text
    twigs: tuple[Line, ...]
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Fishbone:
    """A whole drawing: its size, spine, the head's box (x, y, width, height) and text, and the six branches."""

    width: float
    height: float
    spine: Line
    head: tuple[float, float, float, float]
    effect: tuple[Text, ...]
    bones: tuple[Bone, ...]


def wide(effect: str, causes: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> Fishbone:
    """Three branches above the spine, three below, the effect at its right end. 780 units wide."""
    column, head, slant = 212.0, 140.0, 34.0
    width = 3 * column + head + 4
    room = column - slant - 16
    above = _tallest(_TOP, causes, room)
    below = _tallest(_BOTTOM, causes, room)
    lines = wrapped(effect, (head - 20) * _BOLD)[:6]
    tall = max(LINE * len(lines) + 20, 44)
    middle = max(30 + above, tall / 2 + 4)
    height = middle + max(30 + below, tall / 2 + 4)
    bones = []
    for side, branches in ((-1, _TOP), (1, _BOTTOM)):
        long = above if side < 0 else below
        for number, branch in enumerate(branches):
            joint = column * (number + 1) - 8
            end = middle + side * long
            bone = Line(joint, middle, joint - slant, end)
            start = end + 14 if side < 0 else middle + 18
            twigs, texts = _causes(causes.get(branch, ()), joint - slant - room, start, room, bone)
            name = Text(joint - slant - room, end - 8 if side < 0 else end + 20, names.get(branch, branch))
            bones.append(Bone(branch, bone, name, twigs, texts))
    box = (3 * column, middle - tall / 2, head, tall)
    first = middle - LINE * (len(lines) - 1) / 2 + 4.5
    shown = tuple(Text(3 * column + 10, first + LINE * n, line) for n, line in enumerate(lines))
    return Fishbone(width, round(height, 1), Line(8, middle, 3 * column, middle), box, shown, tuple(bones))


def narrow(effect: str, causes: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> Fishbone:
    """The same standing upright: the effect on top, the spine down the left side, one branch below the other. 320 units wide."""
    width, spine, left = 320.0, 14.0, 52.0
    lines = wrapped(effect, (width - 24) * _BOLD)[:5]
    tall = LINE * len(lines) + 16
    head = tuple(Text(12, 22 + LINE * n, line) for n, line in enumerate(lines))
    y, bones = tall + 16, []
    for branch in (*_TOP, *_BOTTOM):
        name = Text(left - 10, y + 12, names.get(branch, branch))
        bone = Line(spine, y + 26, left - 14, y + 8)
        twigs, texts = _causes(causes.get(branch, ()), left, y + 32, width - left - 4, None)
        dashes = tuple(Line(left - 12, twig.y1, left - 5, twig.y1) for twig in twigs)
        bones.append(Bone(branch, bone, name, dashes, texts))
        y += 30 + LINE * len(texts) + (4 if texts else 0)
    return Fishbone(width, y + 6, Line(spine, tall, spine, y), (0, 2, width, tall - 2), head, tuple(bones))


def wrapped(text: str, room: float) -> list[str]:
    """The text in lines that are no wider than `room`; words are kept whole where they fit, Chinese breaks anywhere."""
    lines, line, used = [], "", 0.0
    for piece in (part for word in _words(text) for part in _cut(word, room)):
        if line and used + _width(piece.rstrip()) > room:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line, used = line + piece, used + _width(piece)
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _cut(word: str, room: float) -> list[str]:
    """A word in pieces that are no wider than `room`."""
    most = max(1, int(room / (_CHARACTER * 2 if _is_wide(word[:1] or " ") else _CHARACTER)))
    if _width(word.rstrip()) <= room:
        return [word]
    return [word[at : at + most] for at in range(0, len(word), most)]


def _causes(
    causes: Sequence[str], x: float, y: float, room: float, bone: Line | None
) -> tuple[tuple[Line, ...], tuple[Text, ...]]:
    """The causes of one branch one below the other, each with a twig under its first line that reaches the bone."""
    twigs, texts = [], []
    for cause in causes:
        lines = wrapped(cause, room)
        end = _on(bone, y) if bone is not None else x + room
        twigs.append(Line(x, y + 4 if bone is not None else y - 4, end, y + 4 if bone is not None else y - 4))
        texts += [Text(x, y + LINE * n, line) for n, line in enumerate(lines)]
        if bone is not None and len(lines) > 1:  # the twig stands under the whole text
            last = y + LINE * (len(lines) - 1) + 4
            twigs[-1] = Line(x, last, _on(bone, last), last)
        y += LINE * len(lines) + (6 if bone is not None else 0)
    return tuple(twigs), tuple(texts)


def _tallest(branches: Sequence[str], causes: Mapping[str, Sequence[str]], room: float) -> float:
    heights = [sum(LINE * len(wrapped(one, room)) + 6 for one in causes.get(b, ())) for b in branches]
    return max([*heights, 34.0]) + 16


def _on(bone: Line, y: float) -> float:
    """Where a bone is at a height."""
    share = (y - bone.y1) / ((bone.y2 - bone.y1) or 1)
    return round(bone.x1 + share * (bone.x2 - bone.x1), 1)


def _words(text: str) -> list[str]:
    """The pieces between which a line may end: words with the space after them, single Chinese characters."""
    found = [""]
    for sign in " ".join(text.split()):
        if found[-1] and (found[-1][-1] == " " or _is_wide(sign) or _is_wide(found[-1][-1])):
            found.append("")
        found[-1] += sign
    return found


def _width(text: str) -> float:
    return sum(_CHARACTER * (2 if _is_wide(sign) else 1) for sign in text)


def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in {"W", "F"}
