"""Bots in a real Chromium: sessions, evidence, traces, and pages that hang, ask or crash."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.core.contract import ItemOrder
from runner.demo.serve import Portal
from runner.kit.web import find_browser
from tests.kit_site import site
from tests.kit_worker import Finished, Project

pytestmark = pytest.mark.browser

HEAD = """
    import os, signal
    from contextlib import contextmanager
    from pydantic import BaseModel
    from playwright.sync_api import Page
    from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, run, secret, step, web

    class Order(BaseModel):
        number: str

    orders = Queue("orders", Order, key="number", retry=Retry(times=1, wait="1ms", longest_wait="2ms"))
"""
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with site() as url:
        yield url


def work(
    tmp_path: Path,
    address: str,
    body: str,
    *,
    keys: tuple[str, ...] = ("1",),
    attempt: int = 1,
    **more: object,
) -> Finished:
    items = [ItemOrder(queue="orders", key=key, data={"number": key}, attempt=attempt) for key in keys]
    project = Project(tmp_path, HEAD + body)
    return project.run("work", parameters={"address": address}, items=items, **more)  # type: ignore[arg-type]


def evidence(finished: Finished, attempt: int | None = None) -> dict[str, Path]:
    lines = [line for line in finished.events("evidence") if line.attempt == attempt]
    return {line.data["kind"]: finished.folder / (line.evidence or "") for line in lines}


FAILS_ON_A_FORM = """
    @bot
    def work(address: str) -> None:
        orders.each(one, session=lambda: web.page(base_url=address, timeout="4s"))

    def one(item: Item[Order], page: Page) -> None:
        page.goto("/form")
        page.get_by_label("Number").fill(item.key)
        page.get_by_role("button", name="Send").click()
"""


def test_a_failed_attempt_leaves_picture_text_address_status_the_pages_own_message_and_the_row(
    tmp_path: Path, address: str
) -> None:
    finished = work(tmp_path, address, FAILS_ON_A_FORM)

    first = evidence(finished, attempt=1)
    assert set(first) == {"page", "screenshot", "page_text", "row"}
    assert first["screenshot"].read_bytes().startswith(PNG)
    assert "Order form" in first["page_text"].read_text()
    assert json.loads(first["row"].read_text()) == {"number": "1"}
    page = next(line for line in finished.events("evidence") if line.data["kind"] == "page")
    assert page.data == {
        "kind": "page",
        "url": f"{address}/form",
        "http_status": 200,
        "page_error": "The product is sold out",
    }
    failed = finished.events("attempt.finished")
    assert [(line.data["status"], line.data["will_retry"]) for line in failed] == [
        ("failed", True),
        ("failed", False),
    ]
    assert failed[0].error is not None
    assert failed[0].error["code"] == "PAGE_TIMEOUT"
    assert failed[0].error["where"] == "bots/x.py:20"
    assert 'waiting for get_by_role("button", name="Send")' in failed[0].error["message"]


def test_the_second_attempt_leaves_trace_and_traffic_that_the_first_does_not(
    tmp_path: Path, address: str
) -> None:
    finished = work(tmp_path, address, FAILS_ON_A_FORM)

    assert not {"trace", "network"} & set(evidence(finished, attempt=1))
    with zipfile.ZipFile(evidence(finished, attempt=2)["trace"]) as trace:
        assert {"trace.trace", "trace.network"} <= set(trace.namelist())
        assert b"/form" in trace.read("trace.trace")
    with zipfile.ZipFile(evidence(finished, attempt=2)["network"]) as traffic:
        asked = [entry["request"]["url"] for entry in json.loads(traffic.read("har.har"))["log"]["entries"]]
    assert f"{address}/form" in asked
    assert len(list((tmp_path / "run").rglob("*.zip"))) == 2


def test_a_successful_attempt_leaves_no_evidence(tmp_path: Path, address: str) -> None:
    body = """
    @bot
    def work(address: str) -> None:
        orders.each(one, session=lambda: web.page(base_url=address))

    def one(item: Item[Order], page: Page) -> None:
        page.goto("/form")
        if item.attempt == 1 and item.key == "1":
            raise ApplicationError("not yet")
    """
    finished = work(tmp_path, address, body, keys=("1", "2"))

    assert [line.data["status"] for line in finished.events("attempt.finished")] == ["failed", "done", "done"]
    assert {line.attempt for line in finished.events("evidence")} == {1}
    assert not list((tmp_path / "run").rglob("*.zip"))


def test_a_registered_secret_is_in_no_byte_of_journal_evidence_and_console(
    tmp_path: Path, address: str
) -> None:
    body = """
    @bot(secrets=["portal"])
    def work(address: str) -> None:
        orders.each(one, session=lambda: web.page(base_url=address, timeout="300ms"))

    def one(item: Item[Order], page: Page) -> None:
        word = secret("portal")
        print("the word is", word)
        item.output["word"] = word
        page.goto("/form?word=" + word)
        page.get_by_label("Password").fill(word)
        page.evaluate("word => document.title = word", word)
        page.get_by_role("button", name="Send " + word).click()
    """
    finished = work(tmp_path, address, body, secrets={"portal": "s3cr3t-Wörd!"})

    assert evidence(finished, attempt=2).keys() >= {"screenshot", "trace", "page_text"}
    looked_at = 0
    for path in [*(tmp_path / "run").rglob("*"), tmp_path / "console.log"]:
        if path.is_file():
            looked_at += 1
            assert "s3cr3t" not in path.read_text("latin-1"), path
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as trace:
                    assert not any(b"s3cr3t" in trace.read(name) for name in trace.namelist())
    assert looked_at >= 8


@pytest.mark.parametrize(
    "shown",
    [
        'get_by_label("Token").fill(secret("token"))',
        'evaluate("word => document.querySelector(\'[role=alert]\').innerText = word", secret("token"))',
    ],
    ids=["in a field", "in the text"],
)
def test_no_picture_is_taken_where_a_secret_can_be_seen(tmp_path: Path, address: str, shown: str) -> None:
    body = """
    @bot(secrets=["token"])
    def work(address: str) -> None:
        with web.page(base_url=address) as page:
            page.goto("/form")
            page.%s
            raise ApplicationError("stops here")
    """
    finished = work(tmp_path, address, body % shown, secrets={"token": "visible-token"})

    assert set(evidence(finished)) == {"page", "page_text"}
    text = evidence(finished)["page_text"].read_text()
    assert "Order form" in text
    assert "visible-token" not in text
    assert "visible-token" not in finished.journal.read_text()


def test_what_the_page_says_about_its_fields_is_its_message(tmp_path: Path, address: str) -> None:
    body = """
    @bot
    def work(address: str) -> None:
        with web.page(base_url=address) as page:
            page.goto("/form")
            page.locator("[role=alert]").evaluate_all("all => all.forEach(e => e.remove())")
            page.get_by_role("button", name="Post").click()
            raise ApplicationError("stops here")
    """
    finished = work(tmp_path, address, body)

    said = finished.events("evidence")[0].data["page_error"]
    assert said.startswith("Number")
    assert "fill out this field" in said


def test_a_page_closed_by_the_exception_itself_is_still_seen(tmp_path: Path, address: str) -> None:
    body = """
    @bot
    def work(address: str) -> None:
        with web.page(base_url=address) as page:
            page.goto("/broken")
            raise ApplicationError("the portal is down")
    """
    finished = work(tmp_path, address, body)

    assert finished.code == 1
    assert evidence(finished)["screenshot"].read_bytes().startswith(PNG)
    assert finished.events("evidence")[0].data["http_status"] == 503
    assert finished.lines[-1].event == "run.finished"
    assert finished.lines[-1].data["status"] == "failed"


def test_an_exception_that_the_bot_handles_leaves_nothing(tmp_path: Path, address: str) -> None:
    body = """
    @bot
    def work(address: str) -> None:
        try:
            with web.page(base_url=address) as page:
                page.goto("/form")
                raise ApplicationError("not so bad")
        except ApplicationError:
            pass
    """
    finished = work(tmp_path, address, body)

    assert finished.code == 0
    assert not list((tmp_path / "run").rglob("*.png"))


# A trace slows each action on a page that hangs down by six seconds: so that page is seen in a first attempt only.
@pytest.mark.parametrize(("page", "attempt"), [("hang", 1), ("dialog", 2)])
def test_a_page_that_does_not_answer_is_left_and_the_next_item_gets_a_fresh_one(
    tmp_path: Path, address: str, page: str, attempt: int
) -> None:
    body = """
    orders = Queue("orders", Order, key="number", retry=None)

    @bot
    def work(address: str) -> None:
        orders.each(one, session=lambda: web.page(base_url=address, timeout="2s"))

    def one(item: Item[Order], page: Page) -> None:
        if item.key == "1":
            page.on("dialog", lambda dialog: None)
            page.goto("/%s")
            page.get_by_label("Number").fill("x")
        page.goto("/form")
    """
    finished = work(tmp_path, address, body % page, keys=("1", "2"), attempt=attempt)

    ends = [(line.item, line.data["status"]) for line in finished.events("attempt.finished")]
    assert ends == [("1", "failed"), ("2", "done")]
    assert {"page", "row"} <= set(evidence(finished, attempt=attempt))
    assert ("trace" in evidence(finished, attempt=attempt)) == (attempt > 1)


@pytest.mark.parametrize(
    "ends",
    [
        "page.goto('chrome://crash')",
        "page.goto('/form'); os.kill(pid_of('chrom'), signal.SIGKILL)",
        "page.goto('/form'); os.kill(pid_of('node'), signal.SIGKILL)",
    ],
    ids=["the page crashes", "the browser is killed", "the driver is killed"],
)
def test_a_crashed_page_browser_or_driver_costs_one_attempt(tmp_path: Path, address: str, ends: str) -> None:
    body = f"""
    @bot
    def work(address: str) -> None:
        orders.each(one, session=lambda: web.page(base_url=address, timeout="3s"))

    def one(item: Item[Order], page: Page) -> None:
        if item.key == "1" and item.attempt == 1:
            {ends}
        page.goto("/form")

    def pid_of(name: str) -> int:
        import psutil
        return next(p.pid for p in psutil.Process().children(recursive=True)
                    if "--type=" not in " ".join(p.cmdline()) and name in p.name())
    """
    finished = work(tmp_path, address, body, keys=("1", "2"))

    ends_of = [(line.item, line.data["status"]) for line in finished.events("attempt.finished")]
    assert ends_of == [("1", "failed"), ("1", "done"), ("2", "done")], finished.console
    assert finished.code == 0


def test_the_session_is_kept_from_item_to_item_and_entered_again_after_a_failure(
    tmp_path: Path, address: str
) -> None:
    body = """
    entered = []

    @contextmanager
    def signed_in(address):
        entered.append(1)
        with web.page(base_url=address) as page:
            page.goto("/empty")
            yield page
            raise RuntimeError("signing out fails")

    @bot
    def work(address: str) -> None:
        orders.each(one, session=lambda: signed_in(address))
        run.output("entered", len(entered))

    def one(item: Item[Order], page: Page) -> None:
        if item.key == "3":
            raise BusinessError("no such product")
    """
    finished = work(tmp_path, address, body, keys=("1", "2", "3", "4", "5"))

    assert [line.data["status"] for line in finished.events("attempt.finished")] == [
        "done", "done", "failed", "done", "done",
    ]  # fmt: skip
    assert finished.lines[-1].data["outputs"] == {"entered": 2}
    logged = [line.message for line in finished.events("log")]
    assert logged == ["closing the session failed: signing out fails"] * 2


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with Portal(tmp_path_factory.mktemp("portal")) as started:
        yield started


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param("orders.each(one, session=lambda: web.page(base_url=address))", id="session"),
        pytest.param("orders.each(lambda item: opens(item, address))", id="page of the handler"),
        pytest.param(
            "with web.page(base_url=address) as page: orders.each(lambda item: one(item, page))",
            id="kept page",
        ),
    ],
)
@pytest.mark.parametrize("headed", [False, True], ids=["without a window", "browser with a window"])
def test_an_error_answer_without_content_is_an_error_and_does_not_break_the_next_page(
    tmp_path: Path, portal: Portal, monkeypatch: pytest.MonkeyPatch, calls: str, headed: bool
) -> None:
    browser = find_browser(headed=headed)
    if browser is not None:
        monkeypatch.setenv("RUNNER_BROWSER", str(browser))
    body = f"""
    @bot
    def work(address: str) -> None:
        {calls}

    def opens(item: Item[Order], address: str) -> None:
        with web.page(base_url=address) as page:
            one(item, page)

    def one(item: Item[Order], page: Page) -> None:
        page.goto("/login?fault=503" if item.attempt == 1 else "/login")
        item.output["title"] = page.title()
    """
    finished = work(tmp_path, portal.url, body, keys=("1", "2", "3"))

    ends = finished.events("attempt.finished")
    assert [line.data["status"] for line in ends] == ["failed", "done"] * 3
    assert all("ERR_HTTP_RESPONSE_CODE_FAILURE" in (line.error or {})["message"] for line in ends[::2])
    assert all(line.data["output"]["title"] for line in ends[1::2])


def test_a_download_is_saved_into_the_run_folder(tmp_path: Path, address: str) -> None:
    body = """
    @bot
    def work(address: str) -> None:
        with web.page(base_url=address) as page:
            page.goto("/file")
            with page.expect_download() as waiting:
                page.get_by_text("Report").click()
            waiting.value.save_as(run.folder / "report.txt")
            run.output("report", run.folder / "report.txt")
    """
    finished = work(tmp_path, address, body)

    assert finished.code == 0, finished.console
    assert finished.lines[-1].data["outputs"] == {"report": "report.txt"}
    assert (finished.folder / "report.txt").read_text() == "the report"


def test_a_missing_browser_is_said_in_one_sentence(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_BROWSER", str(tmp_path / "no-such-browser"))
    finished = work(tmp_path, address, FAILS_ON_A_FORM.replace("Send", "Post"))

    error = finished.events("attempt.finished")[0].error
    assert error is not None
    said = f"{error['code']} {error['message']} {error['hint']}"
    assert all(
        word in said for word in ("CLI_BROWSER", "browser not found", "/usr/bin/chromium", "runner doctor")
    )
