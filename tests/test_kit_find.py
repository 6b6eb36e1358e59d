"""Elements by ranked choices in a real Chromium: one wait, the best choice that matches, and what the journal says of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PageError
from playwright.sync_api import TimeoutError as PageTimeout

from runner.core.contract import ItemOrder
from runner.core.errors import ApplicationError, ConfigurationError
from runner.journal import read_journal
from runner.journal.write import Journal
from runner.kit import ranked, web, web_find
from runner.kit.uses import Uses
from tests.demo_clerk import chromium
from tests.kit_site import site
from tests.kit_worker import Finished, Project

pytestmark = pytest.mark.browser

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "journal.schema.json"
FIELDS = """<label>Number <input name=number data-testid=number></label> <label>Amount <input name=amount></label>
<button onclick="this.innerText += '!'">Post</button> <button>Cancel</button>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(ranked.teach) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_default_timeout(2_000)
    opened.set_content(FIELDS)
    yield opened
    opened.close()


def test_the_first_choice_that_matches_is_taken(page: Page) -> None:
    by_label, by_name, by_id = page.get_by_label("Number"), page.locator("[name=number]"), page.locator("#n")

    for choices in (
        [by_label, by_name],
        [by_id, by_name],
        [by_id, page.get_by_label("No."), by_name, by_label],
    ):
        found = web.find(page, "number", choices)
        found.fill(str(len(choices)))
        assert by_name.input_value() == found.input_value() == str(len(choices))


def test_a_lower_choice_is_not_taken_while_a_better_one_matches_something_else(page: Page) -> None:
    web.find(page, "number", [page.get_by_label("Number"), page.get_by_label("Amount")]).fill("7")

    assert page.locator("[name=number]").input_value() == "7"
    assert page.locator("[name=amount]").input_value() == ""


def test_all_choices_share_one_wait(page: Page) -> None:
    page.set_default_timeout(1500)
    began = time.monotonic()
    with pytest.raises(PageTimeout, match="get_by_label"):
        web.find(page, "number", [page.get_by_label(f"No {n}") for n in range(4)]).fill("1")

    assert time.monotonic() - began < 4 * 1.5  # what four waits would take


def test_an_element_that_comes_late_is_waited_for(page: Page) -> None:
    page.evaluate("""() => setTimeout(() => {
        document.body.insertAdjacentHTML('beforeend', '<label>Late <input></label>') }, 300)""")

    found = web.find(page, "late", [page.get_by_label("Gone"), page.get_by_label("Late")])
    found.fill("here")
    assert found.input_value() == "here"


def test_an_ambiguous_choice_is_an_error_that_says_how_many(page: Page) -> None:
    for choices in ([page.get_by_role("button"), page.locator("[name=number]")],
                    [page.get_by_label("Gone"), page.get_by_role("button")]):  # fmt: skip
        with pytest.raises(PageError, match=r"strict mode violation.*resolved to 2 elements"):
            web.find(page, "post", choices).click()


def test_choices_inside_a_frame_work_and_choices_across_frames_are_refused(page: Page) -> None:
    page.set_content(
        "<iframe srcdoc='<button onclick=this.innerText+=1>In</button>'></iframe><button>Out</button>"
    )
    frame = page.frame_locator("iframe")

    inner = web.find(page, "inner", [frame.get_by_text("Nothing"), frame.get_by_role("button")])
    inner.click()
    assert inner.inner_text() == "In1"
    with pytest.raises(
        ConfigurationError, match="BOT_FIND: the choices of 'inner' lie in different pages or frames"
    ):
        web.find(page, "inner", [frame.get_by_role("button"), page.get_by_role("button")])
    with pytest.raises(ConfigurationError, match="has 0 choices"):
        web.find(page, "inner", [])


def test_only_the_first_choice_acts_where_the_act_is_irreversible(page: Page) -> None:
    gone, button = page.get_by_role("button", name="Submit"), page.get_by_role("button", name="Post")

    with pytest.raises(ApplicationError) as refused:
        web.find(page, "post", [gone, page.locator("#x"), button], irreversible=True).click()
    assert str(refused.value) == (
        'LOCATOR_LOWER_RANK: \'post\' is found by choice 3 only, button "Post" - its first choice, button "Submit":'
        " an irreversible step takes no other - look at the page and correct the first choice in the bot"
    )
    assert button.inner_text() == "Post"
    web.find(page, "post", [button, gone], irreversible=True).click()
    assert button.inner_text() == "Post!"


def test_in_the_usual_case_the_lower_choices_are_not_even_asked_for(page: Page) -> None:
    number, broken = page.get_by_label("Number"), page.locator("[[not a selector")
    with pytest.raises(PageError, match="not a selector"):
        web.find(page, "number", [number, broken]).fill("1")  # a mistake in a choice is told at its first use
    ranked._understood.add(web_find._known("number", ranked.places_of("number", [number, broken]))[0])
    web.find(page, "number", [number, broken]).fill("2")
    assert number.input_value() == "2"


def test_what_may_have_been_done_is_not_done_again_by_a_lower_choice(page: Page) -> None:
    page.set_content("""<output>0</output><button onclick="document.querySelector('output').value++; this.remove()">Post</button>
        <button id=other onclick="document.querySelector('output').value++">Other</button><button id=stuck disabled>Stuck</button>""")
    other = page.locator("#other")
    for _ in range(2):
        web.find(page, "warm", [other, page.get_by_text("Post")]).focus()  # all its choices are understood
    post = web.find(page, "post", [page.get_by_text("Post"), other])
    post.focus()
    post.click()
    assert page.locator("output").inner_text() == "1"  # the button is gone, and the other one was not clicked
    page.set_default_timeout(300)
    stuck = web.find(page, "stuck", [page.locator("#stuck"), other])
    stuck.get_attribute("id")
    with pytest.raises(PageTimeout, match="not enabled"):
        stuck.click()
    assert page.locator("output").inner_text() == "1"


def test_a_first_choice_that_goes_before_it_could_be_acted_on_gives_way_to_a_lower_one(page: Page) -> None:
    page.set_content(
        """<button id=first disabled>Post</button><button id=second onclick="this.innerText = 'done'">Send</button>"""
    )
    found = web.find(page, "post", [page.locator("#first"), page.locator("#second")])
    assert found.inner_text() == "Post"
    page.evaluate("() => setTimeout(() => document.querySelector('#first').remove(), 200)")
    found.click()
    assert page.locator("#second").inner_text() == "done"


def test_choices_are_told_in_words(page: Page) -> None:
    shown = {
        'label "Number"': page.get_by_label("Number"),
        'button "Post \\"now\\""': page.get_by_role("button", name='Post "now"'),
        "button": page.get_by_role("button"),
        'test id "number"': page.get_by_test_id("number"),
        'text "Cancel"': page.get_by_text("Cancel"),
        'placeholder "Name"': page.get_by_placeholder("Name"),
        "form#order / button": page.locator("form#order").get_by_role("button"),
    }
    assert {words: ranked.shown(locator) for words, locator in shown.items()} == {
        words: words for words in shown
    }


def test_uses_of_a_failed_attempt_are_not_counted(tmp_path: Path) -> None:
    uses = Uses()
    uses.used("a")
    uses.keep()
    uses.used("a")
    uses.drop()
    uses.used("a")
    uses.fell("a", 2)
    uses.keep()
    with Journal(tmp_path / "journal.jsonl", run="r", lane=1, bot="b") as journal:
        uses.write(journal, at_end=True)
        uses.write(journal, at_end=True)

    lines = read_journal(tmp_path / "journal.jsonl").lines
    assert [line.data for line in lines] == [{"locators": {"a": {"first": 1, "lower": 1, "last": 2}}}]


BOT = """
    from pydantic import BaseModel
    from playwright.sync_api import Page
    from runner import Item, Queue, Retry, bot, web

    class Order(BaseModel):
        number: str

    orders = Queue("orders", Order, key="number", retry=None)

    @bot
    def work(address: str) -> None:
        orders.each(one, session=lambda: web.page(base_url=address, timeout="2s"))

    def one(item: Item[Order], page: Page) -> None:
        page.goto("/form")
        number = web.find(page, "number", [page.get_by_label("Number"), page.locator("[name=number]")])
        if item.key == "moved":
            page.get_by_label("Number").evaluate("e => e.parentElement.firstChild.data = 'No.'")
        number.fill(item.key)
        if item.key == "fails":
            number = web.find(page, "gone", [page.get_by_label("Gone"), page.locator("#a"), page.locator("#b")])
            number.fill("")
        %s
"""
IN_WORDS = """post = web.find(page, "post", [page.get_by_role("button", name="Submit"), page.get_by_role("button")])
        item.irreversible("submit", %s)"""


def work(tmp_path: Path, address: str, keys: tuple[str, ...], more: str = "pass") -> Finished:
    items = [ItemOrder(queue="orders", key=key, data={"number": key}, attempt=1) for key in keys]
    return Project(tmp_path, BOT % more).run("work", parameters={"address": address}, items=items)


def test_a_lower_choice_is_a_line_and_first_choices_are_counted_in_one(tmp_path: Path) -> None:
    with site() as address:
        finished = work(tmp_path, address, ("1", "moved", "fails", "2"))

    ends = [line.data["status"] for line in finished.events("attempt.finished")]
    assert ends == ["done", "done", "failed", "done"], finished.console
    fallbacks = [(line.item, line.data) for line in finished.events("locator.fallback")]
    said = {"name": "number", "rank": 2, "first": 'label "Number"', "used": "[name=number]"}
    assert fallbacks == [("moved", said)]
    counts = [line.data["locators"] for line in finished.events("locator.uses")]
    assert counts == [{"number": {"first": 2, "lower": 1, "last": 1}}]
    schema = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    lines = [json.loads(line) for line in finished.journal.read_text(encoding="utf-8").splitlines()]
    assert [error.message for line in lines for error in schema.iter_errors(line)] == []
    error = finished.events("attempt.finished")[2].error
    assert error is not None
    assert error["message"].endswith('waiting for get_by_label("Gone") or a lower choice')


@pytest.mark.parametrize(
    ("act", "kind", "began"),
    [("post.click", "application", False), ("lambda: post.click()", "unknown", True)],
)
def test_an_irreversible_step_of_an_item_refuses_a_lower_choice(
    tmp_path: Path, act: str, kind: str, *, began: bool
) -> None:
    with site() as address:
        finished = work(tmp_path, address, ("1",), IN_WORDS % act)

    error = finished.events("attempt.finished")[0].error
    assert error is not None
    assert error["kind"] == kind
    assert bool(finished.events("irreversible.intent")) == began
    if not began:
        assert error["code"] == "LOCATOR_LOWER_RANK"
