"""The desk's page of webhooks: add one, see its secret once, try it out, see what did not arrive, send it again."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

from runner.cases import webhooks as acts
from runner.cases.announcing import EVENTS
from runner.core.clock import now
from runner.desk.outside import Place, place
from runner.engine.bot_watch import take_stock
from runner.engine.webhook_sender import WebhookSender
from runner.store.models import Delivery, Webhook
from tests.desk_language import assert_one_language
from tests.desk_place import Desk
from tests.webhook_receiver import receiver


@pytest.fixture
def allowed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The desk may send to this machine."""
    here = place()
    settings = here.settings.model_copy(update={"webhook_allow": "127.0.0.1"})
    made = Place(settings, here.environment, here.outside)
    monkeypatch.setattr(django_settings, "RUNNER_PLACE", made)
    return made


def made(here: Place, url: str = "http://127.0.0.1:9/x") -> Webhook:
    """A subscription."""
    wanted = acts.Wanted("ERP", url, tuple(EVENTS))
    return acts.subscribe(wanted, here.settings.home, ["127.0.0.1"], by="admin", at=now())[0]


@pytest.mark.browser
def test_a_webhook_is_added_tried_out_and_what_failed_is_sent_again(desk: Desk, allowed: Place) -> None:
    with receiver() as told:
        page = desk.page("admin", "/webhooks/", width=360)
        page.get_by_label("Who is told?").fill("ERP")
        page.get_by_label("Address").fill("http://169.254.169.254/")
        page.get_by_label("a run has ended").uncheck()
        page.get_by_role("button", name="Add").click()
        expect(page.locator(".field.refused")).to_contain_text("put it on the allow-list")
        expect(page.get_by_label("Who is told?")).to_have_value("ERP")
        expect(page.get_by_label("a run has ended")).not_to_be_checked()
        page.get_by_label("Address").fill(told.url)
        page.get_by_role("button", name="Add").click()
        secret = page.get_by_label("Its secret").input_value()
        assert secret.startswith("whsec_")
        page.reload() if page.url.endswith("/") else page.goto(f"{desk.url}/webhooks/1/")
        expect(page.locator("body")).not_to_contain_text("whsec_")

        sender = WebhookSender(allowed.settings, {})
        told.answers[:] = [500]
        page.get_by_role("button", name="Send a test").click()
        expect(page.locator("#messages")).to_contain_text("A test is on its way")
        assert sender.look() == 0
        Delivery.objects.update(status="dead", next_try=None)
        page.reload()
        expect(page.locator("table.list")).to_contain_text("it answers with status 500")
        page.get_by_role("button", name="Send again").click()
        assert sender.look(now() + timedelta(seconds=1)) == 1
        page.reload()
        expect(page.locator("table.list")).to_contain_text("arrived")
        assert [one.told["event"] for one in told.messages] == ["test", "test"]
        assert page.evaluate("document.documentElement.scrollWidth") == 360

        page = desk.page("admin", "/webhooks/1/", language="zh-hans", theme="dark")
        assert_one_language(page, "zh-hans")
        page.get_by_text("修改", exact=True).click()
        page.get_by_role("button", name="移除").click()
        page.get_by_role("dialog").get_by_role("button", name="移除").click()
        expect(page.locator("#messages")).to_contain_text("已移除")
    assert not Webhook.objects.exists()


def test_only_admins_see_webhooks(desk: Desk) -> None:
    assert desk.client("developer").get("/webhooks/").status_code == 403
    assert "/webhooks/" not in desk.client("developer").get("/").content.decode()
    assert "/webhooks/" in desk.client("admin").get("/").content.decode()


def test_the_page_says_when_nobody_sends(desk: Desk, allowed: Place) -> None:
    webhook = made(allowed)
    client = desk.client("admin")
    acts.send_test(webhook.pk, by="admin", at=now())
    assert "Nobody sends" not in client.get("/webhooks/").content.decode()

    Delivery.objects.update(next_try=now() - timedelta(minutes=2))

    assert "Nobody sends" in client.get("/webhooks/").content.decode()


def test_it_is_changed_switched_and_given_a_new_secret(desk: Desk, allowed: Place) -> None:
    take_stock(desk.settings, changed_only=True)
    webhook = made(allowed)
    client = desk.client("admin")
    path = f"/webhooks/{webhook.pk}"

    given: dict[str, Any] = {"label": "CRM", "url": "http://127.0.0.1:9/y", "events": ["run.finished"], "processes": ["accounts-payable"]}  # fmt: skip
    assert client.post(f"{path}/change", given).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.label, webhook.events, webhook.processes) == (
        "CRM",
        ["run.finished"],
        ["accounts-payable"],
    )
    assert client.post(f"{path}/change", {**given, "events": []}).status_code == 422
    secret = client.post(f"{path}/secret")
    assert re.search(r'value="whsec_[0-9a-f]{64}"', secret.content.decode())
    assert secret["Cache-Control"] == "no-store"
    assert (
        client.post(f"{path}/switch", {"on": "no"}, follow=True)
        .content.decode()
        .count("It is told nothing any more.")
        == 1
    )
    assert "nothing is sent" in client.post(f"{path}/test", follow=True).content.decode()
    assert client.get("/webhooks/99/").status_code == 404
    assert json.dumps(webhook.salt) not in client.get(f"{path}/").content.decode()
