"""What mypy says about bots: right ones pass in strict mode, a wrong handler is an error."""

from __future__ import annotations

import textwrap
from pathlib import Path

from mypy import api

HEAD = """
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from playwright.sync_api import Page
from pydantic import BaseModel
from runner import Item, Queue, Retry, bot, run, secret, sheets, step, web

class Order(BaseModel):
    number: str
    amount: Decimal

class Other(BaseModel):
    number: str

orders = Queue("orders", Order, key="number", retry=Retry(times=1))

def page() -> AbstractContextManager[Page]:
    return web.page(base_url="https://portal.example", locale="de-DE")

@step
def with_page(item: Item[Order], page: Page) -> None:
    item.irreversible("submit", page.get_by_role("button").click, already_done=lambda: page.is_visible("p"))
    item.output["amount"] = item.data.amount

@step(retry=Retry(2), name="Plain")
def plain(item: Item[Order]) -> int:
    length: int = item.once("length", lambda: len(item.key))
    return length

def of_other(item: Item[Other]) -> None: ...
def of_text(item: Item[Order], page: str) -> None: ...
"""
RIGHT = """
@bot(lanes=2, secrets=["portal"])
def work(workbook: Path | None = None) -> None:
    if workbook:
        orders.put(sheets.read(workbook, Order))
    orders.put([Order(number="1", amount=Decimal(1))])
    orders.put({"number": str(n)} for n in range(3))
    orders.each(plain)
    orders.each(with_page, session=page)
    orders.each(with_page, session=lambda: web.page())
    with step("closing"):
        run.output("name", secret("portal"))

work(workbook=None)
"""
WRONG = """
orders.each(with_page)
orders.each(plain, session=page)
orders.each(of_other)
orders.each(of_text, session=page)
orders.put([Other(number="1")])
with_page(1, 2)
step("name", retry=Retry(1))
web.page(locle="de")
Retry(tries=3)
"""


def test_right_bots_pass_strict_mypy_and_every_wrong_call_is_an_error(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(textwrap.dedent(HEAD + RIGHT))
    page = (Path(__file__).resolve().parents[1] / "docs" / "bots.md").read_text(encoding="utf-8")
    documented = tmp_path / "documented.py"
    documented.write_text(page.partition("```python\n")[2].partition("```")[0])
    wrong.write_text(textwrap.dedent(HEAD + WRONG))
    options = ["--strict", "--no-error-summary", "--hide-error-context", "--follow-imports=silent"]
    options += ["--config-file=", "--no-incremental", "--cache-dir", str(tmp_path / "cache")]
    said, problems, _ = api.run([*options, str(right), str(documented), str(wrong)])

    assert problems == ""
    errors = [line for line in said.splitlines() if ": error:" in line]
    first = HEAD.count("\n") + 2
    assert [line for line in errors if not line.startswith(str(wrong))] == []
    lines = {int(line.split(":")[1]) for line in errors}
    assert lines == set(range(first, first + WRONG.strip().count("\n") + 1)), said
