"""A case of each example bot, and of a recording, as one file that fails again in the same way where the site is gone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from runner.demo.data import make_payments
from runner.demo.serve import Portal
from tests.cli_project import Cli
from tests.main_job import ROOT, make_workbook

NETWORK = ("--record-network", "always")


@pytest.fixture
def examples(tmp_path: Path) -> Cli:
    """A copy of this repository's own project: its bots and its recording."""
    project = tmp_path / "project"
    for folder in ("bots", "recordings"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "pyproject.toml").write_text("", encoding="utf-8")
    (project / "inbox").mkdir()
    return Cli(project)


def played_again(cli: Cli, tmp_path: Path, bot: str, *more: str, code: int = 0) -> dict[str, Any]:
    """What comes of the newest case of a bot, played again in a folder where there is no project's data."""
    case = next(one for one in cli("cases", "list", "--json").json if one["bot"] == bot)
    cli("cases", "evidence", case["id"], "-o", str(tmp_path / "case.zip"), *more)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "pyproject.toml").write_text("", encoding="utf-8")
    for left in (cli.project / "inbox", *tmp_path.glob("payments")):
        shutil.rmtree(left)
    answer = Cli(elsewhere)("cases", "reproduce", str(tmp_path / "case.zip"), "--json", code=code)
    return dict(answer.json) if code == 0 else {"said": answer.err}


@pytest.mark.browser
def test_an_order_that_the_portal_refused_is_refused_again(examples: Cli, tmp_path: Path) -> None:
    with Portal(tmp_path / "portal") as portal:
        examples("secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{portal.password}\n")
        book = make_workbook(examples.project / "inbox" / "orders.xlsx", 1, [(2, "Amount", "50001.00")])
        words = ("--param", f"portal={portal.url}", "--param", f"workbook={book}")
        examples("run", "post_orders", *words, *NETWORK, code=1)
    again = played_again(examples, tmp_path, "post_orders")
    assert (again["same"], again["missing"]) == (True, [])
    assert "Amount is over the limit" in again["now"]["message"]


@pytest.mark.browser
def test_a_row_that_a_recording_could_not_enter_fails_again(examples: Cli, tmp_path: Path) -> None:
    with Portal(tmp_path / "portal") as portal:
        examples("secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{portal.password}\n")
        make_workbook(examples.project / "inbox" / "orders.xlsx", 1, [(2, "Product", "Desk lmap")])
        examples("run", "enter-order", "--param", f"address={portal.url}", *NETWORK, code=1)
    again = played_again(examples, tmp_path, "enter-order")
    assert (again["same"], again["missing"]) == (True, [])
    assert "there is no option 'Desk lmap'" in again["now"]["message"]


@pytest.mark.browser
def test_a_price_list_that_could_not_be_read_fails_again(examples: Cli, tmp_path: Path) -> None:
    with Portal(tmp_path / "portal") as portal:
        examples("secrets", "set", "portal/password", "--hosts", "127.0.0.1", typed=f"{portal.password}\n")
        portal.set_faults(fail_next=[{"path": "/prices", "status": 503, "times": 9}])
        examples("run", "collect_prices", "--param", f"portal={portal.url}", *NETWORK, code=1)
    again = played_again(examples, tmp_path, "collect_prices")
    assert again["same"], again


def test_a_difference_of_two_workbooks_needs_them_along(examples: Cli, tmp_path: Path) -> None:
    (tmp_path / "payments").mkdir()
    bank, ledger = make_payments(tmp_path / "payments")
    examples("run", "reconcile", "--param", f"bank={bank}", "--param", f"ledger={ledger}", code=1)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / "payments", kept)

    without = played_again(examples, tmp_path, "reconcile", code=2)
    assert "CASE_INPUT" in without["said"]
    assert "--with-inputs" in without["said"]

    shutil.copytree(kept, tmp_path / "payments")
    (examples.project / "inbox").mkdir()
    again = played_again(examples, tmp_path, "reconcile", "--with-inputs")
    assert again["same"], again
