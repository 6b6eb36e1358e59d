"""Addresses of the JSON interface: its operations, its description, and the page that shows it."""

from __future__ import annotations

from django.urls import include, path

from runner.desk.api import (
    cases,
    evidence,
    items,
    operations,
    pages,
    problem_acts,
    problem_rules,
    problems,
    runs,
    schedules,
    selections,
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
    schedules,
    webhooks,
)  # each has made its operations when it was imported

urlpatterns = [
    path("", pages.operations, name="page"),
    path("v1/openapi.json", pages.openapi, name="openapi"),
    path("v1/", include(operations.addresses())),
]
