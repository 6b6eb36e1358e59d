"""Addresses of processes."""

from __future__ import annotations

from django.urls import path

from runner.desk.processes import process_page, views

urlpatterns = [
    path("", views.processes, name="list"),
    path("<path:process>/sop", process_page.sop, name="sop"),
    path("<path:process>/numbers", process_page.numbers, name="numbers"),
    path("<path:process>/", process_page.process, name="process"),
]
