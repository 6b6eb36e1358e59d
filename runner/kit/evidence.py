"""Evidence of a failure: the row, and what each open page showed, with every registered secret masked."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from runner.journal.archives import publish_archive
from runner.journal.redact import Redactor
from runner.kit.current import Here, Running, here
from runner.kit.network import NotClean, Recording
from runner.kit.pause import pause
from runner.kit.snapshot import read_page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

MOST_PAGES: Final = 4
LONG_COOKIE: Final = 16  # characters from which on a cookie's value is no setting but a key
ALWAYS, RETRY = "always", "retry"
_LEFT_OUT: Final = "The {} was left out: a last look found a secret in it"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence: what it is, its file (None: only a line), and what is known of it."""

    kind: str
    message: str
    path: Path | None = None
    data: dict[str, Any] | None = None


class Watch:
    """Watches one attempt, or the run's function, so that its failure leaves evidence behind.

    What is seen is written to files at once, when pages are still open; the journal's lines follow in `keep`, when it is
    known that it failed, and `discard` deletes what was taken meanwhile.
    """

    def __init__(self, live: Running, seq: int, *, traced: bool = False) -> None:
        self._live = live
        self._prefix = f"{seq:06d}"
        self._traced = traced
        self._recorded = live.record_network == ALWAYS or (traced and live.record_network == RETRY)
        self._recordings: list[Recording] = []
        self._kept: Here | None = None  # where it failed: what comes later belongs there, too
        self._published = 0
        self._paused = False
        self._pieces: list[Piece] = []
        self._looked_at: list[BrowserContext] = []
        self._pages = 0

    def __enter__(self) -> Self:
        _watching.append(self)
        for context in self._live.contexts:
            self.opened(context)
        return self

    def __exit__(self, *_: object) -> None:
        _watching.remove(self)
        for piece in self._pieces:
            if piece.path is not None:
                piece.path.unlink(missing_ok=True)
        for recording in self._recordings:
            recording.forget()
        for context in self._live.contexts:
            if self._traced and context not in self._looked_at:
                _quietly(context.tracing.stop)
            if self._live.record_network != ALWAYS and (left := self._live.recordings.pop(context, None)):
                left.forget()

    def opened(self, context: BrowserContext) -> None:
        """A context was opened, or is open at the start of an attempt: record it from the second attempt on."""
        if self._traced:
            # No film strip: pictures can't be masked. The snapshots of the page show the same and are text.
            _quietly(lambda: context.tracing.start(screenshots=False, snapshots=True, sources=False))
        if self._recorded and context not in self._live.recordings:
            recording = Recording(context)
            self._live.recordings[context] = recording
            _quietly(recording.start)

    def closing(self, context: BrowserContext) -> None:
        """A context is about to close: what its pages asked and were answered is kept where it is wanted."""
        recording = self._live.recordings.pop(context, None)
        if recording is None:
            return
        recording.stop(closing=True)
        self._recordings.append(recording)
        if self._kept is not None or self._live.record_network == ALWAYS:
            self._publish_recordings()
            self._write_lines(self._kept or here.get())

    def pause(self, error: BaseException) -> None:
        """Leave the pages open for the person at the terminal, once, where that was asked for."""
        if self._live.order.pause_on_error and not self._paused:
            self._paused = True
            pause(self._live, self._live.contexts, str(error))

    def look_at(self, context: BrowserContext) -> None:
        """Take evidence of all pages of `context`, once; never raises for what a page does."""
        if context in self._looked_at:
            return
        self._looked_at.append(context)
        self._live.evidence.mkdir(parents=True, exist_ok=True)
        recording = self._live.recordings.get(context)
        if recording is not None and recording.stop():  # else it ends with the context
            self._recordings.append(self._live.recordings.pop(context))
        if self._traced:
            self._keep_trace(context)
        for page in context.pages[: MOST_PAGES - self._pages]:
            self._pages += 1
            self._look_at_page(page)

    def keep(self, error: BaseException, session: object = None, row: Any = None) -> None:
        """It failed: look at every page that is open, and write the lines about all that was seen.

        Raises OSError only when the journal itself can't be written.
        """
        self._kept = here.get()
        try:
            for context in [*self._live.contexts, *_contexts_in(session)]:
                self.look_at(context)
            if row is not None:
                self._keep_row(row)
            self._publish_recordings()
        except Exception as missing:  # noqa: BLE001 - a driver that died or a full disk must not hide the failure itself
            self._live.journal.event("log", f"Evidence is missing: {missing}", level="WARNING")
        self._write_lines(self._kept)
        self.pause(error)

    def _write_lines(self, place: Here) -> None:
        for piece in self._pieces:
            self._live.journal.event(
                "evidence",
                piece.message,
                queue=place.queue,
                item=place.item,
                attempt=place.attempt,
                data={"kind": piece.kind, **(piece.data or {})},
                evidence=self._live.relative(piece.path) if piece.path is not None else None,
            )
        self._pieces.clear()

    def _publish_recordings(self) -> None:
        while self._recordings:
            recording = self._recordings.pop(0)
            self._published += 1
            path = self._path(f"network{self._published}.har.zip")
            try:
                if recording.publish(path, self._redactor):
                    self._pieces.append(
                        Piece("network", "What the pages asked and were answered: replays offline", path)
                    )
            except NotClean:
                self._pieces.append(Piece("network", _LEFT_OUT.format("network recording")))
            recording.forget()

    def _keep_row(self, row: Any) -> None:
        self._live.evidence.mkdir(parents=True, exist_ok=True)
        path = self._path("row.json")
        path.write_bytes(self._redactor.json(orjson.dumps(row, option=orjson.OPT_INDENT_2)))
        self._pieces.append(Piece("row", "The row as it was worked on", path))

    @property
    def _redactor(self) -> Redactor:
        return self._live.journal.redactor

    def _path(self, name: str) -> Path:
        return self._live.evidence / f"{self._prefix}-{name}"

    def _look_at_page(self, page: Any) -> None:
        picture = self._path(f"page{self._pages}.png")
        seen = read_page(page, picture, self._may_show)
        about = {"url": seen.url, "http_status": seen.http_status, "page_error": seen.page_error}
        silent = "The page did not answer" if seen.text is None else "The page shows no error message"
        self._pieces.append(Piece("page", seen.page_error or silent, data=about))
        if seen.picture:
            self._pieces.append(Piece("screenshot", "What the page looked like", picture))
        if seen.text is not None:
            text = self._path(f"page{self._pages}.txt")
            text.write_bytes(self._redactor.raw(seen.text.encode("utf-8", "replace")))
            self._pieces.append(Piece("page_text", "The text of the page", text))

    def _may_show(self, readable: str) -> bool:
        """Whether a picture of this page shows no secret."""
        return not self._redactor.finds(readable.encode("utf-8", "replace"))

    def _keep_trace(self, context: BrowserContext) -> None:
        redactor = self._redactor.extended(_keys_of(context))
        path = self._path(f"trace{len(self._looked_at)}.zip")
        with tempfile.TemporaryDirectory(prefix="runner-trace-") as folder:
            raw = Path(folder) / "trace.zip"
            _quietly(lambda: context.tracing.stop(path=raw))
            if not raw.is_file():
                return
            published = publish_archive(raw, path, redactor)
        if published:
            what = "What the bot did, step by step: open it in the trace viewer"
            self._pieces.append(Piece("trace", what, path))
        else:
            self._pieces.append(Piece("trace", _LEFT_OUT.format("trace")))


_watching: list[Watch] = []


def present() -> Watch | None:
    """The watch over what happens now: the attempt's, or else the run's."""
    return _watching[-1] if _watching else None


def _contexts_in(session: object) -> list[BrowserContext]:
    """The browser context of a session value that is a page or a context which the bot opened by other means."""
    kind = f"{type(session).__module__}.{type(session).__name__}"
    if kind == "playwright.sync_api._generated.Page":
        return [session.context]  # type: ignore[attr-defined]
    if kind == "playwright.sync_api._generated.BrowserContext":
        return [session]  # type: ignore[list-item]
    return []


def _keys_of(context: BrowserContext) -> list[str]:
    """Values of cookies that let somebody in."""
    from playwright.sync_api import Error

    try:
        values = [cookie.get("value", "") for cookie in context.cookies()]
    except Error:
        return []
    return [value for value in values if len(value) >= LONG_COOKIE]


def _quietly(act: Any) -> None:
    from playwright.sync_api import Error

    with contextlib.suppress(Error):  # the browser may be gone: then there is nothing to record
        act()
