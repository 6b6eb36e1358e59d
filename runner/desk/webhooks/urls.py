"""Addresses of webhooks."""

from __future__ import annotations

from django.urls import path

from runner.desk.webhooks import views

urlpatterns = [
    path("", views.webhooks, name="list"),
    path("add", views.add, name="add"),
    path("<int:number>/", views.webhook, name="webhook"),
    path("<int:number>/change", views.change, name="change"),
    path("<int:number>/test", views.test, name="test"),
    path("<int:number>/switch", views.switch, name="switch"),
    path("<int:number>/secret", views.secret, name="secret"),
    path("<int:number>/remove", views.remove, name="remove"),
    path("messages/<str:message>/again", views.again, name="again"),
]
