"""Addresses of work queues."""

from __future__ import annotations

from django.urls import path

from runner.desk.queues import adding, items, views

urlpatterns = [
    path("", views.queues, name="list"),
    path("<str:name>/", views.queue, name="queue"),
    path("<str:name>/item", items.item, name="item"),
    path("<str:name>/move", items.move, name="move"),
    path("<str:name>/add", adding.add, name="add"),
    path("<str:name>/upload", adding.upload, name="upload"),
    path("<str:name>/confirm", adding.confirm, name="confirm"),
    path("<str:name>/blank.xlsx", adding.blank, name="blank"),
]
