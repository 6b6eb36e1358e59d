"""Runs a bot's function in one lane, from its first line in the journal to its last."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from runner.core.errors import ConfigurationError, ErrorReport
from runner.kit import secrets
from runner.kit.attempts import LaneEnds
from runner.kit.bot import BotSpec
from runner.kit.current import Running
from runner.kit.describe import BotFile
from runner.kit.evidence import Watch
from runner.kit.outcome import classify


def serve(live: Running, loaded: BotFile, spec: BotSpec) -> bool:
    """Run the bot's function; its end, good or bad, is on the disk when this returns."""
    queues = [queue.describe().model_dump(mode="json") for queue in loaded.queues.values()]
    seq = live.journal.event(
        "run.started",
        f"{spec.name} started in lane {live.lane}",
        data={"pid": os.getpid(), "host": socket.gethostname(), "queues": queues},
    )
    message, failure = f"{spec.name} done", None
    try:
        arguments = spec.arguments(_parameters(live, spec), Path(live.order.project), _copies(live))
        with Watch(live, seq) as watch:
            _call(spec, arguments, watch)
        live.uses.keep()
    except LaneEnds as end:
        live.uses.keep()
        message = f"Lane {live.lane} ended: {end.reason}"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the border of a run: it is its outcome
        failure = classify(error, Path(live.order.project))
        message = f"{spec.name} failed: {failure['message']}"
    live.uses.write(live.journal, at_end=True)
    live.journal.event(
        "run.finished",
        message,
        level="ERROR" if failure else "INFO",
        sync=True,
        step=None,
        data={"status": "failed" if failure else "done", "outputs": live.outputs},
        error=failure,
    )
    return failure is None


def _copies(live: Running) -> dict[Path, Path]:
    return {Path(given): live.folder / place for given, place in live.order.copies.items()}


def _parameters(live: Running, spec: BotSpec) -> BaseModel:
    """The parameters with their secrets in place, checked once more; no message shows a value of these."""
    parameters = live.order.parameters
    if not secrets.refers_to_secret(parameters):
        return spec.validate(parameters)
    try:
        return spec.validate(secrets.with_secrets(parameters))
    except ErrorReport as report:
        raise ConfigurationError(
            "a parameter does not fit once its secret is in place",
            expected="secrets of the kind that the bot's parameters ask for",
            hint="look at the secrets that the parameters name",
            where=report.errors[0].where,
            code="BOT_SECRET",
        ) from None  # the report shows the values


def _call(spec: BotSpec, arguments: dict[str, Any], watch: Watch) -> None:
    try:
        spec.function(**arguments)
    except (Exception, SystemExit) as error:
        watch.keep(error)
        raise
