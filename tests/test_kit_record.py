"""Recording in a real Chromium: a page object plays the person, and what was noted is checked and replayed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, Route

from runner.core.errors import ConfigurationError, EnvironmentProblem, ErrorReport
from runner.core.vault import Secret
from runner.demo.serve import Portal
from runner.kit.record import Recorded, Recorder
from runner.kit.replay import Player, Script
from runner.kit.replay_window import mask_har, traffic_or_none, window
from runner.recordings.library import Place
from runner.recordings.model import SetViewport, Step
from runner.recordings.page import page_of, told_steps
from runner.recordings.wording import all_words
from tests.demo_clerk import chromium

pytestmark = pytest.mark.browser

SITE = "http://site.example"
FORM = """<!doctype html><html lang="en"><title>Form</title>
<form action="/sent"><label>Name <input name="name"></label>
<label>Password <input type="password" id="pw"></label>
<label>Colour <select name="colour"><option value="r">Red</option><option value="b">Blue</option></select></label>
<label><input type="checkbox" name="agree"> I agree</label>
<fieldset><label><input type="radio" name="size" value="s"> Small</label><label><input type="radio" name="size" value="l"> Large</label></fieldset>
<label>Day <input type="date" name="day"></label><label>Text <textarea name="text"></textarea></label>
<button>Send</button></form>
<div contenteditable="true" aria-label="Letter" role="textbox"></div>
<button type="button" onclick="this.textContent = 'Deleted ' + confirm('Really?')">Delete</button>
<button type="button" ondblclick="document.title = 'twice'">Twice</button>
<div id="host"></div><iframe src="/inner" title="Inner"></iframe><a href="/tab" target="_blank">Open tab</a>
<ul><li><span>One</span></li><li><span>Two</span></li></ul>
<label>File <input type="file"></label><p data-testid="total">Total 12.50</p>
<script>
  const root = document.querySelector('#host').attachShadow({mode: 'open'});
  root.innerHTML = '<button id="deep">Deep</button>';
  root.querySelector('button').onclick = event => { event.target.textContent = 'Deeper'; };
  history.replaceState(null, '', location.href);
</script></html>"""
PAGES = {
    "/form": FORM,
    "/inner": "<!doctype html><button onclick='this.textContent=\"Was clicked\"'>Inside</button>",
    "/tab": "<!doctype html><title>Tab</title><label>Note <input></label><button>Keep</button>",
    "/sent": "<!doctype html><title>Sent</title><h1>Thank you</h1><a href='/form'>Back</a>",
}


def serve(route: Route) -> None:
    path = "/" + route.request.url.removeprefix(SITE).partition("?")[0].strip("/")
    body = PAGES.get(path)
    if body is None:
        route.fulfill(status=404, body="")
    else:
        route.fulfill(body=body, content_type="text/html; charset=utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    opened.set_default_timeout(10_000)
    opened.route("**/*", serve)
    yield opened
    opened.close()


@pytest.fixture
def recorder(context: BrowserContext) -> Recorder:
    return Recorder(context, "Fill in a form", secret="site/password", panel="en")


def words(recorded: Recorded) -> list[str]:
    return all_words(recorded.recording)[2:]  # the window and the first address


def replayed(browser: Browser, tmp_path: Path, recorded: Recorded) -> Player:
    """The recording, written and replayed in a fresh context; the pages stay open until the next test."""
    place = Place(tmp_path, "made")
    recorded.write(place)
    context = browser.new_context()
    context.route("**/*", serve)
    player = Player(
        context.new_page(),
        Script(
            place.read(),
            place.shown,
            tmp_path,
            place.folder,
            secret=lambda _: Secret("another-secret", ("*",)),
            within_ms=5000,
        ),
    )
    player.play()
    return player


def test_every_kind_of_field_is_noted_and_replayed(
    recorder: Recorder, browser: Browser, tmp_path: Path
) -> None:
    page = recorder.open(f"{SITE}/form")
    page.get_by_label("Name").press_sequentially("Ada")
    page.get_by_label("Name").press_sequentially(" L.")
    page.get_by_label("Colour").select_option("Blue")
    page.get_by_label("I agree").check()
    page.get_by_text("Large").click()
    page.get_by_label("Day").fill("2026-12-01")
    page.get_by_label("Text").fill("two\nlines")
    page.get_by_label("Letter").fill("Dear all")
    recorded = recorder.finish()

    assert words(recorded) == [
        'Enter "Ada L." in "Name"', 'Choose "b" in "Colour"', 'Click "I agree"', 'Click "Large"',
        'Enter "2026-12-01" in "Day"', 'Enter "two lines" in "Text"', 'Enter "Dear all" in "Letter"',
    ]  # fmt: skip
    colour: Any = recorded.recording.steps[3]
    assert (colour.value, colour.label) == ("b", "Blue")
    player = replayed(browser, tmp_path, recorded)
    page = player.tabs.main
    assert page.get_by_label("Name").input_value() == "Ada L."
    assert page.get_by_label("Colour").input_value() == "b"
    assert page.get_by_label("I agree").is_checked()
    assert page.get_by_label("Large").is_checked()
    assert page.get_by_label("Text").input_value() == "two\nlines"
    assert page.get_by_label("Letter").inner_text() == "Dear all"
    page.context.close()


def test_a_password_is_never_written_down_however_it_is_shown(
    recorder: Recorder, browser: Browser, tmp_path: Path
) -> None:
    page = recorder.open(f"{SITE}/form")
    page.get_by_label("Password").press_sequentially("open-sesame")
    page.locator("#pw").evaluate("e => { e.type = 'text'; }")  # "show password"
    page.get_by_label("Password").press_sequentially("-2")
    page.get_by_label("Text").fill("it is open-sesame-2")
    page.get_by_role("button", name="Send").click()
    recorded = recorder.finish()

    assert words(recorded)[0] == 'Enter the password (site/password) in "Password"'
    assert recorder.secrets == ["site/password"]
    text = recorded.recording.text()
    assert "sesame" not in text
    assert "${secret:site/password}" in text
    replayed(browser, tmp_path, recorded).tabs.context.close()
    assert "sesame" not in (tmp_path / "recordings" / "made.json").read_text("utf-8")


def test_frames_shadow_roots_tabs_files_and_double_clicks(
    recorder: Recorder, browser: Browser, tmp_path: Path
) -> None:
    offer = tmp_path / "offer.txt"
    offer.write_text("the offer", encoding="utf-8")
    page = recorder.open(f"{SITE}/form")
    page.frame_locator("iframe").get_by_role("button", name="Inside").click()
    page.get_by_role("button", name="Deep").click()
    page.get_by_role("button", name="Twice").dblclick()
    page.get_by_text("Two").click()
    page.get_by_label("File").set_input_files(offer)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open tab").click()
    tab = opened.value
    tab.get_by_label("Note").fill("kept")
    tab.get_by_role("button", name="Keep").click()
    recorded = recorder.finish()

    assert words(recorded) == [
        'Click "Inside" (in a frame)', 'Click "Deep"', 'Double-click "Twice"', 'Click "Two"',
        'Choose the file "offer.txt" in "File"', 'Click "Open tab"',
        f'Enter "kept" in "Note" (in the tab {SITE}/tab)', f'Click "Keep" (in the tab {SITE}/tab)',
    ]  # fmt: skip
    assert recorded.files == {"offer.txt": b"the offer"}
    player = replayed(browser, tmp_path, recorded)
    page = player.tabs.main
    assert page.frame_locator("iframe").get_by_role("button").inner_text() == "Was clicked"
    assert page.get_by_role("button", name="Deeper").is_visible()
    assert page.title() == "twice"
    assert page.locator("input[type=file]").evaluate("e => e.files[0].name") == "offer.txt"
    assert page.context.pages[1].get_by_label("Note").input_value() == "kept"
    page.context.close()


def test_the_panel_speaks_the_language_of_who_records_and_a_file_that_is_too_large_is_told(
    context: BrowserContext, tmp_path: Path
) -> None:
    recorder = Recorder(context, "Fill in a form", secret="site/password", panel="zh")
    large = tmp_path / "large.pdf"
    large.write_bytes(bytes(5 * 1024 * 1024 + 1))
    page = recorder.open(f"{SITE}/form")
    page.get_by_label("File").set_input_files(large)
    page.get_by_role("button", name="完成").click()
    recorder.wait()
    recorded = recorder.finish()
    assert words(recorded) == ['Choose the file "large.pdf" in "File"']
    assert (recorded.files, recorder.not_kept) == ({}, ["large.pdf"])


def test_enter_sends_the_form_once_and_navigation_belongs_to_the_step_that_led_there(
    recorder: Recorder, browser: Browser, tmp_path: Path
) -> None:
    page = recorder.open(f"{SITE}/form")
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Name").press("Enter")
    page.wait_for_url("**/sent*")
    page.get_by_role("link", name="Back").click()
    page.wait_for_url("**/form")
    page.goto(f"{SITE}/tab")  # as if somebody typed the address
    recorded = recorder.finish()

    steps = recorded.recording.steps[2:]
    assert words(recorded) == [
        'Enter "Ada" in "Name"', "Press Enter", "Let Enter go", 'Click "Back"', f"Open {SITE}/tab",
    ]  # fmt: skip
    follows = [step.leads_to.url.partition("?")[0] if step.leads_to else "" for step in steps]
    assert follows == ["", "", f"{SITE}/sent", f"{SITE}/form", f"{SITE}/tab"]
    assert steps[2].leads_to is not None
    assert steps[2].leads_to.title == "Sent"
    player = replayed(browser, tmp_path, recorded)
    assert player.tabs.main.url == f"{SITE}/tab"
    player.tabs.context.close()


def test_a_question_of_the_page_is_answered_and_noted_before_the_step_that_asks(
    recorder: Recorder, browser: Browser, tmp_path: Path
) -> None:
    page = recorder.open(f"{SITE}/form")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Deleted true").wait_for()
    recorded = recorder.finish()
    assert words(recorded) == ["Answer the dialog with OK", 'Click "Delete"']
    player = replayed(browser, tmp_path, recorded)
    assert player.tabs.main.get_by_role("button", name="Deleted true").is_visible()
    player.tabs.context.close()


def test_a_text_is_marked_to_be_read_and_the_panel_ends_the_recording(
    recorder: Recorder, browser: Browser, tmp_path: Path
) -> None:
    page = recorder.open(f"{SITE}/form")
    page.get_by_role("button", name="Read a value").click()
    page.get_by_test_id("total").click()
    page.get_by_text("Will be read: Total 12.50").wait_for()
    page.get_by_role("button", name="Done").click()
    recorder.wait()
    recorded = recorder.finish()

    assert recorder.stopped
    assert words(recorded) == ['Read total from "total"']
    player = replayed(browser, tmp_path, recorded)
    assert player.outputs == {"total": "Total 12.50"}
    player.tabs.context.close()


def record_where_the_panel_is() -> tuple[Mapping[str, int], FloatRect, Step]:
    """The size of the window, where the last button of the panel is, and the recording's first step."""
    with window(headed=False, fits=True) as context:
        context.route("**/*", serve)
        recorder = Recorder(context, "Fill in a form", secret="site/password", panel="en")
        page = recorder.open(f"{SITE}/form")
        assert page.viewport_size is None, "the page has a size of its own instead of that of its window"
        seen = page.evaluate("({width: innerWidth, height: innerHeight})")
        button = page.get_by_role("button", name="Done").bounding_box()
        assert button is not None
        page.keyboard.press("F2")
        return seen, button, recorder.finish().recording.steps[0]


def test_the_panel_is_in_the_window_however_small_that_is() -> None:
    """A page of a fixed size reached out of the window on small screens, and the panel with it."""
    with ThreadPoolExecutor(1) as thread:  # it has a driver of its own
        seen, button, first = thread.submit(record_where_the_panel_is).result(60)

    assert 0 < button["x"] + button["width"] <= seen["width"]
    assert 0 < button["y"] + button["height"] <= seen["height"]
    assert isinstance(first, SetViewport)
    assert (first.width, first.height) == (seen["width"], seen["height"])


def test_the_best_selector_of_each_element_goes_by_what_people_see(recorder: Recorder) -> None:
    page = recorder.open(f"{SITE}/form")
    page.get_by_label("Name").fill("x")
    page.get_by_role("button", name="Send").click()
    steps = recorder.finish().recording.steps[2:]
    assert list(steps[0].raw_selectors) == [
        ["aria/Name"], ['input[name="name"]'], ["xpath//html/body/form/label[1]/input"], ['pierce/input[name="name"]'],
    ]  # fmt: skip
    assert list(steps[1].raw_selectors)[:2] == [['aria/Send[role="button"]'], ["text/Send"]]


def test_each_step_has_a_picture_with_the_element_marked_and_without_the_panel(
    recorder: Recorder, tmp_path: Path
) -> None:
    page = recorder.open(f"{SITE}/form")
    recorder.settle()  # a person looks before each step; a program has to wait for the picture
    page.get_by_label("Name").fill("Ada")
    recorder.settle()
    page.get_by_label("Colour").select_option("Blue")
    recorder.settle()
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/sent*")
    recorded = recorder.finish()
    place = Place(tmp_path, "made")
    recorded.write(place)
    told = told_steps(place, place.read(), "zh")
    assert [step.picture is not None for step in told] == [False, True, True, True, True]
    assert all(step.mark and all(0 <= share <= 1 for share in step.mark) for step in told[2:])
    html = page_of(place.read(), told, "zh")
    assert html.count("data:image/png;base64,") == 4
    assert "点击“Send”" in html


def test_nothing_done_is_nothing_recorded(recorder: Recorder) -> None:
    with pytest.raises((ConfigurationError, ErrorReport), match=r"no steps|1 errors"):
        recorder.finish()


def test_a_window_that_is_closed_at_once_is_nothing_recorded(recorder: Recorder) -> None:
    recorder.open(f"{SITE}/form").close()
    recorder.wait()
    with pytest.raises(ConfigurationError, match="no steps"):
        recorder.finish()


def test_a_site_that_does_not_answer_is_said_to_be_down(context: BrowserContext) -> None:
    context.route("**/*", lambda route: route.abort("connectionrefused"))
    with pytest.raises(
        EnvironmentProblem, match=r"http://site.example/form can't be opened: net::ERR_CONNECTION_REFUSED - "
    ) as caught:
        Recorder(context, "Down", secret="site/password").open(f"{SITE}/form")
    assert caught.value.stable_code == "PAGE_NETWORK"


@pytest.mark.parametrize("keys", ["F5", "Control+r"])
def test_a_page_that_is_loaded_again_by_keys_is_opened_again_and_no_key_is_pressed(
    recorder: Recorder, keys: str
) -> None:
    """A key that a program sends reaches the page and not the browser: the navigation is done as the browser does it."""
    page = recorder.open(f"{SITE}/form")
    page.get_by_label("Name").fill("Ada")
    page.keyboard.press(keys)
    page.reload()
    page.keyboard.press("F2")
    assert words(recorder.finish()) == ['Enter "Ada" in "Name"', f"Open {SITE}/form", "Press F2", "Let F2 go"]


def record_a_sign_in(portal: Portal, har: Path) -> None:
    with window(headed=False, har=har) as context:
        recorder = Recorder(context, "Sign in", secret="portal/password")
        page: Page = recorder.open(portal.url)
        page.get_by_label("User name").fill(portal.user)
        page.get_by_label("Password").fill(portal.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Good day").wait_for()
        recorder.finish()
    mask_har(har, recorder.redactor)


def test_network_traffic_is_kept_without_the_password(tmp_path: Path) -> None:
    har = tmp_path / "network.har"
    with Portal(tmp_path / "portal") as portal, ThreadPoolExecutor(1) as thread:  # it has a driver of its own
        thread.submit(record_a_sign_in, portal, har).result(60)
    text = har.read_text("utf-8")
    assert portal.password not in text
    entries = json.loads(text)["log"]["entries"]
    assert any(entry["request"]["method"] == "POST" for entry in entries)


def fail_to_record(portal: Portal, har: Path) -> None:
    with traffic_or_none(har), window(headed=False, har=har) as context:
        page = Recorder(context, "Sign in", secret="portal/password").open(portal.url)
        page.get_by_label("Password").fill(portal.password)
        page.get_by_label("Password").press("Enter")
        page.get_by_text("password is wrong").wait_for()
        raise EnvironmentProblem("the machine has no space")


def test_network_traffic_of_a_recording_that_failed_is_not_left_with_the_password(tmp_path: Path) -> None:
    har = tmp_path / "x" / "network.har"
    with (
        Portal(tmp_path / "portal") as portal,
        ThreadPoolExecutor(1) as thread,
        pytest.raises(EnvironmentProblem, match="no space"),
    ):
        thread.submit(fail_to_record, portal, har).result(60)
    assert not har.parent.exists()


RECORDS = """
import signal, sys, threading, time
from runner.kit.record import Recorder
from runner.kit.replay_window import window
def say_when_it_listens():
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.01)
    print("ready", flush=True)
with window(headed=False) as context:
    recorder = Recorder(context, "Stopped", secret="x/password", panel="en")
    page = recorder.open(sys.argv[1])
    page.get_by_label("User name").fill("clerk")
    recorder.settle()
    if sys.argv[2] == "ctrl-c":
        threading.Thread(target=say_when_it_listens, daemon=True).start()
    else:
        print("ready", flush=True)
        context.browser.new_browser_cdp_session().send("Browser.close")
    recorder.wait()
    recorded = recorder.finish()
print(len(recorded.recording.steps), len(recorded.pictures))
"""


@pytest.mark.skipif(os.name == "nt", reason="a terminal's Ctrl-C is sent to a process group")
@pytest.mark.parametrize("how", ["ctrl-c", "close"])
def test_a_recording_is_kept_however_it_is_ended(tmp_path: Path, how: str) -> None:
    """Ctrl-C goes to the browser's driver as well, as from a terminal."""
    with Portal(tmp_path / "portal") as portal:
        child = subprocess.Popen(
            [sys.executable, "-c", RECORDS, portal.url, how], text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        if how == "ctrl-c":
            os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (0, "3 2\n", "")
