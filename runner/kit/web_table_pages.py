"""The pages of a table, one after the other: by a button, by an address, or by scrolling."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from runner.core.errors import ApplicationError

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Response

Address: TypeAlias = str | Callable[[int], str]
_LOOK: Final = 60.0  # milliseconds between two looks at a table that changes
_LONGEST: Final = 30.0  # seconds until a table must have changed

# Runs in the page: header and rows of one table, as people see them. Cells that span several are repeated.
_ROWS: Final = """
table => {
  const tables = 'table, [role=table], [role=grid], [role=treegrid]';
  const own = e => e.parentElement.closest(tables) === table;
  const seen = e => e.getClientRects().length > 0;
  const text = cell => {
    const shown = cell.innerText.replace(/\\s+/g, ' ').trim();
    const field = shown ? null : cell.querySelector('input:not([type=hidden]), select, textarea');
    if (!field) return shown;
    if (field.matches('select')) return field.selectedOptions[0] ? field.selectedOptions[0].text.trim() : '';
    if (field.matches('[type=checkbox], [type=radio]')) return field.checked ? 'true' : 'false';
    return field.value;
  };
  const heads = 'th, [role=columnheader]';
  const carried = [];
  const cellsOf = row => {
    const cells = [...row.querySelectorAll('th, td, [role=cell], [role=gridcell], [role=columnheader], [role=rowheader]')]
      .filter(c => c.closest('tr, [role=row]') === row && own(c) && getComputedStyle(c).display !== 'none');
    const out = [];
    let at = 0;
    const carry = () => {
      while (carried[at] && carried[at].rows > 0) { out.push(carried[at].text); carried[at].rows--; at++; }
    };
    for (const cell of cells) {
      carry();
      for (let n = 0; n < (cell.colSpan || 1); n++) {
        out.push(text(cell));
        if ((cell.rowSpan || 1) > 1) carried[at] = {rows: cell.rowSpan - 1, text: text(cell)};
        at++;
      }
    }
    carry();
    return out;
  };
  let header = null;
  const rows = [];
  for (const row of table.querySelectorAll('tr, [role=row]')) {
    if (!own(row) || !seen(row) || row.closest('tfoot')) continue;
    const isHead = row.closest('thead') !== null
      || (rows.length === 0 && row.querySelectorAll(heads).length > 0 && !row.querySelector('td, [role=cell], [role=gridcell]'));
    const cells = cellsOf(row);
    if (!isHead) rows.push(cells);
    else if (cells.some(cell => cell)) header = cells;
  }
  return {header: header || [], rows, busy: table.closest('[aria-busy=true]') !== null};
}
"""
_TO_THE_END: Final = """
table => {
  const rows = table.querySelectorAll('tr, [role=row]');
  if (rows.length) rows[rows.length - 1].scrollIntoView({block: 'end'});
  for (let e = table; e; e = e.parentElement) if (e.scrollHeight > e.clientHeight) e.scrollTop = e.scrollHeight;
}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one page shows of the table: the headings, and the cells of each row."""

    header: list[str]
    rows: list[list[str]]


Pages: TypeAlias = Generator[Shown, None, None]


def of_one(place: Locator) -> Pages:
    """The only page."""
    yield _settled(place)


def by_next(place: Locator, control: Locator) -> Pages:
    """Click `control` until it is gone or disabled."""
    with _errors_of(place.page) as check:
        shown = _settled(place)
        yield shown
        while _can_be_used(control):
            before = shown
            control.click()
            shown = _settled(place, unlike=before, check=check)
            yield shown


def by_address(place: Locator, address: Address) -> Pages:
    """Go to page 1, 2, … until one has no rows, or shows those of the page before."""
    number, before = 0, None
    while True:
        number += 1
        path = address(number) if callable(address) else address.format(page=number)
        answer = place.page.goto(path)
        if answer is not None and not answer.ok:
            raise _answered(answer.url, answer.status)
        if number > 1 and place.count() == 0:
            return
        shown = _settled(place)
        if number > 1 and (not shown.rows or shown == before):
            return
        yield shown
        before = shown


def by_scrolling(place: Locator, settle: timedelta) -> Pages:
    """Scroll to the end until nothing more comes; what has come since the last page is the next one.

    A list that drops the rows above as it shows those below is read as far as the two overlap.
    """
    known: list[list[str]] = []
    shown = _settled(place)
    while True:
        fresh = _beyond(known, shown.rows)
        yield Shown(shown.header, fresh)
        known += fresh
        place.evaluate(_TO_THE_END)
        more = _more(place, shown, settle)
        if more is None:
            return
        shown = more


def _more(place: Locator, before: Shown, settle: timedelta) -> Shown | None:
    until = time.monotonic() + settle.total_seconds()
    while time.monotonic() < until:
        place.page.wait_for_timeout(_LOOK)
        shown, busy = _look(place)
        if shown.rows != before.rows and not busy:
            return _settled(place)
    return None


def _beyond(known: list[list[str]], rows: list[list[str]]) -> list[list[str]]:
    """The rows behind those that are known already: the longest end of `known` that is in `rows` in one piece."""
    for length in range(min(len(known), len(rows)), 0, -1):
        end = known[-length:]
        for start in range(len(rows) - length + 1):
            if rows[start : start + length] == end:
                return rows[start + length :]
    if known and rows:
        raise ApplicationError(
            "the list jumped while it was scrolled: rows between are missing",
            expected="rows that go on from those before",
            hint="make the window lower, or read it by pages",
            code="WEB_TABLE_COUNT",
        )
    return rows


def _settled(place: Locator, unlike: Shown | None = None, check: Callable[[], None] = lambda: None) -> Shown:
    """What the table shows when two looks see the same; with `unlike`, something else than that."""
    from playwright.sync_api import Error

    until = time.monotonic() + _LONGEST
    last: Shown | None = None
    while True:
        check()
        try:
            shown, busy = _look(place)
        except Error as error:
            check()
            if "navigat" not in str(error) and "context was destroyed" not in str(error):
                raise
            shown, busy = Shown([], []), True
        if not busy and shown == last and (unlike is None or (shown.rows and shown != unlike)):
            return shown
        if time.monotonic() > until:
            raise ApplicationError(
                "the next page shows the same rows" if unlike is not None else "the table does not settle",
                expected=f"other rows within {_LONGEST:.0f} s"
                if unlike is not None
                else "a table that stays as it is",
                hint="look at the picture of the page",
                code="WEB_TABLE_STUCK",
            )
        last = shown
        place.page.wait_for_timeout(_LOOK)


def _look(place: Locator) -> tuple[Shown, bool]:
    found: dict[str, Any] = place.evaluate(_ROWS)
    return Shown(found["header"], found["rows"]), found["busy"]


def _can_be_used(control: Locator) -> bool:
    if control.count() == 0 or not control.is_visible() or not control.is_enabled():
        return False
    return control.get_attribute("aria-disabled") != "true"


@contextmanager
def _errors_of(page: Page) -> Iterator[Callable[[], None]]:
    """Yield a check that raises when the page itself was answered with an error meanwhile."""
    answers: list[tuple[str, int]] = []

    def note(answer: Response) -> None:
        if (
            answer.status >= 400
            and answer.request.is_navigation_request()
            and answer.frame == page.main_frame
        ):
            answers.append((answer.url, answer.status))

    def check() -> None:
        if answers:
            raise _answered(*answers[0])

    page.on("response", note)
    try:
        yield check
    finally:
        page.remove_listener("response", note)


def _answered(url: str, status: int) -> ApplicationError:
    return ApplicationError(f"{url} answers with {status}", expected="a page of the table", code="WEB_PAGE")
