"""What the kit and the worker write in a journal, in the reader's language; a journal itself is in English."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from runner.core.phrase_book import sentence, told

_ENDED: Final = re.compile(
    r"(?P<what>.+?):? (?P<how>done|failed|started|finished|exceptions|begins|acted|already done|not done)(?:: (?P<why>.+))?",
    re.DOTALL,
)  # of a run, an item or a step
_LANE: Final = re.compile(r"lane (\d+)")
_ONE_THING: Final = re.compile(r"\S+(?: \d+)?")


def message_in(language: str, message: str, told_why: Callable[[str], str]) -> str:
    """The message of an event in `language`; `told_why` says why something failed, which has words of its own.

    Messages of bots (the event ``log``) are not for this: they are their authors' words.
    """
    if language.lower().startswith("en"):
        return message
    found = told(message, language)
    ended = _ENDED.fullmatch(message)
    if ended is None or (found != message and not _ONE_THING.fullmatch(ended["what"])):
        return found

    def said(text: str, **values: str) -> str:
        return sentence(text, language, values)

    lane = _LANE.fullmatch(ended["what"])
    what = said("lane {number}", number=lane[1]) if lane else ended["what"]
    how = {
        "done": said("{what} is through", what=what),
        "failed": said("{what} has failed", what=what),
        "started": said("{what} has started", what=what),
        "finished": said("{what} has ended", what=what),
        "exceptions": said("{what} ended with exceptions", what=what),
        "begins": said("{what} begins", what=what),
        "acted": said("{what}: it was done", what=what),
        "already done": said("{what}: it had been done already", what=what),
        "not done": said("{what}: it was not done", what=what),
    }[ended["how"]]
    return f"{how}：{told_why(ended['why'])}" if ended["why"] else how
