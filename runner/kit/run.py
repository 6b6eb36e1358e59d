"""The run that a bot's function is part of: its id, its folder, what it brings out, its control totals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from runner.kit.current import running
from runner.kit.item import as_json

Total = int | float | Decimal


class Run:
    """The present run. Every property raises RunFailed (NO_RUN) outside of one."""

    @property
    def id(self) -> str:
        """The run's id (UUIDv7)."""
        return running("run.id").order.run

    @property
    def lane(self) -> int:
        """The number of this lane, from 1."""
        return running("run.lane").lane

    @property
    def folder(self) -> Path:
        """The run's own folder, for files that it brings out; it is there."""
        return running("run.folder").folder

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters as JSON values, as they are shown with the run."""
        return dict(running("run.parameters").order.parameters)

    @property
    def due(self) -> datetime | None:
        """The due time that the schedule gave this run; None when a person started it."""
        return running("run.due").order.due

    def output(self, name: str, value: object) -> None:
        """Bring out a value or a file under a name; a file inside the run folder is named relative to it.

        Raises TypeError for a value without a JSON form.
        """
        live = running("run.output")
        if isinstance(value, Path):
            full = value if value.is_absolute() else Path.cwd() / value
            value = live.relative(full) if full.is_relative_to(live.folder) else full.as_posix()
        live.outputs[name] = as_json(value, f"run.output({name!r})")

    def balance(self, name: str, *, read: Total, entered: Total) -> bool:
        """Record a control total; returns whether both agree. A run whose totals disagree has not succeeded."""
        live = running("run.balance")
        agrees = Decimal(str(read)) == Decimal(str(entered))
        live.journal.event(
            "balance",
            f"{name}: {read} read, {entered} entered",
            level="INFO" if agrees else "ERROR",
            sync=True,
            data={
                "name": name,
                "read": as_json(read, "read"),
                "entered": as_json(entered, "entered"),
                "ok": agrees,
            },
        )
        return agrees


run = Run()
