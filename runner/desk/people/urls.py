"""Addresses of people: sign-in, one-time links, the people themselves."""

from __future__ import annotations

from django.urls import path

from runner.desk.people import sign_in, views

urlpatterns = [
    path("sign-in", sign_in.sign_in, name="sign_in"),
    path("sign-out", sign_in.sign_out, name="sign_out"),
    path("welcome/<str:token>", sign_in.welcome, name="welcome"),
    path("me/", views.me, name="me"),
    path("people/", views.people, name="list"),
]
