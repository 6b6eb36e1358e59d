"""After the demo: a new user clears the exception queue in Chromium, in Chinese, from the front page alone.

Two rows are corrected in the form, the others in the spreadsheet; all are seen to succeed; the cause of one problem is
recorded and the problem closed. What the bot is then asked says whether it came true: the work queue, and the demo's own books.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from openpyxl import load_workbook
from playwright.sync_api import Page, expect, sync_playwright

from acceptance.commands import RUNNER
from runner.kit.web import find_browser

LIMIT_S: Final = 300.0
FORM: Final = {"SO-2023": ("Delivery Date", "2026-12-30"), "SO-2012": ("Amount", "12.50")}
SHEET: Final[dict[str, tuple[str, int | str]]] = {
    "SO-2036": ("data.quantity", 3),
    "SO-2017": ("data.customer", "Alder & Finch"),
}
TWICE: Final = "orders_demo.xlsx/Orders!31"
_LATIN: Final = re.compile(r"[A-Za-z]{3,} [A-Za-z]{3,} [A-Za-z]{3,}")  # three words in a row are a sentence


class Checks(Protocol):
    """Where what was seen is compared with what was expected."""

    def that(self, what: str, seen: object, expected: object) -> None: ...  # noqa: D102


def first_hour(folder: Path, checks: Checks) -> None:
    """Run the demo on a terminal in `folder`, clear its exception queue on the desk, and end it."""
    print("== first hour: the demo's exception queue, cleared on the desk in Chinese")
    folder.mkdir()
    with demo(folder) as (link, process), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(30_000)
        clear(page, link, folder, checks)
        browser.close()
        process.send_signal(signal.SIGINT)
        checks.that("the demo ends with Ctrl-C: exit code 0", process.wait(60), 0)
    checks.that("every order is done, the doubled row rejected", items(folder), {"done": 39, "rejected": 1})


def clear(page: Page, link: str, folder: Path, checks: Checks) -> None:
    """What the user does, from the printed link on."""
    sign_up(page, link)
    checks.that(
        "the front page names a cause for each of the five", page.locator(".list tbody tr").count(), 5
    )
    checks.that("… in Chinese", [one for one in titles(page) if not re.search(r"[\u4e00-\u9fff]", one)], [])
    cause = page.locator(".list tbody tr", has_text="E 列").get_by_role("link").first.get_attribute("href")
    front = page.url
    for key, (label, value) in FORM.items():
        page.goto(front)
        find(page, key)
        page.get_by_label(label).fill(value)
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("status")).to_contain_text("重试")
        said = page.get_by_role("status").inner_text()
        checks.that(
            f"{key} is sent again from its form, and the page says so in Chinese", _LATIN.findall(said), []
        )
    page.goto(front)
    with page.expect_download() as download:
        page.get_by_role("link", name="导出以更正").click()
    book = folder / "cases.xlsx"
    download.value.save_as(book)
    checks.that("the spreadsheet says what went wrong in Chinese", english_reasons(book), [])
    fill_in(book)
    page.get_by_role("link", name="导入更正").click()
    page.get_by_label("填好的工作簿").set_input_files(book)
    page.get_by_role("button", name="查看").click()
    checks.that("the preview says what three rows will do", page.locator("main tbody tr").count(), 3)
    page.get_by_role("button", name=re.compile("执行")).click()
    succeed(page, front, checks)
    close(page, front.rstrip("/") + str(cause), checks)


def sign_up(page: Page, link: str) -> None:
    """The one-time link makes the first person."""
    page.goto(link)
    page.locator("#id_username").fill("wang")
    page.locator("#id_name").fill("王芳")
    for name in ("password", "again"):
        page.locator(f"#id_{name}").fill("long-enough-for-a-demo")
    page.keyboard.press("Enter")
    expect(page.locator(".list tbody tr").first).to_be_visible()


def titles(page: Page) -> list[str]:
    """What the problems on the front page are called."""
    return [row.get_by_role("link").first.inner_text() for row in page.locator(".list tbody tr").all()]


def find(page: Page, key: str) -> None:
    """From the front page to one case, by its key."""
    page.keyboard.press("/")
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    page.locator('main a[href^="/cases/"]', has_text=key).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(key)


def english_reasons(book: Path) -> list[str]:
    """The reasons in the spreadsheet that are not in Chinese."""
    sheet = load_workbook(book)["orders"]
    column = [str(cell.value) for cell in sheet[1]].index("message") + 1
    said = [str(sheet.cell(row, column).value) for row in range(3, sheet.max_row + 1)]
    return [one for one in said if not re.search(r"[\u4e00-\u9fff]", one)]


def fill_in(book: Path) -> None:
    """What the user does in Excel: two values put right, one row rejected with a reason."""
    opened = load_workbook(book)
    sheet = opened["orders"]
    heads = {str(cell.value): number for number, cell in enumerate(sheet[1], 1)}
    for row in range(3, sheet.max_row + 1):
        key = str(sheet.cell(row, heads["item"]).value)
        if key in SHEET:
            name, value = SHEET[key]
            sheet.cell(row, heads[name]).value = value
        elif key == TWICE:
            sheet.cell(row, heads["decision"]).value = "拒绝"
            sheet.cell(row, heads["note"]).value = "同一订单录入了两次"
    opened.save(book)


def succeed(page: Page, front: str, checks: Checks) -> None:
    """Wait until the queue is empty, as the page itself says."""
    page.goto(f"{front}cases/closed/")
    limit = time.monotonic() + LIMIT_S
    while page.locator(".list tbody tr").count() < 6 and time.monotonic() < limit:
        page.wait_for_timeout(500)
        page.reload()
    checks.that("all six cases are closed", page.locator(".list tbody tr").count(), 6)
    page.goto(front)
    checks.that("the front page has no case left", page.locator(".list tbody tr").count(), 0)


def close(page: Page, problem: str, checks: Checks) -> None:
    """Record why it happened and close the problem, by keys."""
    page.goto(problem)
    page.keyboard.press("v")
    with page.expect_navigation():  # keys that are pressed before the next page is there are lost
        page.locator("dialog[open] button.main").click()
    page.keyboard.press("w")
    page.locator("dialog[open] textarea, dialog[open] input[type=text]").first.fill("客户在数字里打了字母 O")
    page.keyboard.press("Control+Enter")
    expect(page.locator("main")).to_contain_text("客户在数字里打了字母 O")
    page.keyboard.press("q")
    page.locator("dialog[open] textarea").first.fill("已请客户使用有下拉列表的模板")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("已关闭")
    checks.that(
        "the problem is closed with its cause",
        "客户在数字里打了字母 O" in page.locator("main").inner_text(),
        True,
    )


def items(folder: Path) -> dict[str, int]:
    """The items of the demo's queue by status, as the command line has them."""
    place = folder / ".runner" / "demo"
    listed = subprocess.run(
        [RUNNER, "items", "list", "orders", "--limit", "100", "--json"], cwd=place, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = [item["status"] for item in json.loads(listed.stdout)]
    return {status: found.count(status) for status in sorted(set(found))}


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`runner demo` on a terminal: the link of its desk, and its process, which is gone at the end."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "RUNNER_DESK_PORT": "0", "RUNNER_HOME": ""}
    del environment["RUNNER_HOME"]
    process = subprocess.Popen(
        [RUNNER, "demo"], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        yield said(ours, process, r"First visit.*?(http://\S+)"), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        os.close(ours)


def said(terminal: int, process: subprocess.Popen[bytes], pattern: str) -> str:
    """Wait until the process has printed what matches `pattern`; its group 1."""
    text, limit = "", time.monotonic() + LIMIT_S
    while not (found := re.search(pattern, text)):
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"the demo did not come to its desk: {text[-2000:]}")
        text += os.read(terminal, 4096).decode("utf-8", "replace")
    return found[1]
