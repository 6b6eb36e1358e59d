"""The shapes of problems and of what is done about them, as `shapes` has those of runs, items and cases."""

from __future__ import annotations

from pydantic import BaseModel

from runner.desk.api.shapes import BulkResult, Json, Shape


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
