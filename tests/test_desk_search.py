"""Search on the desk: what can be typed, what is found of which kind, by whom, and what is offered while typing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from runner.core.clock import now
from runner.desk.people.models import ProcessRole
from runner.desk.search.conditions import asked_of
from runner.desk.search.query import Condition, Query, parse
from runner.store.models import Bot, Case, Item, Problem
from tests.desk_place import Desk, assert_one_language

pytestmark = pytest.mark.both_databases
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def text_of(answer: Any) -> str:
    main = answer.content.decode().partition("<main")[2] or answer.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", main.partition("<details")[0]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("INV-1 wrong", Query(("INV-1", "wrong"))),
        ('"exact words" -not', Query(("exact words",), ("not",))),
        ("“exact words”", Query(("exact words",))),
        ("kind:business", Query((), (), (Condition("kind", "=", "business"),))),
        ("类型：业务", Query((), (), (Condition("类型", "=", "业务"),))),
        (
            "due:<=today -is:mine",
            Query((), (), (Condition("due", "<=", "today"), Condition("is", "=", "mine", True))),
        ),
        ('customer:"ACME Ltd"', Query((), (), (Condition("customer", "=", "ACME Ltd"),))),
        ("https://portal.example/x", Query(("https://portal.example/x",))),
        ("kind: x", Query(("x",))),
        ('"never closed', Query(("never closed",))),
        ("", Query()),
    ],
)
def test_everything_that_is_typed_can_be_read(text: str, found: Query) -> None:
    assert parse(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind:buisness", "kind is one of"),
        ("due:soon", "no time"),
        ("bot:>3", "can't be compared"),
        ("attempts:many", "a number"),
        ("in:heaven", "in:cases"),
        ("is:odd", "is:overdue"),
        ("-only", "a minus alone"),
        ("qeue:x", "maybe queue"),
        ("amount:>3", "fields of the data can't be compared"),
    ],
)
@pytest.mark.only_sqlite
@pytest.mark.usefixtures("store")
def test_what_is_not_understood_is_said_kindly(text: str, words: str) -> None:
    with translation.override("en"):
        refused = asked_of(parse(text), "ann", NOON).refused
    assert len(refused) == 1
    assert words.casefold() in refused[0].casefold()


@pytest.mark.only_sqlite
@pytest.mark.usefixtures("store")
def test_names_and_values_may_be_chinese_on_a_chinese_page() -> None:
    with translation.override("zh-hans"):
        chinese = asked_of(parse("类型：业务 到期:<今天"), "ann", NOON)
        english = asked_of(parse("kind:business due:<today"), "ann", NOON)
    assert chinese.refused == []
    assert chinese.where == english.where


def test_one_word_finds_cases_items_runs_and_bots(desk: Desk) -> None:
    Bot.objects.get_or_create(name="invoice", defaults={"file": "bots/invoice.py", "looked": NOON})
    client = desk.client("viewer")
    shown = text_of(client.get("/search/?q=A-2"))
    assert "Cases" in shown
    assert "Items" in shown
    runs = text_of(client.get("/search/?q=invoice"))
    assert "Runs" in runs
    assert "Bots" in runs


def test_problems_and_schedules_are_found_and_every_hit_leads_to_its_page(desk: Desk) -> None:
    client, problem = desk.client("supervisor"), Problem.objects.order_by("pk").first()
    assert problem is not None
    desk.settings.schedules.write_text(
        "defaults:\n  timezone: UTC\nschedules:\n  - id: nightly-invoices\n    bot: invoice\n    cron: '0 3 * * *'\n",
        "utf-8",
    )
    word = max(re.findall(r"[a-z]{4,}", problem.title), key=len)
    for query in (
        f"in:problems {word}",
        "in:schedules nightly",
        "in:runs invoice",
        "in:items A-2",
        "in:cases A-2",
    ):
        links = re.findall(
            r'<td class="what"><a href="([^"]+)"', client.get("/search/", {"q": query}).content.decode()
        )
        assert links, query
        assert client.get(links[0].replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is:waiting in:cases", 4),
        ("in:items status:done", 1),
        ("in:cases due:<2001-01-01", 0),
        ("in:cases is:settled", 0),
    ],
)
def test_conditions_narrow_what_is_found(desk: Desk, query: str, found: int) -> None:
    answer = desk.client("viewer").get("/search/", {"q": query})
    assert answer.content.decode().count('<tr><td class="what">') == found


def test_a_field_of_the_data_is_found_by_its_value(desk: Desk) -> None:
    item = Item.objects.order_by("pk").first()
    assert item is not None
    name, value = next((name, value) for name, value in item.data.items() if value)
    shown = text_of(desk.client("viewer").get("/search/", {"q": f'{name}:"{value}"'}))
    assert item.key in shown


def test_whoever_may_not_see_a_process_finds_nothing_of_it(desk: Desk) -> None:
    case = Case.objects.order_by("key").first()
    assert case is not None
    Case.objects.filter(pk=case.pk).update(process="secret")
    client = desk.client("viewer")
    assert case.key in text_of(client.get(f"/search/?q={case.key}+in:cases"))
    ProcessRole.objects.create(person=desk.person("viewer"), process="secret", role="none")
    assert "Nothing found" in text_of(client.get(f"/search/?q={case.key}+in:cases"))


@pytest.mark.parametrize(
    "query", ["A-2", "invoice", "is:waiting", "A", "kind:business amount", "发票", "a" * 400, '"', "-", "%"]
)
def test_a_search_takes_few_queries(desk: Desk, query: str) -> None:
    client = desk.client("supervisor")
    for path in ("/search/", "/search/suggest"):
        with CaptureQueriesContext(connection) as asked:
            assert client.get(path, {"q": query}).status_code == 200
        assert len(asked) <= 20, "\n".join(one["sql"][:150] for one in asked)


def test_names_and_values_are_offered_while_somebody_types(desk: Desk) -> None:
    client = desk.client("viewer")
    assert 'data-fill="kind:"' in client.get("/search/suggest?q=ki").content.decode()
    assert 'data-fill="kind:business "' in client.get("/search/suggest?q=kind:b").content.decode()
    assert "A-2" in client.get("/search/suggest?q=A-2").content.decode()
    assert client.get("/search/suggest?q=").content.decode().strip() == ""


def test_the_text_filter_of_a_list_finds_by_the_data_too(desk: Desk) -> None:
    item = Item.objects.exclude(case=None).order_by("pk").first()
    assert item is not None
    Item.objects.filter(pk=item.pk).update(data={**item.data, "remark": "上海分公司"})
    shown = desk.client("viewer").get("/cases/", {"text": "分公司"}).content.decode()
    assert f">{item.key}<" in shown
    assert "1 row<" in shown


@pytest.mark.only_sqlite
def test_search_in_a_browser_with_the_keyboard_alone(desk: Desk) -> None:
    page = desk.page("supervisor", "/cases/", language="zh-hans")
    page.keyboard.press("/")
    page.keyboard.type("A-2")
    option = page.get_by_role("option").first
    option.wait_for()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", selected=True).first.wait_for()
    page.keyboard.press("Escape")
    page.locator("#suggest").wait_for(state="hidden")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=A-2")
    assert page.locator("mark", has_text="A-2").count() >= 1
    assert_one_language(page, "zh-hans")
    page.keyboard.press("/")
    page.keyboard.press("Control+A")
    page.keyboard.type("A-2 in:items")
    page.get_by_role("option").first.wait_for()
    page.locator("#suggest [role=option] mark").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queues/**")
    assert now()  # the page is still served
