"""Addresses of runs."""

from __future__ import annotations

from django.urls import path

from runner.desk.runs import views

urlpatterns = [path("", views.runs, name="list")]
