"""Forms: how a date, a number or a yes/no is written for the site: ``%d.%m.%Y``, ``#,##0.00``, ``Yes/No``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

NUMBER: Final = re.compile(r"(#([.,' ])##)?0(?:([.,])(0+))?")
"""The form of a number: its grouping and its sign, its decimal sign, its decimals."""
DATE_PART: Final = re.compile(r"%-?.")
_LOOKED_AT: Final = 20
_WORDS: Final = re.compile(r"([^/{}|]+)/([^/{}|]+)")
_OWN: Final[Mapping[str, Callable[[dt.date | dt.time], str]]] = {
    # not of every system's strftime
    "%-d": lambda value: str(value.day) if isinstance(value, dt.date) else "",
    "%-m": lambda value: str(value.month) if isinstance(value, dt.date) else "",
}
_DATE_PARTS: Final = frozenset(
    {"%d", "%m", "%Y", "%y", "%b", "%B", "%a", "%A", "%j", "%H", "%M", "%S", "%%", *_OWN}
)


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes/no"


_DATES: Final = (
    "", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d.%m.%y", "%Y年%m月%d日", "%Y%m%d", "%-d.%-m.%Y",
    "%-d/%-m/%Y", "%-m/%-d/%Y", "%Y/%-m/%-d", "%Y年%-m月%-d日", "%d %b %Y", "%d-%b-%Y", "%-d %B %Y", "%B %-d, %Y",
)  # fmt: skip
FORMS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.TEXT: ("",),
    Kind.WHOLE: ("", "#,##0", "#.##0", "# ##0", "0.00", "0,00", "#,##0.00", "#.##0,00"),
    Kind.NUMBER: ("", "0.00", "0,00", "#,##0.00", "#.##0,00", "# ##0,00", "#'##0.00", "0.0", "0,0", "0", "#,##0", "#.##0"),
    Kind.DATE: _DATES,
    Kind.YES_NO: ("", "Yes/No", "yes/no", "Y/N", "1/0", "是/否"),
}  # fmt: skip
"""The forms that are usual, by what a column holds; the empty one is Runner's own. Others can be written by hand."""
_EXAMPLES: Final[Mapping[Kind, object]] = {
    Kind.TEXT: "", Kind.WHOLE: 1234, Kind.NUMBER: Decimal("1234.5"), Kind.DATE: dt.date(2026, 1, 31), Kind.YES_NO: True,
}  # fmt: skip


def fits(form: str, kind: Kind) -> bool:
    """Whether cells of that kind can be written in the form."""
    if not form:
        return True
    if kind is Kind.DATE:
        parts = DATE_PART.findall(form)
        return bool(parts) and _DATE_PARTS.issuperset(parts) and "%" not in DATE_PART.sub("", form)
    if kind is Kind.YES_NO:
        return _WORDS.fullmatch(form) is not None
    return kind is not Kind.TEXT and NUMBER.fullmatch(form) is not None


def written(value: object, form: str = "") -> str | None:  # noqa: PLR0911 - a table of cases
    """A value as it is typed into a page; None where it can't be written in that form.

    Without a form: dates as 2026-12-01, numbers without grouping, yes/no as true/false, None as the empty text. A text is
    typed as it is, but where there is a form and it is a plain number, an ISO date, true or false: `runner replay --set` gives such.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        value = _meant(value, form)
        if isinstance(value, str):
            return value
    if isinstance(value, dt.date | dt.time) and form:
        return (
            None
            if not fits(form, Kind.DATE)
            else DATE_PART.sub(lambda part: _date_part(value, part[0]), form)
        )
    if isinstance(value, dt.datetime) and value.time() == dt.time(0):
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bool):
        words = _WORDS.fullmatch(form or "true/false")
        return words[1 if value else 2] if words else None
    if form:
        return _number(value, form)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def like(value: str, kind: Kind) -> str:
    """The form in which a text was typed for a column of that kind; Runner's own where it is in none that is usual."""
    if kind is Kind.DATE:
        return next((form for form in FORMS[kind] if _is_date(value, form)), "")
    if kind is Kind.YES_NO:
        return next(
            (form for form in FORMS[kind] if value in (written(True, form), written(False, form))), ""
        )
    if kind is Kind.TEXT or value.isdecimal():
        return ""
    return next((form for form in without_rounding(kind) if form and _is_number(value, form)), "")


def without_rounding(kind: Kind) -> list[str]:
    """The usual forms of numbers, but none without decimals for a column that has some."""
    return [
        form
        for form in FORMS[kind]
        if not form or kind is Kind.WHOLE or form.endswith((".0", ".00", ",0", ",00"))
    ]


def has_decimals(form: str) -> bool:
    """Whether a number is written with decimals in the form: then it may have some, though no cell seen so far has."""
    found = NUMBER.fullmatch(form)
    return found is not None and found[4] is not None


def example(kind: Kind, cell: object, form: str) -> str:
    """How a cell looks in a form; a cell that is not of the kind is replaced by one that is."""
    shown = (
        cell
        if kind_of(cell) is kind or {kind_of(cell), kind} == {Kind.WHOLE, Kind.NUMBER}
        else _EXAMPLES[kind]
    )
    return written(shown, form) or ""


def examples(kind: Kind, cell: object) -> dict[str, str]:
    """Each usual form of a kind, with what a cell looks like in it; where two look the same, the later one says how it is meant."""
    found: dict[str, str] = {}
    for form in FORMS[kind]:
        looks = example(kind, cell, form)
        found[form] = f"{looks} ({form})" if looks in found.values() else looks
    return found


def most_telling(cells: Sequence[object], kind: Kind) -> object:
    """Of the first cells of that kind the one that looks the most different in different forms: no 11.11., no 5.00; None for none."""
    fitting = [cell for cell in cells if kind_of(cell) is kind][:_LOOKED_AT]
    return max(fitting, key=lambda cell: len({written(cell, form) for form in FORMS[kind]}), default=None)


def kind_of(cell: object) -> Kind:
    """What one cell holds."""
    if isinstance(cell, bool):
        return Kind.YES_NO
    if isinstance(cell, dt.date):
        return Kind.DATE
    if isinstance(cell, int | float | Decimal):
        return Kind.WHOLE if _is_whole(cell) else Kind.NUMBER
    return Kind.TEXT


def _meant(text: str, form: str) -> object:
    """What a text stands for where it is to be written in a form; the text itself where it is written so already."""
    try:
        if NUMBER.fullmatch(form):
            return Decimal(text)
        if form and fits(form, Kind.DATE):
            return dt.date.fromisoformat(text)
    except (ValueError, InvalidOperation):
        return text
    return {"true": True, "false": False}.get(text, text) if _WORDS.fullmatch(form) else text


def _date_part(value: dt.date | dt.time, part: str) -> str:
    own = _OWN.get(part)
    return own(value) if own else value.strftime(part)


def _number(value: object, form: str) -> str | None:
    found = NUMBER.fullmatch(form)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    if found is None or not number.is_finite():
        return None
    digits = len(found[4] or "")
    text = f"{number:,.{digits}f}" if found[1] else f"{number:.{digits}f}"
    whole, _, rest = text.partition(".")
    return whole.replace(",", found[2] or "") + (f"{found[3]}{rest}" if rest else "")


def _is_whole(cell: float | Decimal) -> bool:
    try:
        return Decimal(str(cell)) == Decimal(str(cell)).to_integral_value()
    except InvalidOperation:
        return False


def _is_date(value: str, form: str) -> bool:
    try:
        read = dt.datetime.strptime(value, (form or "%Y-%m-%d").replace("%-", "%"))  # noqa: DTZ007 - a cell has no zone
    except ValueError:
        return False
    return written(read.date(), form) == value


def _is_number(value: str, form: str) -> bool:
    found = NUMBER.fullmatch(form)
    point = found[3] if found else None
    plain = "".join("." if sign == point else sign for sign in value if sign == point or sign not in ".,' ")
    try:
        return written(Decimal(plain), form) == value
    except InvalidOperation:
        return False
