"""The exception queue on the desk: its lists, one case, every decision with its undo, and what a refusal keeps."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runner.cases.mentions import mentions_of
from runner.core.clock import now
from runner.desk.people.models import SignIn
from runner.store.models import Act, Case, Item, Run
from tests.desk_place import PASSWORD, Desk

TABS = ["/", "/cases/", "/burning/", "/cases/overdue/", "/cases/mine/", "/cases/waiting/", "/cases/closed/"]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def case_of(key: str) -> Case:
    return Case.objects.select_related("item", "problem").get(key=key)


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def decide(client: Client, key: str, verb: str, status: Any = 302, **fields: Any) -> Any:
    """Post a decision as the form of the case's page would; `status` is what is expected."""
    case = case_of(key)
    sent = {"version": case.version, "token": f"desk:{uuid4().hex}", **fields}
    answer = client.post(f"/cases/{case.pk}/{verb}", sent)
    assert answer.status_code == status, text_of(answer)[-600:]
    return answer


def undo(client: Client, key: str, status: int = 302) -> None:
    act = Act.objects.filter(subject=case_of(key).pk, machine=False).order_by("-at").first()
    assert act is not None
    assert client.post(f"/cases/{act.subject}/undo/{act.pk}").status_code == status


@pytest.fixture
def tom(desk: Desk) -> Client:
    """An operator."""
    return desk.client("operator")


def test_a_problem_shows_the_cases_that_have_it(desk: Desk) -> None:
    client, case = desk.client("viewer"), Case.objects.order_by("key").first()
    assert case is not None

    shown = text_of(client.get(f"/problems/{case.problem_id}/", follow=True))

    assert case.key in shown
    assert client.get("/problems/NOSUCHONE/").status_code == 404


def test_every_page_opens_with_few_queries(desk: Desk) -> None:
    client = desk.client("supervisor")
    paths = [*TABS, "/live/problems", "/live/cases/cases", "/live/burning", "/corrections/"]
    paths += [f"/cases/{pk}/" for pk in Case.objects.values_list("pk", flat=True)]
    paths += [f"/cases/{pk}/journal" for pk in Case.objects.values_list("pk", flat=True)]
    for path in paths:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = client.get(path, headers={"hx-request": "true"} if "live" in path else {})
        assert answer.status_code == 200, path
        assert len(asked) <= 20, f"{path}: {len(asked)}\n" + "\n".join(q["sql"][:120] for q in asked)
        assert len(answer.content) < 150_000


def test_a_case_says_what_happened_and_what_differs(tom: Client) -> None:
    said = text_of(tom.get(f"/cases/{case_of('A-1').pk}/"))
    assert "amount 1 of A-1 is too small" in said
    assert "somebody has to decide" in said
    assert "Grouped because: Same kind (business), code SMALL" in said
    assert "A-1 failed: amount 1 of A-1 is too small" in text_of(
        tom.get(f"/cases/{case_of('A-1').pk}/journal")
    )
    bad = tom.get(f"/cases/{case_of('A-2').pk}/").content.decode()
    assert 'name="data.amount" value="12,5"' in bad
    assert "A number is expected" in bad


def test_everything_about_a_case_comes_as_one_file(tom: Client) -> None:
    answer = tom.get(f"/cases/{case_of('A-1').pk}/file")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert {"case.json", "item.json", "journal.jsonl", "manifest.json"} <= set(file.namelist())


def test_a_value_that_does_not_fit_is_refused_at_its_field_and_kept(tom: Client) -> None:
    refused = decide(tom, "A-2", "retry", 422, **{"data.amount": "a lot", "note": "asked Ann"})
    page = refused.content.decode()
    assert 'value="a lot"' in page
    assert "asked Ann" in page
    assert re.search(r'id="why-amount"[^>]*>A number is expected, such as 12.50.', page)
    assert case_of("A-2").status == "open"


def test_a_retry_with_corrected_data_asks_for_a_run_and_can_be_taken_back(tom: Client) -> None:
    answer = decide(tom, "A-2", "retry", **{"data.amount": "12.5"})
    item = Item.objects.get(key="A-2")
    assert (case_of("A-2").status, item.status, item.data["amount"]) == ("retrying", "pending", "12.5")
    assert Run.objects.filter(status="queued").count() == 1
    page = tom.get(answer["Location"])
    assert "The case is settled when the new attempt succeeds" in text_of(page)
    assert "/undo/" in page.content.decode()
    undo(tom, "A-2")
    item.refresh_from_db()
    assert (case_of("A-2").status, item.status, item.data["amount"]) == ("open", "exception", "12,5")
    assert not Run.objects.filter(status="queued").exists()


def test_a_retry_as_it_is_leaves_the_data_alone(tom: Client) -> None:
    before = Item.objects.get(key="A-3").data
    decide(tom, "A-3", "retry", **{"data.amount": str(before["amount"])})
    act = Act.objects.get(subject=case_of("A-3").pk, verb="retry")
    assert "after" not in act.data
    assert Item.objects.get(key="A-3").data == before


@pytest.mark.parametrize(("verb", "state"), [("done", "done"), ("reject", "rejected")])
def test_closing_a_case_needs_words_and_can_be_taken_back(tom: Client, verb: str, state: str) -> None:
    assert "in a few words" in text_of(decide(tom, "A-1", verb, 422))
    decide(tom, "A-1", verb, note="by telephone")
    assert (case_of("A-1").status, Item.objects.get(key="A-1").status) == ("resolved", state)
    undo(tom, "A-1")
    assert (case_of("A-1").status, Item.objects.get(key="A-1").status) == ("open", "exception")


def test_handing_on_putting_aside_and_how_urgent(desk: Desk, tom: Client) -> None:
    desk.person("supervisor")
    decide(tom, "A-1", "claim")
    assert case_of("A-1").assignee == "operator"
    assert "A-1" in text_of(tom.get("/cases/mine/"))
    assert "Did you mean “supervisor”?" in text_of(decide(tom, "A-1", "assign", 422, assignee="superviser"))
    decide(tom, "A-1", "assign", assignee="Supervisor")
    assert case_of("A-1").assignee == "supervisor"
    decide(tom, "A-1", "unassign")
    assert case_of("A-1").assignee == ""
    decide(tom, "A-1", "priority", priority="2")
    assert "urgent" in text_of(tom.get("/cases/"))
    assert "in the future" in text_of(decide(tom, "A-1", "snooze", 422, until="2020-01-01T10:00"))
    decide(tom, "A-1", "snooze", preset="tomorrow")
    assert case_of("A-1").status == "waiting"
    assert "A-1" in text_of(tom.get("/cases/waiting/"))
    undo(tom, "A-1")
    assert (case_of("A-1").status, case_of("A-1").snoozed_until) == ("open", None)


def test_a_comment_calls_somebody_and_is_seen_when_they_look(desk: Desk, tom: Client) -> None:
    decide(tom, "A-1", "comment", note="@supervisor is 1 allowed?")
    assert [one["by"] for one in mentions_of("supervisor", unseen=True)] == ["operator"]
    boss = desk.client("supervisor")
    assert "is 1 allowed?" in text_of(boss.get("/cases/mine/"))
    assert "is 1 allowed?" in text_of(boss.get(f"/cases/{case_of('A-1').pk}/"))
    assert mentions_of("supervisor", unseen=True) == []


def test_an_outcome_is_attested_by_a_supervisor_with_the_password_and_a_proof(
    desk: Desk, tom: Client
) -> None:
    assert "A supervisor has to attest" in text_of(tom.get(f"/cases/{case_of('A-4').pk}/"))
    decide(tom, "A-4", "attest", 403, outcome="done", note="seen")
    desk.with_password("supervisor")
    boss = desk.client("supervisor")
    SignIn.objects.update(confirmed=now() - timedelta(minutes=11))
    assert decide(boss, "A-4", "attest", 401, outcome="done", note="seen")
    assert case_of("A-4").status == "open"
    assert "Say what you saw" in text_of(
        decide(boss, "A-4", "attest", 422, outcome="done", confirm_password=PASSWORD)
    )
    proof = SimpleUploadedFile("portal.png", PNG, "image/png")
    decide(boss, "A-4", "attest", outcome="done", note="it is in the portal", proof=proof)
    assert (case_of("A-4").status, case_of("A-4").resolution) == ("resolved", "attested")
    act = Act.objects.get(subject=case_of("A-4").pk, verb="attest")
    kept = boss.get(f"/cases/{act.subject}/proof/{act.pk}")
    assert (kept.content, kept["Content-Disposition"]) == (PNG, 'attachment; filename="portal.png"')
    assert "portal.png" in text_of(boss.get(f"/cases/{act.subject}/"))


def test_a_proof_that_is_a_program_is_refused(desk: Desk) -> None:
    boss = desk.client("supervisor")
    sent = {
        "outcome": "done",
        "note": "seen",
        "proof": SimpleUploadedFile("x.png", b"MZ\x90\x00\x01", "image/png"),
    }
    assert "not kept as proof" in text_of(decide(boss, "A-4", "attest", 422, **sent))


def test_a_decision_sent_twice_is_carried_out_once(tom: Client) -> None:
    case = case_of("A-1")
    sent = {"version": case.version, "token": "desk:twice", "note": "done twice?"}
    for _ in range(2):
        assert tom.post(f"/cases/{case.pk}/done", sent).status_code == 302
    assert Act.objects.filter(subject=case.pk, verb="done").count() == 1


def test_who_only_looks_gets_no_buttons_and_no_further(desk: Desk) -> None:
    viewer = desk.client("viewer")
    page = viewer.get(f"/cases/{case_of('A-1').pk}/")
    assert "you can look at this case, but not decide" in text_of(page)
    assert "data-key=" not in page.content.decode().partition("<main")[2].replace('data-key="j"', "").replace(
        'data-key="k"', ""
    )
    decide(viewer, "A-1", "done", 403, note="no")


def test_a_list_that_is_open_gets_304_until_something_moves(tom: Client) -> None:
    first = tom.get("/live/cases/cases", HTTP_HX_REQUEST="true")
    again = tom.get("/live/cases/cases", HTTP_HX_REQUEST="true", HTTP_IF_NONE_MATCH=first["ETag"])
    assert again.status_code == 304
    decide(tom, "A-1", "claim")
    moved = tom.get("/live/cases/cases", HTTP_HX_REQUEST="true", HTTP_IF_NONE_MATCH=first["ETag"])
    assert moved.status_code == 200
