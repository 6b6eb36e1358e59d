"""Network recordings: which exchange answers what, https and redirects from a proxy of our own, and no key left in them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Error as PageError

from runner.core.errors import UsageError
from runner.journal.redact import Redactor
from runner.kit.exchanges import Exchange, Exchanges, read_recording, read_recordings
from runner.kit.network import Recording, recorded
from runner.kit.network_replay import Replay
from tests.demo_clerk import chromium
from tests.kit_pages import TOKEN, pages
from tests.kit_site import site

FORM = "application/x-www-form-urlencoded"
BOUND = "multipart/form-data; boundary=%s"


def asked(method: str, path: str, body: str = "", kind: str = "", **answer: Any) -> Exchange:
    return Exchange(method, f"https://portal.example{path}", body.encode(), kind, **{"status": 200, **answer})


def multipart(boundary: str, **fields: str) -> bytes:
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'
        for n, v in fields.items()
    )
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


def test_what_was_asked_twice_has_its_answers_in_order_and_the_last_one_goes_on() -> None:
    recording = Exchanges([asked("GET", "/n", content=str(n).encode()) for n in range(2)])

    answers = [recording.answer("GET", "https://portal.example/n") for _ in range(3)]
    assert [one.content for one in answers if one] == [b"0", b"1", b"1"]


@pytest.mark.parametrize(
    ("url", "matches"),
    [
        ("https://portal.example/find?b=2&a=1", True),
        ("https://PORTAL.example/find?a=1&b=2", True),
        ("https://portal.example/find?a=1&b=3", False),
        ("https://portal.example/find?a=1", False),
        ("http://portal.example/find?a=1&b=2", False),
    ],
)
def test_an_address_is_the_same_whatever_the_order_of_its_query(url: str, *, matches: bool) -> None:
    recording = Exchanges([asked("GET", "/find?a=1&b=2")])

    assert (recording.answer("GET", url) is not None) == matches
    assert (recording.missing == []) == matches


def test_bodies_are_compared_by_fields_and_what_was_masked_may_be_anything() -> None:
    form = asked("POST", "/login", "user=clerk&password=***", FORM)
    upload = Exchange(
        "POST", "https://portal.example/new", multipart("aaa", number="A-1", note="x"), BOUND % "aaa", 200
    )
    call = asked("POST", "/api", '{"n": 1, "token": "***"}', "application/json")
    raw = asked("POST", "/raw", "key=***;end", "text/plain")
    recording = Exchanges([form, upload, call, raw])

    def has(url: str, body: str | bytes, kind: str) -> bool:
        data = body if isinstance(body, bytes) else body.encode()
        return recording.answer("POST", f"https://portal.example{url}", data, kind) is not None

    assert has("/login", "user=clerk&password=other", FORM)
    assert has("/new", multipart("bbb", number="A-1", note="x"), BOUND % "bbb")
    assert has("/api", '{"token":"abc","n":1}', "application/json; charset=utf-8")
    assert has("/raw", "key=123;end", "text/plain")
    assert recording.missing == []
    assert not has("/login", "user=ann&password=other", FORM)
    assert not has("/new", multipart("bbb", number="A-2", note="x"), BOUND % "bbb")
    assert not has("/api", '{"token":"abc","n":2}', "application/json")
    assert recording.missing == [
        "POST https://portal.example/login with user='ann' (recorded: 'clerk')",
        "POST https://portal.example/new with number='A-2' (recorded: 'A-1')",
        "POST https://portal.example/api with n='2' (recorded: '1')",
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"log": {"entries": [{}]}}', b"PK\x03\x04 broken"])
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.har"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.har: HAR: it can't be read as a network recording"):
        read_recording(path)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="HAR: there is no network recording in it"):
        read_recordings(tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.browser
def test_a_recording_plays_https_hosts_redirects_and_failures_without_a_network(browser: Browser) -> None:
    html = (("Content-Type", "text/html"),)
    recording = Exchanges(
        [
            asked("GET", "/", status=303, headers=(("Location", "/home"),)),
            asked(
                "GET",
                "/home",
                headers=html,
                content=b"<h1>Home</h1><form method=post><button>Go</button></form>",
            ),
            asked(
                "POST", "/home", kind=FORM, status=303, headers=(("Location", "https://other.example/done"),)
            ),
            Exchange("GET", "https://other.example/done", b"", "", 200, html, b"<h1>Done</h1>"),
            asked("GET", "/broken", status=0),
            asked("GET", "/held", status=None),
        ]
    )
    with Replay(recording) as replay:
        context = browser.new_context(proxy={"server": replay.url}, ignore_https_errors=True)
        page = context.new_page()
        page.set_default_timeout(5_000)
        page.goto("https://portal.example/")
        assert page.url == "https://portal.example/home"
        page.get_by_role("button").click()
        page.wait_for_url("https://other.example/done")
        assert page.locator("h1").inner_text() == "Done"
        with pytest.raises(PageError, match="ERR_EMPTY_RESPONSE"):
            page.goto("https://portal.example/broken")
        with pytest.raises(PageError, match="Timeout"):
            page.goto("https://portal.example/held", timeout=700)
        answer = page.goto("https://portal.example/unknown")
        assert answer is not None
        assert (answer.status, answer.text()) == (
            504, "The recording has no answer to GET https://portal.example/unknown",
        )  # fmt: skip
        context.close()
    assert recording.missing == ["GET https://portal.example/unknown"]


@pytest.mark.browser
def test_a_recording_is_written_without_keys_also_when_the_block_fails(
    browser: Browser, tmp_path: Path
) -> None:
    target = tmp_path / "deep" / "site.har.zip"

    def visit(context: BrowserContext, address: str) -> None:
        with recorded(context, target, Redactor(["right-password"])):
            page = context.new_page()
            page.goto(f"{address}/home")
            page.locator("input").fill("right-password")
            page.get_by_role("button").click()
            page.goto(f"{address}/home")
            raise RuntimeError

    with pages() as site:
        context = browser.new_context()
        with pytest.raises(RuntimeError):
            visit(context, site.url)
        context.close()

    with zipfile.ZipFile(target) as archive:
        for name in archive.namelist():
            assert b"right-password" not in archive.read(name)
            assert TOKEN.encode() not in archive.read(name)
        log = json.loads(archive.read("har.har"))
    assert [entry["request"]["method"] for entry in log["log"]["entries"]] == ["GET", "POST", "GET"]
    posted = read_recording(target).exchanges[1]
    assert posted.body == b"password=***"
    assert ("Set-Cookie", "session=***; Path=/; HttpOnly") in posted.headers


@pytest.mark.browser
def test_a_page_that_hangs_does_not_hold_a_recording_up(browser: Browser, tmp_path: Path) -> None:
    with site() as address:
        context = browser.new_context()
        recording = Recording(context).start()
        page = context.new_page()
        page.goto(f"{address}/hang")
        page.wait_for_timeout(200)

        assert recording.stop() is False
        assert recording.stop(closing=True) is True
        assert recording.publish(tmp_path / "x.har.zip", Redactor())
        recording.forget()
        context.close()
    assert read_recording(tmp_path / "x.har.zip").exchanges[0].url == f"{address}/hang"
