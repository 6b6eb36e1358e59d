"""Addresses of the exception queue; the problems are the front page."""

from __future__ import annotations

from django.urls import path

from runner.desk.queue import views

urlpatterns = [path("", views.problems, name="problems"), path("cases/", views.cases, name="cases")]
