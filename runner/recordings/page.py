"""A recording as a page: every step in words beside its picture, in which the element it is about is marked."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runner.recordings.library import Place
from runner.recordings.model import Recording, identities
from runner.recordings.wording import Language, all_words

_STYLE: Final = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2937;background:#fff}
li{margin:0 0 2rem}figure{position:relative;margin:.5rem 0;border:1px solid #d1d5db}img{display:block;width:100%}
figure span{position:absolute;outline:3px solid #dc2626;outline-offset:2px}
@media print{li{break-inside:avoid}}"""


@dataclass(frozen=True, slots=True)
class ToldStep:
    """A step for people: its number, its words, its picture, and where in the picture the element is (shares of 1)."""

    number: int
    words: str
    picture: Path | None = None
    mark: tuple[float, float, float, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """The step for ``--json``."""
        return {
            "number": self.number,
            "words": self.words,
            "picture": self.picture.as_posix() if self.picture else None,
            "mark": self.mark,
        }


def told_steps(place: Place, recording: Recording, language: Language = "en") -> list[ToldStep]:
    """Every step of a recording in words, with the picture that was taken of it while recording."""
    marks = _marks(place)
    told = zip(all_words(recording, language), place.pictures(recording), identities(recording), strict=True)
    return [
        ToldStep(number, words, picture, marks.get(identity) if picture else None)
        for number, (words, picture, identity) in enumerate(told, start=1)
    ]


def page_of(recording: Recording, steps: list[ToldStep], language: Language = "en") -> str:
    """One HTML page that holds the pictures itself, to be printed or passed on."""
    title = html.escape(recording.title)
    items = "\n".join(f"<li><p>{html.escape(step.words)}</p>{_figure(step)}</li>" for step in steps)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n<ol>\n{items}\n</ol>\n</html>\n"
    )


def _figure(step: ToldStep) -> str:
    if step.picture is None:
        return ""
    data = base64.b64encode(step.picture.read_bytes()).decode()
    mark = ""
    if step.mark is not None:
        left, top, width, height = (f"{100 * share:.2f}%" for share in step.mark)
        mark = f'<span style="left:{left};top:{top};width:{width};height:{height}"></span>'
    return f'<figure><img alt="{html.escape(step.words)}" src="data:image/png;base64,{data}">{mark}</figure>'


def _marks(place: Place) -> dict[str, tuple[float, float, float, float]]:
    try:
        plain = json.loads((place.marks).read_text("utf-8"))
        return {name: _shares(box) for name, box in plain.items() if _is_inside(box)}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # a picture without its mark is still a picture


def _is_inside(box: list[int]) -> bool:
    x, y, width, height, page_width, page_height = box
    return width > 0 and height > 0 and 0 <= x < page_width and 0 <= y < page_height


def _shares(box: list[int]) -> tuple[float, float, float, float]:
    x, y, width, height, page_width, page_height = box
    return x / page_width, y / page_height, min(width / page_width, 1), min(height / page_height, 1)
