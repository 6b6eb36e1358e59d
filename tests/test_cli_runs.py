"""`runner runs`, `runner items`, `runner queues`: what happened."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
import signal

from tests.cli_project import Cli, cli, empty, fresh, ran  # noqa: F401 - fixtures
from tests.engine_project import until


def test_runs_are_listed_and_shown_with_their_documented_fields(ran: Cli) -> None:
    run = ran("runs", "list", "--json").json[0]
    assert set(run) >= {"id", "bot", "schedule", "status", "started", "finished", "items"}
    assert run["items"] == {"total": 5, "done": 1, "exceptions": 4, "pending": 0}
    shown, none, filtered, page = ran.each(
        ["runs", "show", run["id"][-6:], "--json"],
        ["runs", "list", "--status", "done", "--json"],
        ["runs", "list", "--bot", "invoice", "--since", "1h", "--json"],
        ["runs", "show", run["id"]],
    )
    assert (shown.json["id"], shown.json["status"]) == (run["id"], "exceptions")
    assert {step["name"] for step in shown.json["steps"]} == {"post"}
    assert none.json == []
    assert filtered.json == [run]
    assert "1 × Amount … of … is too small" in page.out
    assert "report: out.xlsx" in page.out


def test_queues_and_items_are_listed_with_their_documented_fields(ran: Cli) -> None:
    queues, listed, done, shown, page = ran.each(
        ["queues", "list", "--json"],
        ["items", "list", "invoices", "--json"],
        ["items", "list", "invoices", "--status", "done", "--json"],
        ["items", "show", "invoices", "A-1", "--json"],
        ["items", "show", "invoices", "A-1"],
    )
    queue = next(one for one in queues.json if one["name"] == "invoices")
    assert (queue["bot"], queue["key"], queue["total"]) == ("invoice", "number", 5)
    items = {one["key"]: one for one in listed.json}
    assert set(items["A-0"]) >= {"queue", "key", "status", "attempts", "data", "output", "case"}
    assert (items["A-0"]["status"], items["A-0"]["output"]) == ("done", {"confirmation": "C-A-0"})
    assert items["A-1"]["case"] == ran.cases()["A-1"]["id"]
    assert [one["key"] for one in done.json] == ["A-0"]
    assert [(t["number"], t["status"]) for t in shown.json["tries"]] == [(1, "failed")]
    assert "try 1" in page.out
    no_queue, no_item = ran.each(["items", "list", "invoces"], ["items", "show", "invoices", "B-1"], code=2)
    assert "did you mean 'invoices'?" in no_queue.err
    assert "has no item 'B-1'" in no_item.err


def test_the_log_merges_worker_and_lanes_by_time(ran: Cli) -> None:
    run = ran("runs", "list", "--json").json[0]["id"]
    whole, errors, wrong = ran.each(
        ["runs", "logs", run, "--json"],
        ["runs", "logs", run, "--level", "error", "--item", "A-1"],
        ["runs", "logs", run, "--level", "loud"],
        code=None,
    )
    lines = [json.loads(line) for line in whole.out.splitlines()]
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert {line["lane"] for line in lines} == {0, 1}
    assert lines[0]["event"] == "run.started"
    assert (lines[-1]["event"], lines[-1]["lane"]) == ("run.finished", 0)
    assert all({"seq", "time", "run", "lane", "event", "level", "message"} <= set(line) for line in lines)
    assert "amount 1 of A-1 is too small" in errors.out
    assert "posting" not in errors.out
    assert (wrong.code, "--level: CLI_USAGE" in wrong.err) == (2, True)


def test_a_damaged_journal_is_read_up_to_the_damage_and_no_further(cli: Cli) -> None:
    run = cli("runs", "list", "--json").json[0]
    whole = len(cli("runs", "logs", run["id"], "--json").out.splitlines())
    path = cli.home / "runs" / run["folder"] / "lane-1" / "journal.jsonl"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    answer = cli("runs", "logs", run["id"], "--json", code=1)
    assert "JOURNAL_DAMAGED: reading stops at byte" in answer.err
    assert 2 < len(answer.out.splitlines()) < whole


def test_following_a_log_ends_with_the_run_and_a_cancelled_run_says_by_whom(fresh: Cli) -> None:
    process = fresh.start("run", "slow")
    follower = None
    try:
        until(lambda: fresh.states("waits").get("done"))
        run = fresh("runs", "list", "--status", "running", "--json").json[0]["id"]
        follower = fresh.start("runs", "logs", run, "--follow", "--json")
        assert follower.stdout is not None
        assert json.loads(follower.stdout.readline())["event"] == "run.started"
        assert fresh("runs", "cancel", run, "--note", "wrong day", "--json").json == {
            "id": run,
            "status": "running",
        }
        process.communicate(timeout=60)
        rest, err = follower.communicate(timeout=60)
    finally:
        for one in (process, follower):
            if one is not None:
                one.send_signal(signal.SIGKILL)
                one.communicate()
    assert process.returncode == 1
    assert (follower.returncode, err) == (0, "")
    assert json.loads(rest.splitlines()[-1])["event"] == "run.finished"
    shown = fresh("runs", "show", run).out
    assert "cancelled" in shown
    assert "stop asked by  mei" in shown
    refused = fresh("runs", "cancel", run, code=5)
    assert "the run has ended already: cancelled" in refused.err


def test_a_run_that_waits_is_cancelled_at_once(cli: Cli) -> None:
    cli("cases", "retry", cli.cases()["A-3"]["id"])
    run = cli("runs", "list", "--status", "queued", "--json").json[0]["id"]
    cancelled, queued = cli.each(
        ["runs", "cancel", run, "--json"], ["runs", "list", "--status", "queued", "--json"]
    )
    assert cancelled.json == {"id": run, "status": "cancelled"}
    assert queued.json == []
    ended = cli("runs", "list", "--status", "cancelled").out
    assert run[:8] in ended
    assert "waits" not in ended
