"""Addresses of the audit trail."""

from __future__ import annotations

from django.urls import path

from runner.desk.audit import views

urlpatterns = [path("", views.trail, name="list"), path("verify", views.check, name="verify")]
