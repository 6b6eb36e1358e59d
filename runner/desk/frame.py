"""What belongs to the frame: the menu as it refreshes, the switch of language and of theme."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import render

from runner.desk.access import ACT, back, page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.navigation import menu_of
from runner.desk.roles import ANYBODY, SIGNED_IN
from runner.desk.settings import LANGUAGES

THEMES: Final = ("auto", "light", "dark")


@page(SIGNED_IN)
@live()
def menu(request: DeskRequest) -> HttpResponse:
    """The menu with its counts of this moment; `area` is the one that is open."""
    area = request.GET.get("area", "")
    context = {"menu": menu_of(request.access, area), "area": area}
    return render(request, "desk/menu.html", context)


@page(ANYBODY, ACT)
def language(request: DeskRequest) -> HttpResponse:
    """Change the language: for this browser, and for the person who is signed in."""
    wanted = request.POST.get("language", "")
    if wanted not in dict(LANGUAGES):
        return HttpResponseBadRequest()
    if request.sign_in:
        request.person.language = wanted
        request.person.save(update_fields=["language"])
    answer = back(request, "/")
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, wanted, max_age=365 * 86400, samesite="Lax", httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
    return answer


@page(SIGNED_IN, ACT)
def theme(request: DeskRequest) -> HttpResponse:
    """Keep the theme that the person chose."""
    wanted = request.POST.get("theme", "")
    if wanted not in THEMES:
        return HttpResponseBadRequest()
    request.person.theme = wanted
    request.person.save(update_fields=["theme"])
    return HttpResponse(status=204)
