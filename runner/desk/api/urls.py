"""Addresses of the JSON interface: its operations, its description, and the page that shows it."""

from __future__ import annotations

from django.urls import include, path

from runner.desk.api import (
    calendars,
    cases,
    corrections,
    evidence,
    items,
    operations,
    pages,
    problem_acts,
    problem_rules,
    problems,
    runs,
    schedule_edits,
    schedules,
    selections,
    taking_back,
    webhooks,
)

SUBJECTS = (
    runs,
    items,
    cases,
    selections,
    problems,
    problem_acts,
    problem_rules,
    evidence,
    corrections,
    schedules,
    schedule_edits,
    calendars,
    taking_back,
    webhooks,
)  # each has made its operations when it was imported

urlpatterns = [
    path("", pages.operations, name="page"),
    path("v1/openapi.json", pages.openapi, name="openapi"),
    path("v1/", include(operations.addresses())),
]
