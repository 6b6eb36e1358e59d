"""The desk's pages of runs: list, timeline, one run with its journal, and what people do with runs."""

from __future__ import annotations

import pytest

from runner.core.clock import now
from runner.engine.bot_watch import take_stock
from runner.store.models import Run
from tests.cli_project import empty, ran  # noqa: F401 (fixtures)
from tests.desk_place import Desk, desk, desk_store  # noqa: F401 (fixtures)


def the_run() -> Run:
    """The one that has run in the project of the tests."""
    return Run.objects.get()


def queued_run(desk: Desk, bot: str = "slow", **parameters: object) -> str:  # noqa: F811
    """A run that waits: no worker is there in these tests unless they start one."""
    from runner.cases.run_requests import RunWish, ask_run

    take_stock(desk.settings, changed_only=True)
    return ask_run(RunWish(bot, parameters), by="mei", at=now())


@pytest.mark.parametrize("path", ["/runs/", "/runs/timeline", "/bots/", "/queues/", "/queues/invoices/"])
def test_pages_answer(desk: Desk, path: str) -> None:  # noqa: F811
    take_stock(desk.settings, changed_only=True)
    answer = desk.client("operator").get(path)
    assert answer.status_code == 200, answer.content[:3000]


def test_run_page_answers(desk: Desk) -> None:  # noqa: F811
    answer = desk.client("operator").get(f"/runs/{the_run().pk}/")
    assert answer.status_code == 200, answer.content[:3000]
    for part in ("state", "journal", "steps"):
        answer = desk.client("operator").get(f"/runs/{the_run().pk}/{part}")
        assert answer.status_code == 200, answer.content[:3000]
    take_stock(desk.settings, changed_only=True)
    for path in (
        "/bots/invoice/",
        "/bots/invoice/start",
        "/queues/invoices/item?key=A-3",
        "/queues/invoices/add",
    ):
        answer = desk.client("operator").get(path)
        assert answer.status_code == 200, (path, answer.content[:3000])
