"""Whether the store's file is still the one that this process opened: SQLite goes on with a file that was moved away."""

from __future__ import annotations

from pathlib import Path

from django.db import connection


class StoreFile:
    """The file of the store as it was when this was made. What is written into one that was moved may never be seen again."""

    def __init__(self) -> None:
        self._path = Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None
        self._opened = self._identity()

    def trouble(self) -> str:
        """Why nothing new may be begun on this store; empty where its file is where it was, or on a database server."""
        if self._path is None or self._opened is None:
            return ""
        found = self._identity()
        if found is None:
            return f"the store has gone: {self._path} is not there any more; put it back, with all files that begin so"
        if found != self._opened:
            return f"another file is in the place of the store, {self._path}: end this process and start it again"
        return ""

    def _identity(self) -> tuple[int, int] | None:
        try:
            facts = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return (facts.st_dev, facts.st_ino) if facts is not None else None
