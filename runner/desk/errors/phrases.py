"""The errors that ops people meet every day, with their cell and their value, in the language of the page.

Each is known by how it begins, in the words of the room that raises it; tests hold both together. In titles of problems, where
values are put aside (``…``), the same phrase is told without them.
"""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from runner.desk.errors.field_words import expectation
from runner.desk.words import Word

_CELL: Final = r"cell (?P<cell>[A-Z]{1,3}\d+|…)"
_SEEN: Final = r"holds (?:the (?:text|number|date|time|logical value) )(?P<seen>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|…|\S+)"

_PHRASES: Final[tuple[tuple[re.Pattern[str], Word, Word], ...]] = tuple(
    (re.compile(pattern), full, short)
    for pattern, full, short in (
        (
            r"the secret '(?P<name>[^']+|…)' is not for (?P<site>\S+)",
            _("The secret %(name)s is not for %(site)s: it was not typed there."),
            _("A secret is not for the host where it would have been typed"),
        ),
        (
            r"nobody has said where the secret '(?P<name>[^']+|…)' may be typed; here it would be (?P<site>\S+)",
            _("Nobody has said yet that the secret %(name)s may be typed on %(site)s: an admin can, on the page Secrets."),
            _("Nobody has said where a secret may be typed"),
        ),
        (
            rf"{_CELL} is empty - a value for (?P<field>'.+?'|…)",
            _("Cell %(cell)s is empty: a value for %(field)s is needed."),
            _("A cell that needs a value is empty"),
        ),
        (
            rf"{_CELL} shows the error (?P<seen>\S+)",
            _("Cell %(cell)s shows the error %(seen)s: put the formula right, or what it refers to."),
            _("A cell shows the error %(seen)s"),
        ),
        (
            r"the formula (?P<seen>.+) in (?P<cell>[A-Z]{1,3}\d+|…) has no stored result",
            _("The formula %(seen)s in cell %(cell)s has no stored result: open the workbook in Excel and save it."),
            _("A formula has no stored result"),
        ),
        (
            rf"{_CELL} {_SEEN} - (?:expected )?a number",
            _("Cell %(cell)s holds %(seen)s where a number is expected."),
            _("A cell holds no number"),
        ),
        (
            rf"{_CELL} {_SEEN} - (?:expected )?a whole number",
            _("Cell %(cell)s holds %(seen)s where a whole number is expected."),
            _("A cell holds no whole number"),
        ),
        (
            rf"{_CELL} {_SEEN} - (?:expected )?yes or no",
            _("Cell %(cell)s holds %(seen)s where yes or no is expected."),
            _("A cell holds neither yes nor no"),
        ),
        (
            rf"{_CELL} {_SEEN} - (?:expected )?a time",
            _("Cell %(cell)s holds %(seen)s where a time is expected."),
            _("A cell holds no time"),
        ),
        (
            rf"{_CELL} {_SEEN} - (?:expected )?a date",
            _("Cell %(cell)s holds %(seen)s where a date is expected, such as 2026-11-24."),
            _("A cell holds no date"),
        ),
        (
            rf"{_CELL} {_SEEN} - (?P<why>.+?)(?: - correct the cell.*|$)",
            _("Cell %(cell)s holds %(seen)s. %(why)s"),
            _("The value of a cell does not fit"),
        ),
        (
            r"the run was ended at its time limit of (?P<limit>[^;]+); last step: (?P<step>.+)",
            _("The run took longer than its time limit of %(limit)s, and was ended in the step “%(step)s”."),
            _("The run took longer than its time limit, and was ended in the step “%(step)s”"),
        ),
        (
            r"the run was ended at its time limit of (?P<limit>[^;]+)(?:; no last step.*)?$",
            _("The run took longer than its time limit of %(limit)s, and was ended before its first step."),
            _("The run took longer than its time limit, and was ended before its first step"),
        ),
        (
            r"the bot's process ended without a result \((?P<how>[^;]+);.*\); last step: (?P<step>.+)",
            _("The bot's process ended without a result (%(how)s), in the step “%(step)s”."),
            _("The bot's process ended without a result, in the step “%(step)s”"),
        ),
        (
            r"the bot's process ended without a result \((?P<how>[^;]+);.*\); no last step",
            _("The bot's process ended without a result (%(how)s), before its first step."),
            _("The bot's process ended without a result, before its first step"),
        ),
        (
            r"(?:'(?P<step>.+?)'|…) of item \S+ failed while it was being done",
            _("“%(step)s” was begun and broke off, and nobody knows whether it happened: look into the other system."),
            _("A step that can't be taken back was begun and broke off, and nobody knows whether it happened"),
        ),
        (
            r"the value is (?P<seen>'.*?'|…|[\d.,-]+) - (?P<why>.+)",
            _("The value %(seen)s does not fit. %(why)s"),
            _("A value does not fit. %(why)s"),
        ),
        (
            r"missing(?: - Field required)?(?: - |$)",
            _("A value that is needed is missing."),
            _("A value that is needed is missing"),
        ),
        (
            r"(?P<field>\w+) (?P<seen>'.*'|…) is in (?P<cell>\S+) already, with other data",
            _("%(seen)s stands in %(cell)s already, with other data: correct one of the two rows, or reject it."),
            _("The same key stands in two rows with different data"),
        ),
    )
)  # fmt: skip
_COLUMN: Final = re.compile(r"column (?P<column>[A-Z]{1,3}): (?P<rest>.*)", re.DOTALL)


def phrase_of(said: str, where: str = "") -> str:
    """An error's words in the language of the page, with its values; empty for one that is not among the usual ones.

    A cell is told with its sheet where `where` (``Sheet!B4``) names it.
    """
    for pattern, full, _short in _PHRASES:
        found = pattern.match(said)
        if found:
            values = found.groupdict()
            if values.get("cell") and where.endswith(f"!{values['cell']}"):
                values["cell"] = where
            if "why" in values:
                values["why"] = expectation(values["why"])
            return str(full) % values
    return ""


def title_phrase_of(words: str) -> str:
    """The title of a problem in the language of the page, without values; empty for one that is not among the usual ones."""
    column = _COLUMN.fullmatch(words)
    rest = column["rest"] if column else words
    for pattern, _full, short in _PHRASES:
        found = pattern.match(rest)
        if found:
            values = {name: value or "" for name, value in found.groupdict().items()}
            if "why" in values:
                values["why"] = expectation(values["why"]).rstrip(".。")
            said = str(short) % values
            return (
                gettext("Column %(column)s: %(said)s") % {"column": column["column"], "said": said}
                if column
                else said
            )
    return ""
