"""From the front page to the end of a problem: what each bad row is about, where to go next, what is left to record."""

from __future__ import annotations

import pytest

from runner.desk.queue.case_words import changes_of, is_same
from runner.store.models import Case, Problem
from tests.desk_place import Desk
from tests.test_desk_queue import case_of, decide, text_of


def test_the_front_page_says_of_each_bad_row_what_is_wrong_with_it(desk: Desk) -> None:
    front = desk.client("viewer").get("/").content.decode()

    for case in Case.objects.filter(waits=True):
        assert f'<a href="/cases/{case.pk}/" class="data">{case.key}</a>' in front
    assert "amount 1 of A-1 is too small" in front


def test_many_cases_of_a_problem_are_not_told_one_by_one(desk: Desk) -> None:
    first, *others = Case.objects.order_by("key")
    Case.objects.filter(pk__in=[one.pk for one in others]).update(problem=first.problem)
    Problem.objects.filter(pk=first.problem_id).update(waiting=4)
    front = desk.client("viewer").get("/").content.decode()
    assert not any(f"/cases/{case.pk}/" in front for case in Case.objects.all())


def test_a_settled_case_leads_to_the_next_that_waits(desk: Desk) -> None:
    client = desk.client("operator")
    for key in ("A-1", "A-3", "A-2"):
        verb = "retry" if key == "A-2" else "done"
        answer = decide(client, key, verb, note="by hand", **{"data.amount": "12.5"})
        following = Case.objects.filter(waits=True).order_by("due", "pk")[0]
        page = client.get(answer["Location"]).content.decode()
        assert f'href="/cases/{following.pk}/" data-key="j">Next that waits:' in page, key
    Case.objects.filter(key="A-4").update(status="resolved")
    assert "Nothing else waits." in text_of(client.get(f"/cases/{case_of('A-1').pk}/"))


def test_a_problem_whose_cases_are_settled_is_found_until_its_cause_is_recorded(desk: Desk) -> None:
    client = desk.client("supervisor")
    problem = case_of("A-1").problem
    assert f"/problems/{problem.pk}/" not in client.get("/?of=settled").content.decode()
    for key in ("A-1", "A-3"):
        decide(client, key, "done", note="by hand")
    settled = client.get("/?of=settled").content.decode()
    assert f"/problems/{problem.pk}/" in settled
    assert 'href="/?of=settled">Settled, cause not recorded</a> 2' in client.get("/").content.decode()
    assert f"/problems/{problem.pk}/" not in client.get("/").content.decode()
    live = client.get("/live/problems?of=settled", headers={"hx-request": "true"}).content.decode()
    assert f"/problems/{problem.pk}/" in live

    version = Problem.objects.values_list("version", flat=True).get(pk=problem.pk)
    sent = {"to": "closed", "note": "the template is corrected", "version": version}
    assert client.post(f"/problems/{problem.pk}/move", sent).status_code == 302
    assert f"/problems/{problem.pk}/" not in client.get("/?of=settled").content.decode()
    assert f"/problems/{problem.pk}/" in client.get("/?of=closed").content.decode()


def test_when_nothing_waits_the_front_page_leads_to_the_causes(desk: Desk) -> None:
    client = desk.client("supervisor")
    for problem in Problem.objects.all():
        Case.objects.filter(problem=problem).update(status="resolved")
        Problem.objects.filter(pk=problem.pk).update(
            waiting=0, unsettled=0, status="resolved", oldest_due=None
        )
    assert "Record the cause of 4 settled problems" in text_of(client.get("/"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (96.5, "96.5", True), (96.5, "96.50", True), (None, "", True), (3, 3.0, True), ("", None, True),
        ("007", "7", False), ("7", 7, True), (True, "True", False), (0, None, False), (None, [], True), ([], [1], False), ("a", 1, False), (1, True, True),
    ],
)  # fmt: skip
def test_values_are_changed_where_people_see_a_difference(one: object, other: object, *, same: bool) -> None:
    assert is_same(one, other) is same
    assert changes_of({"before": {"x": one}, "after": {"x": other}}) == ([] if same else [("x", one, other)])
