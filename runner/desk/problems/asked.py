"""What all acts on a problem have in common: who asks, what was said when it was done, what comes back when it was refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from runner.cases.problems import Who
from runner.core.clock import now
from runner.core.errors import RunnerError
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.queue.asked import Refused
from runner.store.models import Problem

UNDO: Final = (
    "undo="  # the `extra_tags` of a message that offers to take something back: see queue/deciding.py
)


@dataclass(frozen=True, slots=True)
class Said:
    """An act that was carried out: what the message says, how it is taken back (an address below the problem's), and where to go."""

    text: str
    undo: str = ""
    place: str = ""
    elsewhere: str = ""
    warning: bool = False


Act = Callable[..., Said | Refused]


def process_of_problem(problem_id: str, **_parts: object) -> str | None:
    """The process that a problem belongs to; None for an id that is none."""
    return Problem.objects.filter(pk=problem_id).values_list("process", flat=True).first()


def who_asks(request: DeskRequest) -> Who:
    """Who acts, now, on the version of the problem that the form was made for."""
    version = request.POST.get("version", "")
    token = request.POST.get("token", "")[:100]
    return Who(request.person.username, now(), int(version) if version.isdecimal() else None, token)


def acting(permission: str, verb: str, act: Act) -> Callable[..., Any]:
    """A view that carries out `act` (request, problem's id, who, other parts of the address) and goes back to the problem.

    What is refused is shown on the page of the problem, with everything that was typed.
    """

    def post(request: DeskRequest, /, problem_id: str, **parts: str) -> HttpResponse:
        from runner.desk.problems.problem_page import show_refused

        try:
            made = act(request, problem_id, who_asks(request), **parts)
        except RunnerError as error:
            made = Refused(verb, error, {}, {**typed_in(request), **parts})
        if isinstance(made, Refused):
            return show_refused(request, problem_id, made)
        tags = f"{UNDO}/problems/{problem_id}/{made.undo}" if made.undo else ""
        level = messages.WARNING if made.warning else messages.SUCCESS
        messages.add_message(request, level, made.text, extra_tags=tags)
        return redirect(made.elsewhere or f"/problems/{problem_id}/{made.place and f'#{made.place}'}")

    post.__name__ = post.__qualname__ = verb
    post.__doc__ = act.__doc__
    return page(permission, ACT, process_of=process_of_problem, see="problems.see")(post)


def typed_in(request: DeskRequest) -> dict[str, str]:
    """What a form sent, one value for each field."""
    return {name: str(value) for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
