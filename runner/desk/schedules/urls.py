"""Addresses of schedules."""

from __future__ import annotations

from django.urls import path

from runner.desk.schedules import views

urlpatterns = [path("", views.schedules, name="list")]
