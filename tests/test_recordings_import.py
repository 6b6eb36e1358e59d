"""Importing what other recorders write: Playwright's codegen as lines and as Python, Selenium IDE, and a table of real files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import playwright
import pytest

from runner.recordings.from_playwright import import_jsonl, parts_of
from runner.recordings.from_python import import_python
from runner.recordings.importing import import_file, import_table
from runner.recordings.wording import all_words
from tests.recordings_made import CORPUS

DRIVER = Path(playwright.__file__).parent / "driver"
HEAD = {
    "browserName": "chromium",
    "launchOptions": {},
    "contextOptions": {"viewport": {"width": 800, "height": 600}},
}
PYTHON = """
import re
from playwright.sync_api import Playwright, sync_playwright, expect


def run(playwright: Playwright) -> None:
    browser = playwright.chromium.launch(headless=False)
    context = browser.new_context()
    page = context.new_page()
    page.goto("http://portal.example/")
    page.get_by_role("textbox", name="User name").fill("clerk")
    page.get_by_label("Password", exact=True).fill("{password}")
    page.get_by_role("button", name="Save").nth(1).click()
    page.locator("iframe[name=\\"inner\\"]").content_frame.get_by_text("Inside").dblclick()
    page.get_by_label("Colour").select_option("b")
    page.get_by_role("checkbox", name="Agree").check()
    page.get_by_label("Name").press("Enter")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Ask").click(button="right")
    with page.expect_popup() as page1_info:
        page.get_by_role("link", name="Other").click()
    page1 = page1_info.value
    page1.get_by_placeholder("Your name").fill("Bob")
    page1.get_by_label("File").set_input_files("offer.pdf")
    expect(page1.get_by_test_id("total")).to_contain_text("12")
    page1.close()

    # ---------------------
    context.close()
    browser.close()


with sync_playwright() as playwright:
    run(playwright)
"""


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/data/recordings is not there")
def test_each_real_recording_is_imported_or_refused_with_the_step_and_the_reason() -> None:
    index = json.loads((CORPUS / "INDEX.json").read_text("utf-8"))
    found = import_table([CORPUS / one["file"] for one in index], secret="site/password")
    assert {one.file for one in found} == {one["file"] for one in index}
    refused = {one.title: str(one.problems[0]) for one in found if one.recording is None}
    assert sorted(refused) == [
        "If variable", "Times variable", "control flow else", "control flow else if", "control flow if",
        "testcafe__iframe1", "testcafe__iframe2", "testcafe__iframe3", "testcafe__index", "testcafe__json-without-test",
        "wpt__singlestep",
    ]  # fmt: skip
    assert "step 2: REC_FLOW: the command 'if' controls the flow" in refused["control flow if"]
    assert "step 2: REC_FLOW: the command 'times'" in refused["Times variable"]
    assert "no 'steps'" in refused["wpt__singlestep"]
    assert all(bool(one.recording) != bool(one.problems) for one in found)
    assert sum(one.recording is not None for one in found) == 19
    text = "".join(one.recording.text() for one in found if one.recording)
    assert "SuperSecret" not in text
    assert "${secret:site/password}" in text


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/data/recordings is not there")
def test_a_password_in_clear_is_refused_where_no_name_for_it_is_given() -> None:
    (found,) = import_file(CORPUS / "selenium-ide__single-test.side")
    assert found.recording is None
    said = str(found.problems[0])
    assert all(word in said for word in ("step 4", "REC_SECRET", "contains a literal password", "${secret:"))
    assert "SuperSecret" not in said


def test_codegens_python_is_read_without_running_it() -> None:
    recording, errors = import_python(PYTHON.replace("{password}", "hunter22"), "x.py")
    assert errors == []
    assert recording is not None
    assert all_words(recording) == [
        "Open http://portal.example/", 'Enter "clerk" in "User name"', 'Enter "hunter22" in "Password"', 'Click "Save"',
        'Double-click "Inside"', 'Enter "b" in "Colour"', 'Click "Agree"', 'Press "Enter" in "Name"',
        "Answer the dialog with Cancel", 'Click "Ask" with the right button', 'Click "Other"',
        'Enter "Bob" in "[placeholder="Your name"]" (in the tab tab 2)',
        'Choose the file "offer.pdf" in "File" (in the tab tab 2)',
        'Check that "total" contains "12" (in the tab tab 2)', "Close the tab (in the tab tab 2)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("for n in range(3): page.click('a')", "(For)"),
        ("page.get_by_role('button', name=re.compile('x')).click()", "is no plain text"),
        ("page.evaluate('1')", "the action 'evaluate'"),
        ("os.system('true')", "'os.system"),
        ("page.get_by_role('button').and_(page.locator('a')).click()", "the locator 'and_'"),
    ],
)
def test_python_that_no_recording_can_hold_is_refused_with_its_line(line: str, said: str) -> None:
    text = f"from playwright.sync_api import sync_playwright\ndef run(page):\n    page.goto('http://a.example/')\n    {line}\n"
    _, errors = import_python(text, "x.py")
    assert errors[0].where == "x.py:4: step 2"
    assert said in str(errors[0])


def test_codegens_lines_become_steps() -> None:
    lines: list[dict[str, Any]] = [
        HEAD,
        {"name": "openPage", "url": "about:blank", "pageGuid": "p1", "signals": []},
        {"name": "navigate", "url": "http://portal.example/", "pageGuid": "p1", "signals": []},
        {"name": "fill", "text": "clerk", "pageGuid": "p1", "locator": {"kind": "role", "body": "textbox", "options": {"attrs": [], "exact": False, "name": "User"}}},
        {"name": "click", "button": "left", "modifiers": 0, "clickCount": 1, "pageGuid": "p1",
         "signals": [{"name": "navigation", "url": "http://portal.example/x"}, {"name": "popup", "popupPageGuid": "p2"}],
         "locator": {"kind": "test-id", "body": "go", "options": {}}},
        {"name": "press", "key": "a", "modifiers": 2, "pageGuid": "p2", "locator": {"kind": "label", "body": "Name", "options": {}}},
        {"name": "select", "options": ["b"], "pageGuid": "p1", "locator": {"kind": "label", "body": "Colour", "options": {"exact": True}}},
        {"name": "setInputFiles", "files": ["a.pdf"], "pageGuid": "p1", "locator": {"kind": "default", "body": "#f", "options": {}}},
        {"name": "assertText", "text": "Hello", "substring": True, "pageGuid": "p1", "locator": {"kind": "text", "body": "Hello", "options": {}}},
    ]  # fmt: skip
    recording, errors = import_jsonl("\n".join(map(json.dumps, lines)), "x.jsonl")
    assert errors == []
    assert recording is not None
    assert all_words(recording) == [
        "Make the window 800 × 600", "Open http://portal.example/", 'Enter "clerk" in "User"', 'Click "go"',
        'Press "Control+a" in "Name" (in the tab tab 2)', 'Enter "b" in "Colour"', 'Choose the file "a.pdf" in "#f"',
        'Check that "Hello" contains "Hello"',
    ]  # fmt: skip
    assert recording.steps[3].leads_to is not None
    lines[3]["locator"]["options"]["name"] = {}
    _, errors = import_jsonl("\n".join(map(json.dumps, lines)), "x.jsonl")
    assert [error.where for error in errors] == ["x.jsonl: step 3"]


SELECTORS = (
    'internal:role=button[name="Save"i]', 'internal:role=button[name="Save"s] >> nth=1', 'internal:label="Name"i',
    'internal:testid=[data-testid="total"s]', 'internal:text="Hello"s', "#a > .b",
    'iframe[name="inner"] >> internal:control=enter-frame >> internal:role=link[name="Go"i]',
    'li >> internal:has-text="Two"i >> internal:role=button', 'internal:attr=[placeholder="Your name"i]',
)  # fmt: skip


def test_the_locators_of_the_installed_codegen_are_understood_in_both_of_its_languages() -> None:
    """Codegen's output is not documented: this asks the installed driver itself how it writes each kind of locator."""
    script = (
        "const {iso} = require(process.argv[1]);"
        "console.log(JSON.stringify(JSON.parse(process.argv[2]).map(s => [iso.asLocator('jsonl', s), iso.asLocator('python', s)])))"
    )
    node = next(path for path in (DRIVER / "node", DRIVER / "node.exe") if path.exists())
    bundle = str(DRIVER / "package" / "lib" / "coreBundle.js")
    done = subprocess.run(
        [str(node), "-e", script, bundle, json.dumps(SELECTORS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for line, python in json.loads(done.stdout):
        source = f"from playwright.sync_api import Page\ndef run(page):\n    page.{python}.hover()\n"
        recording, errors = import_python(source, "x.py")
        assert errors == []
        assert recording is not None
        action = {"name": "hover", "pageGuid": "p", "locator": json.loads(line)}
        other, errors = import_jsonl("\n".join(map(json.dumps, [HEAD, action])), "x.jsonl")
        assert errors == []
        assert other is not None
        assert list(recording.steps[0].raw_selectors) == list(other.steps[1].raw_selectors), python
        assert list(parts_of(json.loads(line)))


def side(*commands: tuple[str, str, str]) -> str:
    made = [
        {"command": word, "target": target, "value": value, "targets": []} for word, target, value in commands
    ]
    return json.dumps({"url": "http://portal.example", "tests": [{"name": "one", "commands": made}]})


def test_plain_commands_of_selenium_become_steps(tmp_path: Path) -> None:
    file = tmp_path / "x.side"
    file.write_text(
        side(
            ("open", "/login", ""), ("setWindowSize", "800x600", ""), ("type", "id=user", "clerk"),
            ("sendKeys", "name=user", "${KEY_ENTER}"), ("select", "id=colour", "label=Blue"), ("selectFrame", "index=1", ""),
            ("click", "linkText=Go", ""), ("selectFrame", "relative=parent", ""), ("//click", "id=off", ""),
            ("assertText", "css=.flash", "Hello"), ("waitForElementVisible", "id=x", "30000"), ("pause", "250", ""),
            ("chooseOkOnNextConfirmation", "", ""), ("assertTitle", "Home", ""), ("mouseOut", "id=a", ""),
        ),
        encoding="utf-8",
    )  # fmt: skip
    (found,) = import_file(file)
    assert found.problems == ()
    assert found.recording is not None
    words = all_words(found.recording)
    assert words[0] == "Open http://portal.example/login"
    assert words[3:6] == [
        'Press "Enter" in "[name="user"]"',
        'Enter "Blue" in "#colour"',
        'Click "Go" (in a frame)',
    ]
    assert words[6:] == [
        'Check that ".flash" says "Hello"', 'Check that "#x" is visible', "Wait 250 ms", "Answer the dialog with OK",
        'Check that the page is called "Home"', 'Move the pointer away from "#a"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("while", "${x}", ""), "REC_FLOW"),
        (("store", "1", "x"), "REC_VARIABLE"),
        (("type", "id=a", "${x}"), "REC_VARIABLE"),
        (("selectFrame", "name=x", ""), "REC_FRAME"),
        (("selectWindow", "title=x", ""), "REC_WINDOW"),
        (("dragAndDropToObject", "id=a", "id=b"), "REC_ACTION"),
        (("run", "another", ""), "REC_RUN"),
    ],
)
def test_commands_that_no_recording_can_hold_are_refused_by_name(
    tmp_path: Path, command: tuple[str, str, str], code: str
) -> None:
    file = tmp_path / "x.side"
    file.write_text(side(("open", "/", ""), command), encoding="utf-8")
    (found,) = import_file(file)
    assert found.recording is None
    assert found.problems[0].stable_code == code
    assert found.problems[0].where == "x.side: test 'one', step 2"
    assert f"'{command[0]}'" in found.problems[0].what


@pytest.mark.parametrize(
    "text", ["", "\x00", "hello", "[]", '{"tests": []}', '{"tests": [{"name": "a"}]}', "{" * 5000, "\ufeff{}"]
)
def test_a_file_that_is_no_recording_is_refused_and_nothing_is_raised(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    assert all(one.recording is None and one.problems for one in import_file(file))
