"""Addresses of secrets."""

from __future__ import annotations

from django.urls import path

from runner.desk.secrets import views

urlpatterns = [
    path("", views.names, name="list"),
    path("set", views.keep, name="set"),
    path("remove", views.remove, name="remove"),
]
