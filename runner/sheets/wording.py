"""Numbers and dates that people wrote as text, by the conventions of a declared locale."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from runner.core.errors import UsageError, did_you_mean

_CURRENCY = re.compile(
    r"^(?:EUR|USD|GBP|CHF|CNY|RMB|JPY|[€$£¥元])\s*|\s*(?:EUR|USD|GBP|CHF|CNY|RMB|JPY|[€$£¥元])$",
    re.IGNORECASE,
)
_ISO_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)")
_SHORT_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")


class Trouble(ValueError):
    """A value that a field can't take: what is wrong, what was expected, what to do."""

    def __init__(self, what: str, expected: str, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.expected, self.hint = what, expected, hint


@dataclass(frozen=True)
class Locale:
    """How people write numbers and dates in text: decimal sign, grouping signs, order of day, month and year."""

    decimal: str
    grouping: str
    order: str


LOCALES: Final = {
    "en": Locale(".", ",", "mdy"),
    "en-us": Locale(".", ",", "mdy"),
    "en-gb": Locale(".", ",", "dmy"),
    "zh": Locale(".", ",", "ymd"),
    "zh-cn": Locale(".", ",", "ymd"),
    "de": Locale(",", ".", "dmy"),
    "de-de": Locale(",", ".", "dmy"),
    "de-at": Locale(",", ". ", "dmy"),
    "de-ch": Locale(".", "'’", "dmy"),
    "fr": Locale(",", " ", "dmy"),
    "es": Locale(",", ".", "dmy"),
    "it": Locale(",", ".", "dmy"),
}


def locale_of(name: str | None) -> Locale | None:
    """The conventions called `name` (``de``, ``en-GB``, ``zh_CN``); None stays None; UsageError for unknown ones."""
    if name is None:
        return None
    key = name.lower().replace("_", "-")
    if key not in LOCALES:
        raise UsageError(
            f"'{name}' is not a known locale",
            expected="one of " + ", ".join(LOCALES),
            hint=did_you_mean(key, LOCALES) or "leave it out for plain numbers and ISO dates",
            code="WB_LOCALE",
        )
    return LOCALES[key]


def parse_number(text: str, locale: Locale | None) -> Decimal:
    """A number written as text.

    Without a locale only forms that mean the same everywhere are taken (``1234``, ``12.50``); ``1.234`` and ``1.234,56``
    are Trouble, because they are different numbers in different countries.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u202f", " ").strip()
    negative = plain.startswith("(") and plain.endswith(")")
    plain = _CURRENCY.sub("", plain[1:-1] if negative else plain).strip()
    percent = plain.endswith("%")
    plain = plain.removesuffix("%").strip()
    if plain.endswith("-"):
        plain = "-" + plain[:-1]
    digits = _plain_digits(plain, locale)
    try:
        number = Decimal(digits or "?")
    except InvalidOperation:
        raise Trouble(
            f"the text {text!r}",
            "expected a number",
            'declare the locale of the workbook, as in locale="de", or enter a number' if locale is None
            else "correct the cell, or declare another locale",
        ) from None  # fmt: skip
    return (-number if negative else number) / (100 if percent else 1)


def parse_date(text: str, locale: Locale | None) -> dt.date | None:
    """A date in ISO or Chinese form, or day and month in the order of the locale; None where it is none."""
    plain = unicodedata.normalize("NFKC", text)
    try:
        if found := _ISO_DATE.fullmatch(plain):
            year, month, day = (int(part) for part in found.groups() if part)
            return dt.date(year, month, day)
        if (found := _SHORT_DATE.fullmatch(plain)) and locale and locale.order != "ymd":
            first, second, year = (int(part) for part in found.groups())
            return dt.date(year, first, second) if locale.order == "mdy" else dt.date(year, second, first)
    except ValueError:
        return None
    return None


def _plain_digits(plain: str, locale: Locale | None) -> str:
    if locale is None:
        return plain if re.fullmatch(r"[+-]?\d+(\.(\d{1,2}|\d{4,}))?|[+-]?0\.\d+", plain) else ""
    group, point = f"[{re.escape(locale.grouping)}]", re.escape(locale.decimal)
    found = re.fullmatch(rf"([+-]?(?:\d{{1,3}}(?:{group}\d{{3}})+|\d*))(?:{point}(\d+))?", plain)
    return re.sub(group, "", found[1]) + (f".{found[2]}" if found[2] else "") if found else ""
