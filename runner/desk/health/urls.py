"""Addresses of the health page."""

from __future__ import annotations

from django.urls import path

from runner.desk.health import views

urlpatterns = [path("", views.health, name="page")]
