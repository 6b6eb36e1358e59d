"""Errors in templates: ``{% told case.error case.message as error %}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from runner.core.errors import RunnerError
from runner.core.journal_words import message_in
from runner.core.phrase_book import told_whole
from runner.desk.errors.field_words import expectation
from runner.desk.errors.telling import Told, is_english, language_now, said_here
from runner.desk.errors.telling import told as told_of
from runner.desk.errors.telling import told_error as told_of_error
from runner.desk.recordings.failures import told_with_step

register = template.Library()


@register.simple_tag
def told(error: Mapping[str, Any] | None, message: str = "") -> Told:
    """An error in the language of the page: `.text`, and `.technical` for what folds away."""
    return told_with_step(error, message)


@register.simple_tag
def told_error(error: RunnerError) -> Told:
    """An error that was raised, in the language of the page."""
    return told_of_error(error)


@register.filter
def expected_words(expected: str) -> str:
    """What was expected of a value, in the language of the page; empty where it is not one of the usual sentences there."""
    shown = expectation(expected)
    return "" if shown == expected and not is_english() else shown


@register.filter
def said(text: str) -> str:
    """A text of Runner's own, with its values, in the language of the page."""
    return said_here(text)


@register.filter
def line_words(line: Any, names: Mapping[str, str]) -> str:
    """What a line of a journal says, in the language of the page; a bot's own words stay as its author wrote them.

    `names` are what the steps of a recording are called there (`step_names`).
    """
    message = str(line.message or line.event)
    if line.step in names and message.startswith(line.step):
        message = names[line.step] + message.removeprefix(line.step)
    if is_english():
        return message
    if line.event == "log":
        return told_whole(message, language_now()) or message
    return message_in(language_now(), message, lambda why: str(told_of(line.error, why)))


@register.filter
def step_beside(line: Any, names: Mapping[str, str]) -> str:
    """The step that a line belongs to, where the line does not name it itself."""
    return "" if not line.step or line.step in line.message else str(names.get(line.step, line.step))
