"""Every act on the desk is confirmed, or written with words of one's own, or can be taken back; comments by who wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from docs.texts import DESK
from runner.cases import decisions, problems
from runner.cases.undoing import UNDO_WITHIN, undo
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.store.models import Act, Case, Problem
from tests.desk_place import Desk

FORM = re.compile(r"<form(?P<head>[^>]*method=\"post\".*?)</form>", re.DOTALL)
ACTION = re.compile(r"action=\"(?P<action>(?:\{[%{].*?[%}]\}|[^\"])*)\"")
TYPED = re.compile(r"<(?:textarea|select|input(?![^>]*type=\"(?:hidden|radio|checkbox)\"))|\{% include")
# What a button does at once, and why nobody has to be asked first.
AT_ONCE = {
    "goes on with what was begun": {"{{ act }}"},
    "takes back": {"/problems/{{ problem.pk }}/undo/{{ one.undo }}", "/bulk/{{ frozen.id }}/undo", "/cases/{{ case.pk }}/undo/{{ one.act.pk }}", '{{ message.extra_tags|slice:"5:" }}'},
    "has an undo": {"/problems/{{ problem.pk }}/cause", "/problems/{{ problem.pk }}/action/{{ one.pk }}", '{% url "schedules:days_change" %}', '{% url "schedules:switch" name %}'},
    "has a button for the way back": {'{% url "schedules:resume" name %}', '{% url "queues:move" queue.pk %}'},
    "is the look before the act, or the act after it": {"/bulk/", "/bulk/{{ frozen.id }}/apply", "/corrections/{{ sha256 }}/apply", '{% url "queues:confirm" queue.pk %}', '{% url "recordings:workbook" kept.name %}'},
    "changes nothing of the work": {'{% url "audit:verify" %}', "/sign-out", "/language", '{% url "people:link" whose.username %}', '{% url "webhooks:test" one.pk %}', '{% url "webhooks:again" row.pk %}'},
}  # fmt: skip


def unasked() -> Iterator[tuple[str, str]]:
    """The forms that are sent by one press: the page, and where they go."""
    for file in sorted(DESK.rglob("templates/**/*.html")):
        text = file.read_text("utf-8")
        for found in FORM.finditer(text):
            form = found["head"].replace('{% include "problems/hidden.html" %}', "")
            in_dialog = text.rfind("<dialog", 0, found.start()) > text.rfind("</dialog>", 0, found.start())
            if "data-confirm" not in form and not in_dialog and not TYPED.search(form):
                action = ACTION.search(form)
                yield file.name, action["action"] if action else ""


def test_what_is_done_by_one_press_is_confirmed_or_can_be_taken_back() -> None:
    known = {action for actions in AT_ONCE.values() for action in actions}
    found = list(unasked())
    assert [one for one in found if one[1] not in known] == []
    assert known <= {action for _, action in found}  # the list has nothing that is gone


def test_a_comment_on_a_case_is_taken_back_by_who_wrote_it(desk: Desk) -> None:
    case = Case.objects.order_by("key").first()
    assert case is not None
    client = desk.client("operator")
    page = client.post(
        f"/cases/{case.pk}/comment", {"note": "wrong case, sorry"}, follow=True
    ).content.decode()
    said = Act.objects.get(verb="comment", subject=case.pk)
    assert page.count(f"/cases/{case.pk}/undo/{said.pk}") == 2  # in the message, and in the history

    other = desk.client("supervisor")
    assert f"undo/{said.pk}" not in other.get(f"/cases/{case.pk}/").content.decode()
    assert other.post(f"/cases/{case.pk}/undo/{said.pk}").status_code == 409
    page = client.post(f"/cases/{case.pk}/undo/{said.pk}", follow=True).content.decode()
    assert "wrong case, sorry" not in page
    assert "The comment was taken back." in page
    assert Act.objects.get(pk=said.pk).note == "wrong case, sorry"  # the trail keeps both
    case.refresh_from_db()
    with pytest.raises(ConflictError, match="taken back already"):
        undo(said.pk, by="operator", at=now())


@pytest.mark.usefixtures("desk")
def test_a_comment_changes_nothing_and_neither_does_taking_it_back() -> None:
    case = Case.objects.order_by("key").first()
    assert case is not None
    decisions.comment(case.pk, note="x", by="ann", at=now())
    said = Act.objects.get(verb="comment", subject=case.pk)
    undo(said.pk, by="ann", at=now())
    after = Case.objects.get(pk=case.pk)
    assert (after.version, after.status, after.assignee) == (case.version, case.status, case.assignee)


@pytest.mark.usefixtures("desk")
def test_after_ten_minutes_a_comment_stays() -> None:
    case = Case.objects.order_by("key").first()
    assert case is not None
    decisions.comment(case.pk, note="x", by="ann", at=now())
    said = Act.objects.get(verb="comment", subject=case.pk)
    with pytest.raises(ConflictError, match="older than"):
        undo(said.pk, by="ann", at=now() + UNDO_WITHIN + timedelta(seconds=1))


def test_a_comment_on_a_problem_is_taken_back_too(desk: Desk) -> None:
    problem = Problem.objects.order_by("pk").first()
    assert problem is not None
    client = desk.client("supervisor")
    client.post(f"/problems/{problem.pk}/comment", {"note": "nonsense"})
    (said,) = Act.objects.filter(verb="comment", subject=problem.pk)
    assert f"undo/{said.pk}" not in desk.client("developer").get(f"/problems/{problem.pk}/").content.decode()
    assert f"undo/{said.pk}" in client.get(f"/problems/{problem.pk}/").content.decode()
    page = client.post(f"/problems/{problem.pk}/undo/{said.pk}", follow=True).content.decode()
    assert "nonsense" not in page
    assert "The comment was taken back." in page
    problems.comment(problem.pk, "once more", problems.Who("ann", now()))
    assert "once more" in client.get(f"/problems/{problem.pk}/").content.decode()
