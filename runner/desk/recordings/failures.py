"""A step of a recording that failed, on the page of its case: told in the reader's language, with the way to the step."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from runner.core.errors import RunnerError
from runner.desk.recordings.shelf import language, place_if_there
from runner.recordings.failing import step_failure, told_failure
from runner.store.models import Case


@dataclass(frozen=True, slots=True)
class Replayed:
    """The sentence, and the address of the step on the page of its recording (empty where that is gone)."""

    words: str
    address: str


def replayed(case: Case) -> Replayed | None:
    """What a case tells of a step of a recording; None for every other case."""
    failure = step_failure(case.message)
    if failure is None or failure.recording != case.bot:
        return None
    where = place_if_there(case.bot)
    try:
        recording = where.read() if where else None
    except RunnerError:
        recording = None
    code = str((case.error or {}).get("code") or "")
    address = f"{reverse('recordings:recording', args=[case.bot])}#step-{failure.number}" if where else ""
    return Replayed(told_failure(failure, code, recording, language()), address)
