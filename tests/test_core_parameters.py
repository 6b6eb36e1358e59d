"""What people fill in for a bot: converted where it fits, and otherwise one error for each field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from runner.core.errors import ErrorReport
from runner.core.parameters import check_values


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str


class Parameters(BaseModel):
    portal: str
    count: Annotated[int, Field(ge=1, le=10)] = 3
    amount: Annotated[Decimal, Field(gt=0)] = Decimal(1)
    day: date | None = None
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    tags: list[str] = []
    numbers: list[int] = []
    address: Address | None = None
    workbook: Path | None = None
    dry: bool = False
    password: str = ""


SCHEMA: dict[str, Any] = Parameters.model_json_schema()


def check(**values: Any) -> dict[str, Any]:
    return check_values(SCHEMA, {"portal": "http://127.0.0.1", **values}, "post_orders")


@pytest.mark.parametrize(
    ("values", "valid"),
    [
        ({"count": "7"}, {"count": 7}),
        ({"amount": "12.50"}, {"amount": "12.50"}),
        ({"day": "2026-11-24"}, {"day": "2026-11-24"}),
        ({"day": ""}, {}),
        ({"day": None}, {"day": None}),
        ({"day": "{{ due | month_start | date }}"}, {"day": "{{ due | month_start | date }}"}),
        ({"colour": "blue", "kind": "b"}, {"colour": "blue", "kind": "b"}),
        ({"tags": ["x", "y"]}, {"tags": ["x", "y"]}),
        ({"numbers": "[1, 2]"}, {"numbers": [1, 2]}),
        ({"address": {"street": "Main"}}, {"address": {"street": "Main"}}),
        ({"workbook": "inbox/a.xlsx"}, {"workbook": "inbox/a.xlsx"}),
        ({"dry": "on", "count": ""}, {"dry": True}),
        ({"password": "${secret:portal/password}"}, {"password": "${secret:portal/password}"}),
    ],
)
def test_what_fits_is_converted(values: dict[str, Any], valid: dict[str, Any]) -> None:
    assert check(**values) == {"portal": "http://127.0.0.1", **valid}


@pytest.mark.parametrize(
    ("values", "where", "code", "said"),
    [
        ({"count": "x"}, "parameters.count", "PARAM_VALUE", "valid integer"),
        ({"count": 11}, "parameters.count", "PARAM_VALUE", "less than or equal to 10"),
        ({"amount": "-1"}, "parameters.amount", "PARAM_VALUE", "greater than 0"),
        ({"day": "2026-02-30"}, "parameters.day", "PARAM_VALUE", "date"),
        ({"colour": "green"}, "parameters.colour", "PARAM_VALUE", "'red' or 'blue'"),
        ({"numbers": [1, "x"]}, "parameters.numbers.1", "PARAM_VALUE", "valid integer"),
        ({"numbers": "[1"}, "parameters.numbers", "PARAM_VALUE", "JSON"),
        ({"cuont": 1}, "parameters.cuont", "PARAM_UNKNOWN", "did you mean 'count'"),
        ({"portal": None}, "parameters.portal", "PARAM_VALUE", "valid string"),
        ({"workbook": "../../etc/passwd"}, "parameters.workbook", "SCHED_PATH", "inside the project"),
        ({"password": "hunter2"}, "parameters.password", "SCHED_SECRET_INLINE", "secret reference"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], where: str, code: str, said: str) -> None:
    with pytest.raises(ErrorReport) as caught:
        check(**values)
    (error,) = caught.value.errors
    assert (error.where, error.stable_code) == (where, code)
    assert said in str(error)
    assert "hunter2" not in str(error)


def test_all_errors_come_at_once_in_the_order_of_the_form() -> None:
    with pytest.raises(ErrorReport) as caught:
        check_values(SCHEMA, {"day": "x", "count": "y", "other": 1}, "post_orders")
    codes = [(error.where, error.stable_code) for error in caught.value.errors]
    assert codes == [
        ("parameters.portal", "PARAM_MISSING"),
        ("parameters.count", "PARAM_VALUE"),
        ("parameters.day", "PARAM_VALUE"),
        ("parameters.other", "PARAM_UNKNOWN"),
    ]
