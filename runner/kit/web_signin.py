"""`web.signed_in`: a page whose browser is signed in already where the last sign-in still holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack

from runner.core.clock import duration, from_iso, now
from runner.core.errors import ApplicationError, ConfigurationError, did_you_mean
from runner.core.sign_ins import keys_in
from runner.kit.current import Running, running
from runner.kit.web_context import ContextOptions, context

if TYPE_CHECKING:
    from playwright.sync_api import Page, StorageState


@contextmanager
def signed_in(
    account: str,
    *,
    sign_in: Callable[[Page], object],
    is_in: Callable[[Page], bool],
    lives: str | timedelta = "12h",
    **options: Unpack[ContextOptions],
) -> Iterator[Page]:
    """A page that is signed in as `account`, which the bot declares by ``@bot(accounts=[…])``.

    What the browser kept of the last sign-in (cookies, local storage, IndexedDB) is asked of the worker, which holds it
    encrypted. `is_in(page)` opens the site and says whether it still holds; where it does not, or is older than `lives`,
    `sign_in(page)` signs in anew in a browser that knows nothing of it. It is kept for the next time, also as it is at the
    end. Its keys are masked like secrets. Raises ConfigurationError (BOT_ACCOUNT) for an account that is not declared, and
    ApplicationError (SIGN_IN) when the site does not let the bot in even after `sign_in`.
    """
    live = running("web.signed_in")
    if account not in live.accounts:
        raise ConfigurationError(
            f"account '{account}' is not declared by bot {live.order.bot}",
            expected=f"a declared one: {', '.join(live.accounts) or 'no account'}",
            hint=did_you_mean(account, live.accounts) or f'write @bot(accounts=["{account}"])',
            code="BOT_ACCOUNT",
        )
    kept = _kept(live, account, duration(lives))
    if kept is not None:
        again = options.copy()
        again["storage_state"] = kept
        with context(**again) as opened:
            page = opened.new_page()
            if is_in(page):
                yield page
                _keep(live, account, page, kept)
                return
    with context(**options) as opened:
        page = opened.new_page()
        sign_in(page)
        if not is_in(page):
            live.channel.ask("sign_in", account=account, state=None)
            raise ApplicationError(
                f"{account} is not signed in after the sign-in",
                expected="a page that is_in takes for signed in",
                hint="look at the picture of the page",
                code="SIGN_IN",
            )
        state = _keep(live, account, page, None)
        yield page
        _keep(live, account, page, state)


def _kept(live: Running, account: str, lives: timedelta) -> StorageState | None:
    answer = live.channel.ask("signed_in", account=account)
    if answer["state"] is None or from_iso(answer["saved"]) + lives < now():
        return None
    _mask(live, answer["state"])
    state: StorageState = answer["state"]
    return state


def _keep(live: Running, account: str, page: Page, before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Have the sign-in kept as it is now, where that differs from what is kept already."""
    state: dict[str, Any] = dict(page.context.storage_state(indexed_db=True))
    if before is None or json.dumps(state, sort_keys=True) != json.dumps(before, sort_keys=True):
        _mask(live, state)
        live.channel.ask("sign_in", account=account, state=state)
    return state


def _mask(live: Running, state: Mapping[str, Any]) -> None:
    for key in keys_in(state):
        live.journal.redactor.register(key)
