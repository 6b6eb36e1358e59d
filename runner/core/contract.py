"""The contract between worker and child: the order in the run folder and the words on the channel between them.

The worker never imports bot code and the child never opens the store; this file is all they share.

**Channel**: JSON lines over the child's standard input and output (`console.log` in the run folder takes what a bot
prints). The child asks, the worker answers, one request at a time:

| the child asks | the worker answers |
|---|---|
| `ready` | one of `describe`, `validate`, `load` (a standby child waits here) |
| `described` / `validated` | nothing: the child ends |
| `loaded` (the bot's description) or `refused` (errors) | `begin` (run folder, lane, reserve file) or `end` |
| `put` (queue; its lines are in the journal already) | `new`, `known`, `bad` counts |
| `next` (queue) | an `ItemOrder`, or `item: null` with the reason |
| `results` (queue, keys: at most 500) | `items`: status, message and output by key |
| `secret` (name) | its value |
| `signed_in` (account) | `state`: what the browser kept of its last sign-in, None where there is nothing |
| `sign_in` (account, state) | nothing: it is kept for the next time; `state: null` forgets it |
| `pause` (message, the first time) | `go`: whether the person at the terminal has seen enough |
| `progress` (`need`: seconds, 0 if left out) | `stop`: whether the run is being stopped, `lease_left`: seconds that the claim lasts, prolonged to `need` where it can be |
| `finished` | `ok`: the child may end |

An attempt's end travels by the journal, not by the channel: the worker takes the lines in before it answers `next`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

ORDER_FILE: Final = "order.json"
JOURNAL_FILE: Final = "journal.jsonl"
CONSOLE_FILE: Final = "console.log"
EVIDENCE_FOLDER: Final = "evidence"
RUN_MARKER: Final = (
    "RUNNER_RUN"  # environment variable of every process of a run, for finding what is left over
)
SUPERVISOR_LANE: Final = (
    0  # the lane number of the worker's own journal of a run, `<run folder>/journal.jsonl`
)


def lane_folder(lane: int) -> str:
    """The sub-folder of a run folder that belongs to one lane."""
    return f"lane-{lane}"


def run_folder(run: str, queued: datetime) -> str:
    """The folder of a run, relative to the folder of all runs: ``YYYY/MM/DD/<run id>``, by the UTC day it was queued."""
    return f"{queued.astimezone(UTC):%Y/%m/%d}/{run}"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QueueDescription(_Record):
    """What a bot file says about one of its queues. `fields` is the JSON Schema of the queue's model.

    `group` is the field whose values keep their items in strict order; empty: any order will do.
    """

    name: str
    key: str
    fields: dict[str, Any]
    group: str = ""


class BotDescription(_Record):
    """What is known of a bot without running it. `parameters` is a JSON Schema object; times are seconds.

    `at_once` is how many of its runs go on at a time (None: any number), `resources` what each of them holds alone.
    """

    name: str
    file: str
    title: str
    doc: str
    parameters: dict[str, Any]
    process: str = ""
    time_limit: float | None = None
    lanes: int = 1
    stop_after: int | None = None
    secrets: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    queues: tuple[QueueDescription, ...] = ()
    at_once: int | None = None
    resources: tuple[str, ...] = ()
    version: str = ""


class ItemRetry(_Record):
    """How often an item is tried again in this run, whatever its queue says; waits in seconds."""

    times: int
    wait: float
    longest_wait: float


class Viewing(_Record):
    """How somebody who looks on wants a run to be: fields of the same names in `Order`."""

    slow: float = 0  # milliseconds that each action of the browser is held back
    pause_on_error: bool = (
        False  # keep the pages open after a failure until the person at the terminal says so
    )
    pictures: bool = False  # a picture at the end of each step
    record_network: str = ""  # never, retry or always; empty: as the bot says


class Order(Viewing):
    """What a child is told about its run, also kept as `order.json` in the run folder."""

    v: int = 1
    run: str
    bot: str
    bot_file: str
    project: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    copies: dict[str, str] = Field(
        default_factory=dict
    )  # of files that people sent: path in the run folder by parameter value
    lanes: int = 1
    schedule: str | None = None
    due: datetime | None = None
    queued: datetime
    requested_by: str = ""
    time_limit: float | None = None
    item_retry: ItemRetry | None = None
    priority: int = 0
    policy: dict[str, Any] = Field(default_factory=dict)  # for the worker: see the model `Run`
    browser: str | None = None  # path of the browser to start, resolved by the child when empty
    headed: bool = False


class Settled(StrEnum):
    """What is known of an irreversible step of an item, as told to the child."""

    INTENT = "intent"  # began, no outcome recorded: `already_done` must decide
    DONE = "done"
    NOT_DONE = "not_done"  # a person attested that it did not happen: it may be done now


class IrreversibleRecord(_Record):
    """One irreversible step of an item from earlier attempts."""

    state: Settled
    result: Any = None


class ItemOrder(_Record):
    """One item handed to a lane. `attempt` is the number of the attempt that begins now (1, 2, …)."""

    queue: str
    key: str
    data: dict[str, Any]
    attempt: int
    source: str = ""
    output: dict[str, Any] = Field(default_factory=dict)
    once: dict[str, Any] = Field(default_factory=dict)
    irreversible: dict[str, IrreversibleRecord] = Field(default_factory=dict)


class NoItem(StrEnum):
    """Why `next` hands out no item."""

    EMPTY = "empty"
    TARGET_DOWN = "target_down"  # stop_after failures in a row
    STOPPING = "stopping"  # the worker shuts down, or another lane died
    CANCELLED = "cancelled"


class FoundError(_Record):
    """An error as a value: the four parts of `RunnerError`."""

    code: str
    what: str
    expected: str = ""
    hint: str = ""
    where: str = ""
