"""What a bot script imports: ``from runner import bot, step, Queue, Item, Retry, BusinessError, sheets, web, secret, log``.

Names are loaded when they are first used, so that the command line starts without Playwright, pydantic and openpyxl.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loguru import logger as log

    from runner import sheets
    from runner.core.errors import ApplicationError, BusinessError, TryLater
    from runner.kit import web
    from runner.kit.bot import bot
    from runner.kit.items import Item, Queue
    from runner.kit.retry import Retry
    from runner.kit.run import run
    from runner.kit.secrets import secret, totp
    from runner.kit.step import step

__all__ = [
    "ApplicationError",
    "BusinessError",
    "Item",
    "Queue",
    "Retry",
    "TryLater",
    "bot",
    "log",
    "run",
    "secret",
    "sheets",
    "step",
    "totp",
    "web",
]

_HOMES = {
    "ApplicationError": "runner.core.errors:ApplicationError",
    "BusinessError": "runner.core.errors:BusinessError",
    "Item": "runner.kit.items:Item",
    "Queue": "runner.kit.items:Queue",
    "Retry": "runner.kit.retry:Retry",
    "TryLater": "runner.core.errors:TryLater",
    "bot": "runner.kit.bot:bot",
    "log": "loguru:logger",
    "run": "runner.kit.run:run",
    "secret": "runner.kit.secrets:secret",
    "sheets": "runner.sheets:",
    "step": "runner.kit.step:step",
    "totp": "runner.kit.secrets:totp",
    "web": "runner.kit.web:",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'runner' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].partition(":")
    home = importlib.import_module(module)
    value = getattr(home, attribute) if attribute else home
    globals()[name] = value
    return value
