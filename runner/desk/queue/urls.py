"""Addresses of the exception queue; the problems are the front page."""

from __future__ import annotations

from django.urls import include, path

from runner.desk.queue import bulk, burning, case_page, deciding, spreadsheet, views

urlpatterns = [
    path("", views.problems, name="problems"),
    path("live/problems", views.problems_live, name="problems-live"),
    path("live/cases/<slug:tab>", views.cases_live, name="cases-live"),
    path("problems/", include("runner.desk.problems.urls")),
    path("burning/", burning.burning, name="burning"),
    path("live/burning", burning.burning_live, name="burning-live"),
    path("cases/", views.cases, name="cases"),
    *(
        path(f"cases/{tab}/", views.cases, {"tab": tab}, name=tab)
        for tab in ("overdue", "mine", "waiting", "closed")
    ),
    path("cases/<str:case_id>/", case_page.case, name="case"),
    path("cases/<str:case_id>/journal", case_page.journal, name="journal"),
    path("cases/<str:case_id>/file", case_page.as_file, name="case-file"),
    path("cases/<str:case_id>/proof/<str:act_id>", case_page.proof, name="proof"),
    path("cases/<str:case_id>/undo/<str:act_id>", deciding.undo, name="undo"),
    path("cases/<str:case_id>/claim", deciding.claim, name="claim"),
    path("cases/<str:case_id>/retry", deciding.retry, name="retry"),
    path("cases/<str:case_id>/done", deciding.done, name="done"),
    path("cases/<str:case_id>/reject", deciding.reject, name="reject"),
    path("cases/<str:case_id>/attest", deciding.attest, name="attest"),
    path("cases/<str:case_id>/snooze", deciding.snooze, name="snooze"),
    path("cases/<str:case_id>/comment", deciding.comment, name="comment"),
    path("cases/<str:case_id>/assign", deciding.assign, name="assign"),
    path("cases/<str:case_id>/unassign", deciding.unassign, name="unassign"),
    path("cases/<str:case_id>/priority", deciding.priority, name="priority"),
    path("corrections/", spreadsheet.corrections, name="corrections"),
    path("corrections/export", spreadsheet.take_out, name="corrections-export"),
    path("corrections/look", spreadsheet.bring_back, name="corrections-look"),
    path("corrections/<str:sha256>/", spreadsheet.preview, name="corrections-preview"),
    path("corrections/<str:sha256>/going", spreadsheet.going, name="corrections-going"),
    path("corrections/<str:sha256>/apply", spreadsheet.apply, name="corrections-apply"),
    path("bulk/", bulk.choose, name="bulk-choose"),
    path("bulk/<str:selection_id>/", bulk.selection, name="bulk"),
    path("bulk/<str:selection_id>/apply", bulk.apply, name="bulk-apply"),
    path("bulk/<str:selection_id>/undoing", bulk.undoing, name="bulk-undoing"),
    path("bulk/<str:selection_id>/undo", bulk.undo, name="bulk-undo"),
]
