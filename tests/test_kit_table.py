"""Tables of pages as typed rows: headings, spans, paging in three ways, and rows that are missing, doubled or too many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, Route
from pydantic import BaseModel, Field

from runner import sheets
from runner.core.errors import ApplicationError, ConfigurationError, ErrorReport, WorkbookError
from runner.kit import web, web_table_pages
from tests.demo_clerk import chromium

pytestmark = pytest.mark.browser


class Price(BaseModel):
    number: str
    price: Decimal = Field(json_schema_extra={"aliases": ["Preis", "价格"]})
    since: date | None = None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_default_timeout(3_000)
    yield opened
    opened.close()


def table_of(rows: list[list[str]], head: str = "<th>Number<th>Price<th>Since") -> str:
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    return f"<table><thead><tr>{head}</thead><tbody>{body}</tbody></table>"


def numbers(found: web.WebTable[Price]) -> list[str]:
    return [row.data.number for row in found.good]


def test_cells_become_values_by_heading_alias_and_locale(page: Page) -> None:
    page.set_content(
        table_of([["A-1", "1.234,50 €", "24.11.2026"], ["A-2", "7", ""]], "<th>Number<th>Preis<th>Since")
    )
    found = web.table(page.locator("table"), Price, locale="de")

    assert [row.data for row in found.good] == [
        Price(number="A-1", price=Decimal("1234.50"), since=date(2026, 11, 24)),
        Price(number="A-2", price=Decimal(7), since=None),
    ]
    assert (found.pages, found.total, len(found)) == (1, None, 2)


def test_a_bad_cell_is_a_bad_row_named_by_page_and_cell_and_the_others_go_on(
    page: Page, tmp_path: Path
) -> None:
    page.set_content(table_of([["A-1", "cheap", ""], ["A-2", "7", ""]]))
    found = web.table(page.locator("table"), Price)

    assert numbers(found) == ["A-2"]
    assert [error.where for row in found.bad for error in row.errors] == ["page 1!B2"]
    assert found.bad[0].raw["number"] == "A-1"
    with pytest.raises(ErrorReport, match="page 1!B2: WB_CELL_TYPE"):
        sheets.table(tmp_path / "x.xlsx", found.models)


def test_a_missing_column_is_named(page: Page) -> None:
    page.set_content(table_of([["A-1", "1"]], "<th>Number<th>Cost"))
    with pytest.raises(WorkbookError, match="WB_COLUMN: column 'Price' not found in row 1 of page 1"):
        web.table(page.locator("table"), Price)


def test_spans_hidden_rows_inner_tables_fields_and_totals_are_read_as_people_see_them(page: Page) -> None:
    page.set_content("""<table>
      <tr><th>Number</th><th>Price</th><th>Since</th></tr>
      <tr><td rowspan=2>A-1</td><td>1</td><td>2026-01-01</td></tr>
      <tr><td><input value=2></td><td><select><option>2026-01-02</select></td></tr>
      <tr hidden><td>A-0</td><td>0</td><td></td></tr>
      <tr><td>A-3<table><tr><td>inner</td></tr></table></td><td>3</td><td></td></tr>
      <tfoot><tr><td>Sum</td><td>6</td><td></td></tr></tfoot></table>""")
    found = web.table(page.locator("table").first, Price)

    assert [(row.data.number, row.data.price) for row in found.good] == [
        ("A-1", Decimal(1)), ("A-1", Decimal(2)), ("A-3 inner", Decimal(3)),
    ]  # fmt: skip


def test_a_grid_of_aria_roles_and_a_table_without_headings_are_tables_too(page: Page) -> None:
    page.set_content("""<div role=grid><div role=row><span role=columnheader>Number</span><span role=columnheader>Price</span></div>
      <div role=row><span role=gridcell>A-1</span><span role=gridcell>1</span></div></div>
      <table><tr><td>A-2<td>2</table>""")

    assert numbers(web.table(page.get_by_role("grid"), Price)) == ["A-1"]
    assert numbers(web.table(page.locator("table"), Price, columns=["number", "price"])) == ["A-2"]


PAGED = """<p id=total>%(said)s rows, page 1 of 3</p><div id=list></div><button id=next>Next</button><script>
const pages = %(pages)s; let at = 0;
const show = () => {
  list.innerHTML = '';
  setTimeout(() => {
    list.innerHTML = '<table><tr><th>Number<th>Price</tr>' + pages[at].map(n => `<tr><td>A-${n}<td>${n}</tr>`).join('') + '</table>';
    document.getElementById('next').disabled = at === pages.length - 1;
  }, 150);
};
show();
document.getElementById('next').onclick = () => { if (%(moves)s) { at++; show(); } };
</script>"""


def paged(page: Page, pages: list[list[int]], said: str = "1,205", moves: str = "true") -> dict[str, Any]:
    page.goto("about:blank")
    page.set_content(PAGED % {"pages": json.dumps(pages), "said": said, "moves": moves})
    return {"next_page": page.get_by_role("button", name="Next"), "key": "number"}


def test_pages_behind_a_button_are_read_until_it_is_disabled_and_all_rows_are_there(
    page: Page, tmp_path: Path
) -> None:
    more = paged(page, [[1, 2], [3, 4], [5]], said="5")
    found = web.table(page.locator("table"), Price, total=page.locator("#total"), **more)

    assert numbers(found) == ["A-1", "A-2", "A-3", "A-4", "A-5"]
    assert (found.pages, found.total) == (3, 5)
    assert [str(row.source) for row in found][-1] == "page 3!2"
    written = load_workbook(sheets.table(tmp_path / "prices.xlsx", found.models, model=Price))
    assert [row[0] for row in written.worksheets[0].iter_rows(values_only=True)] == [
        "Number",
        *numbers(found),
    ]


@pytest.mark.parametrize(
    ("pages", "said", "code", "words"),
    [
        ([[1, 2], [3]], "4", "WEB_TABLE_COUNT", "the site says 4 rows, 3 were read"),
        ([[1, 2], [3]], "1.205", "WEB_TABLE_COUNT", "the site says 1,205 rows, 3 were read"),
        ([[1, 2], [2, 3]], "4", "WEB_TABLE_TWICE", "number 'A-2' is in page 1!3 and in page 2!2"),
        ([[1, 1]], "2", "WEB_TABLE_TWICE", "number 'A-1' is in page 1!2 and in page 1!3"),
        ([[1]], "no", "WEB_TABLE_COUNT", "the site says 3 rows, 1 were read"),
    ],
)
def test_rows_that_are_missing_or_doubled_are_an_error(
    page: Page, pages: list[list[int]], said: str, code: str, words: str
) -> None:
    more = paged(page, pages, said=said)
    with pytest.raises(ApplicationError) as wrong:
        web.table(page.locator("table"), Price, total=page.locator("#total"), **more)
    assert wrong.value.stable_code == code
    assert words in str(wrong.value)


def test_a_button_that_does_nothing_is_an_error_and_so_is_a_table_without_end(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_table_pages, "_LONGEST", 1.0)
    more = paged(page, [[1], [2]], moves="false")
    with pytest.raises(ApplicationError, match="WEB_TABLE_STUCK: the next page shows the same rows"):
        web.table(page.locator("table"), Price, **more)

    more = paged(page, [[1, 2], [3, 4], [5]])
    with pytest.raises(ApplicationError, match="WEB_TABLE_LIMIT: more than 3 rows, and page 2"):
        web.table(page.locator("table"), Price, most=3, **more)


def serve(page: Page, pages: dict[str, str], status: int = 200) -> None:
    def answer(route: Route) -> None:
        number = route.request.url.rpartition("=")[2]
        known = number in pages
        route.fulfill(
            status=200 if known else status, content_type="text/html", body=pages.get(number, "<p>none</p>")
        )

    page.route("**/list*", answer)


@pytest.mark.parametrize("last", ["<p>No more</p>", table_of([]), table_of([["A-3", "3"]])])
def test_pages_by_address_end_with_one_that_is_empty_or_repeats_itself(page: Page, last: str) -> None:
    rows = {"1": table_of([["A-1", "1"], ["A-2", "2"]]), "2": table_of([["A-3", "3"]]), "3": last}
    serve(page, rows)

    for address in (
        "http://portal.example/list?page={page}",
        lambda n: f"http://portal.example/list?page={n}",
    ):
        assert numbers(web.table(page.locator("table"), Price, pages=address, key="number")) == [
            "A-1",
            "A-2",
            "A-3",
        ]


def test_a_page_that_answers_with_an_error_is_an_error(page: Page) -> None:
    serve(page, {"1": table_of([["A-1", "1"]]) + "<a href=/list?page=2>Next</a>"}, status=503)
    with pytest.raises(ApplicationError, match=r"WEB_PAGE: .*page=2 answers with 503"):
        web.table(page.locator("table"), Price, pages="http://portal.example/list?page={page}")

    page.goto("http://portal.example/list?page=1")
    with pytest.raises(ApplicationError, match=r"WEB_PAGE: .*page=2 answers with 503"):
        web.table(page.locator("table"), Price, next_page=page.get_by_role("link", name="Next"))


SCROLLED = """<p id=total>%(count)s</p><div id=box style="height:200px;overflow:auto"><table><thead><tr><th>Number<th>Price</thead><tbody id=body></tbody></table></div>
<script>
let last = 0;
const more = () => {
  for (let n = 0; n < 10 && last < %(count)s; n++) { last++; body.insertAdjacentHTML('beforeend', `<tr style="height:30px"><td>A-${last}<td>1</tr>`); }
  while (%(kept)s && body.rows.length > %(kept)s) body.rows[0].remove();
};
more();
box.onscroll = () => { if (box.scrollTop + box.clientHeight > box.scrollHeight - 20) setTimeout(more, 100); };
</script>"""


@pytest.mark.parametrize("kept", [0, 15])
def test_an_endless_list_is_scrolled_to_its_end_also_one_that_drops_what_is_above(
    page: Page, kept: int
) -> None:
    page.set_content(SCROLLED % {"count": 37, "kept": kept})
    found = web.table(
        page.locator("table"), Price, scroll=True, total=page.locator("#total"), key="number", settle="700ms"
    )

    assert numbers(found) == [f"A-{n}" for n in range(1, 38)]


def test_an_endless_list_that_jumps_is_an_error(page: Page) -> None:
    page.set_content(SCROLLED % {"count": 37, "kept": 8})
    with pytest.raises(ApplicationError, match="WEB_TABLE_COUNT: the list jumped"):
        web.table(page.locator("table"), Price, scroll=True)


def test_nothing_found_is_an_empty_table_and_options_that_cannot_be_are_refused(page: Page) -> None:
    page.set_content("<p id=total>0 rows</p>")
    place = page.locator("table")

    assert len(web.table(place, Price, total=page.locator("#total"))) == 0
    with pytest.raises(ConfigurationError, match="next_page and scroll"):
        web.table(place, Price, next_page=place, scroll=True)
    with pytest.raises(ConfigurationError, match="did you mean 'number'"):
        web.table(place, Price, key="numbr")
