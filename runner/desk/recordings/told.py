"""Steps as the page tells them: in words, with their picture and the mark in it, their selectors, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.desk.recordings.reasons import Reason
from runner.desk.recordings.shelf import Kept
from runner.recordings.binding import Binding
from runner.recordings.model import Recording
from runner.recordings.page import told_steps
from runner.recordings.placeholders import PLACEHOLDER, with_values
from runner.recordings.wording import Language, all_words


@dataclass(frozen=True, slots=True)
class Told:
    """One step. `part` says to which part of the bot it belongs: ``once``, ``each``, ``point`` (not to be repeated) or nothing.

    `mark` is the place of the element in the picture: left, top, width and height in thousandths of the picture.
    """

    number: int
    words: str
    picture: str
    mark: Sequence[int] | None
    selectors: Sequence[str]
    warnings: Sequence[Reason]
    part: str


def told_with_selectors(
    found: Kept, language: Language, warned: Mapping[int, Sequence[Reason]]
) -> list[Told]:
    """Every step of a recording that can be read."""
    assert found.recording is not None
    return [
        Told(
            number=step.number,
            words=words,
            picture=step.picture.name if step.picture else "",
            mark=[round(1000 * share) for share in step.mark] if step.mark else None,
            selectors=[f"{one.kind} {one.value}" for one in recorded.selectors_parsed],
            warnings=warned.get(step.number, ()),
            part=_part(found, step.number),
        )
        for step, recorded, words in zip(
            told_steps(found.place, found.recording, language),
            found.recording.steps,
            all_words(with_headings(found.recording, found.binding), language),
            strict=True,
        )
    ]


def _part(found: Kept, number: int) -> str:
    binding = found.binding
    if binding is None or binding.for_each is None:
        return ""
    if number == binding.irreversible:
        return "point"
    return "once" if number < binding.each_from else "each"


def with_headings(recording: Recording, binding: Binding | None) -> Recording:
    """The recording with the heading of its column in the place of each placeholder: ``‹Order number›``."""
    fields = binding.fields if binding else {}

    def put(text: str) -> str:
        return PLACEHOLDER.sub(lambda one: f"‹{fields[one[1]].column}›" if one[1] in fields else one[0], text)

    return recording.with_steps([with_values(step, put) for step in recording.steps])
