"""The compiled code of Playwright's driver, kept between runs: every run loads the same 7 MB of JavaScript anew."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from runner.core.settings import Settings

CACHE: Final = "NODE_COMPILE_CACHE"  # of Node.js 22.1 and newer; an older one loads the driver as ever
_OFF: Final = "NODE_DISABLE_COMPILE_CACHE"
_LIMIT: Final = 60.0  # seconds


def with_driver_cache(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` for a child whose driver takes what `keep_driver_compiled` has kept, unless it says otherwise itself."""
    return {CACHE: str(_folder(settings)), **environment}


def keep_driver_compiled(settings: Settings, environment: Mapping[str, str]) -> None:
    """Keep the compiled code of this version of the driver, if it is not there yet; that of other versions goes.

    `environment` is that of the children. Nothing is done where it names a place of its own, or wants none.
    The drivers of runs can't do it themselves: Node.js writes when it ends, and they are killed with their run.
    Where it can't be done (a full disk), they do without; so do those of a service that keeps no children ready.
    """
    folder = _folder(settings)
    if (
        not settings.standby
        or _OFF in environment
        or environment.get(CACHE) != str(folder)
        or any(folder.glob("*/*"))
    ):
        return
    for other in settings.cache.glob("driver-*"):
        shutil.rmtree(other, ignore_errors=True)
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-P", "-m", "playwright", "--version"],
            cwd=settings.home,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LIMIT,
            check=True,
        )


def _folder(settings: Settings) -> Path:
    return settings.cache / f"driver-{version('playwright')}"
