"""`web.table`: a table of a page, and of the pages behind it, as typed rows that are all there, each once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from runner.core.clock import duration
from runner.core.errors import ApplicationError, ConfigurationError, ErrorReport, did_you_mean
from runner.kit.current import running_or_none
from runner.kit.web_table_pages import Address, Pages, Shown, by_address, by_next, by_scrolling, of_one
from runner.sheets.judged import BadRow, GoodRow
from runner.sheets.text_rows import text_rows

if TYPE_CHECKING:
    from playwright.sync_api import Locator

M = TypeVar("M", bound=BaseModel)
Total: TypeAlias = "Locator | int | Callable[[], int]"
_NUMBER: Final = re.compile(r"\d+(?:[.,'’\u00a0\u202f ]\d{3})*")


@dataclass(frozen=True, slots=True)
class WebTable(Generic[M]):
    """The rows of a table: in the order of the pages, good and bad ones, as ``sheets.read`` gives them.

    It can be put into a queue as it is. `pages` is how many there were, `total` what the site said there would be.
    """

    rows: tuple[GoodRow[M] | BadRow, ...]
    pages: int
    total: int | None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[GoodRow[M] | BadRow]:
        return iter(self.rows)

    @property
    def good(self) -> tuple[GoodRow[M], ...]:
        """The rows that fit the model."""
        return tuple(row for row in self.rows if isinstance(row, GoodRow))

    @property
    def bad(self) -> tuple[BadRow, ...]:
        """The rows that don't."""
        return tuple(row for row in self.rows if isinstance(row, BadRow))

    @property
    def models(self) -> list[M]:
        """All rows as models, for ``sheets.table``. Raises ErrorReport when there is a row that does not fit."""
        if self.bad:
            raise ErrorReport([error for row in self.bad for error in row.errors])
        return [row.data for row in self.good]


@dataclass(slots=True)
class _Seen:
    """Where each key was, so that a row on two pages is noticed."""

    key: str | None
    places: dict[str, str] = field(default_factory=dict)

    def check(self, row: GoodRow[M] | BadRow) -> None:
        values = row.raw if isinstance(row, BadRow) else dict(row.data)
        if self.key is None or values.get(self.key) is None:
            return
        value = str(values[self.key])
        before = self.places.setdefault(value, str(row.source))
        if before != str(row.source):
            raise ApplicationError(
                f"{self.key} '{value}' is in {before} and in {row.source}",
                expected="each row once: the list has moved while it was read",
                hint="read it again, sorted by what does not change",
                code="WEB_TABLE_TWICE",
            )


def table(
    place: Locator,
    model: type[M],
    *,
    next_page: Locator | None = None,
    pages: Address | None = None,
    scroll: bool = False,
    total: Total | None = None,
    key: str | None = None,
    columns: Sequence[str] | None = None,
    aliases: Mapping[str, Sequence[str]] | None = None,
    locale: str | None = None,
    most: int = 100_000,
    settle: str | timedelta = "2s",
) -> WebTable[M]:
    """The rows of the table at `place` (``<table>`` or an ARIA table or grid), by the rules of `sheets.read`.

    Further pages come by `next_page` (a button or link, until it is gone or disabled), by `pages` (an address with
    ``{page}``, or a function of the number, from 1, until a page is empty or repeats the one before), or by `scroll` (until
    nothing more comes for `settle`). `total` is the number of rows that the site says there are: the largest number in a
    locator's text; other numbers of rows are an error. `key` names the field that no two rows share. `columns` are the
    headings where the table has none. Text becomes numbers and dates by `locale`.

    Raises ApplicationError: WEB_TABLE_COUNT (not all rows, or too many), WEB_TABLE_TWICE (a row on two pages),
    WEB_TABLE_STUCK (the next page shows the same rows), WEB_TABLE_LIMIT (more than `most`), WEB_PAGE (a page answers with an
    error); WorkbookError (WB_COLUMN) for headings that the model has no field for; ConfigurationError (BOT_TABLE).
    """
    if key is not None and key not in model.model_fields:
        raise _refused(f"key={key!r}", f"a field of {model.__name__}", did_you_mean(key, model.model_fields))
    if sum((next_page is not None, pages is not None, scroll)) > 1:
        named = [n for n, one in (("next_page", next_page), ("pages", pages), ("scroll", scroll)) if one]
        raise _refused(" and ".join(named), "one way to the next page", "leave the others out")
    said = _said(total) if pages is None else None
    if said == 0:
        return WebTable((), 0, 0)
    found = _pages_of(place, next_page, pages, duration(settle) if scroll else None)

    def typed(number: int, shown: Shown) -> Iterable[GoodRow[M] | BadRow]:
        heading = columns if columns is not None else shown.header
        return text_rows(f"page {number}", [heading, *shown.rows], model, aliases=aliases, locale=locale)

    with closing(found):  # it listens to the page: also where a row ends it before its end
        rows, count = _read(found, typed, _Seen(key), most)
    expected = _said(total)
    if said is not None and expected != said:
        raise _count(f"the site said {said:,} rows at first and {expected:,} at the end", len(rows))
    if expected is not None and expected != len(rows):
        raise _count(f"the site says {expected:,} rows", len(rows))
    live = running_or_none()
    if live is not None:
        live.journal.event(
            "log", f"Read {len(rows)} rows from {count} pages", data={"rows": len(rows), "pages": count}
        )
    return WebTable(tuple(rows), count, expected)


def _pages_of(
    place: Locator, next_page: Locator | None, address: Address | None, settle: timedelta | None
) -> Pages:
    if next_page is not None:
        return by_next(place, next_page)
    if address is not None:
        return by_address(place, address)
    return of_one(place) if settle is None else by_scrolling(place, settle)


def _read(
    found: Pages, typed: Callable[[int, Shown], Iterable[GoodRow[M] | BadRow]], seen: _Seen, most: int
) -> tuple[list[GoodRow[M] | BadRow], int]:
    """The rows of all pages, and how many pages there were."""
    rows: list[GoodRow[M] | BadRow] = []
    count = 0
    for shown in found:
        count += 1
        for row in typed(count, shown):
            seen.check(row)
            rows.append(row)
        if len(rows) > most:
            raise ApplicationError(
                f"more than {most:,} rows, and page {count} may not be the last one",
                expected="a table that ends",
                hint="narrow the search, or allow more with most=…",
                code="WEB_TABLE_LIMIT",
            )
    return rows, count


def _said(total: Total | None) -> int | None:
    """How many rows the site says there are."""
    if total is None or isinstance(total, int):
        return total
    if callable(total):
        return total()
    text = total.inner_text()
    numbers = [int(re.sub(r"\D", "", number)) for number in _NUMBER.findall(text)]
    if not numbers:
        raise ApplicationError(
            f"the place of the total says '{text[:80]}'", expected="a number of rows", code="WEB_TABLE_COUNT"
        )
    return max(numbers)


def _count(said: str, read: int) -> ApplicationError:
    return ApplicationError(
        f"{said}, {read:,} were read",
        expected="every row once",
        hint="read the table again",
        code="WEB_TABLE_COUNT",
    )


def _refused(what: str, expected: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"web.table({what})", expected=expected, hint=hint, code="BOT_TABLE")
