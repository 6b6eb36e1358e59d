"""Evidence of a failure: the row, and what each open page showed."""

from __future__ import annotations

from typing import Any

import orjson

from runner.kit.current import Running, here


class Watch:
    """Watches one attempt (or the run itself) so that its failure leaves evidence behind."""

    def __init__(self, live: Running, seq: int, *, traced: bool) -> None:
        self._live = live
        self._prefix = f"{seq:06d}"
        self._traced = traced

    def discard(self) -> None:
        """The attempt went well: keep nothing."""

    def keep(self, session: object, row: Any = None) -> None:
        """Write down what there is to see. Never raises for what a page does."""
        if row is not None:
            path = self._live.evidence / f"{self._prefix}-row.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._live.journal.redactor.json(orjson.dumps(row, option=orjson.OPT_INDENT_2)))
            place = here.get()
            self._live.journal.event(
                "evidence",
                "the row as it was read",
                queue=place.queue,
                item=place.item,
                attempt=place.attempt,
                data={"kind": "row"},
                evidence=self._live.relative(path),
            )
