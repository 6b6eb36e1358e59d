"""The rules of a browser context: questions that pages ask, pop-ups, hosts that may be reached, downloads that are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from runner.core.errors import ConfigurationError
from runner.core.hosts import host_fits
from runner.kit.current import here, running_or_none
from runner.kit.web_answers import insist_on_content
from runner.kit.web_files import Downloads

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Dialog, Page, Request, Route

Answer: TypeAlias = Literal["accept", "dismiss"]
_ANSWERS: Final = ("accept", "dismiss")
_HOST: Final = re.compile(r"(\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_NOT_REACHED: Final = ("ERR_NAME_NOT_RESOLVED", "ERR_BLOCKED_BY_CLIENT")


@dataclass  # without slots: Playwright notes on a handler's object that it is one
class Rules:
    """What holds in one context. Raises ConfigurationError (BOT_WEB) for a rule that can't be."""

    timeout: timedelta
    hosts: Sequence[str] | None = None
    dialogs: Answer | Mapping[str, str] | None = None
    popups: Literal["keep", "close"] = "keep"
    proxy: str = ""
    _told: set[str] = field(default_factory=set)
    _downloads: Downloads = field(default_factory=Downloads)

    def __post_init__(self) -> None:
        if isinstance(self.hosts, str) or any(not _HOST.fullmatch(host) for host in self.hosts or ()):
            raise _refused(
                "hosts", self.hosts, 'a list of host names such as ["portal.example", "*.portal.example"]'
            )
        if isinstance(self.dialogs, str) and self.dialogs not in _ANSWERS:
            raise _refused(
                "dialogs", self.dialogs, '"accept", "dismiss", or answers by a part of the question'
            )
        if self.popups not in {"keep", "close"}:
            raise _refused("popups", self.popups, '"keep" or "close"')

    @property
    def reachable(self) -> list[str] | None:
        """The hosts that the browser itself may look up: the allowed ones and the proxy's. None: all."""
        if self.hosts is None:
            return None
        proxy = urlsplit(self.proxy if "://" in self.proxy else f"//{self.proxy}").hostname
        return [*self.hosts, *([proxy] if proxy else [])]

    def watch_over(self, context: BrowserContext) -> None:
        """Make the rules hold in `context`, whose pages are still to come."""
        context.on("page", self._opened)
        if self.dialogs is not None:
            context.on("dialog", self._answer)
        if self.hosts is not None:
            context.on("requestfailed", self._failed)
            if self.proxy:  # a proxy resolves names itself: there is nothing that the browser could refuse
                context.route(_others(self.hosts), _block)

    def save_downloads(self) -> None:
        """Save what the bot has not saved itself."""
        self._downloads.save()

    def _opened(self, page: Page) -> None:
        insist_on_content(page)
        page.on("download", self._downloads.began)
        if self.popups == "close" and page.opener() is not None:
            _tell("A pop-up was closed", url=page.url)
            page.close()

    def _answer(self, dialog: Dialog) -> None:
        answer = self._answer_to(dialog.message)
        _tell(f"The page asks: {dialog.message}", kind=dialog.type, answer=answer)
        if answer == "dismiss":
            dialog.dismiss()
        elif answer == "accept":
            dialog.accept()
        else:
            dialog.accept(answer)

    def _answer_to(self, question: str) -> str:
        if isinstance(self.dialogs, str):
            return self.dialogs
        asked = question.casefold()
        return next((a for part, a in (self.dialogs or {}).items() if part.casefold() in asked), "dismiss")

    def _failed(self, request: Request) -> None:
        host = urlsplit(request.url).hostname or ""
        if host in self._told or not any(code in (request.failure or "") for code in _NOT_REACHED):
            return
        if not any(host_fits(one, host) for one in self.hosts or ()):
            self._told.add(host)
            _tell(f"{host} is none of the allowed hosts: not reached", host=host, url=request.url)


def _others(hosts: Sequence[str]) -> re.Pattern[str]:
    """Matches every address whose host is not allowed. Understood by the driver, so that others cost no question to us."""
    allowed = "|".join(
        rf"[^/@:]+{re.escape(one[1:])}" if one.startswith("*.") else re.escape(one) for one in hosts
    )
    return re.compile(rf"^(?:https?|wss?)://(?!(?:[^/@]*@)?(?:{allowed})(?::\d+)?(?:[/?#]|$))", re.IGNORECASE)


def _block(route: Route) -> None:
    route.abort("blockedbyclient")


def _tell(message: str, **data: Any) -> None:
    live, place = running_or_none(), here.get()
    if live is not None:
        live.journal.event(
            "log", message, level="WARNING", queue=place.queue, item=place.item, attempt=place.attempt,
            step=place.step, parent=place.parent, data=data,
        )  # fmt: skip


def _refused(option: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"web.page({option}={value!r})", expected=expected, code="BOT_WEB")
