"""What stays of an error message when its variable parts are taken out: numbers, ids, dates, paths, quoted values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from re import Match
from typing import Final

BLANK: Final = "…"
"""Stands in a masked message for each part that was taken out."""

_DIGITS_AS: Final = "OIZEASGTBP"
_SPELT_STATUS: Final = re.compile(f"HTTP=([{_DIGITS_AS}]{{3}})")
_LEFT, _RIGHT = (
    r"(?<![A-Za-z0-9_])",
    r"(?![A-Za-z0-9_])",
)  # \b would count Chinese characters as part of the word
_UNITS = "ms|msec|milliseconds?|s|secs?|seconds?|m|min|mins|minutes?|h|hrs?|hours?|d|days?|毫秒|秒钟?|分钟?|小时|天|日"
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_EXTENSIONS = (
    "xlsx|xlsm|xls|csv|tsv|ods|pdf|docx?|txt|json|jsonl|xml|html?|zip|png|jpe?g|log|py|ya?ml|tmp|eml|msg"
)


def _address(found: Match[str]) -> str:
    """The lasting part of a URL: host without port, path without the segments that name one thing."""
    rest = found["rest"].split("?")[0].split("#")[0].rstrip(".,;:)")
    segments = [BLANK if _is_name_of_one(part) else part for part in rest.split("/") if part]
    host = BLANK if re.fullmatch(r"[\d.]+|\[.*\]|localhost", found["host"]) else found["host"].lower()
    return "/".join(["url:" + host, *segments])


def _is_name_of_one(segment: str) -> bool:
    return bool(re.search(r"[\d%=@]", segment)) or len(segment) > 30


def _blank(_: Match[str]) -> str:
    return BLANK


def _status(found: Match[str]) -> str:
    """An HTTP status says what happened: spelt in letters until the rules for numbers are through."""
    return "HTTP=" + "".join(_DIGITS_AS[int(digit)] for digit in found["status"]) + (found["after"] or "")


def _status_again(found: Match[str]) -> str:
    return "HTTP " + "".join(str(_DIGITS_AS.index(letter)) for letter in found[1])


_RULES: Final[tuple[tuple[str, Callable[[Match[str]], str]], ...]] = (
    (
        r"(?:https?|wss?|ftp)://(?:[^\s/@]*@)?(?P<host>\[[^\]]*\]|[\w.\-]+)(?::\d+)?(?P<rest>[^\s\"'<>）)\]，。]*)",
        _address,
    ),
    (r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+", _blank),
    (r"input_value=.*?, input_type=\w+", _blank),
    (
        r"(?:[\w.\-]+\.(?:" + _EXTENSIONS + r")/)?(?:'[^'\n]+'|[\w.]+)!(?:[$]?[a-z]{1,3})?[$]?\d{1,7}"
        r"(?::[$]?[a-z]{1,3}[$]?\d{1,7})?" + _RIGHT,
        _blank,
    ),
    (_LEFT + r"'.*?'" + _RIGHT, _blank),
    (
        r"\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’|「[^」\n]*」|『[^』\n]*』|《[^》\n]*》|«[^»\n]*»|【[^】\n]*】",
        _blank,
    ),
    (
        r"(?:(?:\bhttp(?:/[\d.]+)? ?)?(?:\bstatus(?: ?code)?|状态码?|错误码)|\bhttp(?:/[\d.]+)?)\s*[:：=]?\s*(?P<status>[1-5]\d\d)(?P<after>)"
        + _RIGHT,
        _status,
    ),
    (
        _LEFT + r"(?P<status>[1-5]\d\d)(?P<after>\s+(?:internal server error|service unavailable|bad gateway"
        r"|gateway time-?out|not found|forbidden|unauthori[sz]ed|bad request|too many requests|conflict))",
        _status,
    ),
    (_LEFT + r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}" + _RIGHT, _blank),
    (
        _LEFT
        + r"(?:[a-z]:)?(?:[\\/][^\\/\s:*?\"<>|，。；、]+)*[\\/][^\\/\s:*?\"<>|，。；、]+?\.(?:"
        + _EXTENSIONS
        + ")"
        + _RIGHT,
        _blank,
    ),
    (_LEFT + r"[\w.\-]+(?:[\\/][\w.\-]+)*\.(?:" + _EXTENSIONS + ")" + _RIGHT, _blank),
    (_LEFT + r"(?:[a-z]:|~|\.{1,2})?(?:[\\/][\w.\-~+@]+){2,}[\\/]?", _blank),
    (_LEFT + r"[a-z]:[\\/][^\s:*?\"<>|]*", _blank),
    (r"\d{4}年\d{1,2}月\d{1,2}日", _blank),
    (_LEFT + r"\d{1,2}(?:st|nd|rd|th)?\.? (?:" + _MONTHS + r")\.?,? \d{4}" + _RIGHT, _blank),
    (_LEFT + r"(?:" + _MONTHS + r")\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}" + _RIGHT, _blank),
    (
        _LEFT
        + r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+\-]\d\d:?\d\d))?)?"
        + _RIGHT,
        _blank,
    ),
    (_LEFT + r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[ap]\.?m\b\.?)?", _blank),
    (_LEFT + r"[+\-]?\d+(?:[.,]\d+)?\s?(?:" + _UNITS + ")" + _RIGHT, _blank),
    (r"[€$£¥]\s?(?=\d)", lambda _: ""),
    (
        _LEFT
        + r"[+\-#]?(?=[\w.\-/:#$]*\d)[A-Za-z0-9_$][A-Za-z0-9_$]*(?:[.,'’\-/:#_][A-Za-z0-9_$]+)*(?:\s?%)?",
        _blank,
    ),
    (r"\d+", _blank),
)
_LIST_OF_BLANKS = re.compile(
    rf"{BLANK}(?:(?:\s*[,;、/+&|:\-]\s*|\s+(?:and|or)\s+|\s*[和及与或]\s*|\s+){BLANK})+"
)
_NUMBERED = re.compile(r"^\s*\d+\) ")
_ENDS = (
    "call log:",
    "traceback (most recent call last)",
    "stack trace:",
    "=== logs ===",
    "for further information",
)
_WAITED_FOR = re.compile(
    r"(?:^|\n|\s-\s)\s*(?:-\s*)?(?:waiting for|locator:)\s+(?P<locator>[^\n]+)", re.IGNORECASE
)
_TEXT_ARGUMENT = re.compile(
    r"(get_by_text|get_by_title|has_text|has_not_text|getByText|hasText|:has-text)(\(|=|:\s*)(\"[^\"]*\"|'[^']*'|re\.compile\([^)]*\))"
)
_GAP_IN_CHINESE = re.compile(rf"(?<=[\u3400-\u9fff])\s+(?={BLANK})|(?<={BLANK})\s+(?=[\u3400-\u9fff])")
_LONGEST: Final = 300
_MOST_READ: Final = 1500  # characters: what comes later in a message is detail, and the rules stay quick


def masked(text: str) -> str:
    """`text` with each variable part replaced by `BLANK`, white space and full-width forms made equal."""
    out = " ".join(unicodedata.normalize("NFKC", text[:_MOST_READ]).replace("...", "…").split())
    for rule, put in _rules():
        out = rule.sub(put, out)
    out = _LIST_OF_BLANKS.sub(BLANK, _SPELT_STATUS.sub(_status_again, out))
    return _GAP_IN_CHINESE.sub("", out).strip(" .!。;:")[:_LONGEST]


@cache
def _rules() -> tuple[tuple[re.Pattern[str], Callable[[Match[str]], str]], ...]:
    """The rules compiled, when the first failure comes: most runs have none."""
    return tuple((re.compile(pattern, re.IGNORECASE), put) for pattern, put in _RULES)


def put_aside(text: str) -> list[tuple[str, bool]]:
    """`text` on one line as pieces, in order: what is compared (False), and what `masked` takes out of it (True).

    Where the two can't be laid side by side (an address is rewritten, not cut out) the whole text is one piece.
    """
    whole = " ".join(unicodedata.normalize("NFKC", text[:_MOST_READ]).replace("...", BLANK).split())
    kept = masked(text).split(BLANK)
    pieces: list[tuple[str, bool]] = []
    at = 0
    for number, part in enumerate(kept):
        found = whole.find(part.strip(), at) if part.strip() else at
        if found < 0 or (number == 0 and found > 0 and part.strip()):
            return [(whole, False)]
        pieces += [(whole[at:found], True), (whole[found : found + len(part.strip())], False)]
        at = found + len(part.strip())
    rest = whole[at:]
    pieces.append((rest, bool(rest.strip(" .!。;:"))))
    return [piece for piece in pieces if piece[0]]


def first_words(message: str) -> str:
    """The part of a message that says what happened, on one line: no call log, no list of elements, no traceback."""
    kept: list[str] = []
    for line in message.splitlines():
        plain = line.strip()
        if plain.lower().startswith(_ENDS) or (kept and _NUMBERED.match(line)):
            break
        if plain:
            kept.append(plain)
        if len(kept) == 4:
            break
    return " / ".join(kept)


def locator_shape(message: str) -> str:
    """Which element a browser error was about: its locator with row-specific texts and numbers taken out, or ``""``."""
    found = _WAITED_FOR.search(message)
    if found is None:
        return ""
    shape = re.sub(r"\s+to be \w+.*$", "", found["locator"].strip())
    shape = _TEXT_ARGUMENT.sub(rf"\1\2{BLANK}", shape)
    return re.sub(rf"{BLANK}(?:[\-_.]?{BLANK})+", BLANK, re.sub(r"[0-9a-f]{8,}|\d+", BLANK, shape))[:_LONGEST]
