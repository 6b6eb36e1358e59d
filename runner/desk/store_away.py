"""What the desk says while its store does not answer: a page that needs no store, or JSON for programs."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _

_AGAIN: Final = "5"  # seconds after which it is worth another try


def store_away(request: HttpRequest) -> HttpResponse:
    """503, made without asking who is signed in: that is in the store too."""
    what = _("The store does not answer.")
    hint = _(
        "What is running goes on and nothing is lost. Try again in a moment; if it stays so, see: runner doctor."
    )
    if request.path.startswith(("/api/v1/", "/hooks/")):
        detail = {"code": "CLI_DB", "message": what, "hint": hint, "errors": []}
        answer: HttpResponse = JsonResponse(
            {"error": detail}, status=503, json_dumps_params={"ensure_ascii": False}
        )
    else:
        facts = {"what": what, "hint": hint, "language": get_language()}
        answer = HttpResponse(render_to_string("desk/store_away.html", facts), status=503)
    answer["Retry-After"] = _AGAIN
    return answer
