"""What a named step and a ranked locator add to one action of Playwright, measured inside a run."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import psutil
from playwright.sync_api import Page

from runner import bot, run, step, web

BLOCK = 8  # actions of one way in a row: short, so that all ways meet the same machine


@bot(record_network="never", time_limit="30m")
def measure_locators(form: str, blocks: int = 150) -> None:
    """Fill one field over and over, each way in short turns; CPU ms per action, of this process and of all with the browser."""
    with web.page() as page:
        page.goto(form)
        ways = _ways(page)
        for act in ways.values():
            for _ in range(30):
                act()
        spent: dict[str, list[list[float]]] = {name: [] for name in ways}
        order = list(ways)
        for _ in range(blocks):
            random.shuffle(order)
            for name in order:
                before = _cpu()
                for _ in range(BLOCK):
                    ways[name]()
                spent[name].append(
                    [(after - then) / BLOCK for after, then in zip(_cpu(), before, strict=True)]
                )
    run.output("spent", spent)


def _ways(page: Page) -> dict[str, Callable[[], None]]:
    def bare() -> None:
        page.get_by_label("Customer").fill("Alder & Finch")

    def in_a_step() -> None:
        with step("fill"):
            page.get_by_label("Customer").fill("Alder & Finch")

    def ranked() -> None:
        choices = [
            page.get_by_label("Customer"),
            page.get_by_test_id("customer"),
            page.locator("[name=customer]"),
        ]
        web.find(page, "customer", choices).fill("Alder & Finch")

    return {"bare": bare, "bare again": bare, "step": in_a_step, "ranked": ranked}


def _cpu() -> tuple[float, float]:
    """Milliseconds on a processor so far: of this process, and of it with all below it."""
    me = psutil.Process()
    mine = _of(me.pid)
    return mine, mine + sum(_of(child.pid) for child in me.children(recursive=True))


def _of(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e6
