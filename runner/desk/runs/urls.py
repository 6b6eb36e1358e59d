"""Addresses of runs."""

from __future__ import annotations

from django.urls import path

from runner.desk.runs import acts, journal, one, steps, timeline, views

urlpatterns = [
    path("", views.runs, name="list"),
    path("timeline", timeline.timeline, name="timeline"),
    path("<str:run_id>/", one.run, name="run"),
    path("<str:run_id>/state", one.state, name="state"),
    path("<str:run_id>/journal", journal.journal, name="journal"),
    path("<str:run_id>/steps", steps.steps, name="steps"),
    path("<str:run_id>/sent/<str:name>", one.sent_file, name="sent_file"),
    path("<str:run_id>/cancel", acts.cancel, name="cancel"),
    path("<str:run_id>/again", acts.again, name="again"),
]
