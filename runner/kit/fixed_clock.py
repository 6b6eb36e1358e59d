"""A clock that stands still for a bot's own code: `date.today()` and `datetime.now()` in its modules say one time."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any


@contextmanager
def fixed_clock(project: Path, at: dt.datetime | None) -> Iterator[None]:
    """In the modules of `project` the time is `at` while the block runs; None: as it is.

    The names `date` and `datetime`, and the module `datetime` under whatever name, are replaced in those modules; what they
    make are the usual dates and times. The clock of the machine, timers and waits go on.
    """
    if at is None:
        yield
        return
    stands: dict[object, _Class] = {dt.date: _Date(at), dt.datetime: _DateTime(at)}
    as_module = ModuleType("datetime")
    as_module.__dict__.update({**vars(dt), "date": stands[dt.date], "datetime": stands[dt.datetime]})
    before: list[tuple[ModuleType, str, Any]] = []
    for module in _modules_of(project):
        for name, value in list(vars(module).items()):
            new = as_module if value is dt else stands.get(value) if isinstance(value, type) else None
            if new is not None:
                before.append((module, name, value))
                setattr(module, name, new)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _modules_of(project: Path) -> list[ModuleType]:
    folder = project.resolve()
    found = [(module, getattr(module, "__file__", None)) for module in list(sys.modules.values())]
    return [
        module
        for module, file in found
        if file
        and Path(file).resolve().is_relative_to(folder)
        and "site-packages" not in file
        and module.__name__.partition(".")[0] != "runner"
    ]


class _Class:
    """Stands in for a class of `datetime`: calls, attributes and isinstance are those of the real one."""

    def __init__(self, real: type[dt.date], at: dt.datetime) -> None:
        self._real = real
        self._at = at

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self._real)

    def __or__(self, other: Any) -> Any:
        return self._real | other

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self._real,)


class _Date(_Class):
    def __init__(self, at: dt.datetime) -> None:
        super().__init__(dt.date, at)

    def today(self) -> dt.date:
        return self._at.astimezone().date()


class _DateTime(_Class):
    def __init__(self, at: dt.datetime) -> None:
        super().__init__(dt.datetime, at)

    def now(self, tz: dt.tzinfo | None = None) -> dt.datetime:
        return self._at.astimezone(tz) if tz is not None else self._at.astimezone().replace(tzinfo=None)

    def today(self) -> dt.datetime:
        return self.now()

    def utcnow(self) -> dt.datetime:
        return self._at.astimezone(dt.UTC).replace(tzinfo=None)
