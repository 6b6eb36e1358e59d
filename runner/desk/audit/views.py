"""The audit trail: every entry, the newest first, and the check of its chain."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases.audit import verify
from runner.desk import lists
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.store.models import AuditEntry


def _about(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    kind, colon, name = value.partition(":")
    return rows.filter(subject_kind=kind, subject=name) if colon else rows.filter(subject_kind=kind)


TRAIL: Final = lists.ListOf(
    "audit",
    (
        lists.Col("seq", gettext_lazy("No."), "seq", "num", lambda one: one.seq),
        lists.Col("at", gettext_lazy("When"), "", "", lambda one: one.at),
        lists.Col("by", gettext_lazy("Who"), "", "", lambda one: one.by),
        lists.Col("what", gettext_lazy("What"), "", "what", lambda one: one.what),
        lists.Col("about", gettext_lazy("About"), "", "opt", lambda one: f"{one.subject_kind} {one.subject}"),
        lists.Col("hash", "SHA-256", "", "opt", lambda one: one.hash),
    ),
    (
        lists.field_filter("by", gettext_lazy("Who"), "by"),
        lists.field_filter("what", gettext_lazy("What, begins with"), "what__startswith"),
        lists.Filter("about", gettext_lazy("About (kind, or kind:id)"), _about),
    ),
    usual="-seq",
)


@page("audit.see")
def trail(request: DeskRequest) -> HttpResponse:
    """All entries."""
    rows = AuditEntry.objects.order_by()
    if lists.wants_export(request):
        return lists.export(request, TRAIL, rows)
    return render(request, "audit/list.html", {"shown": lists.show(request, TRAIL, rows)})


@page("audit.see", ACT)
def check(request: DeskRequest) -> HttpResponse:
    """Check the whole chain, and the acts and files that it seals."""
    report = verify(place().settings.proofs)
    if report.broken is None:
        messages.success(
            request,
            _("The trail is whole: %(n)d entries. Its end: %(end)s")
            % {"n": report.entries, "end": f"{report.entries}:{report.head}"},
        )
    else:
        messages.error(
            request,
            _("The trail is broken at entry %(n)d: %(why)s. Compare the store with a backup.")
            % {"n": report.broken.seq, "why": report.broken.why},
        )
    return redirect("audit:list")
