"""The session of a loop over items: what the handler gets beside the item, such as a signed-in page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from runner.kit.current import running
from runner.kit.outcome import classify


class Sitting:
    """The session of a loop: entered when it is first needed, kept, and left after a failure."""

    def __init__(self, session: Callable[[], AbstractContextManager[Any]] | None) -> None:
        self._session = session
        self._open: AbstractContextManager[Any] | None = None
        self.value: Any = None

    def arguments(self) -> tuple[Any, ...]:
        """What the handler gets behind the item; enters the session where it is not open."""
        if self._session is None:
            return ()
        if self._open is None:
            opening = self._session()
            self.value = opening.__enter__()
            self._open = opening
        return (self.value,)

    def close(self) -> None:
        """Leave the session. What goes wrong there is logged only: the work is done or has failed already."""
        opened, self._open, self.value = self._open, None, None
        if opened is None:
            return
        try:
            opened.__exit__(None, None, None)
        except Exception as error:  # noqa: BLE001 - a broken page must not turn a finished item into a failed one
            live = running("a session")
            live.journal.event(
                "log",
                f"closing the session failed: {error}",
                level="WARNING",
                error=classify(error, Path(live.order.project)),
            )


class SessionFailed(Exception):
    """The session could not be entered; `__cause__` says why."""
