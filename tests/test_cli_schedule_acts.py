"""`runner schedules`: what people decide, what they see of the days ahead, and the ledger that doctor checks."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.cli_project import Cli, empty, fresh  # noqa: F401 - fixtures


def test_a_pause_is_shown_until_it_is_ended(empty: Cli) -> None:
    assert "reason is missing" in empty("schedules", "pause", "invoices", code=2).err
    assert empty("schedules", "pause", "invoices", "--reason", "audit", "--until", "3d", "--json").json[
        "paused"
    ]
    paused = empty("schedules", "list", "--json").json[0]["paused"]
    assert paused["reason"] == "audit"
    assert paused["until"] is not None
    assert "paused by" in empty("schedules", "list").out
    empty("schedules", "resume", "invoices")
    assert empty("schedules", "list", "--json").json[0]["paused"] is None
    assert "not paused" in empty("schedules", "resume", "invoices", code=5).err


def test_runs_are_started_backfilled_and_cancelled_by_hand(fresh: Cli) -> None:
    span = ["--from", "2026-11-16 00:00+00:00", "--to", "2026-11-20 23:00+00:00"]
    preview = fresh("schedules", "backfill", "invoices", *span)
    assert "5 runs would be queued; do it with --yes" in preview.out
    assert fresh("schedules", "history", "--json").json == []
    done = fresh("schedules", "backfill", "invoices", *span, "--yes", "--json").json
    assert [row["due"][:16] for row in done] == [f"2026-11-{day}T07:30" for day in range(16, 21)]
    assert all(row["run"] for row in done)
    assert "has run" in fresh("schedules", "backfill", "invoices", *span, "--yes").out
    cancelled = fresh("schedules", "cancel", "invoices", "--reason", "stocktaking", "--json").json
    assert (
        "already: cancelled"
        in fresh(
            "schedules", "cancel", "invoices", "--due", cancelled["due"], "--reason", "again", code=5
        ).err
    )
    assert (
        "is no due time"
        in fresh("schedules", "cancel", "invoices", "--due", "2027-01-01 03:00", "--reason", "x", code=2).err
    )
    run = fresh("schedules", "run", "invoices", "--note", "by hand", "--json").json["run"]
    history = fresh("schedules", "history", "--json").json
    assert [one["state"] for one in history] == ["cancelled", *["ran"] * 6]
    by_hand = next(one for one in history if one["run"] == run)
    assert "started by" in by_hand["reason"]
    assert "by hand" in by_hand["reason"]
    fresh("rebuild")
    assert fresh("schedules", "history", "--json").json == history


def test_the_days_ahead_are_a_table_json_and_a_picture(empty: Cli) -> None:
    ahead = empty("schedules", "calendar", "--days", "7", "--json").json
    assert len(ahead) == 5
    assert {one["schedule"] for one in ahead} == {"invoices"}
    picture = empty.project / "ahead.svg"
    empty("schedules", "calendar", "--days", "7", "--svg", str(picture))
    assert picture.read_text("utf-8").startswith("<svg xmlns=")
    picture.unlink()


def test_a_change_is_told_in_words(fresh: Cli) -> None:
    path = fresh.project / "schedules.yaml"
    old = fresh.project / "old.yaml"
    old.write_text(path.read_text("utf-8"), "utf-8")
    assert "nothing changes" in fresh("schedules", "diff", str(old)).out
    path.write_text(path.read_text("utf-8").replace("30 8 * * 1-5", "0 9 * * 1-5"), "utf-8")
    assert "Monday to Friday at 08:30 → Monday to Friday at 09:00" in fresh("schedules", "diff", str(old)).out
    assert "周一至周五 08:30" in fresh("schedules", "diff", str(old), "--zh").out
    assert "no in-force.yaml" in fresh("schedules", "diff", code=2).err


def test_schema_and_description(empty: Cli) -> None:
    assert json.loads(empty("schedules", "schema").out)["title"] == "schedules.yaml"
    said = empty("schedules", "describe", "invoices", "--json").json[0]
    assert (said["when"], said["when_zh"]) == ("Monday to Friday at 08:30", "周一至周五 08:30")
    assert "Monday to Friday" in empty("schedules", "describe", "invoices").out
    assert empty("schedules", "missed", "--json").json == []
    assert "no scheduler holds" in empty("schedules", "accept-clock", code=5).err


def test_doctor_names_a_due_time_without_an_end(fresh: Cli) -> None:
    fresh("schedules", "list")
    from runner.core.schedules_model import Schedule
    from runner.engine.due_work import rule_text

    fields = {"id": "invoices", "bot": "invoice", "cron": "30 8 * * 1-5", "timezone": "Europe/Berlin"}
    rule = rule_text(Schedule.model_validate(fields))
    with closing(sqlite3.connect(fresh.home / "store.sqlite3")) as store, store:
        store.execute(
            "INSERT INTO store_watermark (schedule, rule, begun, since) VALUES (?, ?, ?, ?)",
            ("invoices", rule, "2026-11-16 00:00:00", "2026-11-18 12:00:00"),
        )
    found = fresh("doctor", "--json", code=4).json
    (ledger,) = [one for one in found if one["check"] == "ledger"]
    assert "schedule 'invoices': 3 due times have no end, the first at 2026-11-16 07:30Z" in ledger["text"]


def test_missed_due_times_are_answered_and_urls_made_and_revoked(fresh: Cli) -> None:
    assert "each is answered" in fresh("schedules", "answer", "invoices", "--run").out
    made = fresh("schedules", "urls", "invoices", "--make", "warehouse", "--json").json
    assert len(made["token"]) > 40
    (listed,) = fresh("schedules", "urls", "--json").json
    assert (listed["label"], listed["uses"], listed["revoked"]) == ("warehouse", 0, None)
    assert made["token"] not in fresh("schedules", "urls").out
    fresh("schedules", "urls", "--revoke", str(made["id"]))
    assert "revoked" in fresh("schedules", "urls").out
    assert "revoked it already" in fresh("schedules", "urls", "--revoke", str(made["id"]), code=5).err
    started = fresh("schedules", "run", "invoices", "--param", "count=7", "--json").json["run"]
    assert fresh("runs", "show", started, "--json").json["parameters"] == {"count": "7"}


def test_runs_are_asked_for_and_asked_for_again(fresh: Cli) -> None:
    first = fresh("runs", "start", "invoice", "--param", "count=2", "--json").json["id"]
    assert fresh("runs", "show", first, "--json").json["parameters"] == {"count": 2}
    wrong = fresh("runs", "start", "invoice", "--param", "count=x", "--param", "cuont=1", code=2).err
    assert "parameters.count: PARAM_VALUE" in wrong
    assert "did you mean 'count'?" in wrong
    again = fresh("runs", "again", first, "--param", "count=4", "--json").json
    assert again["like"] == first
    assert fresh("runs", "show", again["id"], "--json").json["parameters"] == {"count": 4}
    same = fresh("runs", "again", first, "--json").json["id"]
    assert fresh("runs", "show", same, "--json").json["parameters"] == {"count": 2}


def test_a_table_that_goes_to_a_file_is_not_cut(fresh: Cli) -> None:
    long = "x" * 300
    fresh("schedules", "cancel", "invoices", "--reason", long)
    lines = fresh("schedules", "history").out.splitlines()
    assert len(lines) == 2
    assert long in lines[1]


def test_the_file_is_edited_from_the_command_line(fresh: Cli) -> None:
    path = fresh.project / "schedules.yaml"
    before = path.read_text("utf-8")
    shown = fresh("schedules", "set", "invoices", "cron=0 9 * * 1-5", "parameters.count=4", "--dry-run").out
    assert "Monday to Friday at 08:30 → Monday to Friday at 09:00" in shown
    assert "parameters.count 3 → 4" in shown
    assert path.read_text("utf-8") == before
    fresh("schedules", "set", "invoices", "cron=0 9 * * 1-5", "--note", "later")
    assert path.read_text("utf-8") == before.replace("30 8 * * 1-5", "0 9 * * 1-5")
    added = fresh("schedules", "add", "nightly", "bot=slow", "at=23:30", "parameters.count=2", "--json").json
    assert added["applied"]
    assert added["next"]["nightly"]
    assert "SCHED_PARAM_UNKNOWN" in fresh("schedules", "set", "nightly", "parameters.cuont=1", code=3).err
    fresh("schedules", "set", "nightly", "--off")
    assert {s["id"]: s["enabled"] for s in fresh("schedules", "list", "--json").json}["nightly"] is False
    fresh("schedules", "remove", "nightly")
    assert "unknown calendar 'company'" in fresh("schedules", "day", "company", "2026-12-24", code=2).err
    assert path.read_text("utf-8").rstrip() == before.replace("30 8 * * 1-5", "0 9 * * 1-5").rstrip()


def test_a_calendar_can_keep_its_days_in_a_workbook(fresh: Cli) -> None:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["日期", "类型", "名称"])
    sheet.append([date(2027, 1, 4), "休", "stocktaking"])
    book.save(fresh.project / "days.xlsx")
    path = fresh.project / "schedules.yaml"
    text = path.read_text("utf-8").replace("schedules:", "calendars: {own: {file: days.xlsx}}\nschedules:", 1)
    path.write_text(text.replace("bot: invoice\n", "bot: invoice\n    calendars: [own]\n", 1), "utf-8")
    words = ["schedules", "next", "invoices", "--from", "2027-01-04", "--json"]
    assert fresh(*words).json[0]["reason"] == "stocktaking (own)"
    assert "nothing was written" in fresh("schedules", "set", "invoices", "grace=2h", "--dry-run").out
