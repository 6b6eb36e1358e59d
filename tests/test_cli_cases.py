"""`runner cases` and `runner problems`: what waits, and every decision about it."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

from tests.cli_project import Cli, cli, empty, ran  # noqa: F401 - fixtures

PLAIN = {"BOT_ERROR", "OUTCOME_UNKNOWN", "ITEM_DATA", "UNEXPECTED"}  # whose own words are not for ops staff
FIELDS = {
    "id", "kind", "status", "queue", "item", "run", "bot", "problem", "message", "error_type", "opened", "due",
    "assignee", "history",
}  # fmt: skip
WRONG: list[tuple[list[str], list[str]]] = [
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
]


def test_cases_and_problems_are_listed_with_their_documented_fields(ran: Cli) -> None:
    listed, causes = ran.each(["cases", "list", "--json"], ["problems", "list", "--json"])
    cases, problems = listed.json, causes.json
    assert {one["item"]: one["kind"] for one in cases} == {
        "A-1": "business", "A-2": "business", "A-3": "application", "A-4": "unknown",
    }  # fmt: skip
    for one in cases:
        assert set(one) >= FIELDS
        assert (one["queue"], one["bot"], one["status"]) == ("invoices", "invoice", "open")
    assert {one["id"] for one in problems} == {one["problem"] for one in cases}
    assert set(problems[0]) >= {"id", "fingerprint", "explanation", "cases", "status"}
    name = problems[0]["id"]
    shown, page = ran.each(["problems", "show", name[:5], "--json"], ["problems", "show", name])
    assert [one["id"] for one in cases if one["problem"] == name] == shown.json["case_ids"]
    assert "why one" in page.out


def test_filters_choose_cases(ran: Cli) -> None:
    wanted = [
        (["--kind", "business"], ["A-2", "A-1"]),
        (["--text", "too small"], ["A-1"]),
        (["--queue", "invoices", "--limit", "1"], ["A-2"]),
        (["--bot", "slow"], []),
        (["--mine"], []),
        (["--since", "1h", "--status", "open", "--sort=-item", "--limit", "2"], ["A-4", "A-3"]),
    ]
    answers = ran.each(*(["cases", "list", *words, "--json"] for words, _ in wanted))
    for answer, (_, items) in zip(answers, wanted, strict=True):
        assert [one["item"] for one in answer.json] == items


def test_tables_that_go_to_a_file_have_a_line_a_row_and_cut_nothing(ran: Cli) -> None:
    known = ran.cases().values()
    cases, problems = ran.each(["cases", "list"], ["problems", "list"])
    assert len(cases.out.splitlines()) == len(known) + 1
    for one in known:
        line = next(line for line in cases.out.splitlines() if one["id"] in line)
        assert one["message"] in line or one["error"]["code"] in PLAIN
    shown = problems.out.splitlines()
    for one in ran("problems", "list", "--json").json:
        (line,) = (line for line in shown if line.startswith(one["id"]))
        assert not line.endswith("…")
        assert one["parts"].get("code", "-") not in line  # a sentence, and no code in front of it


def test_tables_on_a_terminal_wrap_and_never_cut_an_id(ran: Cli) -> None:
    ids = [one["id"] for one in ran.cases().values()]
    lists = (["cases", "list"], ["items", "list", "invoices"], ["problems", "list"], ["runs", "list"])
    tables = [ran(*words, FORCE_COLOR="1", TERM="dumb").out for words in lists]
    for shown in tables:
        assert max(len(line) for line in shown.splitlines()) <= 80
    for shown in tables[:2]:
        assert all(one in shown for one in ids)


def test_a_case_is_shown_with_what_can_be_decided(ran: Cli) -> None:
    cases = ran.cases()
    bad, unknown = cases["A-2"]["id"], cases["A-4"]["id"]
    first, second, as_json = ran.each(
        ["cases", "show", bad[:6].lower()], ["cases", "show", unknown], ["cases", "show", bad, "--json"]
    )
    assert "the value is '12,5'" in first.out
    assert "number A-2, amount 12,5" in first.out
    assert f"runner cases retry {bad} --set amount=…" in first.out
    assert f"runner cases retry {bad}\n" not in first.out  # it never fitted: as it is, it can't be tried
    assert "outcome unknown" in second.out
    assert f"runner cases attest {unknown} --done" in second.out
    assert "evidence" in second.out
    assert as_json.json["data"] == {"number": "A-2", "amount": "12,5"}


def test_a_wrong_decision_is_refused_in_a_line(ran: Cli) -> None:
    answers = ran.each(*(["cases", *words] for words, _ in WRONG), code=2)
    for answer, (words, expected) in zip(answers, WRONG, strict=True):
        for part in expected:
            assert part in answer.err, words
        assert answer.out == ""


def test_corrected_data_is_checked_and_the_new_attempt_resolves_the_case(cli: Cli) -> None:
    case = cli.cases()["A-2"]["id"]
    wrong = {
        "amount=many": "amount: ITEM_DATA: the value is 'many'",
        "amuont=1": "did you mean 'amount'?",
        "amount": "expected field=value",
        "number=B-1": "'number' is the key of the item",
    }
    answers = cli.each(*(["cases", "retry", case, "--set", words] for words in wrong), code=2)
    for answer, expected in zip(answers, wrong.values(), strict=True):
        assert expected in answer.err
    assert cli.cases()["A-2"]["version"] == 1
    right = ["--set", "amount=12.50", "--set-json", 'lines=["a", "b"]']
    decided = cli("cases", "retry", case, *right, "--run", "--json")
    assert [(one["id"], one["outcome"]) for one in decided.json] == [(case, "done")]
    as_json, page, item = cli.each(
        ["cases", "show", case, "--json"],
        ["cases", "show", case],
        ["items", "show", "invoices", "A-2", "--json"],
    )
    after = as_json.json
    assert (after["status"], after["resolution"]) == ("resolved", "retried")
    assert after["data"] == {"number": "A-2", "amount": "12.50", "lines": ["a", "b"]}
    retry = next(act for act in after["history"] if act["verb"] == "retry")
    assert (retry["by"], retry["data"]["before"]["amount"], retry["data"]["after"]["amount"]) == (
        "mei",
        "12,5",
        "12.50",
    )
    assert "amount: 12,5 → 12.50" in page.out
    assert (item.json["status"], item.json["attempts"]) == ("done", 1)
    assert item.json["original"]["amount"] == "12,5"


def test_a_retry_leaves_a_run_for_a_worker_and_does_not_resolve(cli: Cli) -> None:
    case = cli.cases()["A-3"]["id"]
    retry = ["cases", "retry", case, "--note", "the portal is back"]
    first, queued, again = cli.each(retry, ["runs", "list", "--status", "queued", "--json"], retry, code=None)
    assert (first.code, again.code) == (0, 5)
    assert f"case {case}: retrying" in first.out
    assert [(run["bot"], run["requested_by"]) for run in queued.json] == [("invoice", "mei")]
    assert queued.json[0]["id"] in first.out
    assert "CONFLICT" in again.err


def test_an_unknown_outcome_is_attested_and_never_just_repeated(cli: Cli) -> None:
    case = cli.cases()["A-4"]["id"]
    refused = cli.each(
        ["cases", "retry", case],
        ["cases", "done", case, "--note", "x"],
        ["cases", "reject", case, "--reason", "x"],
        code=5,
    )
    for one in refused:
        assert "is unknown" in one.err
        assert "confirm in the target system" in one.err
    cli("cases", "attest", case, "--done", "--note", "seen under A-4")
    after = cli.cases()["A-4"]
    assert (after["status"], after["resolution"]) == ("resolved", "attested")
    assert cli("items", "show", "invoices", "A-4", "--json").json["status"] == "done"


def test_the_other_decisions_are_in_the_history(cli: Cli) -> None:
    cases = cli.cases()
    one, two = cases["A-1"]["id"], cases["A-3"]["id"]
    *_, mine, waiting = cli.each(
        ["cases", "claim", two],
        ["cases", "claim", one, "--for", "ana"],
        ["cases", "comment", one, "--note", "asked the supplier"],
        ["cases", "snooze", one, "--until", "2h"],
        ["cases", "list", "--mine", "--json"],
        ["cases", "list", "--status", "waiting", "--json"],
    )
    assert [c["item"] for c in mine.json] == ["A-3"]
    assert [(c["item"], c["assignee"]) for c in waiting.json] == [("A-1", "ana")]
    cli.each(
        ["cases", "done", one, "--note", "entered by hand"], ["cases", "reject", two, "--reason", "not ours"]
    )
    after = cli.cases()
    assert [act["verb"] for act in after["A-1"]["history"]] == [
        "opened",
        "claim",
        "comment",
        "snooze",
        "done",
    ]
    assert (after["A-1"]["resolution"], after["A-3"]["resolution"]) == ("by_hand", "rejected")
    assert cli("items", "show", "invoices", "A-3", "--json").json["status"] == "rejected"


def test_a_bulk_decision_is_shown_first_and_needs_a_yes(cli: Cli) -> None:
    reject = ["cases", "reject", "--all", "--kind", "business", "--reason", "test data"]
    shown = cli(*reject, code=2)  # in a process of its own, with a standard input that is no terminal
    before = cli.cases()
    assert before["A-1"]["id"] in shown.out
    assert "2 cases fit, none is touched" in shown.err
    assert "--yes" in shown.err
    assert {one["status"] for one in before.values()} == {"open"}
    assert cli(*reject, "--json", code=2).out == ""
    done = cli(*reject, "--yes", "--json").json
    assert {one["outcome"] for one in done} == {"done"}
    assert {item: one["status"] for item, one in cli.cases().items()} == {
        "A-1": "resolved", "A-2": "resolved", "A-3": "open", "A-4": "open",
    }  # fmt: skip


def test_several_cases_have_a_result_each_and_one_refusal_stops_no_other(cli: Cli) -> None:
    cases = cli.cases()
    ids = [cases[item]["id"] for item in ("A-1", "A-4")]
    answer = cli("cases", "done", *ids, "--note", "by hand", "--json", code=5)
    assert {one["id"]: one["outcome"] for one in answer.json} == {ids[0]: "done", ids[1]: "refused"}
    assert "is unknown" in answer.json[1]["why"]


def test_cases_are_given_on_made_urgent_proven_and_decisions_taken_back(cli: Cli) -> None:
    cases = cli.cases()
    small, unknown = cases["A-1"]["id"], cases["A-4"]["id"]
    (cli.project / "seen.txt").write_text("invoice A-4 is in the portal", "utf-8")
    (cli.project / "seen.exe").write_bytes(b"MZ\x90\x00")
    given, urgent, back, status = cli.each(
        ["cases", "assign", small, "--to", "ben"],
        ["cases", "priority", small, "--to", "urgent"],
        ["cases", "undo", small],
        ["cases", "show", small, "--json"],
    )
    assert f"case {small}: claimed" in given.out
    assert f"case {small}: claimed" in urgent.out
    assert f"case {small}: priority by mei taken back, it is claimed" in back.out
    assert (status.json["assignee"], status.json["priority"]) == ("ben", "normal")
    wrong = cli("cases", "attest", unknown, "--done", "--note", "seen", "--proof", "seen.exe", code=2)
    assert "seen.exe: PROOF_TYPE" in wrong.err
    cli("cases", "attest", unknown, "--done", "--note", "seen", "--proof", "seen.txt")
    mine, trail, verified = cli.each(
        ["cases", "unassign", small],
        ["audit", "list", "--by", "mei", "--json"],
        ["audit", "verify", "--json"],
    )
    assert f"case {small}: open" in mine.out
    assert [one["what"] for one in trail.json] == [
        "case.unassign", "case.attest", "case.undo", "case.priority", "case.assign",
    ]  # fmt: skip
    assert (verified.json["entries"], verified.json["broken"]) == (5, None)
    next(path for path in (cli.home / "proofs").rglob("*") if path.is_file()).write_text("nothing", "utf-8")
    broken = cli("audit", "verify", code=1)
    assert "audit entry 4: AUDIT_BROKEN: its proof" in broken.err
    wrong_noted = cli("audit", "verify", "--noted", "5:abc", code=2)
    assert "--noted: CLI_USAGE" in wrong_noted.err


def test_a_problem_is_looked_into_and_worked_on_from_the_command_line(cli: Cli) -> None:
    listed = {p["bot"] + p["title"][:5]: p for p in cli("problems", "list", "--json").json}
    small = next(p["id"] for name, p in listed.items() if name.endswith("SMALL"))
    other = next(p["id"] for p in listed.values() if p["id"] != small and p["kind"] == "application")
    lines = cli.each(
        ["problems", "own", small, "--to", "ben"],
        ["problems", "why", small, "it is too small", "nobody checked", "--root-cause", "no rule"],
        ["problems", "causes", small, "method=no check", "material=old list"],
        ["problems", "action", small, "check first", "--by", "cleo", "--due", "3d"],
        ["problems", "move", small, "--to", "acting"],
        ["problems", "contrast", small, "--json"],
        ["problems", "canary", small, "--cases", "1", "--json"],
        ["problems", "split", small, "--where", "code=SMALL", "--json"],
        ["problems", "merge", other, "--into", small, "--json"],
        ["problems", "rules", "--json"],
        ["problems", "show", small, "--json"],
    )
    assert lines[5].json["failed"] == 1
    assert (lines[6].json["state"], lines[6].json["waiting"]) == ("watching", 1)
    assert [one["kind"] for one in lines[9].json] == ["split", "merge"]
    shown = lines[10].json
    assert (shown["owner"], shown["status"], shown["root_cause"]) == ("ben", "acting", "no rule")
    assert [one["why"] for one in shown["whys"]] == ["it is too small", "nobody checked"]
    assert shown["causes"] == {"method": ["no check"], "material": ["old list"]}
    back, table = cli.each(
        ["problems", "ungroup", lines[8].json["rule"]],
        ["problems", "list"],
    )
    assert small in back.out
    assert other in table.out
    wrong = cli.each(
        ["problems", "causes", small, "peple=x"], ["problems", "move", small, "--to", "clsed"], code=2
    )
    assert "did you mean 'people'?" in wrong[0].err
    assert "did you mean 'closed'?" in wrong[1].err
    refused = cli("problems", "move", small, "--to", "closed", code=5)
    assert "STATE" in refused.err


def test_cases_go_into_a_spreadsheet_and_come_back_corrected(cli: Cli) -> None:
    import openpyxl

    file = cli.project / "cases.xlsx"
    made = cli("cases", "export", "-o", "cases.xlsx", "--language", "zh", "--json")
    assert (made.json["cases"], made.json["sheets"]) == (4, 1)
    book = openpyxl.load_workbook(file)
    sheet = book["invoices"]
    names = {str(cell.value): number for number, cell in enumerate(sheet[1], 1)}
    rows = {str(sheet.cell(row, names["item"]).value): row for row in range(3, 7)}
    sheet.cell(rows["A-2"], names["data.amount"], "many")
    book.save(file)
    wrong = cli("cases", "import", "cases.xlsx", code=2)
    assert f"invoices!{rows['A-2']}" in wrong.out
    sheet.cell(rows["A-2"], names["data.amount"], 12.5)
    sheet.cell(rows["A-1"], names["decision"], "拒绝")
    sheet.cell(rows["A-1"], names["note"], "太小")
    book.save(file)
    shown = cli("cases", "import", "cases.xlsx")
    assert "do it with --apply" in shown.out
    done = cli("cases", "import", "cases.xlsx", "--apply", "--json")
    assert sorted(r["state"] for r in done.json["rows"]) == ["done", "done", "nothing", "nothing"]
    cases = cli.cases()
    assert (cases["A-1"]["status"], cases["A-2"]["status"]) == ("resolved", "retrying")
    assert cases["A-2"]["data"]["amount"] == "12.5"
    again = cli("cases", "import", "cases.xlsx", "--apply", "--json")
    assert sorted(r["state"] for r in again.json["rows"]) == ["done", "done", "nothing", "nothing"]
    assert len(cli("audit", "list", "--what", "case.", "--json").json) == 2
    (cli.project / "own.csv").write_text("a,b\n1,2\n", "utf-8")
    refused = cli("cases", "import", "own.csv", code=1)
    assert "WB_FORM" in refused.err
