"""Addresses of recordings."""

from __future__ import annotations

from django.urls import path

from runner.desk.recordings import acts, binding, importing, views, workbooks

urlpatterns = [
    path("", views.recordings, name="list"),
    path("import", importing.take_in, name="import"),
    path("<str:name>/", views.recording, name="recording"),
    path("<str:name>/file", views.download, name="download"),
    path("<str:name>/bundle", views.bundle, name="bundle"),
    path("<str:name>/pictures/<str:picture>", views.picture, name="picture"),
    path("<str:name>/workbook", workbooks.choose, name="workbook"),
    path("<str:name>/bind", binding.bind, name="bind"),
    path("<str:name>/remove", acts.remove, name="remove"),
    path("<str:name>/former/<str:stamp>", acts.former, name="former"),
    path("<str:name>/former/<str:stamp>/back", acts.back, name="back"),
]
