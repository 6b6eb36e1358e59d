"""An act on many cases that takes several requests: how far it has come stands in the address of the page that goes on with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect

from runner.cases.bulk import Outcome, RowResult
from runner.desk.asking import DeskRequest


@dataclass(frozen=True, slots=True)
class Progress:
    """Which row is next, of how many, and what became of those before it: for people to read, nothing depends on it."""

    start: int = 0
    total: int = 0
    done: int = 0
    skipped: int = 0
    refused: int = 0

    @classmethod
    def of(cls, request: DeskRequest) -> Progress:
        """As the address of the request says; what is no number there counts as none."""
        said = {name: request.GET.get(name, "")[:9] for name in cls.__slots__}
        return cls(**{name: int(text) for name, text in said.items() if text.isdecimal() and text.isascii()})

    def with_results(self, results: Sequence[RowResult], start: int, total: int) -> Progress:
        """After more rows; `start` is the row to go on with."""
        counts = Counter(one.outcome for one in results)
        return replace(
            self,
            start=start,
            total=total,
            done=self.done + counts[Outcome.DONE],
            skipped=self.skipped + counts[Outcome.SKIPPED],
            refused=self.refused + counts[Outcome.REFUSED],
        )

    @property
    def parts(self) -> list[tuple[int, str, str]]:
        """As a bar."""
        return [(self.start, "good", f"{self.start} / {self.total}")]

    @property
    def query(self) -> str:
        """It as the query of an address."""
        return urlencode({name: getattr(self, name) for name in self.__slots__})


def gone_to(request: DeskRequest, address: str) -> HttpResponse:
    """An answer that leads to another page, for a form and for htmx, which follows redirects by itself and shows nothing."""
    if not request.htmx:
        return redirect(address)
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = address
    return answer
