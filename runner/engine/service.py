"""The long-lived process behind `runner up`: scheduler and worker side by side, ended cleanly by a signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from runner.core.settings import Settings

if TYPE_CHECKING:  # the desk serves here too, and has no calendars to read
    from runner.timetable.calendar_reading import RowsOf


class Part(Protocol):
    """Something that serves until it is stopped. `stop` may be called from any thread, and twice."""

    def serve(self) -> None:
        """Work until `stop`; raises when it can't begin."""

    def stop(self) -> None:
        """Ask `serve` to end."""


def serve_together(parts: Sequence[Part], on_signal: Callable[[], None] = lambda: None) -> None:
    """Serve all `parts`, each in a thread of its own, until SIGINT or SIGTERM, or until one of them fails.

    All are asked to end then, and waited for. Raises what the first failing part raised.
    """
    done = threading.Event()
    failures: list[BaseException] = []

    def serve(part: Part) -> None:
        try:
            part.serve()
        except BaseException as error:  # noqa: BLE001 - carried to the caller below
            failures.append(error)
        finally:
            done.set()

    threads = [threading.Thread(target=serve, args=(part,), name=type(part).__name__) for part in parts]
    with _on_signals(done, on_signal):
        for thread in threads:
            thread.start()
        while not done.wait(1.0):  # a wait without limit would hold signals back on some systems
            pass
        for part in parts:
            part.stop()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


@contextmanager
def _on_signals(done: threading.Event, told: Callable[[], None]) -> Iterator[None]:
    def end(_signal: int, _frame: FrameType | None) -> None:
        told()
        done.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def parts_of(
    names: Sequence[str],
    settings: Settings,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    rows_of: RowsOf | None = None,
) -> list[Part]:
    """The parts called `scheduler`, `worker`, `bots` (the catalogue) and `webhooks`, made and not yet serving.

    `rows_of` reads the first sheet of a workbook, for calendars that keep their days in one.
    """
    from runner.engine.bot_watch import BotWatch
    from runner.engine.scheduler import Scheduler
    from runner.engine.webhook_sender import WebhookSender
    from runner.engine.worker import Worker

    kinds: dict[str, Any] = {
        "scheduler": Scheduler,
        "worker": Worker,
        "bots": BotWatch,
        "webhooks": WebhookSender,
    }
    more = {"scheduler": {"rows_of": rows_of}}
    return [kinds[name](settings, environment, say, **more.get(name, {})) for name in names]
