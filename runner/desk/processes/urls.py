"""Addresses of processes."""

from __future__ import annotations

from django.urls import path

from runner.desk.processes import views

urlpatterns = [path("", views.processes, name="list")]
