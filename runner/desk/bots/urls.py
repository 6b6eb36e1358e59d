"""Addresses of bots."""

from __future__ import annotations

from django.urls import path

from runner.desk.bots import acts, versions, views

urlpatterns = [
    path("", views.bots, name="list"),
    path("<str:name>/", views.bot, name="bot"),
    path("<str:name>/start", acts.start, name="start"),
    path("<str:name>/changes/<str:old>/<str:new>", versions.changes, name="changes"),
    path("<str:name>/source/<str:version>", versions.source, name="source"),
]
