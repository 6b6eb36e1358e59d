"""The address table: each area mounts its own; every view in it carries a permission, which is checked at the start."""

from __future__ import annotations

from django.urls import URLResolver, include, path
from django.urls.resolvers import RoutePattern

from runner.desk import assets, evidence, frame, refusals, trace_viewer
from runner.desk.access import PROGRAMS
from runner.desk.api import hooks

urlpatterns = [
    path("static/<str:mark>/<path:name>", assets.serve, name="asset"),
    path("live/menu", frame.menu, name="menu"),
    path("language", frame.language, name="language"),
    path("theme", frame.theme, name="theme"),
    path("trace/<path:path>", trace_viewer.viewer, name="trace"),
    path("evidence/<str:ticket>/<str:name>", evidence.serve, name="evidence"),
    path("", include(("runner.desk.people.urls", "people"))),
    path("", include(("runner.desk.queue.urls", "queue"))),
    path("runs/", include(("runner.desk.runs.urls", "runs"))),
    path("schedules/", include(("runner.desk.schedules.urls", "schedules"))),
    path("bots/", include(("runner.desk.bots.urls", "bots"))),
    path("recordings/", include(("runner.desk.recordings.urls", "recordings"))),
    path("queues/", include(("runner.desk.queues.urls", "queues"))),
    path("processes/", include(("runner.desk.processes.urls", "processes"))),
    path("search/", include(("runner.desk.search.urls", "search"))),
    path("audit/", include(("runner.desk.audit.urls", "audit"))),
    path("secrets/", include(("runner.desk.secrets.urls", "secrets"))),
    # By its name, so that it is loaded when a program first calls: most desks start without it, and stay smaller.
    URLResolver(RoutePattern("api/"), "runner.desk.api.urls", app_name=PROGRAMS, namespace=PROGRAMS),
    path("webhooks/", include(("runner.desk.webhooks.urls", "webhooks"))),
    path("hooks/<str:token>", hooks.fire, name="hook"),
    path("health/", include(("runner.desk.health.urls", "health"))),
]

handler400 = refusals.bad_request
handler403 = refusals.forbidden
handler404 = refusals.not_found
handler500 = refusals.server_error
