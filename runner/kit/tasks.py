"""What a child does for its worker: describe a bot file, check values, or run one bot in one lane; then it ends."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

from loguru import logger
from pydantic import BaseModel, ValidationError

from runner.core.contract import JOURNAL_FILE, ORDER_FILE, Order, lane_folder
from runner.core.errors import RunnerError
from runner.journal.redact import Redactor
from runner.journal.write import Journal
from runner.kit import current, describe, secrets, web
from runner.kit.channel import Channel
from runner.kit.ending import end_with_children
from runner.kit.rows import corrected, field_errors
from runner.kit.serving import serve
from runner.kit.workbooks import JournalWitness
from runner.sheets.witness import be_witnessed_by

# What nearly every bot loads: a standby child has it behind it when its run begins.
_AHEAD: Final = ("python_calamine", "tenacity", "runner.sheets.checking", "runner.sheets.results")
STANDBY_AFTER: Final = 0.05  # seconds without an order, after which the slow imports are done ahead
RUN_FAILED: Final = 1


def serve_worker() -> int:
    """Ask the worker what to do, do it, and return the exit code: 0, or 1 when the run failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on the terminal is the worker's to answer
    channel = Channel.over_standard_streams(on_end=end_with_children)
    logger.remove()  # loguru's own handler would print to the console, with the values of variables
    redactor = Redactor()
    sys.stdout, sys.stderr = Console(sys.stdout, redactor), Console(sys.stderr, redactor)
    return _answer(channel, redactor)


def _answer(channel: Channel, redactor: Redactor) -> int:
    answer = _wait_for_work(channel)
    while "warm" in answer:
        _warm(answer["warm"])
        answer = _wait_for_work(channel)
    if "describe" in answer:
        _describe(channel, **answer["describe"])
    elif "validate" in answer:
        _validate(channel, **answer["validate"])
    elif "load" in answer:
        return _serve(channel, redactor, **answer["load"])
    return 0


class Console(io.TextIOBase):
    """Standard output or error of a bot: written through at once, in UTF-8, without registered secrets."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._stream = stream
        self._redactor = redactor

    def write(self, text: str) -> int:
        """Write `text`, masked."""
        self._stream.write(self._redactor.text(text))
        return len(text)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._stream.flush()

    def fileno(self) -> int:
        """The descriptor below, for processes that the bot starts."""
        return self._stream.fileno()

    @property
    def buffer(self) -> BinaryIO:
        """The bytes below; what a bot writes there is masked by the worker only."""
        return self._stream.buffer

    def writable(self) -> bool:
        """It can be written to."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Always UTF-8."""
        return "utf-8"


def _wait_for_work(channel: Channel) -> dict[str, Any]:
    channel.tell("ready")
    answer = channel.answer(within=STANDBY_AFTER)
    if answer is None:
        import playwright.sync_api  # noqa: F401 - a standby child has the slow import behind it

        answer = channel.answer()
    assert answer is not None
    return answer


def _warm(what: dict[str, Any]) -> None:
    for name in _AHEAD:
        importlib.import_module(name)
    if what.get("browser"):
        with contextlib.suppress(RunnerError):  # the run that needs a browser will say what is wrong with it
            web.warm()


def _describe(channel: Channel, project: str, file: str) -> None:
    try:
        bots = [bot.model_dump(mode="json") for bot in describe.load(Path(project), file).descriptions()]
    except RunnerError as error:
        channel.tell("described", bots=[], errors=_dump(error))
    else:
        channel.tell("described", bots=bots, errors=[])


def _validate(
    channel: Channel,
    *,
    project: str,
    file: str,
    queue: str | None = None,
    data: dict[str, Any] | None = None,
    rows: list[dict[str, Any]] | None = None,
    bot: str | None = None,
    parameters: dict[str, Any] | None = None,
) -> None:
    """Check corrected item data (or the data of many items, `rows`) by the queue's model, or parameters by the bot's signature."""
    try:
        loaded = describe.load(Path(project), file)
        if queue is not None and rows is not None:
            model = loaded.queue(queue).model
            channel.tell("validated", results=[_checked(model, row) for row in rows], errors=[])
        elif queue is not None:
            valid = corrected(loaded.queue(queue).model, data or {})
            channel.tell("validated", data=valid.model_dump(mode="json"), errors=[])
        else:
            checked = loaded.bot(bot or "").validate(parameters or {})
            channel.tell("validated", data=checked.model_dump(mode="json", by_alias=True), errors=[])
    except ValidationError as error:
        channel.tell("validated", data=None, errors=field_errors(error))
    except RunnerError as error:
        channel.tell("validated", data=None, errors=_dump(error))


def _checked(model: type[BaseModel], row: dict[str, Any]) -> dict[str, Any]:
    """One row as the model sees it, or what is wrong with it."""
    try:
        return {"data": corrected(model, row).model_dump(mode="json"), "errors": []}
    except ValidationError as error:
        return {"data": None, "errors": field_errors(error)}


def _serve(
    channel: Channel, redactor: Redactor, *, project: str, file: str, bot: str, parameters: dict[str, Any]
) -> int:
    os.chdir(project)
    try:
        loaded = describe.load(Path(project), file)
        spec = loaded.bot(bot)
        valid = spec.validate(parameters)
        secrets.check_references(parameters, bot, spec.secrets)
    except RunnerError as error:
        channel.tell("refused", errors=_dump(error))
        return 0
    description = next(d for d in loaded.descriptions() if d.name == bot)
    checked = valid.model_dump(mode="json", by_alias=True)
    references = {name: value for name, value in parameters.items() if secrets.refers_to_secret(value)}
    answer = channel.ask(
        "loaded",
        bot=description.model_dump(mode="json"),
        parameters={**checked, **references},
    )
    if "begin" not in answer:
        return 0
    folder = Path(answer["begin"]["folder"])
    lane: int = answer["begin"]["lane"]
    order = Order.model_validate_json((folder / ORDER_FILE).read_bytes())
    path = folder / lane_folder(lane) / JOURNAL_FILE
    reserve = Path(answer["begin"]["reserve"]) if answer["begin"].get("reserve") else None
    with Journal(
        path, run=order.run, lane=lane, bot=order.bot, redactor=redactor, takes_logs=True, reserve=reserve
    ) as journal:
        live = current.Running(order, lane, folder, journal, channel, spec.secrets, spec.accounts)
        live.record_network = order.record_network or spec.record_network
        live.results = spec.results
        current.begin(live)
        be_witnessed_by(JournalWitness(live, description.version))
        try:
            done = serve(live, loaded, spec)
            channel.ask("finished", status="done" if done else "failed")
        finally:
            be_witnessed_by(None)
            current.end()
    return 0 if done else RUN_FAILED


def _dump(error: RunnerError) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in describe.found(error)]
