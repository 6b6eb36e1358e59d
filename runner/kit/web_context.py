"""Browser contexts and pages: opened with the options of a bot, watched over, and closed when the bot has done with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from runner.core.clock import duration
from runner.core.errors import ConfigurationError, did_you_mean
from runner.kit.current import running_or_none
from runner.kit.evidence import present
from runner.kit.secret_sites import watch_over
from runner.kit.web_browser import browsers, close_quietly
from runner.kit.web_rules import Answer, Rules

if TYPE_CHECKING:
    from playwright.sync_api import (
        BrowserContext,
        Geolocation,
        HttpCredentials,
        Page,
        ProxySettings,
        StorageState,
        ViewportSize,
    )


class ClientCertificate(TypedDict, total=False):
    """A certificate with which the browser shows who it is at `origin`; bytes may come from a secret."""

    origin: str
    certPath: str | Path
    cert: bytes
    keyPath: str | Path
    key: bytes
    pfxPath: str | Path
    pfx: bytes
    passphrase: str


class ContextOptions(TypedDict, total=False):
    """What a browser context can be opened with.

    Ours: `timeout`, the longest wait of one action or navigation (30 s); `hosts`, the only hosts that may be reached
    (``["portal.example", "*.portal.example"]``; all others are not even resolved, and named in the journal); `dialogs`, how
    the page's questions are answered: "accept", "dismiss", or by a part of their text, ``{"Really delete": "accept",
    "Your name": "Ada"}``; `popups`: "keep" or "close"; `device`, one of Playwright's names ("iPhone 15").
    The others are Playwright's own, of the same names.
    """

    timeout: str | timedelta
    hosts: Sequence[str] | None
    dialogs: Answer | Mapping[str, str] | None
    popups: Literal["keep", "close"]
    device: str

    accept_downloads: bool
    base_url: str
    bypass_csp: bool
    client_certificates: list[ClientCertificate]
    color_scheme: Literal["dark", "light", "no-preference"]
    device_scale_factor: float
    extra_http_headers: dict[str, str]
    geolocation: Geolocation
    has_touch: bool
    http_credentials: HttpCredentials
    ignore_https_errors: bool
    is_mobile: bool
    java_script_enabled: bool
    locale: str
    offline: bool
    permissions: list[str]
    proxy: ProxySettings
    reduced_motion: Literal["no-preference", "reduce"]
    service_workers: Literal["allow", "block"]
    storage_state: StorageState | str | Path
    timezone_id: str
    user_agent: str
    viewport: ViewportSize


@contextmanager
def page(**options: Unpack[ContextOptions]) -> Iterator[Page]:
    """A page in a fresh browser context, which is closed at the end. Options as `ContextOptions` says.

    Raises EnvironmentProblem (CLI_BROWSER, BROWSER_START) when no browser is found or it does not start, and
    ConfigurationError (BOT_WEB) for an option that can't be.
    """
    with context(**options) as opened:
        yield opened.new_page()


@contextmanager
def context(**options: Unpack[ContextOptions]) -> Iterator[BrowserContext]:
    """A fresh browser context (cookies, storage, permissions and downloads of its own), which is closed at the end.

    When an exception passes, evidence of its pages is taken before they close. Downloads that the bot did not take itself
    are in the run folder afterwards, under the names that the site gave them. Options and errors as for `page`.
    """
    rules, playwrights = _split(options)
    opened = browsers.new_context(playwrights, rules.reachable)
    opened.set_default_timeout(rules.timeout / timedelta(milliseconds=1))
    rules.watch_over(opened)
    live = running_or_none()
    if live is not None:
        live.contexts.append(opened)
        if live.sites is not None:
            watch_over(opened, live.sites)
        if live.clock is not None:
            opened.clock.set_fixed_time(live.clock)
    watch = present()
    if watch is not None:
        watch.opened(opened)
    try:
        yield opened
    except (Exception, SystemExit) as error:
        failing = present()
        if failing is not None:
            failing.look_at(opened)
            failing.pause(error)
        raise
    finally:
        if live is not None:
            live.contexts.remove(opened)
        leaving = present()
        if leaving is not None:
            leaving.closing(opened)
        rules.save_downloads()
        close_quietly(opened)


def _split(options: ContextOptions) -> tuple[Rules, dict[str, Any]]:
    """Our options as rules, and Playwright's own."""
    given: dict[str, Any] = dict(options)
    device = given.pop("device", None)
    live = running_or_none()
    if live is not None and live.proxy:  # a replay plays every host, with certificates of its own
        given |= {"proxy": {"server": live.proxy}, "ignore_https_errors": True, "service_workers": "block"}
        given.pop("client_certificates", None)
    rules = Rules(
        timeout=duration(given.pop("timeout", "30s")),
        hosts=given.pop("hosts", None),
        dialogs=given.pop("dialogs", None),
        popups=given.pop("popups", "keep"),
        proxy=str((given.get("proxy") or {}).get("server", "")),
    )
    if rules.hosts is not None:
        given.setdefault("service_workers", "block")
    if device is None:
        return rules, given
    try:
        return rules, {**browsers.device(device), **given}
    except KeyError:
        raise ConfigurationError(
            f"web.page(device={device!r})",
            expected="a device that Playwright knows",
            hint=did_you_mean(device, browsers.device_names())
            or 'for example "iPhone 15" or "Desktop Chrome"',
            code="BOT_WEB",
        ) from None
