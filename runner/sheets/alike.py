"""Whether a cell, as it is, says a value: the same one, however it is written."""

from __future__ import annotations

from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from runner.sheets.values import converter
from runner.sheets.wording import Trouble, locale_of


def cell_says(field: FieldInfo, cell: Any, value: Any, locale: str | None = None) -> bool:
    """Whether a cell (a JSON value, as in `BadRow.raw`) is the JSON value `value` to `field`, only written differently.

    A cell that the field can't take never is; an empty one is the field's default. `locale` is that of text cells, as for `read`.
    """
    if _is_blank(cell):
        return _is_blank(value) or (not field.is_required() and bool(value == field.get_default()))
    if str(cell).split() == str(value).split():
        return True
    try:
        return bool(_typed(field, cell, locale) == _typed(field, value, None))
    except (Trouble, ValidationError, PydanticUserError, TypeError, ArithmeticError):
        return False


def _typed(field: FieldInfo, value: Any, locale: str | None) -> Any:
    """A value as the field has it: as a cell is read, and where that does not go, as JSON is."""
    try:
        return converter(field.annotation, locale_of(locale))(value)
    except Trouble:
        if locale is not None:
            raise  # 1.234 is another number as JSON
        annotation: Any = field.annotation
        return TypeAdapter(annotation).validate_python(value)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
