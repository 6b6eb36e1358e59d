"""A recording as a bot, item by item: what was begun and not ended is looked up, never repeated on a guess."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from runner.core.contract import IrreversibleRecord, ItemOrder, Settled
from runner.demo.serve import Portal
from runner.recordings.binding import Tries, write_binding
from runner.recordings.library import Place
from runner.recordings.propose import apply, propose_binding
from tests.demo_clerk import Clerk
from tests.kit_worker import Finished, Project
from tests.recordings_clerk import record_an_order
from tests.recordings_made import own, recording

pytestmark = pytest.mark.browser

SUBMIT = 'Click "Post order"'
HEADINGS = ("Order no.", "Customer", "Product", "Quantity", "Amount", "Deliver on")
ROW = {
    "order_no": "REC-7", "customer": "Birch & Co", "product": "Desk lamp", "quantity": 2, "amount": "79.00",
    "deliver_on": "2026-12-02",
}  # fmt: skip
LOOK = recording(
    {"type": "navigate", "url": "http://127.0.0.1:1/orders/find?number={{order_no}}"},
    own("read", selectors=[['td[data-head="Confirmation"]']], output="confirmation"),
    title="Look an order up",
).model_copy(update={"timeout": 1500})


@dataclass(frozen=True)
class Desk:
    """A bound recording in a project, and the portal on which it was made."""

    portal: Portal
    project: Path

    def work(
        self, tmp_path: Path, *, intent: bool, looks: bool, row: dict[str, Any] | None = None
    ) -> Finished:
        """Run the bot for one item, whose submit had begun in an earlier attempt or not."""
        shutil.copytree(self.project, tmp_path, dirs_exist_ok=True)
        file = tmp_path / "recordings" / "enter-order.yaml"
        if looks:
            file.write_text(file.read_text("utf-8") + "already_done: look-order\n", encoding="utf-8")
        data = {**ROW, **(row or {})}
        begun = {SUBMIT: IrreversibleRecord(state=Settled.INTENT)} if intent else {}
        item = ItemOrder(queue="enter-order", key=data["order_no"], data=data, attempt=1, irreversible=begun)
        project = Project(tmp_path)
        project.file = "recordings/enter-order.yaml"
        return project.run(
            "enter-order",
            parameters={"workbook": None, "address": self.portal.url},
            items=[item],
            secrets={"portal/password": self.portal.password},
            hosts=["127.0.0.1"],
        )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    place = Place(folder / "project", "enter-order")
    with Portal(folder / "portal") as portal:
        record_an_order(portal, place)
    rows = [["REC-1", "Alder & Finch", "Desk lamp", 1, 39.5, "2026-12-01"]]
    proposal = propose_binding(place.read(), HEADINGS, rows, workbook="inbox/orders.xlsm")
    once = proposal.binding.model_copy(update={"retry": Tries(times=0)})
    proposal = replace(proposal, binding=once)
    bound = apply(place.read(), proposal).model_copy(update={"timeout": 5000})
    place.write(bound)
    write_binding(place, proposal.binding, bound)
    text = LOOK.text().replace("http://127.0.0.1:1", bound.first_address)
    Place(folder / "project", "look-order").file.write_text(text, encoding="utf-8")
    return folder / "project"


@pytest.fixture
def desk(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Portal(tmp_path_factory.mktemp("portal")) as portal:
        yield Desk(portal, recorded)


def end_of(finished: Finished) -> dict[str, Any]:
    (end,) = finished.events("attempt.finished")
    return {**end.data, "error": end.error}


def test_an_item_is_entered_once_and_each_step_is_a_named_line_of_the_journal(
    desk: Desk, tmp_path: Path
) -> None:
    finished = desk.work(tmp_path, intent=False, looks=False)
    assert end_of(finished)["status"] == "done", finished.console
    assert end_of(finished)["output"] == {"confirmation": "PC-000001"}
    steps = [line.step for line in finished.events("step.finished")]
    assert steps[:5] == [
        "Make the window 1280 × 800", f"Open {recorded_address(desk)}", 'Enter "clerk" in "User name"',
        'Enter the password (portal/password) in "Password"', 'Click "Sign in"',
    ]  # fmt: skip
    assert steps[-2:] == [SUBMIT, 'Read confirmation from "confirmation"']
    assert [line.data.get("how") for line in finished.events("irreversible.outcome")] == ["acted"]
    text = finished.journal.read_text("utf-8")
    assert desk.portal.password not in text
    assert json.dumps("{{order_no}}")[1:-1] in text


def recorded_address(desk: Desk) -> str:
    return Place(desk.project, "enter-order").read().first_address


def test_what_began_and_was_entered_is_found_and_not_entered_again(desk: Desk, tmp_path: Path) -> None:
    Clerk(desk.portal).order("REC-7")
    finished = desk.work(tmp_path, intent=True, looks=True)
    assert end_of(finished)["status"] == "done", finished.console
    assert end_of(finished)["output"] == {"confirmation": "PC-000001"}
    assert [line.data["how"] for line in finished.events("irreversible.outcome")] == ["already_done"]
    assert len(desk.portal.orders()) == 1


def test_what_began_and_was_not_entered_is_entered_now(desk: Desk, tmp_path: Path) -> None:
    finished = desk.work(tmp_path, intent=True, looks=True)
    assert end_of(finished)["status"] == "done", finished.console
    assert [line.data["how"] for line in finished.events("irreversible.outcome")] == ["not_done", "acted"]
    assert [order["times_entered"] for order in desk.portal.orders()] == [1]


def test_without_a_recording_that_looks_a_person_has_to_say(desk: Desk, tmp_path: Path) -> None:
    finished = desk.work(tmp_path, intent=True, looks=False)
    end = end_of(finished)
    assert (end["status"], end["error"]["kind"]) == ("failed", "unknown")
    assert desk.portal.orders() == []


def test_a_lost_answer_is_an_unknown_outcome(desk: Desk, tmp_path: Path) -> None:
    desk.portal.set_faults(commit_then_fail=1)  # the order is kept, the answer is an empty 500
    end = end_of(desk.work(tmp_path, intent=False, looks=False))
    assert (end["status"], end["error"]["kind"]) == ("failed", "unknown")
    assert len(desk.portal.orders()) == 1


def test_a_lost_answer_is_settled_by_the_recording_that_looks(desk: Desk, tmp_path: Path) -> None:
    desk.portal.set_faults(commit_then_fail=1)
    finished = desk.work(tmp_path, intent=False, looks=True)
    assert end_of(finished)["status"] == "done", finished.console
    assert end_of(finished)["output"] == {"confirmation": "PC-000001"}
    assert len(desk.portal.orders()) == 1


def test_what_the_page_refuses_is_a_business_exception_and_was_not_done(desk: Desk, tmp_path: Path) -> None:
    finished = desk.work(tmp_path, intent=False, looks=False, row={"quantity": 0})
    end = end_of(finished)
    assert (end["error"]["kind"], end["error"]["code"]) == ("business", "REFUSED")
    assert "Quantity '0' must be a whole number" in end["error"]["message"]
    assert [line.data["how"] for line in finished.events("irreversible.outcome")] == ["not_done"]


def test_a_step_that_must_not_happen_twice_is_not_done_by_a_lower_selector(
    desk: Desk, tmp_path: Path
) -> None:
    desk.portal.set_faults(moved_labels=True)  # the fields are found by their ids, the button has other words
    finished = desk.work(tmp_path, intent=False, looks=False)
    fallen = {line.data["name"] for line in finished.events("locator.fallback")}
    assert {"Order number", "Customer", "Amount"} <= fallen
    end = end_of(finished)
    assert (end["error"]["kind"], end["error"]["code"]) == ("application", "REC_NOT_FOUND")
    assert desk.portal.orders() == []
