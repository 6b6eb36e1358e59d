"""How a date, a number, a yes or no is written for the site: proposed from what was typed, chosen by people, the same everywhere."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import ErrorReport
from runner.recordings.binding import BoundField
from runner.recordings.choices import Choices, Table, choices_of, draft
from runner.recordings.forms import FORMS, Kind, examples, fits, like, most_telling, written
from runner.recordings.placeholders import fill
from runner.recordings.script_steps import Writing, expression
from tests.recordings_made import HEADINGS, order_recording

VALUES: dict[Kind, Any] = {
    Kind.WHOLE: 1234567,
    Kind.NUMBER: Decimal("1234.5"),
    Kind.DATE: date(2026, 3, 7),
    Kind.YES_NO: False,
}
ROWS: list[list[Any]] = [
    ["A-1", "Alder & Finch", "Desk lamp", 39.5, date(2026, 3, 7)],
    ["A-2", "Birch & Co", "Desk lamp", 1250.5, date(2026, 12, 2)],
]
TABLE = Table("inbox/orders.xlsx", "Orders", HEADINGS, ROWS)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (date(2026, 3, 7), "", "2026-03-07"),
        (date(2026, 3, 7), "%-d.%-m.%Y", "7.3.2026"),
        (date(2026, 3, 7), "%Y年%-m月%-d日", "2026年3月7日"),
        (date(2026, 3, 7), "%d-%b-%Y", "07-Mar-2026"),
        (datetime(2026, 3, 7), "", "2026-03-07"),  # noqa: DTZ001 - a cell has no zone
        (time(8, 5), "%H:%M", "08:05"),
        (Decimal("1234.5"), "#.##0,00", "1.234,50"),
        (Decimal("1234.5"), "", "1234.5"),
        (1234567, "#,##0", "1,234,567"),
        (1250.0, "", "1250"),
        (date(2026, 12, 1), "0.00", None),
        (True, "0.00", None),
        (3, "%d.%m.%Y", None),
        (True, "", "true"),
        (-1234567, "# ##0", "-1 234 567"),
        (2.0, "", "2"),
        (True, "Yes/No", "Yes"),
        (False, "是/否", "否"),
        (None, "0.00", ""),
        ("1250.5", "#.##0,00", "1.250,50"),
        ("1.250,50", "#.##0,00", "1.250,50"),  # as it was typed while recording
        ("2026-12-02", "%d.%m.%Y", "02.12.2026"),
        ("02.12.2026", "%d.%m.%Y", "02.12.2026"),
        ("true", "Yes/No", "Yes"),
    ],
)
def test_a_value_is_written_in_its_form(value: object, form: str, text: str | None) -> None:
    assert written(value, form) == text


@pytest.mark.parametrize(
    ("form", "kind"),
    [("%d.%m.%Y", Kind.NUMBER), ("0.00", Kind.DATE), ("%Q", Kind.DATE), ("%d%", Kind.DATE), ("day", Kind.DATE),
     ("0.00", Kind.TEXT), ("Yes", Kind.YES_NO), ("0..0", Kind.NUMBER), ("Yes/No", Kind.WHOLE)],
)  # fmt: skip
def test_a_form_that_does_not_fit_what_the_column_holds_is_none(form: str, kind: Kind) -> None:
    assert not fits(form, kind)


def test_every_form_that_is_offered_fits_and_looks_different() -> None:
    for kind, value in VALUES.items():
        shown = examples(kind, value)
        assert all(fits(form, kind) for form in shown)
        assert len(set(shown.values())) == len(FORMS[kind])
        assert list(examples(kind, "no such cell")) == list(shown)
    assert most_telling([date(2026, 11, 11), "x", date(2026, 3, 7)], Kind.DATE) == date(2026, 3, 7)
    assert most_telling(["x"], Kind.DATE) is None


@given(st.dates(date(1900, 3, 1), date(2100, 1, 1)), st.sampled_from(FORMS[Kind.DATE]))
def test_a_form_that_is_proposed_for_a_typed_date_writes_that_date_again(day: date, form: str) -> None:
    typed = written(day, form) or ""
    assert written(day, like(typed, Kind.DATE)) == typed or form in {
        "%m/%d/%Y",
        "%-m/%-d/%Y",
    }  # 3/4: which is the day?


@given(
    st.decimals(0, 10**7, places=2),
    st.sampled_from(["0.00", "0,00", "#,##0.00", "#.##0,00", "# ##0,00", "#'##0.00"]),
)
def test_a_form_that_is_proposed_for_a_typed_amount_writes_that_amount_again(
    amount: Decimal, form: str
) -> None:
    typed = written(amount, form) or ""
    assert written(amount, like(typed, Kind.NUMBER)) == typed


def test_the_form_of_a_step_is_chosen_and_another_column_gets_a_form_of_its_own() -> None:
    made = draft(order_recording(), TABLE, Choices(forms={11: "%Y/%m/%d", 10: ""}))
    assert {m.step: m.placeholder for m in made.proposal.matches if m.step > 9} == {
        10: "{{amount}}", 11: "{{delivery_date|%Y/%m/%d}}",
    }  # fmt: skip
    text = Choices(kinds={"delivery_date": Kind.TEXT}, forms={11: "%Y/%m/%d"}, formed={11: Kind.DATE})
    assert draft(order_recording(), TABLE, text).proposal.matches[-1].placeholder == "{{delivery_date}}"
    again = choices_of(made.binding, made.bound)
    assert (again.forms[10], again.forms[11], again.formed[11]) == ("", "%Y/%m/%d", Kind.DATE)


@pytest.mark.parametrize(
    ("forms", "said"),
    [({11: "0.00"}, "REC_FORM: '0.00' is no form for 'Delivery date', which holds: date - such as %d.%m.%Y"),
     ({8: "0.00"}, "none: a text is typed as it is"), ({1: "0.00"}, "step 1 types nothing that comes from a column")],
)  # fmt: skip
def test_a_form_that_can_not_be_is_said_at_its_step(forms: dict[int, str], said: str) -> None:
    with pytest.raises(ErrorReport) as caught:
        draft(order_recording(), TABLE, Choices(forms=forms))
    (error,) = caught.value.errors
    assert error.where == f"forms.{next(iter(forms))}"
    assert said in str(error)


def test_what_was_typed_is_typed_again_when_a_bound_recording_is_replayed() -> None:
    made = draft(order_recording(), TABLE, Choices())
    typed = [fill(m.placeholder, made.binding.values) for m in made.proposal.matches]
    assert typed == [m.value for m in made.proposal.matches]


@pytest.mark.parametrize("kind", list(VALUES))
def test_the_generated_script_writes_what_the_recording_writes(kind: Kind) -> None:
    row = Writing({"x": BoundField(column="X", kind=kind)}, row=True)
    item = type("Item", (), {"data": type("Data", (), {"x": VALUES[kind]})})
    for form in FORMS[kind]:
        placeholder = f"{{{{x|{form}}}}}" if form else "{{x}}"
        assert eval(expression(row, placeholder), {"item": item}) == fill(placeholder, {"x": VALUES[kind]})
