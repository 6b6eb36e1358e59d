"""The browser of this process: found on the machine, started when first needed, started again when it died."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.core.contract import lane_folder
from runner.core.errors import EnvironmentProblem
from runner.kit.current import running_or_none
from runner.kit.ending import is_superuser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Playwright

# What Playwright does not switch off itself: nothing leaves the machine but what the bot asks for.
FLAGS: Final = ("--no-pings", "--disable-domain-reliability", "--disable-client-side-phishing-detection")
# What Playwright itself takes for a browser without a window: the same engine, without what only a window needs
# (docs/decisions/0017-headless-shell.md).
_WITHOUT_WINDOW: Final = ("chromium-headless-shell", "chrome-headless-shell")
# Debian's command starts the program and waits for it: a signal to the command would not reach the browser.
_BEHIND: Final = {"/usr/bin/chromium-headless-shell": "/usr/lib/chromium/chromium-headless-shell"}
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


def find_browser(chosen: str | None = None, *, headed: bool = False) -> Path | None:
    """The browser to start: RUNNER_BROWSER, else `chosen`, else an installed Chrome, Edge or Chromium.

    Unless it shall have a window (`headed`), the headless shell of Chrome or Chromium is taken before these.

    None means: none of these, Playwright's own may be there. Raises EnvironmentProblem (CLI_BROWSER) when the one that
    was asked for is not there, or has no window where one is needed.
    """
    for asked_by, name in (("RUNNER_BROWSER", os.environ.get("RUNNER_BROWSER")), ("the order", chosen)):
        if name:
            found = shutil.which(name)
            if found is None:
                raise _not_found(f"{asked_by} names {name}")
            if headed and Path(found).stem in _WITHOUT_WINDOW:
                raise _not_found(f"{asked_by} names {name}, which has no window")
            return _program(found)
    names = _NAMES if headed else (*_WITHOUT_WINDOW, *_NAMES)
    installed = (shutil.which(name) for name in names)
    usual = (path for path in _usual() if Path(path).is_file())
    first = next((path for path in (*installed, *usual) if path), None)
    return _program(first) if first else None


@dataclass(frozen=True, slots=True)
class Launch:
    """How a browser is started: its program, visible or not, slowed down by so many ms, and the hosts it may reach.

    Host names that are not among `hosts` are not even resolved; None: no such rule.
    """

    program: Path | None
    headed: bool = False
    slow: float = 0
    hosts: frozenset[str] | None = None

    def flags(self) -> list[str]:
        """The command line flags."""
        if self.hosts is None:
            return list(FLAGS)
        rules = ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in sorted(self.hosts))])
        return [*FLAGS, f"--host-resolver-rules={rules}"]


class Browsers:
    """The driver of this process and its browsers, one for each way of starting it; most bots need one."""

    def __init__(self) -> None:
        self._driver: Playwright | None = None
        self._running: dict[Launch, Browser] = {}

    def new_context(self, options: Any, hosts: Sequence[str] | None = None) -> BrowserContext:
        """A new context in a browser that may reach `hosts`; a browser that died is replaced."""
        from playwright.sync_api import Error

        launch = _launch(hosts)
        try:
            return self._browser(launch).new_context(**options)
        except Error as error:
            if "closed" not in str(error):
                raise
            self.forget()  # it died since it was last used
            return self._browser(launch).new_context(**options)

    def warm(self) -> None:
        """Start driver and browser ahead of the first page."""
        self._browser(_launch(None))

    def device(self, name: str) -> dict[str, Any]:
        """What Playwright knows of the device `name`, as options of a context. Raises KeyError."""
        found = dict(self._driving().devices[name])
        found.pop("default_browser_type", None)
        return found

    def device_names(self) -> list[str]:
        """The names that `device` takes."""
        return list(self._driving().devices)

    def forget(self) -> None:
        """End the browsers and the driver, if there are any."""
        browsers, driver = list(self._running.values()), self._driver
        self._running.clear()
        self._driver = None
        for browser in browsers:
            close_quietly(browser)
        if driver is not None:
            with contextlib.suppress(Exception):  # a driver that died can't say good-bye
                driver.stop()

    def _browser(self, launch: Launch) -> Browser:
        running = self._running.get(launch)
        if running is not None and not running.is_connected():
            self.forget()
            running = None
        if running is None:
            running = self._running[launch] = self._start(launch)
        return running

    def _driving(self) -> Playwright:
        from playwright.sync_api import sync_playwright

        from runner.kit.ranked import teach

        if self._driver is None:
            self._driver = sync_playwright().start()
            teach(self._driver)
        return self._driver

    def _start(self, launch: Launch) -> Browser:
        from playwright.sync_api import Error

        driver = self._driving()
        if launch.program is None and not Path(driver.chromium.executable_path).is_file():
            raise _not_found("none is installed")
        live = running_or_none()
        downloads = live.folder / lane_folder(live.lane) / "downloads" if live else None
        try:
            return driver.chromium.launch(
                executable_path=launch.program,
                headless=not launch.headed,
                slow_mo=launch.slow or None,
                args=launch.flags(),
                chromium_sandbox=not is_superuser(),
                downloads_path=downloads,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            raise EnvironmentProblem(
                f"the browser {launch.program or 'of Playwright'} did not start: {str(error).strip().splitlines()[0]}",
                expected="a browser that starts" + (", and a screen to show it on" if launch.headed else ""),
                hint="see 'runner doctor'",
                code="BROWSER_START",
            ) from error


browsers: Final = Browsers()


def close_quietly(closing: Any) -> None:
    """Close a context or a browser; one that died can't be closed, and need not be."""
    from playwright.sync_api import Error

    with contextlib.suppress(Error, OSError):
        closing.close()


def _launch(hosts: Sequence[str] | None) -> Launch:
    live = running_or_none()
    order = live.order if live else None
    headed = bool(order and order.headed)
    return Launch(
        find_browser(order.browser if order else None, headed=headed),
        headed,
        order.slow if order else 0,
        None if hosts is None else frozenset(hosts),
    )


def _program(command: str) -> Path:
    """The program that a command stands for."""
    behind = Path(_BEHIND.get(command, command))
    return behind if behind.is_file() else Path(command)


def _usual() -> tuple[str, ...]:
    return _USUAL.get(sys.platform, _USUAL_ELSEWHERE)


def _not_found(why: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"browser not found: {why}",
        expected=f"Chrome, Edge or Chromium, for example {_usual()[0]} or /usr/bin/chromium",
        hint="install one, set RUNNER_BROWSER to its path, or run 'playwright install chromium'; then 'runner doctor'",
        code="CLI_BROWSER",
    )
