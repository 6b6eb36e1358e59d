"""A browser for recording and replaying by hand: a window on the screen, or none, outside of any run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.core.errors import EnvironmentProblem
from runner.journal.redact import Redactor
from runner.kit.ending import is_superuser
from runner.kit.web_browser import Launch, find_browser

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

_SIZE: Final = {"width": 1280, "height": 800}


@contextmanager
def window(
    *, headed: bool, browser: Path | None = None, har: Path | None = None, slow_ms: float = 0,
    hosts: Sequence[str] | None = None, fits: bool = False,
) -> Iterator[BrowserContext]:  # fmt: skip
    """A fresh browser context; with `har` its network traffic is written to that file when it closes.

    With `hosts` it reaches those and no other. With `fits` its pages are as large as their window; else they have the same size on
    every machine, and of a small screen they reach out.

    Raises EnvironmentProblem (BROWSER_START, CLI_BROWSER) where no browser starts, as one without a screen can't be headed.
    """
    from playwright.sync_api import Error, sync_playwright

    path = find_browser(str(browser) if browser else None, headed=headed)
    launch = Launch(path, hosts=None if hosts is None else frozenset(hosts))
    with sync_playwright() as driver:
        try:
            opened = driver.chromium.launch(
                executable_path=path, headless=not headed, args=launch.flags(), chromium_sandbox=not is_superuser(),
                slow_mo=slow_ms,
            )  # fmt: skip
        except Error as error:
            raise EnvironmentProblem(
                f"the browser {path or 'of Playwright'} did not start: {str(error).strip().splitlines()[0]}",
                expected="a browser that starts" + (", and a screen to show it on" if headed else ""),
                hint="see 'runner doctor'",
                code="BROWSER_START",
            ) from error
        options: dict[str, Any] = {"no_viewport": True} if fits else {"viewport": _SIZE}
        if har is not None:
            har.parent.mkdir(parents=True, exist_ok=True)
            options |= {"record_har_path": har, "record_har_content": "embed"}
        context = opened.new_context(**options)
        try:
            yield context
        finally:
            with contextlib.suppress(Error):  # whoever watched has closed it already
                if opened.is_connected():
                    context.close()
                    opened.close()


def has_screen() -> bool:
    """Whether a window can be shown: always on Windows and macOS, with a display elsewhere."""
    return (
        os.name == "nt"
        or os.uname().sysname == "Darwin"
        or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )


@contextmanager
def traffic_or_none(har: Path | None) -> Iterator[None]:
    """Where the block fails, take its network traffic away, with the folder that was made for it: nobody has masked it."""
    try:
        yield
    except BaseException:
        if har is not None:
            har.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # there is more in it
                har.parent.rmdir()
        raise


def mask_har(har: Path, redactor: Redactor) -> None:
    """Take what `redactor` masks out of a recorded network traffic, in whatever encoding it stands."""
    if har.exists():
        masked = redactor.raw(har.read_bytes())
        har.write_bytes(masked)
