"""The published JSON Schema of the journal, held against journals that real bots wrote."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runner.journal import read_journal
from tests.kit_worker import Project

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "journal.schema.json"
EVERYTHING = """
    from pydantic import BaseModel
    from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, log, run, step

    class Order(BaseModel):
        number: str

    orders = Queue("orders", Order, key="number", retry=Retry(times=1, wait="1ms", longest_wait="1ms"))

    @bot
    def work() -> None:
        orders.put([Order(number="1"), Order(number="2"), {"number": ""}, {"other": 1}])
        orders.each(one)
        run.balance("rows", read=2, entered=1)
        try:
            1 / 0
        except ZeroDivisionError:
            log.bind(size=1).exception("seen")
        raise ApplicationError("the end", hint="look")

    @step
    def one(item: Item[Order]) -> None:
        item.once("part", lambda: [1, "x"])
        item.irreversible("submit", lambda: "PC-1")
        if item.key == "1":
            raise ApplicationError("down")
        item.irreversible("late", lambda: 1 / 0, already_done=lambda: True)
"""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    finished = Project(tmp_path_factory.mktemp("journal"), EVERYTHING).run("work")
    reading = read_journal(finished.journal)
    assert reading.fault is None
    assert [line.seq for line in reading.lines] == list(range(1, len(reading.lines) + 1))
    return [json.loads(line) for line in finished.journal.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    document = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def test_every_line_of_a_real_journal_fits(schema: Draft202012Validator, lines: list[dict[str, Any]]) -> None:
    wrong = [(line["event"], error.message) for line in lines for error in schema.iter_errors(line)]

    assert wrong == []
    assert {line["event"] for line in lines} == {
        "run.started", "items.put", "attempt.started", "step.started", "step.finished", "retry", "irreversible.intent",
        "irreversible.outcome", "once", "attempt.finished", "evidence", "balance", "log", "run.finished",
    }  # fmt: skip


def test_an_invented_event_or_field_does_not_fit(
    schema: Draft202012Validator, lines: list[dict[str, Any]]
) -> None:
    for line in lines:
        for change in ({"event": "invented"}, {"invented": 1}, {"v": 2}, {"time": "yesterday"}):
            assert not schema.is_valid({**line, **change}), (line["event"], change)
        if line["event"] != "log" and "data" in line:
            assert not schema.is_valid({**line, "data": {**line["data"], "invented": 1}}), line["event"]


def test_a_missing_field_does_not_fit(schema: Draft202012Validator, lines: list[dict[str, Any]]) -> None:
    may_be_missing: dict[str, set[str]] = {
        "step.started": {"queue", "item", "attempt", "parent"},
        "step.finished": {"queue", "item", "attempt", "parent"},
        "irreversible.intent": {"parent"},
        "irreversible.outcome": {"parent"},
        "once": {"parent"},
        "retry": {"queue", "item", "attempt"},
        "evidence": {"queue", "item", "attempt"},
        "attempt.finished": {"step"},
        "log": {"data", "error"},
    }
    for line in lines:
        for field in line.keys() - may_be_missing.get(line["event"], set()):
            shorter = {name: value for name, value in line.items() if name != field}
            assert not schema.is_valid(shorter), (line["event"], field)
        for field in line.get("data", {}) if line["event"] != "log" else ():
            shorter = copy.deepcopy(line)
            del shorter["data"][field]
            assert not schema.is_valid(shorter), (line["event"], f"data.{field}")


WORKERS: list[tuple[str, dict[str, Any]]] = [
    (
        "run.started",
        {
            "bot_file": "bots/x.py", "bot_version": "0123456789ab", "parameters": {}, "lanes": 2, "schedule": None,
            "due": None, "queued": "2026-01-01T00:00:00Z", "requested_by": "", "worker": "w", "host": "h",
            "time_limit": "1h", "process": "", "item_retry": None, "priority": 0,
            "own_limit": None,
        },
    ),
    ("attempt.finished", {"status": "lost", "lane": 1, "reason": "killed", "open_intent": None, "last_step": "one"}),
    ("target.down", {"failures": 5, "items": [{"queue": "orders", "item": "7"}], "stop_after": 5}),
    ("lane.ended", {"lane": 1, "exit_code": None, "signal": 9, "reason": "crashed"}),
    (
        "run.finished",
        {
            "status": "exceptions", "items": {"total": 3, "done": 2, "exceptions": 1, "pending": 0}, "outputs": {},
            "case": {"kind": "application", "why": "crash"},
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event", "data"), WORKERS, ids=[event for event, _ in WORKERS])
def test_the_workers_own_lines_fit_in_lane_0_only(
    schema: Draft202012Validator, lines: list[dict[str, Any]], event: str, data: dict[str, Any]
) -> None:
    head = {name: lines[0][name] for name in ("v", "seq", "time", "run", "bot", "level", "message", "crc")}
    item = {"queue": "orders", "item": "7", "attempt": 1} if event == "attempt.finished" else {}
    line = {**head, **item, "lane": 0, "event": event, "data": data}

    assert [error.message for error in schema.iter_errors(line)] == []
    assert not schema.is_valid({**line, "lane": 1})


DAMAGE: list[tuple[str, Callable[[list[bytes]], list[bytes]]]] = [
    ("a line changed", lambda rows: [rows[0], rows[1].replace(b'"lane":1', b'"lane":2'), *rows[2:]]),
    ("a line taken out", lambda rows: [rows[0], *rows[2:]]),
    ("a line torn", lambda rows: [*rows[:-1], rows[-1][:-5]]),
]


@pytest.mark.parametrize(("what", "damage"), DAMAGE, ids=[what for what, _ in DAMAGE])
def test_a_damaged_journal_is_not_read_past_the_damage(
    tmp_path: Path, what: str, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    finished = Project(tmp_path, EVERYTHING).run("work")
    rows = finished.journal.read_bytes().splitlines(keepends=True)
    finished.journal.write_bytes(b"".join(damage(rows)))

    reading = read_journal(finished.journal)
    assert reading.fault is not None, what
    assert len(reading.lines) < len(rows)
