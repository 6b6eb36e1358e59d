"""Network recordings (HAR): what a context's pages asked and were answered, kept without secrets, to be replayed offline."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from runner.journal.archives import publish_clean
from runner.journal.redact import MASK, Redactor

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

LOG: Final = "har.har"  # the log's name inside a zipped recording
ANSWERS_WITHIN: Final = 2000.0  # milliseconds
# Headers that let somebody in: their values are no use to a replay.
_KEYS: Final = frozenset(
    {"authorization", "cookie", "proxy-authorization", "x-api-key", "x-auth-token", "x-csrf-token"}
)


class Recording:
    """The traffic of one context from `start` on, in a temporary file that only `publish` leads out of."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._folder = Path(tempfile.mkdtemp(prefix="runner-network-"))
        self._raw = self._folder / "raw.zip"
        self._stopped = False

    def start(self) -> Recording:
        """Record from now on. Raises Playwright's Error when the context is recorded already, or gone."""
        self._stopped = True
        self._context.tracing.start_har(self._raw, content="attach", mode="minimal")
        self._stopped = False
        return self

    def stop(self, *, closing: bool = False) -> bool:
        """Record no more; False when it goes on, as a page does not answer. May be called twice, and when the browser is gone.

        Playwright waits for the pages without a limit, so those that hang are closed first where the context is `closing`.
        """
        from playwright.sync_api import Error

        if self._stopped:
            return True
        try:
            hung = [page for page in self._context.pages if not _answers(page)]
            if hung and not closing:
                return False
            for page in hung:
                page.close()
            self._context.tracing.stop_har()
        except Error:
            pass  # the browser is gone: nothing was written
        self._stopped = True
        return True

    def publish(self, target: Path, redactor: Redactor) -> bool:
        """Write the recording without secrets to `target` (.har.zip); False when there is nothing in it."""
        return self.stop() and self._raw.is_file() and clean_recording(self._raw, target, redactor)

    def forget(self) -> None:
        """Delete what is on the disk."""
        self.stop()
        self._raw.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()


@contextmanager
def recorded(context: BrowserContext, target: Path, redactor: Redactor | None = None) -> Iterator[None]:
    """Record all traffic of `context` while the block runs into `target`, a zipped HAR without secrets.

    `redactor` knows the secrets; cookies and other headers that let somebody in are masked in any case. It is written when
    the block ends, also by an exception. A file that is there is replaced.
    """
    recording = Recording(context).start()
    try:
        yield
    finally:
        try:
            recording.publish(target, redactor or Redactor())
        finally:
            recording.forget()


def _answers(page: Page) -> bool:
    """Whether the page's scripts are not held up, by a loop of their own or by a question that nobody answers."""
    from playwright.sync_api import Error

    try:
        page.locator(":root").wait_for(state="attached", timeout=ANSWERS_WITHIN)
    except Error:
        return False
    return True


class NotClean(Exception):
    """A secret was found in what was to be published, although all of it had been masked; it was not published."""


def clean_recording(source: Path, target: Path, redactor: Redactor) -> bool:
    """Write the zipped HAR `source` again as `target`, without secrets; False (and no file) when it has no entries.

    Raises NotClean (and leaves no file) where a last look finds a secret.
    """
    with zipfile.ZipFile(source) as old:
        log = orjson.loads(old.read(LOG))
        if not log["log"]["entries"]:
            return False
        for entry in log["log"]["entries"]:
            _clean(entry)
        target.parent.mkdir(parents=True, exist_ok=True)

        def write(file: Path) -> None:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
                new.writestr(LOG, redactor.json(orjson.dumps(log)))
                for name in old.namelist():
                    if name != LOG:
                        new.writestr(redactor.text(name), redactor.raw(old.read(name)))

        if not publish_clean(target, write, redactor):
            raise NotClean(target.name)
    return True


def _clean(entry: dict[str, Any]) -> None:
    for side in (entry.get("request") or {}, entry.get("response") or {}):
        side["cookies"] = []
        for header in side.get("headers") or ():
            name = str(header["name"]).lower()
            if name in _KEYS:
                header["value"] = MASK.decode()
            elif name == "set-cookie":
                header["value"] = "\n".join(_masked_cookie(one) for one in str(header["value"]).split("\n"))


def _masked_cookie(text: str) -> str:
    pair, semicolon, rest = text.partition(";")
    return f"{pair.partition('=')[0]}={MASK.decode()}{semicolon}{rest}"
