"""What an ops person does without code, end to end: record an order, bind it to a workbook, schedule it, find what came of it."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from runner.demo.serve import Portal
from runner.engine.bot_watch import take_stock
from runner.recordings.library import Place
from runner.recordings.page import told_steps
from tests.cli_project import Cli, empty, ran  # noqa: F401 (fixtures)
from tests.desk_place import Desk, desk, desk_store  # noqa: F401 (fixtures)
from tests.main_job import until
from tests.recordings_clerk import BAD_ROWS, MACRO, make_order_book, record_an_order

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A project with a recording of one order; not to be changed."""
    folder = tmp_path_factory.mktemp("recorded")
    project = folder / "project"
    (project / "bots").mkdir(parents=True)
    (project / "pyproject.toml").write_text("", encoding="utf-8")
    with Portal(folder / "portal") as portal:
        record_an_order(portal, Place(project, "enter-order"))
    return Cli(project)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "portal") as started:
        yield started


def project_of(  # noqa: PLR0917 - a test reads better so
    recorded: Cli,
    tmp_path: Path,
    portal: Portal,
    rows: int,
    bad: Sequence[int] = BAD_ROWS,
    more: Sequence[str] = (),
    submit: str = 'step 13: Click "Post order"',
) -> Cli:
    """A copy with a workbook, bound; the portal's password is in the vault."""
    cli = Cli(tmp_path / "project")
    shutil.copytree(recorded.project, cli.project)
    make_order_book(cli.project / "inbox" / "orders.xlsm", rows, bad)
    cli("secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{portal.password}\n")
    words = ["enter-order", "inbox/orders.xlsm", "--process", "order-entry", *more]
    answer = cli("recordings", "bind", *words)
    assert submit in answer.out
    return cli


def test_an_ops_person_makes_a_bot_of_a_recording_schedules_it_and_finds_what_came_of_it(
    recorded: Cli, tmp_path: Path, portal: Portal, desk: Desk
) -> None:
    cli = desk.cli
    take_stock(desk.settings, changed_only=True)  # as `runner up` has done
    cli(
        "secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{portal.password}\n"
    )  # an admin did this
    book = make_order_book(tmp_path / "orders.xlsm", 30)
    page = desk.page("operator", "/recordings/import")
    page.set_default_timeout(60_000)  # bots are described and run beside it

    # a recording is taken in, bound to the workbook, and is a bot
    page.get_by_label("File of the recording").set_input_files(
        recorded.project / "recordings" / "enter-order.json"
    )
    page.get_by_label("Name", exact=True).fill("enter-order")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_role("link", name="Bind it to a workbook").click()
    page.get_by_label("Workbook").set_input_files(book)
    page.locator("form", has=page.locator("#file")).get_by_role("button", name="On to the columns").click()
    expect(page.locator(".preview")).to_contain_text("28 rows fit")
    expect(page.locator(".preview")).to_contain_text("2 rows do not fit")
    expect(page.locator("#irreversible option:checked")).to_have_text('13 · Click "Post order"')
    page.get_by_label("Process").fill("order-entry")
    page.get_by_label("Another address of the site").fill(portal.url)
    page.get_by_label("in the workbook itself").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("enter-order is a bot now", timeout=60_000)

    # it is scheduled, and runs by itself
    page.get_by_role("link", name="Make a schedule of it").click()
    page.get_by_text("Again and again").click()
    page.get_by_label("Every", exact=True).fill("10")
    page.get_by_label("Unit").select_option("s")
    page.get_by_label("Name", exact=True).fill("orders")
    page.get_by_role("button", name="See what will change").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".message.success").last).to_contain_text("orders is in the file", timeout=60_000)
    service = cli.start("up", "--no-desk")
    try:
        until(lambda: ended(cli), limit=240)

        # the bad rows are in the exception queue, each with what is wrong
        page.goto(f"{desk.url}/cases/?bot=enter-order")
        rows = {row.locator("td.what b").first.inner_text() for row in page.locator("tbody tr").all()}
        assert rows == {"REC-3", "REC-8", "REC no 13!", "REC-19"}
        page.get_by_role("link", name="REC-3").click()
        expect(page.locator("main")).to_contain_text(
            'Step 9 (Choose "‹Product›" in "Product"): there is no option \'Desk lmap\''
        )
        expect(page.get_by_role("link", name="See this step of the recording")).to_be_visible()

        # a corrected row is taken up by the next run
        page.get_by_label("Product").fill("Desk lamp")
        page.keyboard.press("Escape")
        page.locator("#retry button").click()
        until(lambda: len(portal.orders()) == 27, limit=240)
    finally:
        service.send_signal(signal.SIGINT)
        said, _ = service.communicate(timeout=60)
    # the file that was taken in had no pictures: the first row that went through gave each step its own
    page.goto(f"{desk.url}/recordings/enter-order/")
    expect(page.locator("#step-13 details.seen svg rect")).to_have_count(1)
    expect(page.locator("details.seen")).to_have_count(13)
    codes = {
        case["item"]: case["error"]["code"] for case in shown_cases(cli) if case["queue"] == "enter-order"
    }
    assert {key: code for key, code in codes.items() if key != "REC-3"} == {
        "REC-8": "WB_CELL_TYPE", "REC no 13!": "REFUSED", "REC-19": "WB_CELL",
    }, said  # fmt: skip
    assert portal.stats()["entered_more_than_once"] == []
    assert_results_are_in_the_workbook_and_nothing_else_changed(book, cli.project / "inbox" / "orders.xlsm")


def ended(cli: Cli) -> bool:
    """Whether a run of the bot has ended, read from the store itself: a command for each look would slow it down."""
    with closing(
        sqlite3.connect(f"file:{cli.home / 'store.sqlite3'}?mode=ro", uri=True, timeout=10)
    ) as store:
        found = store.execute("SELECT status FROM store_run WHERE bot = 'enter-order' ORDER BY id").fetchone()
    return bool(found) and found[0] in {"done", "exceptions", "failed"}


def assert_results_are_in_the_workbook_and_nothing_else_changed(before: Path, after: Path) -> None:
    """The statuses and numbers of the rows; chart, picture, macro and all other parts byte for byte as they were."""
    sheet = load_workbook(after)["Orders"]
    table = {cell.value: cell.column for cell in sheet[1] if cell.value}
    statuses = [sheet.cell(row, table["Runner status"]).value for row in range(2, 32)]
    open_rows = [row for row, status in enumerate(statuses, start=2) if status != "done"]
    assert (
        set(BAD_ROWS[1:]) <= set(open_rows) <= set(BAD_ROWS)
    )  # the corrected one: in the run that took it up
    numbers = [sheet.cell(row, table["confirmation"]).value for row in range(2, 32) if row not in BAD_ROWS]
    assert all(str(number).startswith("PC-") for number in numbers)
    assert len(set(numbers)) == 26
    assert_only_the_sheet_changed(before, after)


def shown_cases(cli: Cli) -> list[dict[str, Any]]:
    listed = cli("cases", "list", "--json").json
    return [answer.json for answer in cli.each(*(["cases", "show", case["id"], "--json"] for case in listed))]


def assert_only_the_sheet_changed(source: Path, result: Path) -> None:
    with zipfile.ZipFile(source) as first, zipfile.ZipFile(result) as second:
        assert first.namelist() == second.namelist()
        changed = [name for name in first.namelist() if first.read(name) != second.read(name)]
        kept = set(first.namelist()) - set(changed)
        assert second.read("xl/vbaProject.bin") == MACRO
    assert all("sheet" in name or name.endswith(("calcChain.xml", "docProps/app.xml")) for name in changed)
    assert {"xl/charts/chart1.xml", "xl/media/image1.png", "xl/vbaProject.bin"} <= kept


def test_the_generated_script_does_the_same_as_the_recording(
    recorded: Cli, tmp_path: Path, portal: Portal
) -> None:
    cli = project_of(recorded, tmp_path, portal, rows=6, bad=(3, 4, 5))
    cli("new", "enter_order", "--from", "enter-order")
    outcomes = []
    for bot in ("enter-order", "enter_order"):
        with Portal(tmp_path / bot) as fresh:
            cli("secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{fresh.password}\n")
            cli("run", bot, "--param", f"address={fresh.url}", code=1)
            entered = sorted(
                json.dumps({**order, "posted_at": ""}, sort_keys=True) for order in fresh.orders()
            )
        items = {item["key"]: item["status"] for item in cli("items", "list", bot, "--json").json}
        codes = sorted(case["error"]["code"] for case in shown_cases(cli) if case["queue"] == bot)
        outcomes.append((entered, items, codes))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) == 3
    assert outcomes[0][2] == ["REFUSED", "UNKNOWN_OPTION", "WB_CELL_TYPE"]


def test_the_generated_script_does_the_same_where_enter_signs_in_and_an_address_is_opened_next(
    recorded: Cli, tmp_path: Path, portal: Portal
) -> None:
    changed = with_changed_steps(recorded, tmp_path, sign_in_with_enter)
    cli = project_of(changed, tmp_path, portal, rows=2, bad=(), submit='step 14: Click "Post order"')
    cli("new", "enter_order", "--from", "enter-order")
    for bot in ("enter-order", "enter_order"):
        with Portal(tmp_path / bot) as fresh:
            cli("secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{fresh.password}\n")
            fresh.set_faults(delay_paths={"/login": 400})  # time enough to open another address too early
            cli("run", bot, "--param", f"address={fresh.url}")
            assert [order["number"] for order in fresh.orders()] == ["REC-1", "REC-2"]
    script = (cli.project / "bots" / "enter_order.py").read_text("utf-8")
    around = 'with page.expect_navigation(url="**/"):\n            page.keyboard.press("Enter")\n'
    assert f"        {around}        yield page" in script
    assert script.count("page.goto(") == 2


def test_an_order_that_is_posted_with_enter_is_posted_once_and_a_refused_one_is_not_taken_for_done(
    recorded: Cli, tmp_path: Path, portal: Portal
) -> None:
    changed = with_changed_steps(recorded, tmp_path, post_with_enter)
    cli = project_of(changed, tmp_path, portal, rows=4, bad=(98, 99, 3), submit="step 13: Press Enter")
    cli("new", "enter_order", "--from", "enter-order")
    for bot in ("enter-order", "enter_order"):
        with Portal(tmp_path / bot) as fresh:
            cli("secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{fresh.password}\n")
            cli("run", bot, "--param", f"address={fresh.url}", code=1)
            assert [order["number"] for order in fresh.orders()] == ["REC-1", "REC-3", "REC-4"]
        (case,) = [case for case in shown_cases(cli) if case["queue"] == bot]
        assert (case["item"], case["error"]["code"]) == ("REC no 13!", "REFUSED")


def with_changed_steps(recorded: Cli, tmp_path: Path, change: Callable[[list[Any]], None]) -> Cli:
    """A copy of the project whose recording has other steps."""
    copy = Cli(tmp_path / "changed")
    shutil.copytree(recorded.project, copy.project)
    path = copy.project / "recordings" / "enter-order.json"
    plain = json.loads(path.read_text("utf-8"))
    change(plain["steps"])
    path.write_text(json.dumps(plain), encoding="utf-8")
    return copy


def post_with_enter(steps: list[Any]) -> None:
    """Enter in the last field for the click on Post order."""
    key = {"key": "Enter", "target": "main"}
    events = steps[12]["assertedEvents"]
    steps[12:13] = [{"type": "keyDown", **key}, {"type": "keyUp", **key, "assertedEvents": events}]


def sign_in_with_enter(steps: list[Any]) -> None:
    """Enter in the password field for the click on Sign in, and an address for the link behind it."""
    sign_in, link = steps[4:6]
    home, form = sign_in["assertedEvents"], link["assertedEvents"]
    keys = [{"type": kind, "key": "Enter", "target": "main"} for kind in ("keyDown", "keyUp")]
    opened = {"type": "navigate", "url": form[0]["url"], "target": "main", "assertedEvents": form}
    steps[4:6] = [keys[0], {**keys[1], "assertedEvents": home}, opened]


def test_a_recording_is_replayed_listed_and_shown(recorded: Cli, tmp_path: Path, portal: Portal) -> None:
    cli = project_of(recorded, tmp_path, portal, rows=3)
    again = cli("replay", "enter-order", "--set", "order_no=REC-100", "--address", portal.url, "--json").json
    assert again["outputs"] == {"confirmation": "PC-000001"}
    refused = cli("replay", "enter-order", "--set", "order_no=REC-100", "--address", portal.url, code=1)
    place = Place(cli.project, "enter-order")
    shutil.rmtree(place.folder)
    cli("replay", "enter-order", "--set", "order_no=REC-101", "--address", portal.url, "--pictures")
    steps = told_steps(place, place.read())
    assert [step.number for step in steps if step.picture is None] == [1]  # the size of the window
    assert [step.number for step in steps if step.picture and step.mark is None] == [
        2
    ]  # an address is opened
    assert "enter-order step 13: REFUSED: the page refuses it" in refused.err
    assert portal.password not in refused.out + refused.err
    words = ["replay", "enter-order", "--set", "order_no=REC-100", "--address", portal.url]
    chinese = cli(*words, code=1, RUNNER_LANG="zh")
    assert "REFUSED: 第 13 步（点击“Post order”）：页面拒绝了输入的数据" in chinese.err
    assert " 13  点击“Post order”" in chinese.out
    assert "did you mean 'order_no'?" in cli("replay", "enter-order", "--set", "order_nr=1", code=2).err
    listed = cli("recordings", "list", "--json").json
    assert listed[0]["placeholders"] == [
        "order_no",
        "customer",
        "product",
        "quantity",
        "amount",
        "deliver_on",
    ]
    shown = cli("recordings", "show", "enter-order", "--lang", "zh", "--json").json
    assert shown["steps"][12]["words"] == "点击“Post order”"
    assert [step["words"] for step in shown["steps"][2:] if not step["picture"]] == []
    assert "recordings/enter-order.yaml" in cli("bots", "enter-order").out
    assert "no recording 'enter-odrer'" in cli("recordings", "show", "enter-odrer", code=2).err
