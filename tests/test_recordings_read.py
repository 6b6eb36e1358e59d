"""Reading recordings: what is kept, what is refused and in which words, and how steps are told."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import ConfigurationError, ErrorReport, RunnerError, UsageError
from runner.recordings.library import Place, name_from, names_of, new_place, place_of
from runner.recordings.model import Recording, identities
from runner.recordings.passwords import without_passwords
from runner.recordings.placeholders import fill, names_in, secrets_in
from runner.recordings.reading import check_steps, parse_recording, warnings_of
from runner.recordings.selectors import SelectorKind, parse_selector
from runner.recordings.wording import all_words
from tests.recordings_made import CORPUS, DATA, SITE, click, field, order_recording, own, recording

SPECIFICATION = DATA / "bad_inputs.json"
STEP: dict[str, Any] = {"type": "navigate", "url": f"{SITE}/"}
BAD: dict[str, str] = {
    "RE01": json.dumps({"title": "t", "steps": []}),
    "RE02": '{"title": "t", "steps": [{"type": "navigate", "url": "http://po',
    "RE03": '{"a": 1}',
    "RE04": json.dumps({"steps": [STEP, STEP, STEP, {"type": "clikc"}]}),
    "RE05": json.dumps({"steps": [STEP, STEP, field("Password", "open-sesame")]}),
    "RE06": json.dumps({"steps": [{"type": "navigate", "url": "file:///etc/passwd"}]}),
}


def errors_of(text: str) -> str:
    with pytest.raises((ErrorReport, ConfigurationError)) as caught:
        parse_recording(text, "recordings/x.json")
    assert "sesame" not in str(caught.value)
    return str(caught.value)


@pytest.mark.corpus
@pytest.mark.skipif(not SPECIFICATION.exists(), reason="../shared/data/bad_inputs.json is not there")
@pytest.mark.parametrize("name", BAD)
def test_bad_recordings_are_refused_in_the_words_of_the_specification(name: str) -> None:
    cases = json.loads(SPECIFICATION.read_text("utf-8"))["cases"]
    wanted = next(one for one in cases if one["id"] == name)
    said = errors_of(BAD[name])
    assert wanted["error_code"] in said
    assert all(word in said for word in wanted["message_must_contain"]), said


def test_a_step_that_goes_by_position_only_is_a_warning_and_no_error() -> None:
    steps: list[dict[str, Any]] = [
        *[STEP] * 4,
        {"type": "click", "selectors": [["div:nth-child(7) > span"]], "offsetX": 1, "offsetY": 1},
    ]
    (warning,) = warnings_of(recording(*steps), "x.json")
    assert all(
        word in str(warning) for word in ("step 5", "position-only selector", "warning", "REC_SELECTOR")
    )
    steps[-1] = {**steps[-1], "selectors": [["div:nth-child(7) > span"], ["aria/Save"]]}
    assert warnings_of(recording(*steps), "x.json") == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"type": "click", "selectors": []}, "step 1: REC_STEP: 'selectors"),
        ({"type": "click", "selectors": [[""]]}, "step 1: REC_SELECTOR: an empty selector"),
        ({"type": "change", "selectors": ["#a"]}, "step 1: REC_STEP: 'value' is missing"),
        ({"type": "navigate", "url": "javascript:alert(1)"}, "the scheme 'javascript'"),
        ({"type": "navigate", "url": "portal.example/x"}, "is no whole address"),
        (own("uplaod", files=["a"]), "did you mean 'runner.upload'?"),
        (own("expect", what="colour"), "step 1: REC_STEP: 'parameters.what'"),
        (own("pause", ms=10_000_000), "step 1: REC_STEP: 'parameters.ms'"),
        ("click", "step 1: REC_STEP: a step is str"),
    ],
)  # fmt: skip
def test_each_wrong_step_is_named_by_its_number(step: Any, said: str) -> None:
    assert said in errors_of(json.dumps({"steps": [step]}))


def test_all_mistakes_are_told_at_once() -> None:
    said = errors_of(json.dumps({"steps": [{"type": "clikc"}, STEP, {"type": "navigate", "url": "ftp://x"}]}))
    assert "step 1" in said
    assert "step 3" in said
    assert len(said.splitlines()) == 2


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/data/recordings is not there")
def test_recordings_of_devtools_are_written_back_as_they_were() -> None:
    seen = 0
    for file in CORPUS.glob("*.json"):
        plain = json.loads(file.read_text("utf-8"))
        made = check_steps(plain, file.name)[0]
        if made is not None:
            seen += 1
            assert json.loads(made.text()) == plain
    assert seen >= 10


def test_fields_that_nobody_knows_are_kept() -> None:
    plain = {"title": "t", "steps": [{**STEP, "extension": {"a": [1]}}], "note": 7}
    assert json.loads(parse_recording(json.dumps(plain), "x").text()) == plain


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "steps", "selectors", "url", "name", "value", "parameters"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON | st.fixed_dictionaries({"steps": st.lists(JSON, max_size=4)}))
def test_whatever_json_comes_the_answer_is_a_recording_or_a_typed_error(plain: Any) -> None:
    made, errors = check_steps(plain, "x.json")
    assert (made is None) == bool(errors)
    assert all(isinstance(error, RunnerError) for error in errors)
    if made is not None:
        assert len(all_words(made)) == len(all_words(made, "zh")) == len(made.steps)


@pytest.mark.parametrize(
    ("text", "kind", "value", "role"),
    [
        ('aria/Post order[role="button"]', SelectorKind.ARIA, "Post order", "button"),
        ('aria/[name="Post"][role="button"]', SelectorKind.ARIA, "Post", "button"),
        ("aria/array[0]", SelectorKind.ARIA, "array[0]", ""),
        ("text/Sign in", SelectorKind.TEXT, "Sign in", ""),
        ("xpath///*[@id='a']", SelectorKind.XPATH, "//*[@id='a']", ""),
        ("pierce/#a", SelectorKind.PIERCE, "#a", ""),
        ("#nav > a", SelectorKind.CSS, "#nav > a", ""),
    ],
)
def test_selectors_are_taken_apart(text: str, kind: SelectorKind, value: str, role: str) -> None:
    found = parse_selector(text)
    assert (found.kind, found.value, found.role) == (kind, value, role)


def test_steps_are_told_in_english_and_in_chinese() -> None:
    words, chinese = all_words(order_recording()), all_words(order_recording(), "zh")
    assert words[3] == 'Enter the password (portal/password) in "Password"'
    assert words[8] == 'Choose "Desk lamp" in "Product"'
    assert words[11:] == ['Click "Post order"', 'Read confirmation from "confirmation"']
    assert chinese[6] == "在“Order number”中输入“A-2”"
    assert chinese[11] == "点击“Post order”"


def test_a_placeholder_without_a_value_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"no value for '\{\{order_nr\}\}'") as caught:
        fill("x {{order_nr}}", {"order_no": 1})
    assert "did you mean 'order_no'?" in str(caught.value)
    with pytest.raises(ConfigurationError, match="can't be written"):
        fill("{{order_no|0.00}}", {"order_no": date(2026, 12, 1)})
    assert fill("{{ order_no | 0.00 }}", {"order_no": 2}) == "2.00"


def test_placeholders_and_secrets_of_a_recording_are_known() -> None:
    made = recording(
        field("A", "{{a}} and {{ b | 0.00 }}"),
        field("Password", "${secret:x}"),
        own("upload", selectors=[["#f"]], files=["{{file}}"]),
    )
    assert names_in(made) == ["a", "b", "file"]
    assert secrets_in(made) == ["x"]
    assert fill("{{a}}/${secret:x}", {"a": 1}, lambda name: name.upper()) == "1/X"


def test_passwords_become_references_and_the_value_is_gone() -> None:
    plain = {
        "title": "t",
        "steps": [
            field("Passwort", "one-sesame"),
            field("X", "two", "#login-pwd"),
            field("Passwort", "one-sesame"),
            field("Bypass", "way"),
        ],
    }
    made = check_steps(plain, "x")[0]
    assert made is not None
    clean, changed = without_passwords(made, "portal")
    assert changed == [1, 2, 3]
    assert [step.value for step in clean.steps if hasattr(step, "value")] == [
        "${secret:portal}",
        "${secret:portal-2}",
        "${secret:portal}",
        "way",
    ]
    assert "sesame" not in clean.text()


def test_a_step_keeps_its_picture_when_others_change() -> None:
    before = order_recording()
    steps = [before.steps[0], *before.steps[2:]]
    kept, all_before = list(identities(before.with_steps(steps))), list(identities(before))
    assert kept == [all_before[0], *all_before[2:]]
    other = before.steps[6].model_copy(update={"value": "{{order_number}}"})
    assert before.with_steps([*before.steps[:6], other, *before.steps[7:]]).fingerprint == before.fingerprint
    assert before.with_steps(steps).fingerprint != before.fingerprint


def test_recordings_of_a_project_are_found_by_name(tmp_path: Path) -> None:
    place = new_place(tmp_path, "enter-order")
    place.write(order_recording())
    (tmp_path / "recordings" / "..x.json").write_text("{}")
    assert names_of(tmp_path) == ["enter-order"]
    assert place_of(tmp_path, "recordings/enter-order.json") == Place(tmp_path, "enter-order")
    assert isinstance(place.read(), Recording)
    with pytest.raises(UsageError, match="no recording 'enter-odrer'") as caught:
        place_of(tmp_path, "enter-odrer")
    assert "did you mean 'enter-order'?" in str(caught.value)
    with pytest.raises(UsageError, match="is there already"):
        new_place(tmp_path, "enter-order")
    for wrong in ("../x", "a/b", "", ".x", "x.json"):
        with pytest.raises(UsageError, match="can't be the name"):
            new_place(tmp_path, wrong)
    assert name_from("Enter an order, 2nd!") == "enter-an-order-2nd"
    assert click("x")["type"] == "click"
