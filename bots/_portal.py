"""What the bots of the supplier portal share: how to sign in and how to open one of its pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from runner import ApplicationError, Retry, secret, step, web

USER = "clerk"


@contextmanager
def signed_in(portal: str) -> Iterator[Page]:
    """A page in a browser of its own that has signed in to the portal at this address."""
    with web.page(base_url=portal, timeout="10s") as page:
        sign_in(page)
        yield page


@step(retry=Retry(times=3, wait="200ms", longest_wait="5s"))
def sign_in(page: Page) -> None:
    """Sign in with the password of the vault."""
    open_page(page, "/login")
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(secret("portal/password"))
    page.get_by_role("button", name="Sign in").click()
    welcome, refusal = page.get_by_role("button", name="Sign out"), page.get_by_role("alert")
    welcome.or_(refusal).wait_for()
    if refusal.is_visible():
        raise ApplicationError(f"the portal refuses the sign-in: {refusal.inner_text()}")


def open_page(page: Page, path: str) -> None:
    """Go to a page of the portal. Raises ApplicationError where it answers with an error or wants a new sign-in."""
    answer = page.goto(path)
    if answer is None or not answer.ok:
        raise ApplicationError(f"the portal answers {path} with {answer.status if answer else 'nothing'}")
    if "/login" in page.url and not path.startswith("/login"):
        raise ApplicationError("the portal has ended the session")
