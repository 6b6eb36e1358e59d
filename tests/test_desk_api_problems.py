"""Problems and evidence for programs: the same acts as on the page, the same refusals, and files by addresses that tell nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from runner.core.clock import iso, now
from runner.desk.people.models import ProcessRole
from runner.store.models import Act, Case, CorrectiveAction, Problem
from tests.cases_history import retried_run
from tests.desk_place import Desk
from tests.desk_program import Program, ok, program, refusal


def act(caller: Program, problem: str, what: str, status: int = 200, **said: Any) -> dict[str, Any]:
    """Carry out an act on a problem, and give what is answered."""
    return dict(ok(caller.post(f"problems/{problem}/{what}", said), status))


def fetch(caller: Program, href: str) -> Any:
    """The answer to a call of the address that a list of evidence names."""
    return caller.get(href.removeprefix("/api/v1/"))


def test_a_problem_is_worked_on_from_its_owner_to_its_end_and_opened_again(
    desk: Desk, failed_orders: str
) -> None:
    caller = program(desk, "supervisor")
    act(caller, failed_orders, "owner", owner="supervisor")
    whys = [{"why": "the portal lost the order", "evidence": "case O-1"}, {"why": "its pool was empty"}]
    said = act(
        caller, failed_orders, "analysis", whys=whys, causes={"machine": ["the pool"]}, root_cause="no alert"
    )
    assert len(said["acts"]) == 3
    due = iso(now() + timedelta(days=3))
    action = act(caller, failed_orders, "actions", 201, text="add an alert", owner="supervisor", due=due)[
        "acts"
    ][0]
    act(caller, failed_orders, f"actions/{action}", done=True, due=None)
    act(caller, failed_orders, "comments", 201, note="@operator please look")
    act(caller, failed_orders, "move", to="analysing")
    act(caller, failed_orders, "move", to="acting")
    assert act(caller, failed_orders, "move", to="verifying", runs=1, items=2)["status"] == "verifying"

    told = ok(caller.get(f"problems/{failed_orders}"))
    assert (told["owner"], told["root_cause"], told["causes"]) == (
        "supervisor",
        "no alert",
        {"machine": ["the pool"]},
    )
    assert [one["why"] for one in told["whys"]] == [one["why"] for one in whys]
    assert [(one["text"], bool(one["done"]), one["due"]) for one in told["actions"]] == [
        ("add an alert", True, None)
    ]
    assert told["proof"] | {"since": ""} == {
        "since": "", "runs": 0, "items": 0, "needed": {"runs": 1, "items": 2}, "proven": False,
    }  # fmt: skip
    verbs = [one["verb"] for one in ok(caller.get(f"problems/{failed_orders}/history"))["rows"]]
    assert verbs == [
        "own",
        "whys",
        "causes",
        "root_cause",
        "action",
        "action",
        "comment",
        "move",
        "move",
        "move",
    ]

    error = refusal(caller.post(f"problems/{failed_orders}/move", {"to": "closed"}), 409, "API_STATE")
    assert "6 of its cases are not settled" in error["message"]
    for case in Case.objects.filter(problem=failed_orders):
        ok(caller.post(f"cases/{case.pk}/decisions", {"decision": "done", "note": "by hand"}))
    refusal(caller.post(f"problems/{failed_orders}/move", {"to": "closed"}), 409, "API_STATE")  # not proven
    closed = act(caller, failed_orders, "move", to="closed", note="the portal is replaced on Monday")
    assert closed["status"] == "closed"
    assert act(caller, failed_orders, "move", to="open")["status"] == "open"


def test_what_is_wrong_is_said_at_its_field_and_changes_nothing(desk: Desk, failed_orders: str) -> None:
    caller = program(desk, "supervisor")
    before = Act.objects.count()
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("owner", {"owner": "superviser"}, "owner"),
        ("owner", {}, "owner"),
        ("analysis", {}, "body"),
        ("analysis", {"whys": [{"why": ""}]}, "whys.0.why"),
        ("analysis", {"causes": {"weather": ["rain"]}}, "causes.weather.[key]"),
        ("actions", {"text": "x", "owner": "nobody"}, "owner"),
        ("actions", {"text": "x", "due": "tomorrow"}, "due"),
        ("comments", {"note": ""}, "note"),
        ("move", {"to": "resolved"}, "to"),
        ("canary", {"cases": 0}, "cases"),
        ("split", {"field": "weather", "value": "x"}, "field"),
    ]
    for what, said, field in wrong:
        error = refusal(caller.post(f"problems/{failed_orders}/{what}", said), 422, "API_SCHEMA")
        assert error["field"] == field, (what, said, error)
    for what in ("actions/none", "acts/none/undo"):
        refusal(
            caller.post(f"problems/{failed_orders}/{what}", {"done": True} if "actions" in what else {}),
            404,
            "API_NOT_FOUND",
        )
    refusal(caller.post(f"problems/{failed_orders}/merge", {"into": "none"}), 404, "API_NOT_FOUND")
    assert Act.objects.count() == before


def test_an_analysis_that_is_refused_in_part_is_not_written_at_all(desk: Desk, failed_orders: str) -> None:
    caller = program(desk, "supervisor")
    stale = caller.get(f"problems/{failed_orders}")["ETag"]
    act(caller, failed_orders, "owner", owner="supervisor")

    said = {"causes": {"machine": ["the pool"]}, "root_cause": "no alert"}
    error = refusal(
        caller.post(f"problems/{failed_orders}/analysis", said, if_match=stale), 409, "API_CONFLICT"
    )

    assert "changed by supervisor at" in error["message"]
    assert Problem.objects.get(pk=failed_orders).root_cause == ""
    fresh = caller.get(f"problems/{failed_orders}")["ETag"]
    ok(caller.post(f"problems/{failed_orders}/analysis", said, if_match=fresh, idempotency_key="a1"))
    again = caller.post(f"problems/{failed_orders}/analysis", said, if_match=fresh, idempotency_key="a1")
    assert again["Idempotent-Replayed"] == "true"
    assert Act.objects.filter(subject=failed_orders, verb="root_cause").count() == 1


def test_what_was_said_is_taken_back(desk: Desk, failed_orders: str) -> None:
    caller = program(desk, "supervisor")
    first = act(caller, failed_orders, "owner", owner="supervisor")["acts"][0]
    act(caller, failed_orders, f"acts/{first}/undo")
    assert Problem.objects.get(pk=failed_orders).owner == ""
    refusal(caller.post(f"problems/{failed_orders}/acts/{first}/undo"), 409, "UNDO")
    action = act(caller, failed_orders, "actions", 201, text="add an alert")["acts"][0]
    act(caller, failed_orders, f"acts/{action}/undo")
    assert CorrectiveAction.objects.get(pk=action).dropped


def test_a_few_cases_are_tried_first_and_the_rest_is_released_or_held(desk: Desk, failed_orders: str) -> None:
    caller, other = program(desk, "supervisor"), program(desk, "operator")
    refusal(caller.get(f"problems/{failed_orders}/canary"), 404, "API_NOT_FOUND")
    refusal(other.post(f"problems/{failed_orders}/canary", {"cases": 2}), 403, "API_ROLE")
    tried = act(caller, failed_orders, "canary", 201, cases=2)
    assert (tried["state"], tried["verdict"], tried["waiting"], tried["left"]) == (
        "watching",
        "waiting",
        2,
        4,
    )
    refusal(caller.post(f"problems/{failed_orders}/canary/release"), 409, "API_STATE")  # they have not ended
    act(caller, failed_orders, "canary/hold", note="after lunch")
    assert ok(caller.get(f"problems/{failed_orders}/canary"))["state"] == "held"

    tried = act(caller, failed_orders, "canary", 201, cases=1)
    key = Case.objects.get(pk=tried["cases"][0]).key
    retried_run(desk.settings.runs, good=(key,))
    assert ok(caller.get(f"problems/{failed_orders}/canary"))["verdict"] == "good"
    released = caller.post(f"problems/{failed_orders}/canary/release", idempotency_key="r1")
    told = ok(released)
    assert (told["finished"], told["counts"]) == (True, {"done": 3})
    assert told["decision"] == {"decision": "retry", "note": f"released: problem {failed_orders}"}
    assert ok(caller.post(f"selections/{told['selection']}/apply", told["decision"]))["counts"] == {"done": 3}
    again = ok(caller.post(f"problems/{failed_orders}/canary/release", idempotency_key="r1"))
    assert (again["selection"], again["counts"]) == (told["selection"], {"done": 3})


def test_problems_are_split_merged_and_put_back(desk: Desk, failed_orders: str) -> None:
    caller = program(desk, "supervisor")
    choices = ok(caller.get(f"problems/{failed_orders}/split"))["choices"]
    assert {"value": "Ho", "cases": 3} in next(one for one in choices if one["field"] == "data.customer")[
        "values"
    ]
    seen = ok(caller.get(f"problems/{failed_orders}/split?field=data.customer&value=Ho"))["moving"]
    assert (seen["count"], seen["of"], len(seen["first"])) == (3, 6, 3)

    split = act(caller, failed_orders, "split", field="data.customer", value="Ho", note="only theirs")
    assert Case.objects.filter(problem=split["target"]).count() == 3
    refusal(
        caller.post(f"problems/{failed_orders}/split", {"field": "data.customer", "value": "ho"}),
        409,
        "API_STATE",
    )
    rules = ok(caller.get(f"problems/{failed_orders}"))["rules"]
    assert [(one["kind"], one["leads"], one["other"]) for one in rules] == [
        ("split", "away", split["target"])
    ]
    act(caller, failed_orders, "ungroup", rule=split["rule"])
    assert Case.objects.filter(problem=failed_orders).count() == 6

    small = Case.objects.get(key="A-1").problem_id
    assert ok(caller.get(f"problems/{small}/merge"))["count"] == 1
    merged = act(caller, small, "merge", into=failed_orders)
    assert (merged["status"], merged["target"]) == ("closed", failed_orders)
    assert Case.objects.filter(problem=failed_orders).count() == 7
    refusal(caller.post(f"problems/{small}/merge", {"into": failed_orders}), 409, "API_STATE")
    act(caller, failed_orders, "ungroup", rule=merged["rule"])
    assert Case.objects.get(key="A-1").problem_id == small


def test_a_merge_takes_both_processes(desk: Desk, failed_orders: str) -> None:
    small = Case.objects.get(key="A-1").problem_id
    caller = program(desk, "supervisor")
    for role, status, code in (("viewer", 403, "API_ROLE"), ("none", 404, "API_NOT_FOUND")):
        ProcessRole.objects.update_or_create(
            person=desk.person("supervisor"), process="accounts-payable", defaults={"role": role}
        )
        refusal(caller.post(f"problems/{failed_orders}/merge", {"into": small}), status, code)
        refusal(caller.post(f"problems/{small}/owner", {"owner": ""}), status, code)
    assert Problem.objects.get(pk=failed_orders).merged_into_id is None


def test_what_failed_is_compared_with_what_went_through(desk: Desk, failed_orders: str) -> None:
    found = ok(program(desk, "viewer").get(f"problems/{failed_orders}/contrast"))
    assert (found["of"], found["failed"], found["clean"]) == ("items", 6, 8)
    assert any(one["dimension"] == "data.customer" for one in found["findings"])


def test_evidence_is_listed_and_fetched_by_addresses_that_hold_for_those_who_may_see_it(desk: Desk) -> None:
    caller, narrow = program(desk, "viewer"), program(desk, "viewer", ["cases.see"])
    case = Case.objects.get(key="A-3")
    rows = ok(caller.get(f"cases/{case.pk}/evidence"))["rows"]
    files = [one for one in rows if one["href"]]
    assert files
    for one in files:
        answer = fetch(caller, one["href"])
        content = b"".join(answer.streaming_content)
        answer.close()
        assert (answer.status_code, len(content)) == (200, one["size"])
        assert answer["Content-Disposition"] == f'attachment; filename="{one["name"]}"'
    assert ok(caller.get(f"runs/{case.run_id or files[0]['run']}/evidence"))["rows"]

    refusal(narrow.get(f"cases/{case.pk}/evidence"), 403, "API_ROLE")
    refusal(fetch(narrow, files[0]["href"]), 403, "API_ROLE")
    refusal(fetch(caller, files[0]["href"][:-1] + "_"), 404, "API_NOT_FOUND")
    ProcessRole.objects.create(person=desk.person("viewer"), process="accounts-payable", role="none")
    refusal(fetch(caller, files[0]["href"]), 404, "API_NOT_FOUND")
    refusal(caller.get(f"cases/{case.pk}/evidence"), 404, "API_NOT_FOUND")


def test_a_proof_is_fetched_as_it_was_attached(desk: Desk) -> None:
    caller = program(desk, "supervisor")
    case = Case.objects.get(key="A-4")
    proof = {"name": "seen.txt", "content": "aXQgaXMgdGhlcmU="}
    said = {"decision": "attest", "outcome": "done", "note": "it is in the portal", "proof": proof}
    ok(caller.post(f"cases/{case.pk}/decisions", said))

    row = next(one for one in ok(caller.get(f"cases/{case.pk}/evidence"))["rows"] if one["kind"] == "proof")

    answer = fetch(caller, row["href"])
    assert (answer.content, answer["Content-Disposition"]) == (
        b"it is there",
        'attachment; filename="seen.txt"',
    )
    refusal(caller.get(f"cases/{case.pk}/proofs/none"), 404, "API_NOT_FOUND")
