"""The shapes of what the JSON interface answers, for its description and its tests: the fields of docs/json.md.

Answers are not built from these classes, which would cost a validation for every row; tests hold the two against each other.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Row = TypeVar("Row")
Json = dict[str, Any]


class Shape(BaseModel):
    """An object with exactly these fields; each is always there, null where there is nothing to say."""

    model_config = ConfigDict(extra="forbid")


class Wrong(Shape):
    """One thing that is wrong: `field` says where."""

    code: str
    field: str
    message: str
    hint: str


class Refused(BaseModel):
    """A no: `code` for programs, the rest for people. `field` where it is about one; `errors`: all of several."""

    code: str
    message: str
    hint: str
    field: str | None = None
    errors: list[Wrong]


class Refusal(BaseModel):
    """What every refusal looks like."""

    error: Refused


class Rows(Shape, Generic[Row]):
    """A part of a list; `next` is the cursor of the part after it."""

    rows: list[Row]
    next: str | None


class All(Shape, Generic[Row]):
    """A whole list."""

    rows: list[Row]


class Counts(Shape):
    """Items of a run."""

    total: int
    done: int
    exceptions: int
    pending: int


class Run(BaseModel):
    """One execution of a bot."""

    id: str
    bot: str
    bot_version: str
    process: str
    schedule: str | None
    due: str | None
    status: str
    parameters: Json
    requested_by: str
    queued: str
    started: str | None
    finished: str | None
    items: Counts
    cases: int
    outputs: Json
    error: Json | None
    evidence: list[Json]
    worker: str
    folder: str


class OneRun(Run):
    """A run with its lanes and steps."""

    lanes: list[Json]
    steps: list[Json]


class RunAsked(Shape):
    """A run that somebody asked for. `like`: the run that it repeats."""

    id: str
    status: str
    like: str | None = None


class Log(Shape):
    """Lines of a journal (docs/journal.md), from number `first` (0 is the oldest) of `total`; `faults`: unreadable lanes."""

    lines: list[Json]
    first: int
    total: int
    faults: list[Json]


class Queue(BaseModel):
    """A work queue with the number of its items by state."""

    name: str
    key: str
    bot: str
    bot_file: str
    total: int
    by_status: dict[str, int]


class Item(BaseModel):
    """One business transaction of a work queue."""

    queue: str
    key: str
    status: str
    valid: bool
    attempts: int
    data: Json
    original: Json
    output: Json | None
    source: str
    case: str | None
    error: Json | None
    irreversible: Json
    once: Json
    put: str
    put_run: str | None
    finished: str | None
    not_before: str | None
    claimed_run: str | None


class OneItem(Item):
    """An item with every try at it."""

    tries: list[Json]


class PutRow(Shape):
    """What came of one item: new, known (the key was there: left as it is), or wrong, with its errors."""

    number: int
    key: str | None
    result: str
    errors: list[Wrong]


class PutRows(Shape):
    """What came of items that were put."""

    new: int
    known: int
    wrong: int
    rows: list[PutRow]


class ItemMoved(Shape):
    """An item that was taken out or put back."""

    queue: str
    key: str
    status: str


class Case(BaseModel):
    """What a person follows up."""

    id: str
    kind: str
    why: str
    status: str
    queue: str | None
    item: str | None
    run: str | None
    bot: str
    process: str
    problem: str
    problem_title: str
    message: str
    step: str
    data: Json | None
    due: str | None
    assignee: str
    priority: str
    version: int
    history: list[Json]


class Decided(Shape):
    """A decision that is stored. `run`: the run that was asked for; `repeated`: it had been acknowledged before."""

    act: str
    case: str
    status: str
    version: int
    run: str | None
    repeated: bool


class Undone(Shape):
    """A decision that was taken back."""

    case: str
    undone: str
    status: str
    version: int


class Selected(Shape):
    """Cases as they were when they were chosen. `counts`: results so far, by outcome; `finished`: all are decided."""

    id: str
    by: str
    at: str
    size: int
    cases: list[Json]
    decision: str | None
    counts: dict[str, int]
    finished: str | None


class BulkResult(Shape):
    """What a decision does, or did, with one case: done, skipped (it moved), refused; `why` not."""

    case: str
    outcome: str
    why: str


class BulkResults(Shape):
    """Results case by case, and counted."""

    selection: str
    counts: dict[str, int]
    finished: bool
    rows: list[BulkResult]


class Correction(Shape):
    """A row of a workbook: apply, nothing (is filled in), done (before), conflict, error; after apply done, skipped, refused.

    `changes` are the fields that it changes, with the value before and after; `field` of an error is ``sheet!cell``.
    """

    sheet: str
    row: int
    case: str
    item: str
    state: str
    text: str
    changes: dict[str, Json]
    errors: list[Wrong]


class Corrections(Shape):
    """A workbook that came back: `id` names its bytes, `export` is the one that it was taken out by, `counts` its rows by state."""

    id: str
    export: str
    applied: bool
    counts: dict[str, int]
    rows: list[Correction]


class CorrectionsApplied(Corrections):
    """A part of a workbook that was carried out: `total` rows it has, `next` is the one to go on with, null at the end."""

    total: int
    next: int | None


class Evidence(Shape):
    """What shows what happened: a picture, a text, a trace, a proof. `href`: where its file is, null where there is none."""

    kind: str
    name: str
    href: str | None
    size: int | None
    run: str | None
    queue: str | None
    item: str | None
    attempt: int | None
    url: str | None
    page_error: str | None


class Webhook(Shape):
    """An address that is told what happens."""

    id: int
    label: str
    url: str
    events: list[str]
    processes: list[str]
    enabled: bool
    made: str
    made_by: str
    last_sent: str | None
    broken_since: str | None
    waiting: int
    dead: int


class NewWebhook(Webhook):
    """An address that is told from now on, with its secret."""

    secret: str


class Message(Shape):
    """A message on its way, or what became of it."""

    id: str
    webhook: int
    event: str
    status: str
    attempts: int
    made: str
    next_try: str | None
    http_status: int | None
    error: str


class MessageSent(Shape):
    """A message that was put on its way."""

    message: str


class Removed(Shape):
    """What is not there any more."""

    removed: int
