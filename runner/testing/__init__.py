"""Tests of bots without the live site: pytest fixtures ``run_bot``, ``portal_from_har``, ``queue``, ``fixed_clock``, ``bot_secrets``.

Write ``pytest_plugins = ["runner.testing"]`` into ``tests/conftest.py`` (or the test file) and ask for them:

    def test_an_order_is_entered(run_bot, portal_from_har, bot_secrets, queue):
        portal = portal_from_har("tests/post_orders.har.zip")
        bot_secrets["portal/password"] = "not-the-real-one"
        run = run_bot("post_orders", portal=portal.url, workbook="tests/orders.xlsx")
        assert run.status == "done"
        assert queue("orders")["A-1"].output == {"confirmation": "PC-000001"}
"""

from __future__ import annotations

from runner.testing.fixtures import (
    BotRunner,
    ClockSetter,
    HarPortal,
    HarPortals,
    bot_secrets,
    fixed_clock,
    portal_from_har,
    queue,
    rehearsal,
    run_bot,
)

__all__ = [
    "BotRunner",
    "ClockSetter",
    "HarPortal",
    "HarPortals",
    "bot_secrets",
    "fixed_clock",
    "portal_from_har",
    "queue",
    "rehearsal",
    "run_bot",
]
