"""A workbook that came back as JSON values: what each row would do, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.cases.bulk import RowResult
from runner.cases.corrections import Corrections, RowState


def corrections_json(found: Corrections, results: Sequence[RowResult] = ()) -> list[dict[str, Any]]:
    """The rows in the order of the workbook: ``sheet row case item state text``.

    The state of a row that was carried out (`results`) is how that ended: done, skipped or refused, and `text` says why not.
    """
    ended = {one.id: one for one in results}
    rows = []
    for one in found.rows:
        state, text = str(one.state), one.text
        if one.state is RowState.APPLY and one.case in ended:
            state, text = str(ended[one.case].outcome), ended[one.case].why or one.text
        rows.append(
            {
                "sheet": one.sheet,
                "row": one.row,
                "case": one.case,
                "item": one.item,
                "state": state,
                "text": text,
            }
        )
    return rows
