"""Replaying recordings in a real Chromium: pages that came with real recordings, and what is said when a step fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from runner.core.errors import ApplicationError, BusinessError, RunnerError
from runner.core.vault import Secret
from runner.demo.serve import Portal
from runner.kit.replay import Player, Script
from runner.kit.replay_pages import same_place
from runner.recordings.importing import import_file
from runner.recordings.model import Recording
from tests.demo_clerk import chromium
from tests.recordings_made import CORPUS, SITE, click, field, own, recording

pytestmark = pytest.mark.browser

# The button of the page is as large as its font makes it; one recording expects the middle of the button on the machine
# of its author, where it was 42 × 22 px.
AS_RECORDED = "<style>#statusBtn { width: 42px; height: 22px; box-sizing: border-box; padding: 0 }</style>"
PAGE = """<!doctype html><title>A page</title><h1>Orders</h1>
<label>Amount <input type="number"></label><label>Day <input type="date"></label>
<label>Colour <select><option value="1">Red</option><option value="2">Dark red</option></select></label>
<label><input type="checkbox" checked> Agree</label>
<button>Save</button><button>Save</button><button data-testid="late" hidden>Late</button>
<p role="status">Total: 12</p><p id="gone" hidden>Gone</p><a href="/next" target="_blank">Tab</a>
<button onclick="alert('Sold out')">Stock</button><button onclick="prompted.textContent = prompt('Who?')">Who</button>
<output id="prompted"></output><label>File <input type="file"></label>
<div id="pad" onmousedown="this.textContent='down'" onmouseup="this.textContent='up'">pad</div>
<script>setTimeout(() => { document.querySelector('[data-testid=late]').hidden = false; }, 300)</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    opened.route(
        f"{SITE}/**", lambda route: route.fulfill(body=PAGE, content_type="text/html; charset=utf-8")
    )
    yield opened
    opened.close()


def player(context: BrowserContext, made: Recording, **more: Any) -> Player:
    return Player(
        context.new_page(),
        Script(made, "recordings/made.json", Path(), Path(), **{"within_ms": 1500, **more}),
    )


def play(context: BrowserContext, *steps: dict[str, Any], **more: Any) -> Player:
    made = recording({"type": "navigate", "url": f"{SITE}/"}, *steps)
    playing = player(context, made, **more)
    playing.play()
    return playing


def fails(context: BrowserContext, *steps: dict[str, Any], kind: type[RunnerError] = ApplicationError) -> str:
    with pytest.raises(kind) as caught:
        play(context, *steps)
    return str(caught.value)


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/data/recordings is not there")
@pytest.mark.parametrize(
    "name", ["change-select", "click-failure", "click", "iframe", "press", "scroll", "wait-for-element"]
)
def test_the_pages_that_come_with_real_recordings_replay_green(browser: Browser, name: str) -> None:
    def serve(route: Route) -> None:
        page = CORPUS / f"testcafe__{route.request.url.rsplit('/', 1)[1]}"
        if page.is_file():
            text = page.read_text("utf-8").replace("</head>", f"{AS_RECORDED}</head>")
            route.fulfill(body=text, content_type="text/html; charset=utf-8")
        else:
            route.abort()

    (found,) = import_file(CORPUS / f"testcafe__{name}-test.json")
    assert found.recording is not None
    opened = browser.new_context()
    opened.route("**/*", serve)
    player(opened, found.recording, within_ms=20_000).play()
    opened.close()


def test_a_step_that_finds_nothing_is_named_with_its_number_words_and_what_was_tried(
    context: BrowserContext,
) -> None:
    said = fails(context, field("Nmae", "x", "#nmae"))
    assert said.startswith(
        "made step 2: REC_NOT_FOUND: it is not on the page after 1.5 s, tried aria 'Nmae', css '#nmae'"
    )
    assert 'at: Enter "x" in "Nmae"' in said


def test_the_page_that_a_key_leads_to_may_come_before_the_key_is_let_go(context: BrowserContext) -> None:
    form = '<form action="/next"><label>Name <input name="name"></label></form>'
    context.route(f"{SITE}/form", lambda route: route.fulfill(body=form, content_type="text/html"))
    there: Any = [{"type": "navigation", "url": f"{SITE}/next?name=Ada"}]
    down: dict[str, Any] = {"type": "keyDown", "key": "Enter"}
    up = {**down, "type": "keyUp"}
    to_form = {"type": "navigate", "url": f"{SITE}/form"}
    for keys in ([down, {**up, "assertedEvents": there}], [{**down, "assertedEvents": there}, up]):
        played = play(context, to_form, field("Name", "Ada"), *keys, slow_ms=300)
        assert played.tabs.main.url == f"{SITE}/next?name=Ada"


def test_several_matches_are_no_match_and_a_lower_selector_is_tried(context: BrowserContext) -> None:
    assert "REC_AMBIGUOUS: 2 elements match" in fails(context, click("Save"))
    two = {**click("Save"), "selectors": [['aria/Save[role="button"]'], ["h1"]]}
    play(context, two)


def test_an_element_that_comes_late_is_waited_for_once(context: BrowserContext) -> None:
    late = {"type": "click", "selectors": [["#never"], ['[data-testid="late"]']], "offsetX": 1, "offsetY": 1}
    play(context, late)


def test_a_lower_selector_is_not_good_enough_for_what_must_not_happen_twice(context: BrowserContext) -> None:
    late = {"type": "click", "selectors": [["#never"], ['[data-testid="late"]']], "offsetX": 1, "offsetY": 1}
    playing = play(context)
    other = player(context, recording({"type": "navigate", "url": f"{SITE}/"}, late))
    other.play(1, 1)
    with pytest.raises(ApplicationError, match="tried css '#never'"):
        other.play(2, 2, only_first_choice=True)
    assert other.nothing_done
    assert not playing.nothing_done


@pytest.mark.parametrize(
    ("step", "code", "said"),
    [
        (field("Colour", "Blue"), "UNKNOWN_OPTION", "there is no option 'Blue'"),
        (field("Colour", "Dark rde"), "UNKNOWN_OPTION", "did you mean 'Dark red'?"),
        (field("Amount", "12,5O"), "VALUE_REFUSED", "the field does not take '12,5O'"),
        (field("Day", "1.12.2026"), "VALUE_REFUSED", "a field of the kind date"),
        (
            own("upload", selectors=[["h1"]], files=["none.pdf"]),
            "FILE_MISSING",
            "there is no file 'none.pdf'",
        ),
    ],
)
def test_data_that_the_page_does_not_take_is_a_business_exception(
    context: BrowserContext, step: dict[str, Any], code: str, said: str
) -> None:
    answer = fails(context, step, kind=BusinessError)
    assert code in answer
    assert said in answer


CHOOSE: dict[str, Any] = own("upload", selectors=[["aria/File"]], files=["{{scan}}"])


def files_chosen(context: BrowserContext, project: Path, scan: str, step: dict[str, Any] = CHOOSE) -> Any:
    """What a page is given to upload where a row says `scan`, in a project with its workbook in ``inbox/``."""
    made = recording({"type": "navigate", "url": f"{SITE}/"}, step)
    script = Script(
        made, "recordings/made.json", project, project / "recordings" / "made", beside=(project / "inbox",)
    )
    playing = Player(context.new_page(), script)
    playing.begin({"scan": scan})
    playing.play()
    return playing.tabs.main.get_by_label("File").evaluate(
        "async e => Promise.all([...e.files].map(f => f.text()))"
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A project with files beside its workbook, elsewhere, beside the recording, in Runner's folder and outside."""
    project = tmp_path / "project"
    for name in (
        "inbox/notes/1.pdf",
        "scans/2.pdf",
        "recordings/made/1.pdf",
        "recordings/made/own.pdf",
        ".runner/key",
        "../out.pdf",
    ):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return project


def test_the_file_that_a_row_names_lies_beside_the_workbook_or_in_the_project(
    context: BrowserContext, files: Path
) -> None:
    for scan in ("notes/1.pdf", r"notes\1.pdf", " notes/1.pdf ", str(files / "inbox/notes/1.pdf")):
        assert files_chosen(context, files, scan) == ["inbox/notes/1.pdf"], scan
    assert files_chosen(context, files, "scans/2.pdf") == ["scans/2.pdf"]
    assert files_chosen(context, files, "../scans/2.pdf") == ["scans/2.pdf"]
    own_file = own("upload", selectors=[["aria/File"]], files=["own.pdf"])
    assert files_chosen(context, files, "notes/1.pdf", own_file) == ["recordings/made/own.pdf"]


def test_an_empty_cell_uploads_nothing(context: BrowserContext, files: Path) -> None:
    assert files_chosen(context, files, "") == []


@pytest.mark.parametrize(
    "scan", ["1.pdf", "notes", ".runner/key", "../.runner/key", "../../out.pdf", "/etc/hostname"]
)
def test_a_row_uploads_no_file_of_another_row_none_of_runner_and_none_outside_the_project(
    context: BrowserContext, files: Path, scan: str
) -> None:
    with pytest.raises(BusinessError, match="there is no file") as caught:
        files_chosen(context, files, scan)
    assert f"'{scan}'" in str(caught.value)
    assert caught.value.stable_code == "FILE_MISSING"


def test_no_error_shows_a_secret_that_was_typed(context: BrowserContext) -> None:
    with pytest.raises(BusinessError) as caught:
        play(context, field("Amount", "${secret:amount}"), secret=lambda _: Secret("open-sesame", ("*",)))
    assert "the field does not take '***'" in str(caught.value)


def test_options_are_chosen_by_value_or_words_and_boxes_ticked(context: BrowserContext) -> None:
    page = play(context, field("Colour", "Dark red"), field("Agree", "no")).tabs.main
    assert page.get_by_label("Colour").input_value() == "2"
    assert not page.get_by_label("Agree").is_checked()
    page = play(context, field("Colour", "1"), field("Agree", "true")).tabs.main
    assert page.get_by_label("Colour").input_value() == "1"
    assert page.get_by_label("Agree").is_checked()


def test_what_is_expected_of_a_page_is_waited_for_and_said(context: BrowserContext) -> None:
    status = [['[role="status"]']]
    play(
        context,
        own("expect", selectors=status, what="text", value="Total: 12"),
        own("expect", selectors=status, what="contains", value="12"),
        own("expect", selectors=status, what="not text", value="13"),
        own("expect", selectors=[["#gone"]], what="hidden"),
        own("expect", selectors=[["aria/Agree"]], what="checked"),
        own("expect", what="title", value="A page"),
        own("read", selectors=status, output="total"),
    )  # fmt: skip
    assert "REC_FAILED" in fails(context, own("expect", selectors=status, what="text", value="Total: 13"))
    assert "REC_FAILED" in fails(context, own("expect", what="title", value="Other"))
    assert "REC_FAILED" in fails(context, own("expect", selectors=status, what="hidden"))


def test_dialogs_are_answered_as_the_recording_says(context: BrowserContext) -> None:
    told = play(
        context,
        own("dialog", accept=True, text="Ada"),
        click("Who"),
        click("Stock"),
        own("dialog", message="Sold out"),
    )
    assert told.tabs.main.locator("#prompted").inner_text() == "Ada"
    assert "the last dialog said 'Sold out', at: " in fails(
        context, click("Stock"), own("dialog", message="Sold on")
    )


def test_the_mouse_goes_down_and_up_and_keys_are_pressed(context: BrowserContext) -> None:
    chain = 'playwright/[{"by": "css", "value": "button"}, {"by": "nth", "value": "1"}]'
    page = play(
        context,
        own("mouse", selectors=[["#pad"]], act="down"),
        own("expect", selectors=[["#pad"]], what="text", value="down"),
        own("mouse", selectors=[["#pad"]], act="up"),
        own("expect", selectors=[["#pad"]], what="text", value="up"),
        own("mouse", act="out"),
        own("act", act="press", selectors=[["aria/Amount"]], value="4"),
        own("act", act="click", selectors=[[chain]]),
        own("pause", ms=1),
        {"type": "emulateNetworkConditions", "download": 100_000, "upload": 100_000, "latency": 1},
    ).tabs.main  # fmt: skip
    assert page.get_by_label("Amount").input_value() == "4"
    assert page.evaluate("document.activeElement.textContent") == "Save"


def test_a_step_of_another_tool_or_in_a_tab_that_never_opened_says_so(context: BrowserContext) -> None:
    made = recording(
        {"type": "navigate", "url": f"{SITE}/"}, {"type": "customStep", "name": "other", "parameters": {}}
    )
    with pytest.raises(RunnerError, match="'other' of another tool can't be replayed"):
        player(context, made).play()
    assert "REC_NO_TAB" in fails(context, {**click("Save"), "target": f"{SITE}/elsewhere"})
    assert "REC_NO_FRAME" in fails(context, {**click("Save"), "frame": [4]})


def test_the_page_that_followed_while_recording_must_follow_again(context: BrowserContext) -> None:
    said = fails(
        context,
        {
            **click("Late"),
            "selectors": [['[data-testid="late"]']],
            "assertedEvents": [{"type": "navigation", "url": f"{SITE}/sent"}],
        },
    )
    assert f"REC_NAVIGATION: after 1.5 s the page is {SITE}/" in said
    assert f"{SITE}/sent" in said


def test_a_site_that_does_not_answer_is_said_in_plain_words(browser: Browser) -> None:
    opened = browser.new_context()
    opened.route(f"{SITE}/**", lambda route: route.abort("connectionrefused"))
    said = fails(opened)
    opened.close()
    assert "made step 1: PAGE_NETWORK: the site does not answer (ERR_CONNECTION_REFUSED), at: Open" in said


@pytest.mark.parametrize(
    ("url", "wanted", "same"),
    [
        ("http://a/orders/PC-000007", "http://a/orders/PC-000041?x=1", True),
        ("http://a/orders/new", "http://a/orders/PC-000041", True),
        ("http://a/orders/new", "http://a/orders/edit", False),
        ("http://a/", "http://a", True),
        ("http://b/", "http://a/", False),
        ("http://a/orders/1/2", "http://a/orders/1", False),
    ],
)
def test_two_addresses_are_the_same_page_where_only_numbers_differ(
    url: str, wanted: str, *, same: bool
) -> None:
    assert same_place(url, wanted) is same


def test_a_site_that_answers_with_an_error_is_an_application_exception(
    browser: Browser, tmp_path: Path
) -> None:
    with Portal(tmp_path / "portal") as portal:
        made = recording(
            {"type": "navigate", "url": "http://recorded.example/login"}, field("User name", "{{user}}"),
            field("Password", "${secret:portal/password}"),
            {**click("Sign in"), "assertedEvents": [{"type": "navigation", "url": "http://recorded.example/"}]},
        )  # fmt: skip
        opened = browser.new_context()
        playing = player(
            opened, made, address=portal.url, secret=lambda _: Secret(portal.password, ("127.0.0.1",))
        )
        playing.begin({"user": portal.user})
        playing.play()
        assert playing.arrived
        assert playing.tabs.main.url == f"{portal.url}/"

        opened.clear_cookies()
        playing.begin({"user": "somebody else"})
        with pytest.raises(BusinessError, match="User name or password is wrong") as refused:
            playing.play()
        assert refused.value.stable_code == "REFUSED"
        assert portal.password not in json.dumps(str(refused.value))

        portal.set_faults(fail_next=[{"path": "/login", "method": "POST", "status": 503, "times": 1}])
        with pytest.raises(ApplicationError, match=r"error page|ERR_HTTP") as broken:
            playing.play()
        assert broken.value.where == "made step 4"
        opened.close()
