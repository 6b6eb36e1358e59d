"""The JSON interface: who may call what, lists in parts, decisions with versions, calls that count once."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from runner.core.clock import iso, now
from runner.desk.access import endpoints
from runner.desk.api.operations import OPERATIONS
from runner.desk.api.rates import Rates
from runner.desk.asking import TooOften
from runner.desk.outside import place
from runner.desk.people.models import ApiCall, ApiToken, ProcessRole
from runner.desk.roles import PERMISSIONS, Role, has
from runner.engine.bot_watch import take_stock
from runner.engine.webhook_sender import WebhookSender
from runner.store.models import Act, AuditEntry, Case, Item, Run
from tests.desk_place import Desk, assert_one_language
from tests.desk_program import ok, program, refusal
from tests.test_desk_access import filled
from tests.webhook_receiver import receiver

ITEM = {"number": "N-1", "amount": "12.50"}


def case_of(key: str) -> Case:
    """The case of an item of the project."""
    return Case.objects.get(key=key)


@pytest.mark.parametrize("role", list(Role))
def test_every_cell_of_role_and_operation(desk: Desk, role: Role) -> None:
    take_stock(desk.settings, changed_only=True)
    caller, narrow = program(desk, role), program(desk, role, ["audit.see"])
    wrong = []
    for endpoint, method in itertools.product(
        [e for e in endpoints() if e.by_key], ("GET", "POST", "PUT", "DELETE")
    ):
        path = filled(endpoint)
        answer = caller.call(method, path)
        if method not in {e.methods[0] for e in endpoints() if e.pattern == endpoint.pattern}:
            fits = answer.status_code == 405 and b"API_METHOD" in answer.content
        elif method != endpoint.methods[0]:
            continue
        elif not has(role, endpoint.permission):
            fits = answer.status_code == 403 and b"API_ROLE" in answer.content
        else:
            fits = answer.status_code not in {401, 403, 405} and answer.status_code < 500
            fits = fits and (role != Role.ADMIN or narrow.call(method, path).status_code == 403)
        if not fits:
            wrong.append(f"{role} {method} {path}: {answer.status_code} {answer.content[:200]!r}")
    assert wrong == []


def test_nobody_and_a_signed_in_browser_get_nothing_and_change_nothing(desk: Desk) -> None:
    before = Act.objects.count()
    for client in (desk.client(), desk.client("admin")):
        for endpoint in (one for one in endpoints() if one.by_key):
            for method in ("GET", "POST", "DELETE"):
                answer = client.generic(method, filled(endpoint))
                assert answer.status_code == 401, (method, endpoint)
                assert json.loads(answer.content)["error"]["code"] == "API_AUTH"
                assert answer["WWW-Authenticate"].startswith("Bearer")
    assert Act.objects.count() == before


def test_a_key_that_is_wrong_revoked_or_expired_or_whose_person_has_left_opens_nothing(desk: Desk) -> None:
    caller = program(desk, "operator")
    assert caller.get("runs").status_code == 200
    client = desk.client()
    for text in ("", "Bearer", "Bearer rnr_none", f"Basic {caller.key}", f"Bearer {caller.key}x"):
        assert client.get("/api/v1/runs", headers={"authorization": text}).status_code == 401

    desk.person("operator", is_active=False)
    assert caller.get("runs").status_code == 401
    desk.person("operator", is_active=True)
    ApiToken.objects.update(expires=now() - timedelta(seconds=1))
    assert caller.get("runs").status_code == 401
    ApiToken.objects.update(expires=None, revoked=now())
    assert caller.get("runs").status_code == 401


def test_a_key_does_no_more_than_its_scopes_and_says_which_one_it_lacks(desk: Desk) -> None:
    caller = program(desk, "admin", ["runs.see"])

    assert caller.get("runs").status_code == 200
    error = refusal(caller.post("runs", {"bot": "invoice"}), 403, "API_ROLE")
    assert "runs.start is not among its scopes" in error["message"]


def test_what_is_in_a_process_that_is_not_theirs_is_not_there(desk: Desk) -> None:
    caller = program(desk, "operator")
    ProcessRole.objects.create(person=desk.person("operator"), process="accounts-payable", role="none")
    take_stock(desk.settings, changed_only=True)
    case, run = case_of("A-1"), Run.objects.get(bot="invoice")

    assert ok(caller.get("cases?status=all"))["rows"] == []
    assert ok(caller.get("runs"))["rows"] == []
    assert ok(caller.get("problems"))["rows"] == []
    there = caller.get(f"cases/{case.pk}")
    assert there.status_code == 404
    assert there.content == caller.get("cases/nothing").content == caller.get(f"runs/{run.pk}").content
    for path in (f"cases/{case.pk}/decisions", f"runs/{run.pk}/cancel", "queues/invoices/items"):
        answer = caller.post(
            path, {"decision": "claim"} if "cases" in path else {"data": ITEM} if "items" in path else {}
        )
        assert answer.content == there.content, path
    assert caller.post("runs", {"bot": "invoice"}).content == there.content
    assert caller.post("selections", {"cases": [{"id": case.pk}]}).content == there.content
    assert caller.get("schedules/invoices").content == there.content


def test_who_may_see_a_process_and_not_act_in_it_is_told_so(desk: Desk) -> None:
    caller = program(desk, "operator")
    ProcessRole.objects.create(person=desk.person("operator"), process="accounts-payable", role="viewer")

    answer = caller.post(f"cases/{case_of('A-1').pk}/decisions", {"decision": "claim"})

    assert "your role (viewer)" in refusal(answer, 403, "API_ROLE")["message"]


def test_a_list_comes_in_parts_that_fit_together(desk: Desk) -> None:
    caller = program(desk, "viewer")
    whole = [one["id"] for one in ok(caller.get("cases?sort=-item"))["rows"]]
    assert len(whole) == 4

    parts, cursor = [], ""
    while True:
        answer = caller.get(f"cases?sort=-item&limit=1&cursor={cursor}")
        part = ok(answer)
        parts += [one["id"] for one in part["rows"]]
        cursor = part["next"]
        assert ("Link" in answer.headers) == bool(cursor)
        if not cursor:
            break
    assert parts == whole


def test_cases_have_the_filters_of_the_desk(desk: Desk) -> None:
    caller = program(desk, "viewer")

    def keys(query: str) -> list[str]:
        return [one["item"] for one in ok(caller.get(f"cases?sort=item&{query}"))["rows"]]

    assert keys("kind=unknown") == ["A-4"]
    assert keys("queue=invoices&text=small") == ["A-1"]
    assert keys(f"problem={case_of('A-3').problem_id}") == ["A-3"]
    assert keys("status=claimed") == []
    assert keys("status=claimed&status=open") == ["A-1", "A-2", "A-3", "A-4"]
    assert keys("priority=high") == []
    assert keys(f"since={iso(now())}") == []
    assert keys("unassigned=true&bot=invoice&process=accounts-payable") == ["A-1", "A-2", "A-3", "A-4"]
    assert keys("bot=other") == []


def test_the_fields_are_those_of_the_command_line(desk: Desk) -> None:
    caller = program(desk, "viewer")
    run = Run.objects.get(bot="invoice")
    told = {
        f"runs/{run.pk}": ("runs", "show", run.pk),
        f"cases/{case_of('A-1').pk}": ("cases", "show", case_of("A-1").pk),
        "queues/invoices/items/A-1": ("items", "show", "invoices", "A-1"),
        "schedules": ("schedules", "list"),
    }
    for path, words in told.items():
        found, line = ok(caller.get(path)), desk.cli(*words, "--json").json
        assert (found["rows"] if isinstance(line, list) else found) == line, path


def test_what_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    caller = program(desk, "operator")
    path = f"cases/{case_of('A-1').pk}"
    tag = caller.get(path)["ETag"]

    assert caller.get(path, if_none_match=tag).status_code == 304
    ok(caller.post(f"{path}/decisions", {"decision": "comment", "note": "I look at it"}))
    assert caller.get(path, if_none_match=tag).status_code == 200


def test_the_journal_of_a_run_is_read_by_level_and_words(desk: Desk) -> None:
    caller = program(desk, "viewer")
    run = Run.objects.get(bot="invoice")

    told = ok(caller.get(f"runs/{run.pk}/journal?item=A-1"))
    assert {one.get("item") for one in told["lines"]} == {"A-1"}
    assert told["total"] == len(told["lines"])
    assert any(one["message"] == "posting A-1" for one in told["lines"])
    first = ok(caller.get(f"runs/{run.pk}/journal?first=0&limit=1"))
    assert first["lines"][0]["event"] == "run.started"


def test_every_decision_can_be_made(desk: Desk) -> None:
    caller = program(desk, "supervisor")

    def decide(key: str, **said: object) -> dict[str, object]:
        answer = caller.post(f"cases/{case_of(key).pk}/decisions", said)
        return dict(ok(answer))

    assert decide("A-1", decision="claim")["status"] == "claimed"
    assert decide("A-1", decision="assign", assignee="supervisor")["status"] == "claimed"
    assert decide("A-1", decision="unassign")["status"] == "open"
    assert decide("A-1", decision="priority", priority="urgent")["status"] == "open"
    assert decide("A-1", decision="snooze", until=iso(now() + timedelta(hours=1)))["status"] == "waiting"
    assert decide("A-1", decision="comment", note="see the mail")["status"] == "waiting"
    assert decide("A-1", decision="done", note="posted by hand")["status"] == "resolved"
    assert decide("A-3", decision="reject", note="a duplicate")["status"] == "resolved"
    proof = {"name": "seen.txt", "content": "aXQgaXMgdGhlcmU="}
    attested = decide("A-4", decision="attest", outcome="done", note="it is in the portal", proof=proof)
    assert attested["status"] == "resolved"
    assert Act.objects.get(pk=attested["act"]).data["proof"]["name"] == "seen.txt"
    retried = decide("A-2", decision="retry", set={"amount": "12.50"})
    assert (retried["status"], Item.objects.get(key="A-2").data["amount"]) == ("retrying", "12.50")
    assert Run.objects.get(pk=retried["run"]).status == "queued"
    history = ok(caller.get(f"cases/{case_of('A-1').pk}/history"))["rows"]
    assert [one["verb"] for one in history if not one["machine"]] == [
        "claim", "assign", "unassign", "priority", "snooze", "comment", "done",
    ]  # fmt: skip
    assert AuditEntry.objects.filter(by="supervisor", what="case.done").count() == 1


def test_corrected_data_is_judged_by_the_bots_own_model(desk: Desk) -> None:
    caller = program(desk, "operator")
    path = f"cases/{case_of('A-3').pk}/decisions"

    error = refusal(
        caller.post(path, {"decision": "retry", "set": {"amount": "many", "nothing": 1}}), 422, "API_SCHEMA"
    )
    assert {one["field"] for one in error["errors"]} >= {"set.amount"}
    error = refusal(caller.post(path, {"decision": "retry", "set": {"number": "B-1"}}), 422, "API_SCHEMA")
    assert error["field"] == "set.number"
    assert case_of("A-3").status == "open"


def test_a_decision_is_taken_back(desk: Desk) -> None:
    caller = program(desk, "operator")
    path = f"cases/{case_of('A-1').pk}/decisions"
    done = ok(caller.post(path, {"decision": "done", "note": "by hand"}))

    undone = ok(caller.post(f"{path}/{done['act']}/undo"))

    assert (undone["undone"], undone["status"]) == ("done", "open")
    refusal(caller.post(f"{path}/{done['act']}/undo"), 409, "UNDO")
    refusal(caller.post(f"{path}/nothing/undo"), 404, "API_NOT_FOUND")


def test_many_cases_are_chosen_looked_at_and_decided(desk: Desk) -> None:
    caller, other = program(desk, "operator"), program(desk, "supervisor")
    chosen = ok(caller.post("selections", {"filter": {"queue": "invoices"}}), 201)
    assert chosen["size"] == 4
    said = {"decision": "retry", "note": "the portal is up again"}
    ok(other.post(f"cases/{case_of('A-1').pk}/decisions", {"decision": "reject", "note": "no"}))

    seen = ok(caller.post(f"selections/{chosen['id']}/preview", said))
    assert seen["counts"] == {"skipped": 1, "refused": 2, "done": 1}
    assert case_of("A-3").status == "open"
    refusal(other.post(f"selections/{chosen['id']}/apply", said), 404, "API_NOT_FOUND")
    done = ok(caller.post(f"selections/{chosen['id']}/apply", said))
    assert (done["finished"], done["counts"]) == (True, seen["counts"])
    results = {one["case"]: one["outcome"] for one in done["rows"]}
    assert results[case_of("A-3").pk] == "done"
    again = ok(caller.post(f"selections/{chosen['id']}/apply", said))
    assert (again["counts"], again["rows"]) == (done["counts"], [])
    assert sum(one["done"] for one in ok(caller.get(f"selections/{chosen['id']}"))["cases"]) == 1
    refusal(caller.post(f"selections/{chosen['id']}/apply", {"decision": "claim"}), 409, "SELECTION")
    undone = ok(caller.post(f"selections/{chosen['id']}/undo"))
    assert undone["counts"] == {"done": 1}
    assert case_of("A-3").status == "open"


def test_runs_are_started_repeated_and_ended(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "operator")

    made = ok(caller.post("runs", {"bot": "invoice", "parameters": {"count": 2}, "note": "by program"}), 201)
    run = Run.objects.get(pk=made["id"])
    assert (run.status, run.parameters, run.requested_by) == ("queued", {"count": 2}, "operator")
    like = ok(caller.post(f"runs/{made['id']}/again", {"parameters": {"count": 3}}), 201)
    assert Run.objects.get(pk=like["id"]).parameters == {"count": 3}
    assert ok(caller.post(f"runs/{made['id']}/cancel", {"note": "not needed"}))["status"] == "cancelled"
    error = refusal(caller.post(f"runs/{made['id']}/cancel"), 409, "API_STATE")
    assert "has ended already" in error["message"]
    error = refusal(
        caller.post("runs", {"bot": "invoice", "parameters": {"cuont": 2, "count": "x"}}), 422, "API_SCHEMA"
    )
    assert {one["field"] for one in error["errors"]} == {"parameters.cuont", "parameters.count"}
    refusal(caller.post("runs", {"bot": "nothing"}), 404, "API_NOT_FOUND")


def test_items_are_put_once_for_each_key(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "operator")

    made = ok(caller.post("queues/invoices/items", {"data": ITEM, "source": "crm"}), 201)
    assert (made["key"], made["status"], made["source"]) == ("N-1", "pending", "crm")
    again = ok(caller.post("queues/invoices/items", {"data": {**ITEM, "amount": "99"}}))
    assert again["data"]["amount"] == "12.50"
    bad = refusal(
        caller.post("queues/invoices/items", {"data": {"number": "N-2", "amuont": 1}}), 422, "API_SCHEMA"
    )
    assert {one["field"] for one in bad["errors"]} == {"data.amount", "data.amuont"}

    rows = [{"data": ITEM}, {"data": {"number": "N-3", "amount": 3}}, {"data": {"number": "N-4", "amount": "x"}},
            {"data": {"number": "N-3", "amount": 4}}]  # fmt: skip
    told = ok(caller.post("queues/invoices/bulk", {"items": rows}))
    assert [one["result"] for one in told["rows"]] == ["known", "new", "wrong", "known"]
    assert told["rows"][2]["errors"][0]["field"] == "amount"
    assert (told["new"], told["known"], told["wrong"]) == (1, 2, 1)
    assert ok(caller.post("queues/invoices/bulk", {"items": rows}))["new"] == 0
    assert ok(caller.post("queues/invoices/take-out", {"key": "N-3", "note": "paid"}))["status"] == "rejected"
    assert ok(caller.post("queues/invoices/put-back", {"key": "N-3"}))["status"] == "pending"
    listed = ok(caller.get("queues/invoices/items?status=pending"))["rows"]
    assert [one["key"] for one in listed] == ["N-1", "N-3"]


def test_schedules_are_seen_run_paused_and_resumed(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "operator")

    ahead = ok(caller.get("schedules/invoices/next?count=3&after=2026-11-23T00:00:00Z"))["rows"]
    assert [one["due"][:16] for one in ahead] == ["2026-11-23T07:30", "2026-11-24T07:30", "2026-11-25T07:30"]
    made = ok(caller.post("schedules/invoices/run", {"parameters": {"count": 1}}), 201)
    assert Run.objects.get(pk=made["run"]).parameters == {"count": 1}
    ended = ok(caller.get("schedules/invoices/occurrences"))["rows"]
    assert (ended[0]["run"], ended[0]["decided_by"]) == (made["run"], "operator")
    until = iso(now() + timedelta(days=1))
    assert ok(caller.post("schedules/invoices/pause", {"reason": "stocktaking", "until": until}))["paused"]
    assert ok(caller.get("schedules/invoices"))["paused"]["reason"] == "stocktaking"
    assert not ok(caller.post("schedules/invoices/resume"))["paused"]
    refusal(caller.post("schedules/invoices/resume"), 409, "API_STATE")
    refusal(caller.get("schedules/nothing"), 404, "API_NOT_FOUND")


def test_the_same_call_twice_counts_once(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, "operator")
    said = {"bot": "invoice", "parameters": {"count": 1}}

    first = caller.post("runs", said, idempotency_key="k1")
    second = caller.post("runs", said, idempotency_key="k1")

    assert (second.status_code, second.content) == (201, first.content)
    assert second["Idempotent-Replayed"] == "true"
    assert Run.objects.filter(status="queued").count() == 1
    error = refusal(caller.post("runs", {"bot": "slow"}, idempotency_key="k1"), 409, "API_IDEMPOTENCY")
    assert error["field"] == "Idempotency-Key"
    refusal(
        caller.post("runs", {"bot": "invoice", "parameters": {"x": 1}}, idempotency_key="k2"),
        422,
        "API_SCHEMA",
    )
    ok(caller.post("runs", said, idempotency_key="k2"), 201)  # what was refused was not kept
    refusal(caller.post("runs", said, idempotency_key="k" * 201), 422, "API_SCHEMA")
    ok(program(desk, "supervisor").post("runs", said, idempotency_key="k1"), 201)  # another person's key


def test_who_calls_too_often_is_told_when_to_come_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    here = place()
    slow = here.settings.model_copy(update={"api_rate": 2})
    monkeypatch.setattr(django_settings, "RUNNER_PLACE", type(here)(slow, here.environment, here.outside))
    caller = program(desk, "viewer")
    assert [caller.get("runs").status_code for _ in range(2)] == [200, 200]

    answer = caller.get("runs")

    assert "try again in" in refusal(answer, 429, "API_RATE")["message"]
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_calls_are_counted_by_the_minute() -> None:
    at = [0.0]
    rates = Rates(lambda: at[0])
    rates.count("a", 1)
    with pytest.raises(TooOften) as refused:
        rates.count("a", 1)
    assert refused.value.wait == 60
    rates.count("b", 1)
    at[0] = 60.0
    rates.count("a", 1)


def test_the_page_for_programs_shows_every_operation(desk: Desk) -> None:
    text = desk.client("viewer").get("/api/").content.decode()
    for one in OPERATIONS:
        assert f"/api/v1/{one.path.replace('{path:', '{')}</code>" in text
    assert "not with your role" in text
    assert all(permission in PERMISSIONS for one in OPERATIONS for permission in one.permissions)


def test_the_page_for_programs_is_chinese_and_fits_a_phone(desk: Desk) -> None:
    page = desk.page("admin", "/api/", language="zh-hans", theme="dark", width=360)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert_one_language(page, "zh-hans", "MB|schedules.yaml")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.get_by_text("此优先级或更高。").count() > 0
    narrow = "[...document.querySelectorAll('td.what')].filter(one => one.textContent && one.clientWidth < 100).length"
    assert page.evaluate(narrow) == 0
    assert page.locator("main [lang=en]").count() == 0


def test_webhooks_are_added_tried_out_and_removed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    here = place()
    settings = here.settings.model_copy(update={"webhook_allow": "127.0.0.1"})
    monkeypatch.setattr(django_settings, "RUNNER_PLACE", type(here)(settings, here.environment, here.outside))
    caller = program(desk, "admin")
    with receiver() as told:
        said = {"label": "ERP", "url": told.url, "events": ["case.decided"]}
        made = ok(caller.post("webhooks", said, idempotency_key="w1"), 201)
        assert ok(caller.post("webhooks", said, idempotency_key="w1"), 201) == made
        assert made["secret"].startswith("whsec_")
        assert "whsec_" not in json.dumps(list(ApiCall.objects.values_list("answer", flat=True)))
        assert [one["label"] for one in ok(caller.get("webhooks"))["rows"]] == ["ERP"]

        path = f"webhooks/{made['id']}"
        message = ok(caller.post(f"{path}/test"), 202)["message"]
        ok(caller.post(f"cases/{case_of('A-1').pk}/decisions", {"decision": "claim"}))
        assert WebhookSender(settings, {}).look() == 2
        assert told.events() == ["test", "case.decided"]
        listed = ok(caller.get(f"{path}/messages?status=sent"))["rows"]
        assert {one["event"] for one in listed} == {"test", "case.decided"}
        refusal(caller.post(f"messages/{message}/again"), 409, "API_STATE")
    answer = caller.client.delete(f"/api/v1/{path}", headers={"authorization": f"Bearer {caller.key}"})
    assert ok(answer) == {"removed": made["id"]}
    refusal(caller.get(f"{path}/messages"), 404, "API_NOT_FOUND")
    refusal(program(desk, "developer").get("webhooks"), 403, "API_ROLE")
