"""Addresses of search."""

from __future__ import annotations

from django.urls import path

from runner.desk.search import views

urlpatterns = [path("", views.search, name="page"), path("suggest", views.suggest, name="suggest")]
