"""Binding a recording to a workbook: what is proposed, what the file says, and the script that is written of both."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import ErrorReport, UsageError
from runner.recordings.binding import (
    Binding,
    BoundField,
    binding_text,
    item_model,
    read_binding,
    write_binding,
)
from runner.recordings.columns import field_name
from runner.recordings.forms import Kind
from runner.recordings.library import Place
from runner.recordings.model import Change, Recording
from runner.recordings.placeholders import fill, names_in
from runner.recordings.propose import Because, Proposal, apply, first_of_each, propose_binding
from runner.recordings.script import script_of
from runner.recordings.small_script import small_script
from tests.recordings_made import HEADINGS, SITE, click, field, order_recording, own, recording

ROOT = Path(__file__).resolve().parents[1]
ROWS: list[list[Any]] = [
    ["A-1", "Alder & Finch", "Desk lamp", 39.5, date(2026, 12, 1)],
    ["A-2", "Birch & Co", "Desk lamp", 1250.5, date(2026, 12, 2)],
    ["A-3", "Cedar", "Desk lamp", "12,5O", date(2026, 12, 3)],
    *[[f"A-{n + 4}", "Birch & Co", "Bookcase", n, date(2026, 12, 4)] for n in range(4)],
]


def proposed(made: Recording | None = None, **more: Any) -> Proposal:
    return propose_binding(
        made or order_recording(), HEADINGS, ROWS, workbook="inbox/orders.xlsx", sheet="Orders", **more
    )


def test_values_are_found_in_the_row_that_was_typed_with_the_form_they_were_typed_in() -> None:
    found = proposed()
    assert {m.step: m.placeholder for m in found.matches} == {
        7: "{{order_number}}",
        8: "{{customer}}",
        9: "{{product}}",
        10: "{{amount|#.##0,00}}",
        11: "{{delivery_date|%d.%m.%Y}}",
    }
    binding = found.binding
    assert (binding.each_from, binding.irreversible) == (6, 12)
    assert binding.outputs == {"confirmation": "confirmation"}
    assert binding.secrets == ("portal/password",)
    assert {name: bound.kind for name, bound in binding.fields.items()} == {
        "order_number": Kind.TEXT, "customer": Kind.TEXT, "product": Kind.TEXT, "amount": Kind.NUMBER,
        "delivery_date": Kind.DATE,
    }  # fmt: skip
    assert all("row 2 has it" in match.why for match in found.matches)


def test_what_is_typed_again_from_the_proposal_is_what_was_typed_while_recording() -> None:
    found = proposed()
    bound = apply(order_recording(), found)
    assert names_in(bound) == list(found.binding.fields)
    assert bound.fingerprint == order_recording().fingerprint == found.binding.fingerprint
    row = dict(zip(found.binding.fields, ROWS[1], strict=True))
    typed = [step.value for step in order_recording().steps if isinstance(step, Change)]
    again = [fill(step.value, row) for step in bound.steps if isinstance(step, Change)]
    assert again == typed


def test_the_heading_decides_where_no_cell_has_the_value() -> None:
    made = recording(field("Customer", "Somebody else", "#customer"), field("Colour", "red"), click("Post"))
    found = proposed(made)
    assert [(m.field, m.why) for m in found.matches] == [("customer", "the field is called 'Customer'")]
    assert found.binding.irreversible == 3
    assert found.binding.each_from == 1


def test_enter_that_leads_to_another_page_is_the_irreversible_step_and_one_that_picks_a_value_is_not() -> (
    None
):
    down, up = {"type": "keyDown", "key": "Enter"}, {"type": "keyUp", "key": "Enter"}
    away = {"assertedEvents": [{"type": "navigation", "url": "http://portal.example/orders/7"}]}
    typed = field("Customer", "Birch & Co", "#customer")
    for press in ((down, {**up, **away}), ({**down, **away}, up)):
        assert proposed(recording(typed, *press, click("Next"))).binding.irreversible == 2
    assert proposed(recording(typed, down, up, click("Post", "/orders/7"))).binding.irreversible == 4
    assert proposed(recording(typed, down, up)).binding.irreversible is None


def test_a_person_chooses_a_column_or_none() -> None:
    found = proposed(chosen={8: "", 9: "Customer"})
    assert {m.step: m.field for m in found.matches}[9] == "customer"
    assert 8 not in {m.step for m in found.matches}


def test_binding_again_starts_from_what_was_typed() -> None:
    first = proposed()
    bound = apply(order_recording(), first)
    again = proposed(bound, samples=first.binding.values)
    assert again == first
    assert apply(bound, again, first.binding.values) == bound
    lost = proposed(bound)
    assert [m.placeholder for m in lost.matches] == [m.placeholder for m in first.matches]
    assert lost.binding.values == {}


def test_the_key_is_a_column_that_tells_the_rows_apart() -> None:
    rows = [["x", f"N-{n}"] for n in range(5)]
    made = recording(field("Kind", "x"), field("Number", "N-3"), click("Post"))
    assert propose_binding(made, ("Kind", "Number"), rows).binding.key == "number"


def test_where_only_the_label_fits_a_value_is_typed_in_the_form_it_was_typed_in() -> None:
    made = recording(field("Amount", "2.000,00"), field("Due", "31.12.2026"), click("Post"))
    rows: list[list[Any]] = [[12.5, date(2026, 12, 1)], [3.25, date(2026, 12, 2)]]
    found = propose_binding(made, ("Amount", "Due"), rows)
    assert [match.placeholder for match in found.matches] == ["{{amount|#.##0,00}}", "{{due|%d.%m.%Y}}"]


def test_an_amount_that_was_typed_with_decimals_may_have_some_though_the_cells_seen_are_whole() -> None:
    made = recording(field("Amount", "79.00"), field("Pieces", "12"), click("Post"))
    found = propose_binding(made, ("Amount", "Pieces"), [[79, 12], [5, 3]])
    assert [match.placeholder for match in found.matches] == ["{{amount|0.00}}", "{{pieces}}"]
    assert {name: one.kind for name, one in found.binding.fields.items()} == {
        "amount": Kind.NUMBER,
        "pieces": Kind.WHOLE,
    }


def test_no_form_rounds_the_cells_of_a_column_with_decimals() -> None:
    made = recording(field("Sum", "1,250", "#amount"), click("Post"))
    (match,) = propose_binding(made, ("Amount",), [[1250.0], [3.25], [7.5]]).matches
    assert match.placeholder == "{{amount}}"


def test_headings_in_chinese_become_placeholders_that_are_filled_in() -> None:
    made = recording(field("Order number", "SO-1"), click("Post"))
    found = propose_binding(made, ("订单号",), [["SO-1"], ["SO-2"]], workbook="订单.xlsx")
    bound = apply(made, found)
    assert names_in(bound) == ["订单号"]
    step = bound.steps[0]
    assert isinstance(step, Change)
    assert fill(step.value, {"订单号": "SO-2"}) == "SO-2"


CELLS = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(-(10**9), 10**9),
    st.floats(-(10**6), 10**6),
    st.dates(),
    st.booleans(),
)


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6),
    st.lists(st.text(max_size=6), min_size=3, max_size=3),
)
def test_whatever_the_table_holds_a_proposal_can_be_written_and_read(
    rows: list[list[Any]], headings: list[str]
) -> None:
    made = recording(field("A", "12"), field("B", "x"), click("Post"))
    found = propose_binding(made, headings, rows, workbook="a.xlsx")
    bound = apply(made, found)
    assert len(bound.steps) == 3
    assert set(names_in(bound)) == {match.field for match in found.matches}
    assert "fingerprint" in binding_text(found.binding, bound, "x")


@pytest.mark.parametrize(
    ("heading", "name"),
    [("Order no.", "order_no"), ("2nd name", "c_2nd_name"), ("订单号", "订单号"), ("***", "column")],
)
def test_a_heading_becomes_a_name(heading: str, name: str) -> None:
    assert field_name(heading) == name


def bound_place(tmp_path: Path) -> tuple[Place, Recording, Binding]:
    place, found = Place(tmp_path, "enter-order"), proposed()
    bound = apply(order_recording(), found)
    place.write(bound)
    write_binding(place, found.binding, bound)
    return place, bound, found.binding


def test_a_binding_is_read_as_it_was_written(tmp_path: Path) -> None:
    place, bound, binding = bound_place(tmp_path)
    assert read_binding(place) == binding
    other = binding.model_copy(
        update={
            "process": "order: entry",
            "lanes": 2,
            "address": "http://127.0.0.1:1",
            "already_done": "look",
        }
    )
    write_binding(place, other, bound)
    assert read_binding(place) == other


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("key: order_number", "key: order_nmber", "did you mean 'order_number'?"),
        ("irreversible: 12", "irreversible: 99", "'irreversible' is 99 - a step from 1 to 13"),
        ("irreversible: 12", "irreversible: 2", "comes before 'each_from'"),
        ("for_each:", "foreach:", "did you mean 'for_each'?"),
        ('confirmation: "confirmation"', 'confirm: "x"', "no step reads 'confirm'"),
        ('secrets: ["portal/password"]', "secrets: []", "needs the secret 'portal/password'"),
        ("  amount:", "  amuont:", "the recording has '{{amount}}', which has no column"),
        ("kind: date", "kind: dates", "'fields.delivery_date.kind' is 'dates'"),
        ("fingerprint: ", "fingerprint: x", "other steps than when it was bound"),
    ],
)
def test_each_mistake_in_a_binding_has_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    place, _, _ = bound_place(tmp_path)
    text = place.binding.read_text("utf-8")
    assert old in text
    place.binding.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ErrorReport) as caught:
        read_binding(place)
    line = next(error for error in str(caught.value).splitlines() if said in error)
    assert line.startswith("recordings/enter-order.yaml:")
    assert "REC_BINDING" in line


def test_the_rows_have_the_types_of_their_columns() -> None:
    binding = replace(proposed()).binding
    optional = {**binding.fields, "customer": BoundField(column="Customer", optional=True)}
    model = item_model(binding.model_copy(update={"fields": optional}), "enter-order")
    made = model.model_validate(
        {"order_number": "1", "product": "x", "amount": "1.5", "delivery_date": "2026-12-01"}
    )
    assert made.model_dump() == {
        "order_number": "1", "customer": None, "product": "x", "amount": Decimal("1.5"), "delivery_date": date(2026, 12, 1),
    }  # fmt: skip
    assert model.model_fields["order_number"].title == "Order number"


def upload_recording() -> Recording:
    """Name an order and choose its file; the browser told the file's name and no folder."""
    return recording(
        {"type": "navigate", "url": f"{SITE}/"},
        field("Number", "A-2"),
        own("upload", selectors=[["#file"]], files=["note-2.pdf"]),
        click("Send", "/sent"),
    )


def proposed_upload() -> Proposal:
    rows = [["A-1", "notes/note-1.pdf"], ["A-2", r"C:\scans\note-2.pdf"], ["A-3", "note-2.pdf"]]
    return propose_binding(upload_recording(), ["Number", "Scan"], rows, workbook="inbox/orders.xlsx")


def test_a_file_that_was_chosen_belongs_to_the_column_with_its_path() -> None:
    found = proposed_upload()
    assert [(m.step, m.field, m.because) for m in found.matches] == [
        (2, "number", Because.CELL),
        (3, "scan", Because.CELL),
    ]
    assert found.binding.values["scan"] == "note-2.pdf"


def test_a_script_looks_for_the_file_of_a_row_beside_the_workbook() -> None:
    found = proposed_upload()
    made = script_of(apply(upload_recording(), found), "send", found.binding, "send")
    assert "set_input_files(files_of(item.data.scan))" in made
    assert 'Path("inbox", name), Path(name)' in made


SCRIPTS: dict[str, tuple[Recording, Binding | None]] = {
    "with_files": (apply(upload_recording(), proposed_upload()), proposed_upload().binding),
    "with_rows": (apply(order_recording(), proposed()), proposed().binding),
    "without_rows": (order_recording(), None),
    "not_irreversible": (
        apply(order_recording(), proposed()),
        proposed().binding.model_copy(update={"irreversible": None, "process": "orders", "lanes": 2}),
    ),
    "everything": (
        recording(
            {"type": "navigate", "url": "http://portal.example/a?b=1"},
            {**click("Long " * 30, "/x"), "selectors": [["aria/" + "Long " * 30 + '[role="button"]']]},
            {"type": "doubleClick", "selectors": [["text/It's \"quoted\""]], "offsetX": 1, "offsetY": 1, "frame": [0, 1]},
            {"type": "hover", "selectors": [["xpath///a[@id='b']"]]},
            {"type": "keyDown", "key": "Enter"},
            {"type": "keyUp", "key": "Enter"},
            {"type": "keyDown", "key": "Tab", "assertedEvents": [{"type": "navigation", "url": "http://portal.example/y"}]},
            {"type": "scroll", "y": 300},
            {"type": "scroll", "x": 1, "selectors": ["#a"]},
            {"type": "waitForElement", "selectors": [".b"], "operator": "==", "count": 2},
            {"type": "waitForElement", "selectors": [".b"]},
            {"type": "waitForExpression", "expression": "document.title === 'x'"},
            {"type": "emulateNetworkConditions", "download": 1, "upload": 1, "latency": 1},
            {"type": "customStep", "name": "other", "parameters": {}},
            click("Opens"),
            {**field("In the tab", "x"), "target": "http://portal.example/tab"},
            {"type": "close", "target": "http://portal.example/tab"},
            own("upload", selectors=[["#f"]], files=["a.pdf"]),
            own("expect", selectors=[["#t"]], what="contains", value="12"),
            own("expect", what="title", value="Home"),
            own("dialog", accept=True, text="Ada"),
            own("mouse", selectors=[["#m"]], act="down"),
            own("mouse", act="out"),
            own("pause", ms=10),
            own("act", act="click", selectors=[['playwright/[{"by": "css", "value": "iframe"}, {"by": "frame"}, {"by": "role", "value": "link", "name": "Go"}, {"by": "nth", "value": "1"}]']]),
            own("read", selectors=[['[data-testid="c"]']], output="c"),
        ),
        None,
    ),
}  # fmt: skip


def test_the_script_of_a_recording_is_clean_for_ruff_and_mypy(tmp_path: Path) -> None:
    """One call of each checker for all scripts: starting them takes most of the time."""
    for name, (made, binding) in SCRIPTS.items():
        (tmp_path / f"{name}.py").write_text(script_of(made, "enter-order", binding, name), encoding="utf-8")
    (tmp_path / "small.py").write_text(small_script("small"), encoding="utf-8")
    config = ["--config", str(ROOT / "pyproject.toml")]
    for words in (["ruff", "check", *config, "--ignore", "INP001"], ["ruff", "format", *config, "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", *words, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    files = [str(path) for path in tmp_path.glob("*.py")]
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(tmp_path / "cache"),
    ]
    done = subprocess.run([*mypy, *files], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_keys_that_are_pressed_and_let_go_are_one_line_that_waits_for_the_page_they_lead_to() -> None:
    def key(kind: str, name: str, leads_to: str = "") -> dict[str, Any]:
        step = {"type": f"key{kind}", "key": name}
        there = [{"type": "navigation", "url": f"{SITE}{leads_to}"}]
        return {**step, "assertedEvents": there} if leads_to else step

    def lines(*steps: dict[str, Any]) -> list[str]:
        text = script_of(recording({"type": "navigate", "url": SITE}, *steps), "keys", None, "keys")
        return [line.strip() for line in text.partition('page.goto("/")\n')[2].splitlines()]

    waits = ['with page.expect_navigation(url="**/orders/**"):', 'page.keyboard.press("Enter")']
    assert lines(key("Down", "Enter", "/orders/7"), key("Up", "Enter")) == waits
    assert lines(key("Down", "Enter"), key("Up", "Enter", "/orders/7")) == waits
    both = [key("Down", "Control"), key("Down", "a"), key("Up", "a"), key("Up", "Control")]
    assert lines(*both, *both) == ['page.keyboard.press("Control+a")'] * 2
    held = [key("Down", "Shift"), key("Down", "Tab"), key("Up", "Tab"), click("Save"), key("Up", "Shift")]
    assert lines(*held) == [
        'page.keyboard.down("Shift")', 'page.keyboard.press("Tab")',
        'page.get_by_role("button", name="Save", exact=True).click()', 'page.keyboard.up("Shift")',
    ]  # fmt: skip


def test_a_key_that_enters_what_was_typed_is_the_irreversible_act_and_its_page_is_waited_for() -> None:
    plain, bound = order_recording(), proposed()
    post, read = plain.steps[11:]
    keys = recording({"type": "keyDown", "key": "Enter"}, {"type": "keyUp", "key": "Enter"}).steps
    keys[1] = keys[1].model_copy(update={"asserted_events": post.asserted_events})
    (back,) = recording({"type": "navigate", "url": f"{SITE}/"}).steps
    for behind, then in (
        ([read], '    page.keyboard.press("Enter")\n    alert = page.get_by_role("alert")\n'),
        ([back, read], '    with page.expect_navigation():\n        page.keyboard.press("Enter")\n    read:'),
    ):
        made = apply(plain, bound).with_steps([*apply(plain, bound).steps[:11], *keys, *behind])
        text = script_of(made, "enter-order", bound.binding, "enter_order")
        assert 'item.irreversible("Press Enter", lambda: submit(page)' in text
        assert f'"""Press Enter; what the page objects to is a business exception."""\n{then}' in text


def test_what_is_done_for_each_row_does_not_begin_with_the_key_that_signed_in() -> None:
    home = [{"type": "navigation", "url": f"{SITE}/"}]
    made = recording(
        field("Password", "${secret:portal/password}"), {"type": "keyDown", "key": "Enter", "assertedEvents": home},
        {"type": "keyUp", "key": "Enter"}, field("Order number", "A-2"),
    )  # fmt: skip
    assert first_of_each(made) == 4


def test_a_script_has_locators_by_role_and_label_named_steps_and_the_irreversible_act() -> None:
    made, binding = SCRIPTS["with_rows"]
    text = script_of(made, "enter-order", binding, "enter_order")
    for line in (
        'page.get_by_label("Password", exact=True).fill(secret("portal/password"))',
        'page.get_by_role("button", name="Sign in", exact=True).click()',
        'f"{item.data.amount:,.2f}".translate(str.maketrans(",.", ".,"))',
        'item.data.delivery_date.strftime("%d.%m.%Y")',
        'with step("Fill in the page"):',
        'item.irreversible("Post order", lambda: submit(page), already_done=lambda: was_done(page))',
        'page.get_by_test_id("confirmation").inner_text()',
    ):
        assert line in text
    for wrong in ("2nd", "class", "_x", "a-b"):
        with pytest.raises(UsageError, match="can't be the name of a bot"):
            script_of(made, "enter-order", binding, wrong)
