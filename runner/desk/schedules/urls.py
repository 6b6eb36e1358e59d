"""Addresses of schedules: pages of all of them without a slash at the end, so that a schedule may have any name."""

from __future__ import annotations

from django.urls import path

from runner.desk.schedules import acts, ahead, calendar, days, editing, links, one, rule, starting, views

urlpatterns = [
    path("", views.schedules, name="list"),
    path("calendar", calendar.calendar, name="calendar"),
    path("day", calendar.day, name="day"),
    path("ahead", ahead.ahead, name="ahead"),
    path("new", editing.new, name="new"),
    path("rule", rule.rule, name="rule"),
    path("days", days.year, name="days"),
    path("days-change", days.change, name="days_change"),
    path("accept-clock", views.accept_clock, name="accept_clock"),
    path("<str:name>/", one.schedule, name="one"),
    path("<str:name>/history", one.history, name="history"),
    path("<str:name>/run", starting.run_now, name="run"),
    path("<str:name>/backfill", starting.backfilling, name="backfill"),
    path("<str:name>/answer", acts.answer, name="answer"),
    path("<str:name>/pause", acts.pause, name="pause"),
    path("<str:name>/resume", acts.resume, name="resume"),
    path("<str:name>/promote", acts.promote, name="promote"),
    path("<str:name>/edit", editing.edit, name="edit"),
    path("<str:name>/remove", editing.remove, name="remove"),
    path("<str:name>/switch", editing.switch, name="switch"),
    path("<str:name>/urls", links.make, name="make_url"),
    path("<str:name>/urls/<int:number>/revoke", links.revoke, name="revoke_url"),
    path("<str:name>/cancel-due", acts.cancel_due, name="cancel_due"),
    path("undo/<str:act_id>", editing.undo, name="undo"),  # last: a schedule may be called undo
]
