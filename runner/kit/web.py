"""Web pages for bots: Playwright's own Page and BrowserContext, in one browser per process that starts when needed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, Unpack

from runner.core.clock import duration
from runner.core.contract import lane_folder
from runner.core.errors import EnvironmentProblem
from runner.kit.current import running_or_none
from runner.kit.ending import is_superuser
from runner.kit.evidence import present

if TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        HttpCredentials,
        Page,
        Playwright,
        StorageState,
        ViewportSize,
    )

# What Playwright does not switch off itself: nothing leaves the machine but what the bot asks for.
FLAGS: Final = ("--no-pings", "--disable-domain-reliability", "--disable-client-side-phishing-detection")
_NAMES: Final = (
    "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "microsoft-edge-stable", "msedge",
    "chromium", "chromium-browser",
)  # fmt: skip
_USUAL: Final = {
    "win32": (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
        r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
    ),
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
}
_USUAL_ELSEWHERE: Final = (
    "/usr/bin/google-chrome",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/snap/bin/chromium",
)


class ContextOptions(TypedDict, total=False):
    """What a browser context can be opened with: Playwright's own options of the same names."""

    accept_downloads: bool
    base_url: str
    color_scheme: Literal["dark", "light", "no-preference"]
    extra_http_headers: dict[str, str]
    http_credentials: HttpCredentials
    ignore_https_errors: bool
    locale: str
    permissions: list[str]
    storage_state: StorageState | str | Path
    timezone_id: str
    user_agent: str
    viewport: ViewportSize


@contextmanager
def page(*, timeout: str | timedelta = "30s", **options: Unpack[ContextOptions]) -> Iterator[Page]:
    """A page in a fresh browser context, which is closed at the end.

    `timeout` is the longest wait of one action or navigation; the other options are Playwright's for a context.
    Raises EnvironmentProblem (CLI_BROWSER, BROWSER_START) when no browser is found or it does not start.
    """
    with context(timeout=timeout, **options) as opened:
        yield opened.new_page()


@contextmanager
def context(
    *, timeout: str | timedelta = "30s", **options: Unpack[ContextOptions]
) -> Iterator[BrowserContext]:
    """A fresh browser context (cookies, storage and permissions of its own), which is closed at the end.

    When an exception passes, evidence of its pages is taken before they close. Options and errors as for `page`.
    """
    opened = _of_this_process.new_context(options)
    opened.set_default_timeout(duration(timeout) / timedelta(milliseconds=1))
    live = running_or_none()
    if live is not None:
        live.contexts.append(opened)
    watch = present()
    if watch is not None:
        watch.opened(opened)
    try:
        yield opened
    except (Exception, SystemExit):
        failing = present()
        if failing is not None:
            failing.look_at(opened)
        raise
    finally:
        if live is not None:
            live.contexts.remove(opened)
        _close_quietly(opened)


def find_browser(chosen: str | None = None) -> Path | None:
    """The browser to start: RUNNER_BROWSER, else `chosen`, else an installed Chrome, Edge or Chromium.

    None means: none of these, Playwright's own may be there. Raises EnvironmentProblem (CLI_BROWSER) when the one that
    was asked for is not there.
    """
    for asked_by, name in (("RUNNER_BROWSER", os.environ.get("RUNNER_BROWSER")), ("the order", chosen)):
        if name:
            found = shutil.which(name)
            if found is None:
                raise _not_found(f"{asked_by} names {name}")
            return Path(found)
    installed = (shutil.which(name) for name in _NAMES)
    usual = (path for path in _usual() if Path(path).is_file())
    first = next((path for path in (*installed, *usual) if path), None)
    return Path(first) if first else None


def warm() -> None:
    """Start driver and browser ahead of the first page."""
    _of_this_process.browser()


def close() -> None:
    """End browser and driver, if there are any. What goes wrong is of no use to anybody at this point."""
    _of_this_process.forget()


class _Browsers:
    """The driver and the browser of this process: started when first needed, and again after they died."""

    def __init__(self) -> None:
        self._driver: Playwright | None = None
        self._browser: Browser | None = None
        self._started_as: tuple[Path | None, bool] | None = None

    def new_context(self, options: ContextOptions) -> BrowserContext:
        from playwright.sync_api import Error

        try:
            return self.browser().new_context(**options)
        except Error as error:
            if "closed" not in str(error):
                raise
            self.forget()  # it died since it was last used
            return self.browser().new_context(**options)

    def browser(self) -> Browser:
        live = running_or_none()
        wanted = (find_browser(live.order.browser if live else None), bool(live and live.order.headed))
        if self._browser is not None and (self._started_as != wanted or not self._browser.is_connected()):
            self.forget()
        if self._browser is None:
            self._browser = self._start(*wanted)
            self._started_as = wanted
        return self._browser

    def forget(self) -> None:
        browser, driver = self._browser, self._driver
        self._browser = self._driver = None
        if browser is not None:
            _close_quietly(browser)
        if driver is not None:
            with contextlib.suppress(Exception):  # a driver that died can't say good-bye
                driver.stop()

    def _start(self, path: Path | None, headed: bool) -> Browser:
        from playwright.sync_api import Error, sync_playwright

        if self._driver is None:
            self._driver = sync_playwright().start()
        if path is None and not Path(self._driver.chromium.executable_path).is_file():
            raise _not_found("none is installed")
        live = running_or_none()
        downloads = live.folder / lane_folder(live.lane) / "downloads" if live else None
        try:
            return self._driver.chromium.launch(
                executable_path=path,
                headless=not headed,
                args=list(FLAGS),
                chromium_sandbox=not is_superuser(),
                downloads_path=downloads,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            raise EnvironmentProblem(
                f"the browser {path or 'of Playwright'} did not start: {str(error).strip().splitlines()[0]}",
                expected="a browser that starts",
                hint="see 'runner doctor'",
                code="BROWSER_START",
            ) from error


_of_this_process = _Browsers()


def _usual() -> tuple[str, ...]:
    return _USUAL.get(sys.platform, _USUAL_ELSEWHERE)


def _not_found(why: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"browser not found: {why}",
        expected=f"Chrome, Edge or Chromium, for example {_usual()[0]} or /usr/bin/chromium",
        hint="install one, set RUNNER_BROWSER to its path, or run 'playwright install chromium'; then 'runner doctor'",
        code="CLI_BROWSER",
    )


def _close_quietly(closing: Any) -> None:
    from playwright.sync_api import Error

    with contextlib.suppress(
        Error, OSError
    ):  # a crashed page or a browser that died can't be closed, and need not be
        closing.close()
