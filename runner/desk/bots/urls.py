"""Addresses of bots."""

from __future__ import annotations

from django.urls import path

from runner.desk.bots import views

urlpatterns = [path("", views.bots, name="list")]
