"""`runner cases` and `runner problems`: what waits, and every decision about it."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import pytest

from tests.cli_project import Cli, cli, empty, ran  # noqa: F401 - fixtures

FIELDS = {
    "id", "kind", "status", "queue", "item", "run", "bot", "problem", "message", "error_type", "opened", "due",
    "assignee", "history",
}  # fmt: skip


def test_cases_and_problems_are_listed_with_their_documented_fields(ran: Cli) -> None:
    cases = ran("cases", "list", "--json").json
    assert {one["item"]: one["kind"] for one in cases} == {
        "A-1": "business", "A-2": "business", "A-3": "application", "A-4": "unknown",
    }  # fmt: skip
    for one in cases:
        assert set(one) >= FIELDS
        assert (one["queue"], one["bot"], one["status"]) == ("invoices", "invoice", "open")
    problems = ran("problems", "list", "--json").json
    assert {one["id"] for one in problems} == {one["problem"] for one in cases}
    assert set(problems[0]) >= {"id", "fingerprint", "explanation", "cases", "status"}
    shown = ran("problems", "show", problems[0]["id"][:5], "--json").json
    assert [one["id"] for one in cases if one["problem"] == shown["id"]] == shown["case_ids"]
    assert "why one" in ran("problems", "show", problems[0]["id"]).out


@pytest.mark.parametrize(
    ("words", "items"),
    [
        (["--kind", "business"], ["A-2", "A-1"]),
        (["--text", "too small"], ["A-1"]),
        (["--queue", "invoices", "--limit", "1"], ["A-2"]),
        (["--bot", "slow"], []),
        (["--mine"], []),
        (["--since", "1h", "--status", "open", "--sort=-item", "--limit", "2"], ["A-4", "A-3"]),
    ],
)
def test_filters_choose_cases(ran: Cli, words: list[str], items: list[str]) -> None:
    assert [one["item"] for one in ran("cases", "list", *words, "--json").json] == items


def test_tables_fit_80_columns_and_never_cut_an_id(ran: Cli) -> None:
    ids = [one["id"] for one in ran("cases", "list", "--json").json]
    for words in (["cases", "list"], ["problems", "list"], ["runs", "list"], ["items", "list", "invoices"]):
        out = ran(*words).out
        assert max(len(line) for line in out.splitlines()) <= 80
        if words[0] in {"cases", "items"}:
            assert all(one in out for one in ids)


def test_a_case_is_shown_with_what_can_be_decided(ran: Cli) -> None:
    bad, unknown = ran.case("A-2")["id"], ran.case("A-4")["id"]
    out = ran("cases", "show", bad[:6].lower()).out
    assert "the value is '12,5'" in out
    assert "number A-2, amount 12,5" in out
    assert f"runner cases retry {bad} --set amount=…" in out
    assert f"runner cases retry {bad}\n" not in out  # it never fitted the model: as it is, it can't be tried
    out = ran("cases", "show", unknown).out
    assert "outcome unknown" in out
    assert f"runner cases attest {unknown} --done" in out
    assert "evidence" in out
    assert ran("cases", "show", bad, "--json").json["data"] == {"number": "A-2", "amount": "12,5"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["show", "ZZZZ"], ["case 'ZZZZ' not found", "runner cases list"]),
        (["show", "Z"], ["at least its first 3 characters"]),
        (["list", "--kind", "busines"], ["--kind: CLI_USAGE", "did you mean 'business'?"]),
        (["list", "--since", "2026-02-30"], ["--since: CLI_DATE", "February 2026 has 28 days"]),
        (["retry"], ["no case is named", "--all"]),
        (["retry", "--kind", "business"], ["a filter without --all"]),
        (["retry", "--all", "--text", "nothing like it"], ["no case fits"]),
        (["retry", "--all", "--set", "a=1"], ["--set: CLI_SET", "exactly one"]),
        (["done", "ABC"], ["--note: CLI_USAGE", "what was done by hand"]),
        (["reject", "ABC"], ["--reason: CLI_USAGE"]),
        (["attest", "ABC", "--note", "x"], ["--done: CLI_USAGE", "--not-done"]),
        (["snooze", "ABC", "--until", "yesterday"], ["--until: CLI_DATE", "'yesterday' is not a time"]),
        (["comment", "ABC"], ["--note: CLI_USAGE"]),
    ],
)
def test_a_wrong_decision_is_refused_in_a_line(ran: Cli, words: list[str], expected: list[str]) -> None:
    answer = ran("cases", *words, code=2)
    for part in expected:
        assert part in answer.err
    assert answer.out == ""


def test_corrected_data_is_checked_and_the_new_attempt_resolves_the_case(cli: Cli) -> None:
    case = cli.case("A-2")["id"]
    wrong = {
        "amount=many": "amount: ITEM_DATA: the value is 'many'",
        "amuont=1": "did you mean 'amount'?",
        "amount": "expected field=value",
        "number=B-1": "'number' is the key of the item",
    }
    for words, expected in wrong.items():
        assert expected in cli("cases", "retry", case, "--set", words, code=2).err
    assert cli.case("A-2")["version"] == 1
    decided = cli(
        "cases", "retry", case, "--set", "amount=12.50", "--set-json", 'lines=["a", "b"]', "--run", "--json"
    )
    assert [(one["id"], one["outcome"]) for one in decided.json] == [(case, "done")]
    after = cli.case("A-2")
    assert (after["status"], after["resolution"]) == ("resolved", "retried")
    assert after["data"] == {"number": "A-2", "amount": "12.50", "lines": ["a", "b"]}
    retry = next(act for act in after["history"] if act["verb"] == "retry")
    assert (retry["by"], retry["data"]["before"]["amount"], retry["data"]["after"]["amount"]) == (
        "mei",
        "12,5",
        "12.50",
    )
    assert "amount: 12,5 → 12.50" in cli("cases", "show", case).out
    item = cli("items", "show", "invoices", "A-2", "--json").json
    assert (item["status"], item["attempts"], item["original"]["amount"]) == ("done", 1, "12,5")


def test_a_retry_leaves_a_run_for_a_worker_and_does_not_resolve(cli: Cli) -> None:
    case = cli.case("A-3")["id"]
    answer = cli("cases", "retry", case, "--note", "the portal is back")
    assert f"case {case}: retrying" in answer.out
    queued = cli("runs", "list", "--status", "queued", "--json").json
    assert [(run["bot"], run["requested_by"]) for run in queued] == [("invoice", "mei")]
    assert queued[0]["id"] in answer.out
    again = cli("cases", "retry", case, code=5)
    assert "CONFLICT" in again.err


def test_an_unknown_outcome_is_attested_and_never_just_repeated(cli: Cli) -> None:
    case = cli.case("A-4")["id"]
    for words in (["retry", case], ["done", case, "--note", "x"], ["reject", case, "--reason", "x"]):
        refused = cli("cases", *words, code=5)
        assert "is unknown" in refused.err
        assert "confirm in the target system" in refused.err
    cli("cases", "attest", case, "--done", "--note", "seen under A-4")
    after = cli.case("A-4")
    assert (after["status"], after["resolution"]) == ("resolved", "attested")
    assert cli("items", "show", "invoices", "A-4", "--json").json["status"] == "done"


def test_the_other_decisions_are_in_the_history(cli: Cli) -> None:
    one, two = cli.case("A-1")["id"], cli.case("A-3")["id"]
    cli("cases", "claim", one, "--for", "ana")
    assert [c["item"] for c in cli("cases", "list", "--mine", "--json", RUNNER_USER="ana").json] == ["A-1"]
    cli("cases", "comment", one, "--note", "asked the supplier")
    cli("cases", "snooze", one, "--until", "2h")
    assert cli.case("A-1")["status"] == "waiting"
    cli("cases", "done", one, "--note", "entered by hand")
    cli("cases", "reject", two, "--reason", "not ours")
    first, second = cli.case("A-1"), cli.case("A-3")
    assert [act["verb"] for act in first["history"]] == ["opened", "claim", "comment", "snooze", "done"]
    assert (first["resolution"], second["resolution"]) == ("by_hand", "rejected")
    assert cli("items", "show", "invoices", "A-3", "--json").json["status"] == "rejected"


def test_a_bulk_decision_is_shown_first_and_needs_a_yes(cli: Cli) -> None:
    shown = cli("cases", "reject", "--all", "--kind", "business", "--reason", "test data", code=2)
    assert cli.case("A-1")["id"] in shown.out
    assert "2 cases fit, none is touched" in shown.err
    assert "--yes" in shown.err
    assert {one["status"] for one in cli("cases", "list", "--json").json} == {"open"}
    silent = cli("cases", "reject", "--all", "--kind", "business", "--reason", "test data", "--json", code=2)
    assert silent.out == ""
    done = cli(
        "cases", "reject", "--all", "--kind", "business", "--reason", "test data", "--yes", "--json"
    ).json
    assert {one["outcome"] for one in done} == {"done"}
    assert {c["item"]: c["status"] for c in cli("cases", "list", "--status", "all", "--json").json} == {
        "A-1": "resolved", "A-2": "resolved", "A-3": "open", "A-4": "open",
    }  # fmt: skip


def test_several_cases_have_a_result_each_and_one_refusal_stops_no_other(cli: Cli) -> None:
    ids = [cli.case(item)["id"] for item in ("A-1", "A-4")]
    answer = cli("cases", "done", *ids, "--note", "by hand", "--json", code=5)
    assert {one["id"]: one["outcome"] for one in answer.json} == {ids[0]: "done", ids[1]: "refused"}
    assert "is unknown" in answer.json[1]["why"]
