"""Addresses of people: sign-in, one-time links, one's own profile, the people themselves."""

from __future__ import annotations

from django.urls import path

from runner.desk.people import confirm, profile, sign_in, views

urlpatterns = [
    path("sign-in", sign_in.sign_in, name="sign_in"),
    path("sign-out", sign_in.sign_out, name="sign_out"),
    path("welcome/<str:token>", sign_in.welcome, name="welcome"),
    path("me/", profile.me, name="me"),
    path("me/confirm", confirm.confirm, name="confirm"),
    path("me/password", profile.password, name="password"),
    path("me/sign-ins/<int:number>/end", profile.end_session, name="end_own_session"),
    path("me/keys", profile.new_token, name="new_token"),
    path("me/keys/<int:number>/revoke", profile.end_token, name="end_token"),
    path("people/", views.people, name="list"),
    path("people/add", views.add, name="add"),
    path("people/<str:username>/", views.person, name="person"),
    path("people/<str:username>/role", views.role, name="role"),
    path("people/<str:username>/role/remove", views.remove_role, name="remove_role"),
    path("people/<str:username>/active", views.active, name="active"),
    path("people/<str:username>/link", views.link, name="link"),
    path("people/<str:username>/sign-ins/<int:number>/end", views.end_session, name="end_session"),
]
