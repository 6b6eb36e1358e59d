"""What recordings say of their steps on other pages, in the reader's language: a step that failed, and what a step is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from django.urls import reverse

from runner.core.errors import RunnerError
from runner.desk.errors.sentences import SENTENCES
from runner.desk.errors.telling import Told, told
from runner.desk.recordings.shelf import language, place_if_there, place_named
from runner.desk.recordings.told import with_headings
from runner.recordings.binding import read_binding
from runner.recordings.failing import StepFailure, step_failure, told_failure
from runner.recordings.library import Place
from runner.recordings.wording import Language, all_words
from runner.store.models import Case

_KEPT: Final = 32  # recordings whose words are kept from page to page


@dataclass(frozen=True, slots=True)
class Replayed:
    """The sentence, and the address of the step on the page of its recording (empty where that is gone)."""

    words: str
    address: str


@dataclass(frozen=True, slots=True)
class Cause:
    """What the last item failed with when several failed in a row and the rest was left: its key, and the sentence."""

    item: str
    words: str
    address: str = ""


def replayed(case: Case) -> Replayed | None:
    """What a case tells of a step of a recording; None for every other case."""
    return _replayed(case.bot, case.message, str((case.error or {}).get("code") or ""))


def told_with_step(error: Mapping[str, Any] | None, message: str = "") -> Told:
    """An error as `told` tells it, and a failed step of a recording in the sentence that the page of its case has.

    For lists: no query, and a recording that has not changed is not read again.
    """
    facts = error or {}
    said, code = message or str(facts.get("message") or ""), str(facts.get("code") or "")
    failure = step_failure(said) if code in SENTENCES else None
    return Told(_in_words(failure, code), said) if failure else told(error, message)


def cause_of(bot: str, error: Mapping[str, Any] | None) -> Cause | None:
    """Why a run gave up on its items, where its error says so."""
    found = (error or {}).get("cause")
    if not isinstance(found, Mapping):
        return None
    message, code, where = (str(found.get(name) or "") for name in ("message", "code", "where"))
    step = _replayed(bot, f"{where}: {message}" if where and not message.startswith(where) else message, code)
    words = step.words if step else str(told({"code": code, "where": where}, message))
    return Cause(str(found.get("item") or ""), words, step.address if step else "")


def step_names(bot: str) -> Mapping[str, str]:
    """What the steps of a recording are called for people, by the names that its journals have; empty for any other bot.

    They are in the reader's language, with the heading of a column in the place of its placeholder.
    """
    where = place_named(bot)
    if where is None or not where.file.is_file():
        return {}
    try:
        stamps = tuple(path.stat().st_mtime_ns for path in (where.file, where.binding) if path.exists())
        return _names(where, language(), stamps)
    except OSError:
        return {}


def _replayed(bot: str, message: str, code: str) -> Replayed | None:
    failure = step_failure(message)
    if failure is None or failure.recording != bot:
        return None
    there = place_if_there(bot) is not None
    address = f"{reverse('recordings:recording', args=[bot])}#step-{failure.number}" if there else ""
    return Replayed(_in_words(failure, code), address)


def _in_words(failure: StepFailure, code: str) -> str:
    words = step_names(failure.recording).get(failure.words, failure.words)
    return told_failure(replace(failure, words=words), code, None, language())


@lru_cache(_KEPT)
def _names(where: Place, spoken: Language, _stamps: tuple[int, ...]) -> Mapping[str, str]:
    """The names of the steps of a recording as it is and is bound since its files were changed last."""
    try:
        recording = where.read()
    except RunnerError:  # kept as well: lists ask for it once a row
        return {}
    try:
        binding = read_binding(where) if where.binding.exists() else None
    except RunnerError:
        binding = None
    shown = all_words(with_headings(recording, binding), spoken)
    return dict(zip(all_words(recording), shown, strict=True))
