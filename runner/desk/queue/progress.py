"""An act on many cases that takes several requests: how far it has come stands in the address of the page that goes on with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render

from runner.cases.bulk import Outcome, RowResult
from runner.desk.asking import DeskRequest

_LASTS: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """Which row is next, of how many, and what became of those before it: for people to read, nothing depends on it."""

    start: int = 0
    total: int = 0
    done: int = 0
    skipped: int = 0
    refused: int = 0

    @classmethod
    def of(cls, request: DeskRequest, what: str) -> Progress:
        """As the address of the request says of `what`, where it is the person's own and of this hour; else nothing is done yet.

        Signed, because the page that it stands on goes on by itself: nobody may begin an act in somebody else's name by a link.
        """
        try:
            said = signing.loads(request.GET.get("so_far", ""), salt=_salt(request, what), max_age=_LASTS)
        except signing.BadSignature:
            return cls()
        return cls(*said)

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

    def query(self, request: DeskRequest, what: str) -> str:
        """It as the query of an address."""
        return urlencode({"so_far": signing.dumps(astuple(self), salt=_salt(request, what))})


def _salt(request: DeskRequest, what: str) -> str:
    return f"progress:{request.person.pk}:{what}"


def going_page(
    request: DeskRequest, what: str, *, title: str, back: str, act: str, stays: str
) -> HttpResponse:
    """How far an act has come, on a page that goes on with it by itself; for who has not begun it, the page before it (`back`)."""
    so_far = Progress.of(request, what)
    if not so_far.start:
        return redirect(back)
    shown = {"title": title, "back": back, "stays": stays, "so_far": so_far}
    return render(request, "queue/going.html", {**shown, "act": f"{act}?{so_far.query(request, what)}"})


def gone_to(request: DeskRequest, address: str) -> HttpResponse:
    """An answer that leads to another page, for a form and for htmx, which follows redirects by itself and shows nothing."""
    if not request.htmx:
        return redirect(address)
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = address
    return answer
