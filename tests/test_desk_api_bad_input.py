"""Bad input to the JSON interface: the cases HT01 to HT14 of bad_inputs.json, as programs meet them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.core.contract import Settled
from runner.desk.settings import LARGEST_BODY
from runner.engine.bot_watch import take_stock
from runner.store.models import Act, Case, Item, Run
from tests.desk_place import Desk
from tests.desk_program import ok, program, refusal
from tests.test_desk_safety import expected


def check(case: str, answer: Any) -> dict[str, Any]:
    """The error of an answer, which has the status, the code and the words that its case asks for."""
    wanted, text = expected(case), answer.content.decode()
    error = refusal(answer, wanted["http_status"], wanted["error_code"])
    for words in wanted["message_must_contain"]:
        assert words in text, f"{case}: '{words}' is not in {text}"
    return error


def decisions(key: str) -> str:
    """Where the case of an item is decided."""
    return f"cases/{Case.objects.get(key=key).pk}/decisions"


def test_ht01_without_a_key_nobody_learns_whether_something_is_there(desk: Desk) -> None:
    client = desk.client("admin")
    case = Case.objects.all()[0].pk
    there = client.get(f"/api/v1/cases/{case}")
    not_there = client.get("/api/v1/cases/nothing")

    check("HT01", desk.client().get(f"/api/v1/cases/{case}"))
    assert "sign in" in there.content.decode()
    assert there.content == not_there.content


def test_ht02_a_role_that_is_too_low_is_named_and_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    answer = program(desk, "operator").post(
        decisions("A-4"), {"decision": "attest", "outcome": "done", "note": "x"}
    )

    error = refusal(answer, 403, "API_ROLE")
    assert "your role (operator)" in error["message"]
    assert "supervisor" in error["message"]
    assert "operator is operator, needs supervisor" in caplog.text


def test_ht03_a_foreign_site_can_do_nothing_with_the_cookies_of_a_browser(desk: Desk) -> None:
    client = desk.client("admin")
    for headers in ({"origin": "https://evil.example"}, {"origin": "http://localhost"}):
        answer = client.post(
            f"/api/v1/{decisions('A-1')}", json.dumps({"decision": "claim"}), content_type="application/json",
            headers=headers,
        )  # fmt: skip
        assert answer.status_code == 401
    assert Case.objects.get(key="A-1").status == "open"


def test_ht04_what_is_not_json_is_named_with_its_position(desk: Desk) -> None:
    caller = program(desk, "operator")
    check("HT04", caller.post(decisions("A-1"), '{"decision":'))
    bodies: tuple[str | bytes, ...] = (
        "[1,", "{'a': 1}", b"\xff\xfe", '{"note": NaN}', "[" * 100_000, '{"a": ' + "9" * 5000 + "}",
    )  # fmt: skip
    for body in bodies:
        assert "JSON" in refusal(caller.post(decisions("A-1"), body), 400, "API_JSON")["message"], body[:20]


def test_ht05_every_error_of_a_body_comes_in_one_reply(desk: Desk) -> None:
    answer = program(desk, "operator").post(decisions("A-1"), {"decison": "retry", "note": 5})

    error = check("HT05", answer)
    assert {one["field"] for one in error["errors"]} == {"decision", "decison", "note"}


WRONG: tuple[tuple[object, str], ...] = (
    ({"decision": "comment", "note": "a\x00b"}, "note"),
    ({"decision": "comment", "note": "\ud800"}, "note"),
    ({"decision": "retry", "set": {"a\x00": 1}}, "set"),
    ({"decision": "retry", "set": {"a": {"b": ["\ud800"]}}}, "set"),
    ({"decision": "retry", "version": 10**30}, "version"),
    ({"decision": "retyr"}, "decision"),
    ({"decision": "retry", "until": "2026-11-24"}, "until"),
    ({"decision": "snooze", "until": "2001-01-01T00:00:00Z"}, "until"),
    ({"decision": "snooze", "until": "9999-12-31T23:59:59-23:00"}, "until"),
    ({"decision": "snooze"}, "until"),
    ({"decision": "done"}, "note"),
    ({"decision": "done", "note": "  "}, "note"),
    ({"decision": "done", "note": "x", "priority": "high"}, "priority"),
    ({"decision": "assign", "assignee": "opreator"}, "assignee"),
    ({"decision": "comment", "note": "x" * 4001}, "note"),
    ([], "body"),
    ("text", "body"),
)


def test_what_does_not_fit_is_named_by_its_field(desk: Desk) -> None:
    caller = program(desk, "operator")
    for body, field in WRONG:
        error = refusal(caller.post(decisions("A-1"), json.dumps(body)), 422, "API_SCHEMA")
        assert error["errors"][0]["field"] == field, (body, error)
    assert Case.objects.get(key="A-1").status == "open"


def test_a_number_that_json_can_not_hold_is_refused(desk: Desk) -> None:
    answer = program(desk, "operator").post(
        decisions("A-1"), '{"decision": "retry", "set": {"amount": 1e999}}'
    )

    assert "too large" in refusal(answer, 422, "API_SCHEMA")["message"]


def test_ht06_who_comes_second_is_told_by_whom_and_nothing_is_lost(desk: Desk) -> None:
    first, second = program(desk, "supervisor"), program(desk, "operator")
    path = decisions("A-1")
    tag = second.get(path.removesuffix("/decisions"))["ETag"]
    ok(first.post(path, {"decision": "reject", "note": "a duplicate"}))

    late = {"decision": "done", "note": "I posted it by hand"}
    check("HT06", second.post(path, late, if_match=tag))
    check("HT06", second.post(path, late, if_match=tag))

    case = Case.objects.get(key="A-1")
    assert (case.status, case.resolution) == ("resolved", "rejected")
    (draft,) = Act.objects.filter(subject=case.pk, by="operator")
    assert (draft.verb, draft.data["draft"]["verb"]) == ("comment", "done")
    assert "I posted it by hand" in draft.note


def test_if_match_and_the_version_of_the_body_say_the_same(desk: Desk) -> None:
    caller = program(desk, "operator")
    path = decisions("A-1")
    for sent in ("nonsense", '"7-xyz"', "999999999999"):
        error = refusal(caller.post(path, {"decision": "claim"}, if_match=sent), 422, "API_SCHEMA")
        assert error["field"] == "If-Match"
    refusal(caller.post(path, {"decision": "claim", "version": 3}, if_match='"1"'), 422, "API_SCHEMA")
    ok(caller.post(path, {"decision": "claim", "version": 1}, if_match='"1"'))


def test_ht07_an_unknown_outcome_is_not_retried(desk: Desk) -> None:
    item = Item.objects.get(key="A-4")
    assert item.irreversible["submit"]["state"] == Settled.INTENT

    check("HT07", program(desk, "operator").post(decisions("A-4"), {"decision": "retry"}))


def test_ht08_and_ht09_what_is_not_there_and_what_is_not_theirs_look_alike(desk: Desk) -> None:
    caller = program(desk, "viewer")
    run = Run.objects.get(bot="invoice").pk
    Run.objects.update(process="secret")
    desk.person("viewer").process_roles.create(process="secret", role="none")
    theirs = caller.get(f"runs/{run}")

    for path in (
        "runs/../../etc/passwd",
        "runs/%00",
        "runs/..%2f..%2fetc%2fpasswd",
        "queues/a%00b/items",
        "runs/..%5c",
    ):
        answer = caller.get(path)
        check("HT08", answer)
        assert answer.content == theirs.content, path


def test_ht10_a_body_that_is_too_large_is_refused(desk: Desk) -> None:
    body = '{"decision": "comment", "note": "' + "x" * LARGEST_BODY + '"}'

    check("HT10", program(desk, "operator").post(decisions("A-1"), body))


def test_ht11_a_page_that_is_none_is_refused(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "viewer")
    lists = ("cases", "runs", "problems", "queues/invoices/items", "schedules/invoices/occurrences")
    queries = (
        "limit=-1", "limit=1e9", "limit=501", "limit=0", "limit=x", "cursor=xyz", "cursor=bnVsbA", "cursor=W3t9LFtdXQ",
    )  # fmt: skip
    for path in lists:
        for query in queries:
            error = check("HT11", caller.get(f"{path}?{query}"))
            assert error["field"] == query.partition("=")[0]


def test_the_place_of_another_order_is_refused(desk: Desk) -> None:
    caller = program(desk, "viewer")
    place = ok(caller.get("cases?sort=item&limit=1"))["next"]

    refusal(caller.get(f"cases?sort=opened&cursor={place}"), 422, "API_PAGE")
    refusal(caller.get("cases?sort=color"), 422, "API_SCHEMA")


def test_a_name_in_the_query_that_is_not_known_is_refused(desk: Desk) -> None:
    error = refusal(program(desk, "viewer").get("cases?stauts=open"), 422, "API_SCHEMA")

    assert "did you mean 'status'" in error["message"]


def test_a_value_in_the_query_that_is_not_known_names_those_that_are(desk: Desk) -> None:
    error = refusal(program(desk, "viewer").get("runs?status=runing"), 422, "API_SCHEMA")

    assert "did you mean running?" in error["message"]


def test_ht12_a_webhook_to_an_address_inside_is_refused(desk: Desk) -> None:
    caller = program(desk, "admin")
    said = {"label": "ERP", "events": ["run.finished"]}
    for url in ("http://169.254.169.254/", "http://[::1]:5432", "http://localhost:8080/x"):
        error = check("HT12", caller.post("webhooks", {**said, "url": url}))
        assert error["field"] == "url"

    page = desk.client("admin").post("/webhooks/add", {**said, "url": "http://169.254.169.254/"})
    wanted = expected("HT12")
    assert page.status_code == wanted["http_status"]
    assert all(words in page.content.decode().lower() for words in wanted["message_must_contain"])


def test_ht13_keys_can_not_be_guessed_in_words_and_wrong_ones_all_look_alike(desk: Desk) -> None:
    answers = {
        desk.client().get("/api/v1/runs", headers={"authorization": f"Bearer rnr_{guess}"}).content
        for guess in ("", "a", "x" * 43, "x" * 5000)
    }

    assert len(answers) == 1


def test_ht14_what_looks_like_a_formula_is_given_out_as_it_is(desk: Desk) -> None:
    caller = program(desk, "operator")
    take_stock(desk.settings, changed_only=True)
    for number, text in enumerate(("=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx")):
        data = {"number": f"F-{number}", "amount": "1", "lines": [text]}
        assert ok(caller.post("queues/invoices/items", {"data": data}), 201)["data"]["lines"] == [text]
        assert ok(caller.get(f"queues/invoices/items/F-{number}"))["data"]["lines"] == [text]
