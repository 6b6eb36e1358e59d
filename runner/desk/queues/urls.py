"""Addresses of work queues."""

from __future__ import annotations

from django.urls import path

from runner.desk.queues import views

urlpatterns = [path("", views.queues, name="list")]
