"""Sign-ins that browsers keep: encrypted on the disk, given only to the bot that declares the account, masked in the run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.core.errors import UsageError
from runner.core.sign_ins import SignIns, keys_in
from runner.core.vault import Vault
from runner.store.models import Run
from tests.engine_project import project, worker
from tests.kit_pages import TOKEN, Site, pages

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
STATE: dict[str, Any] = {
    "cookies": [
        {"name": "session", "value": "cookie-value-0123456789", "domain": "portal.example", "path": "/"}
    ],
    "origins": [
        {
            "origin": "https://portal.example",
            "localStorage": [
                {
                    "name": "auth",
                    "value": json.dumps({"access": {"token": "token-value-0123456789"}, "n": 1}),
                },
                {"name": "theme", "value": "dark"},
                {"name": "motd", "value": "a sentence that is long but no key"},
            ],
        }
    ],
}


@pytest.fixture
def kept(tmp_path: Path) -> SignIns:
    return SignIns(tmp_path / "sign-ins", Vault(tmp_path / "vault.json", {}))


def test_a_sign_in_is_kept_encrypted_replaced_listed_and_forgotten(kept: SignIns, tmp_path: Path) -> None:
    assert kept.get("portal/clerk") is None
    kept.keep("portal/clerk", {"cookies": []}, AT)
    kept.keep("portal/clerk", STATE, AT)
    kept.keep("bank", {}, AT)

    found = kept.get("portal/clerk")
    assert found is not None
    assert (found.state, found.saved) == (STATE, AT)
    assert [one.account for one in kept.all()] == ["bank", "portal/clerk"]
    files = list((tmp_path / "sign-ins").iterdir())
    assert len(files) == 2
    for path in files:
        assert b"cookie" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
    kept.forget("portal/clerk")
    assert kept.get("portal/clerk") is None
    with pytest.raises(UsageError, match="no sign-in of 'bnak' is kept - did you mean 'bank'"):
        kept.forget("bnak")


def test_under_another_key_there_is_no_sign_in(kept: SignIns, tmp_path: Path) -> None:
    kept.keep("portal/clerk", STATE, AT)
    (tmp_path / "vault.key").unlink()

    assert kept.get("portal/clerk") is None


def test_keys_are_the_long_values_also_inside_stored_json() -> None:
    assert keys_in(STATE) == ["cookie-value-0123456789", "token-value-0123456789"]


BOT = """
from playwright.sync_api import Page
from runner import web

def sign_in(page: Page) -> None:
    page.goto("/home")
    page.locator("input").fill("right-password")
    page.get_by_role("button").click()

def is_in(page: Page) -> bool:
    page.goto("/home")
    return page.get_by_role("heading", name="Home").is_visible()

@bot(accounts=["clerk"])
def visit(address: str) -> None:
    with web.signed_in("clerk", sign_in=sign_in, is_in=is_in, base_url=address, timeout="5s") as page:
        log.info("cookie {}", page.context.cookies()[0]["value"])

@bot
def spy(address: str) -> None:
    from runner.kit.current import running
    running("a spy").channel.ask("signed_in", account="clerk")
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with pages() as served:
        yield served


@pytest.mark.browser
@pytest.mark.usefixtures("store")
def test_the_worker_keeps_a_sign_in_from_run_to_run_for_the_bot_that_declares_it(
    tmp_path: Path, site: Site
) -> None:
    settings = project(tmp_path, BOT)

    def run_it(bot: str) -> Run:
        run_id, _ = worker(settings).run_now(bot, {"address": site.url}, requested_by="test")
        return Run.objects.get(pk=run_id)

    first, second, spied = run_it("visit"), run_it("visit"), run_it("spy")

    assert (first.status, second.status, site.sign_ins) == ("done", "done", 1)
    assert spied.status == "failed"
    assert spied.error is not None
    assert spied.error["code"] == "BOT_ACCOUNT"
    written = [path for path in settings.home.rglob("*") if path.is_file()]
    assert len(written) > 8
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
