"""What is wrong with a value, in the reader's language: the usual sentences of the models, with their numbers and words."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext_lazy as _

from runner.desk.words import Word

_SENTENCES: Final[tuple[tuple[re.Pattern[str], Word], ...]] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Field required|missing", _("This is needed.")),
        (r"Input should be a valid decimal.*", _("A number is expected, such as 12.50.")),
        (r"Input should be a valid number.*", _("A number is expected, such as 12.5.")),
        (r"Input should be a valid integer.*", _("A whole number is expected.")),
        (r"Input should be a valid string.*", _("A text is expected.")),
        (r"Input should be a valid boolean.*", _("Yes or no is expected.")),
        (r"Input should be a valid list.*", _("A list is expected.")),
        (r"Input should be a valid date(time)?\b.*", _("A date is expected, such as 2026-11-24.")),
        (r"Input should be (?P<a>['‘].+)", _("One of these is expected: %(a)s.")),
        (r"Input should be greater than or equal to (?P<a>\S+)", _("At least %(a)s is expected.")),
        (r"Input should be greater than (?P<a>\S+)", _("More than %(a)s is expected.")),
        (r"Input should be less than or equal to (?P<a>\S+)", _("At most %(a)s is expected.")),
        (r"Input should be less than (?P<a>\S+)", _("Less than %(a)s is expected.")),
        (r"String should have at least (?P<a>\d+) character.*", _("At least %(a)s characters are expected.")),
        (r"String should have at most (?P<a>\d+) character.*", _("At most %(a)s characters are expected.")),
        (r"String should match pattern (?P<a>.+)", _("It does not have the form %(a)s.")),
        (r"Decimal input should have no more than (?P<a>\d+) decimal places?", _("At most %(a)s decimal places are expected.")),
        (r"Extra inputs are not permitted", _("The queue has no such field.")),
    )
)  # fmt: skip


def expectation(sentence: str) -> str:
    """The sentence in the language of the page where it, or a part of it, is one of the usual ones; otherwise as it is."""
    for part in (sentence, *sentence.split(" - ")):
        for pattern, words in _SENTENCES:
            found = pattern.fullmatch(part.strip())
            if found:
                return str(words) % found.groupdict() if found.groupdict() else str(words)
    return sentence
