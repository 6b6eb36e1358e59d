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
    """Fill one field over and over, each way in short turns; CPU ms per action, of every kind of thread of this process, driver and browser."""
    with web.page() as page:
        page.goto(form)
        ways = _ways(page)
        for act in ways.values():
            for _ in range(30):
                act()
        spent: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
        order = list(ways)
        for _ in range(blocks):
            random.shuffle(order)
            for name in order:
                before = _cpu()
                for _ in range(BLOCK):
                    ways[name]()
                after = _cpu()
                spent[name].append({part: (ms - before.get(part, 0.0)) / BLOCK for part, ms in after.items()})
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


def _cpu() -> dict[str, float]:
    """Milliseconds on a processor so far: of this process, of the driver, and of each kind of thread of the browser's processes."""
    me = psutil.Process()
    spent = {"here": sum(_threads(me.pid).values())}
    for driver in me.children():
        spent["driver"] = spent.get("driver", 0.0) + sum(_threads(driver.pid).values())
        for process in driver.children(recursive=True):
            kind = "page" if "--type=renderer" in process.cmdline() else "browser"
            for thread, ms in _threads(process.pid).items():
                part = f"{kind}: {thread}"
                spent[part] = spent.get(part, 0.0) + ms
    return spent


def _threads(pid: int) -> dict[str, float]:
    """Milliseconds by the names of a process's threads."""
    found: dict[str, float] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip().rstrip("0123456789")
        found[name] = found.get(name, 0.0) + int((task / "schedstat").read_text().split()[0]) / 1e6
    return found
