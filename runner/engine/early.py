"""The first child of `runner run`: it starts, and its browser too, while the command still opens the store."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runner.core.settings import Settings
from runner.engine.child import Child, worker_name
from runner.engine.driver_cache import with_driver_cache

_DRIVES_PAGES: Final = re.compile(rb"\bweb\b")


class EarlyChild:
    """A child that makes itself ready in the background; `take` hands it over once, `drop` ends it if nobody took it."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], bot_file: Path) -> None:
        self._child: Child | None = Child(
            settings.project, f"{worker_name(environment)}/0", with_driver_cache(settings, environment)
        )
        browser = not settings.headed and _drives_pages(bot_file)
        self._limit = settings.discovery_limit.total_seconds()
        self._warming = threading.Thread(target=self._warm, args=(self._child, browser), daemon=True)
        self._warming.start()

    def take(self) -> Child | None:
        """The child, which waits for its order; None when it was taken before or has died."""
        child, self._child = self._child, None
        self._warming.join(self._limit)
        if child is not None and not child.is_running:
            child.end(grace=0)
            return None
        return child

    def drop(self) -> None:
        """End the child, unless somebody took it."""
        if child := self.take():
            child.end(grace=0)

    def _warm(self, child: Child, browser: bool) -> None:
        with contextlib.suppress(TimeoutError):  # the order will find that it does not answer, and say so
            if child.ask(self._limit) is not None:
                child.answer({"warm": {"browser": browser}})


@contextmanager
def early_child(settings: Settings, environment: Mapping[str, str], bot_file: Path) -> Iterator[EarlyChild]:
    """An early child for the bot of `bot_file`, which is ended with the block if the run did not begin."""
    early = EarlyChild(settings, environment, bot_file)
    try:
        yield early
    finally:
        early.drop()


def _drives_pages(bot_file: Path) -> bool:
    """Whether the bot will want a browser, by the look of its text; a wrong guess costs a start for nothing."""
    try:
        return bot_file.suffix != ".py" or _DRIVES_PAGES.search(bot_file.read_bytes()) is not None
    except OSError:
        return False
