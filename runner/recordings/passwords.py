"""Passwords in recordings: which steps type one, and how a typed one becomes a reference to a secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from runner.recordings.model import Act, Change, Recording, Step
from runner.recordings.placeholders import PLACEHOLDER, SECRET

_WORDS: Final = re.compile(
    r"type=[\"']?password|pass[-_ ]?(?:word|wd|phrase|code)|(?<![a-z])(?:pwd|passwd)(?![a-z])|pass(?:wort|wd)|kennwort"
    r"|mot[-_ ]de[-_ ]passe|contrase(?:ñ|n)a|wachtwoord|密\s*码|密\s*碼|口令",
    re.IGNORECASE,
)


def types_password(step: Step) -> bool:
    """Whether a step fills in a password field, by what its selectors say of it."""
    if not isinstance(step, Change) and not (isinstance(step, Act) and step.parameters.act == "change"):
        return False
    return any(_WORDS.search(text) for text in _texts(step))


def literal_passwords(recording: Recording) -> list[int]:
    """The numbers (from 1) of the steps that hold a password in clear."""
    return [
        number
        for number, step in enumerate(recording.steps, start=1)
        if types_password(step) and not _is_reference(_typed(step))
    ]


def without_passwords(recording: Recording, secret: str) -> tuple[Recording, list[int]]:
    """The recording with each password replaced by ``${secret:NAME}``, and the numbers of those steps.

    The first password has the name `secret`; a different one has the same with a number behind it.
    """
    names: dict[str, str] = {}
    steps, changed = list(recording.steps), literal_passwords(recording)
    for number in changed:
        step = steps[number - 1]
        value = _typed(step)
        name = names.setdefault(value, secret if not names else f"{secret}-{len(names) + 1}")
        steps[number - 1] = _with_typed(step, f"${{secret:{name}}}")
    return recording.with_steps(steps), changed


def _is_reference(value: str) -> bool:
    return not SECRET.sub("", PLACEHOLDER.sub("", value)).strip()


def _typed(step: Step) -> str:
    if isinstance(step, Change):
        return step.value
    return step.parameters.value if isinstance(step, Act) else ""


def _with_typed(step: Step, value: str) -> Step:
    if isinstance(step, Change):
        return step.model_copy(update={"value": value})
    assert isinstance(step, Act)
    return step.model_copy(update={"parameters": step.parameters.model_copy(update={"value": value})})


def _texts(step: Step) -> Sequence[str]:
    return [one for raw in step.raw_selectors for one in ([raw] if isinstance(raw, str) else raw)]
