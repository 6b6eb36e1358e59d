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


class Problem(BaseModel):
    """Cases with one cause."""

    id: str
    title: str
    explanation: str
    kind: str
    bot: str
    process: str
    status: str
    owner: str
    cases: int
    waiting: int
    unsettled: int
    by_status: dict[str, int]
    oldest_due: str | None
    version: int


class OneProblem(Problem):
    """A problem with what is done about it: its `actions`, how far its `proof` is, the `rules` that lead to it or away."""

    actions: list[Json]
    proof: Json
    rules: list[Json]


class ProblemActed(Shape):
    """What was said about a problem, as `acts`, and how it stands now."""

    problem: str
    acts: list[str]
    status: str
    version: int


class Canary(Shape):
    """How the first few cases of a problem do. `state`: watching, released, held; `verdict`: waiting, good, bad."""

    problem: str
    state: str
    verdict: str
    cases: list[str]
    succeeded: int
    failed: int
    waiting: int
    left: int


class Released(Shape):
    """What became of the cases that followed a canary. `decision`: what to send to the selection while it is not finished."""

    selection: str | None
    counts: dict[str, int]
    finished: bool
    rows: list[BulkResult]
    decision: Json


class Contrast(Shape):
    """What failed beside what went through: `failed` and `clean` counts of `of`, and what is over-represented."""

    of: str
    failed: int
    clean: int
    findings: list[Json]


class Moving(Shape):
    """How many cases would go, of how many that were looked at, and the first of them."""

    count: int
    of: int
    first: list[str]


class Splitting(Shape):
    """What a problem can be split by, and what would go."""

    choices: list[Json]
    moving: Moving | None


class Grouped(ProblemActed):
    """A rule about which cases are together, and the problem to which they go."""

    rule: str
    target: str


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


class Schedule(BaseModel):
    """A schedule with what people have set and what is next."""

    id: str
    bot: str | None
    recording: str | None
    description: str
    when: str
    timezone: str
    enabled: bool
    next: str | None
    late: str
    stage: str
    promoted_by: str
    paused: Json | None
    last: Json | None
    parameters: Json


class Due(BaseModel):
    """A due time that comes."""

    schedule: str
    bot: str | None
    due: str
    runs: bool
    skip: str | None
    reason: str
    late: str


class Occurrence(Shape):
    """How a due time ended."""

    schedule: str
    due: str
    state: str
    reason: str
    run: str | None
    decided_by: str


class ScheduleRun(Shape):
    """A run of a schedule that was asked for."""

    schedule: str
    run: str


class ScheduleSet(Shape):
    """How a schedule stands after somebody paused or resumed it."""

    schedule: str
    paused: bool
    until: str | None


class ScheduleStage(Shape):
    """The stage of a schedule after somebody promoted it."""

    schedule: str
    stage: str


class DueAnswer(Shape):
    """A due time of the past: how it ended (`was`), the run that was queued for it, or `why` there is none."""

    due: str
    was: str
    run: str | None
    why: str


class DueAnswers(Shape):
    """What became of due times."""

    schedule: str
    rows: list[DueAnswer]


class Fired(Shape):
    """What a call of a trigger URL came to: `ran` with its run, or `skipped` for a reason; `again`: the same call twice."""

    schedule: str
    due: str
    state: str
    reason: str
    run: str | None
    again: bool


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
