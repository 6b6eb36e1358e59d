"""SIGKILL at random over a bot's process, the worker and the scheduler while post_orders enters orders; see `storm`."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import psutil

from chaos.checks import Checks
from chaos.ledger import Ledger, ledger_of
from chaos.place import SET_UP_S, Place, Service, a_place, is_bot_process, left_over, make_orders, until
from chaos.sizes import options_of, parser_of
from runner.demo.serve import Portal

SEED: Final = 20_240_611
SETTLE_S: Final = (
    60.0  # for orders that were in work at the last kill to be out of the hands of their dead run
)
NEW_WORK_S: Final = 240.0  # for all orders to be done or a case: this is work, at the pace of the machine
LAST_KILLS: Final = 5  # at most, until one of them falls into the work on an order
FIRST_ORDER_S: Final = 6.0  # from the start to the first order in work, on two cores with nothing else to do
VICTIMS: Final = ("child", "child", "worker", "worker", "scheduler")
LEFT_S: Final = 5.0  # after the end of the worker
SCHEDULE: Final = """
schedules:
  - id: orders
    bot: post_orders
    every: 2s
    overlap: skip
    parameters:
      workbook: {workbook}
      portal: {portal}
"""


@dataclass
class Storm:
    """What several rounds came to."""

    kills: Counter[str] = field(default_factory=Counter)
    in_work: int = 0
    rounds: int = 0
    orders: int = 0
    done: int = 0
    cases: int = 0
    unknown: int = 0
    entered_twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    not_entered: list[str] = field(default_factory=list)
    caught: int = 0  # orders that were in work when everything was killed
    slowest: float = 0.0
    processes_left: int = 0


def storm(kills: int, orders: int, seed: int) -> Storm:
    """Kill `kills` times, in as many rounds as the orders last; each round has a new portal and a new store.

    After the last kill of a round nothing is killed any more, and the orders that were in work must come out of the hands of
    their dead run by themselves (done, a case, pending, or in work in another run): that time is measured. Then the rest
    is entered, and everything is counted.
    """
    chance = random.Random(seed)
    out = Storm()
    while out.kills.total() < kills:
        _round(out, kills, orders, chance)
    return out


def _round(out: Storm, kills: int, orders: int, chance: random.Random) -> None:
    out.rounds += 1
    out.orders += orders
    with a_place(slots=1, lease="30s") as place, Portal(place.folder / "portal") as portal:
        place.use_repository_bots()
        place.set_secret("portal/password", portal.password)
        portal.set_faults(error_rate=0.04, error_seed=chance.randrange(1_000_000))
        workbook = make_orders(place.folder / "orders.xlsx", orders)
        place.set_schedules(SCHEDULE.format(workbook=workbook, portal=portal.url))
        worker, scheduler = place.service("worker"), place.service("scheduler")
        pace = _pace(place, worker)
        while out.kills.total() < kills - 1 and not _nearly_over(place, orders):
            _kill_one(out, place, worker, scheduler, chance=chance, pace=pace)
        for _ in range(LAST_KILLS):
            held = _kill_everything(out, place, worker, scheduler, pace=pace)
            if held or ledger_of(place.database).settled:
                break
        began, dead = time.monotonic(), held
        until(lambda: not dead & ledger_of(place.database).held, SETTLE_S + 30, 0.2)
        out.slowest = max(out.slowest, time.monotonic() - began)
        until(lambda: ledger_of(place.database).settled, NEW_WORK_S * pace, 0.2)
        scheduler.end()
        until(lambda: not ledger_of(place.database).unended, NEW_WORK_S, 0.2)
        worker.end()
        until(lambda: not _bot_processes(place), LEFT_S)
        out.processes_left += len(_bot_processes(place))
        _count(out, ledger_of(place.database), portal, orders)


def _pace(place: Place, worker: Service) -> float:
    """How much slower than usual this machine is: by the time from the first start to the first order in work.

    Kills that come faster than anything can start would only show that nothing happens.
    """
    began = time.monotonic()
    until(lambda: _in_work(place, worker), SET_UP_S)
    return max(1.0, (time.monotonic() - began) / FIRST_ORDER_S)


def _kill_one(
    out: Storm, place: Place, worker: Service, scheduler: Service, *, chance: random.Random, pace: float
) -> None:
    """Wait a moment, for four in ten kills one that begins when an order is in work, and kill."""
    victim = chance.choice(VICTIMS)
    if chance.random() < 0.4:
        until(lambda: _in_work(place, worker), 15 * pace)
    time.sleep(chance.uniform(0.2, 1.5) * pace)
    out.in_work += _in_work(place, worker)
    if victim == "child":
        until(worker.children, 10)
        victim = "child" if (children := worker.children()) else "worker"
    if victim == "child":
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(children).kill()
    else:
        service = worker if victim == "worker" else scheduler
        service.kill()
        service.start()
    out.kills[victim] += 1


def _kill_everything(
    out: Storm, place: Place, worker: Service, scheduler: Service, *, pace: float
) -> frozenset[tuple[str, str]]:
    """The last kill of a round: worker, scheduler and bot at one moment, in the middle of an order if there is one left.

    Returns the orders that were in work then, each with its run.
    """
    until(lambda: _in_work(place, worker) or ledger_of(place.database).settled, 60 * pace, 0.01)
    out.in_work += _in_work(place, worker)
    worker.kill()
    scheduler.kill()
    for process in (p for p in left_over(place.folder) if is_bot_process(p)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    out.kills["all at once"] += 1
    held = ledger_of(place.database).held
    out.caught += len(held)
    worker.start()
    scheduler.start()
    return held


def _in_work(place: Place, worker: Service) -> bool:
    """Whether a bot of this very worker works on an order."""
    return any(f":{worker.pid}:" in name for name in ledger_of(place.database).workers)


def _nearly_over(place: Place, orders: int) -> bool:
    """Whether only some orders are left: enough for the last kill to find one in work."""
    ledger = ledger_of(place.database)
    return ledger.count("done") + ledger.count("exception") >= orders - max(4, orders // 10)


def _bot_processes(place: Place) -> list[psutil.Process]:
    portal = str(place.folder / "portal")
    return [p for p in left_over(place.folder) if portal not in " ".join(_words(p))]


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def _count(out: Storm, ledger: Ledger, portal: Portal, orders: int) -> None:
    keys = [f"A-{n}" for n in range(1, orders + 1)]
    entered = {order["number"]: order["times_entered"] for order in portal.orders()}
    out.done += ledger.count("done")
    out.cases += ledger.count("exception")
    out.unknown += sum(1 for kind in ledger.cases.values() if kind == "unknown")
    out.lost += ledger.lost(keys)
    out.entered_twice += [key for key, times in entered.items() if times > 1]
    out.not_entered += [key for key in keys if ledger.items.get(key) == "done" and key not in entered]


def report(found: Storm, kills: int, checks: Checks) -> None:
    """Print the counts and hold them against the promises."""
    who = ", ".join(f"{count} × {name}" for name, count in sorted(found.kills.items()))
    checks.figure(
        "kills", f"{found.kills.total()} ({who}), {found.in_work} of them while an order was in work"
    )
    checks.figure("rounds of orders", f"{found.rounds} rounds, {found.orders} orders")
    checks.figure(
        "done, cases", f"{found.done} done, {found.cases} cases ({found.unknown} of unknown outcome)"
    )
    checks.that("all kills were made", found.kills.total() >= kills, True)
    checks.that("orders entered twice", found.entered_twice, [])
    checks.that("orders lost", found.lost, [])
    checks.that("orders that are done and were never entered", found.not_entered, [])
    checks.that("done + cases", found.done + found.cases, found.orders)
    checks.that("orders were in work at the last kill of all", found.caught > 0, True)
    checks.at_most(
        "seconds from the last restart until none of these was held by a dead run",
        found.slowest,
        SETTLE_S,
    )
    checks.that("processes left over", found.processes_left, 0)


def main() -> int:
    """The part in full size, or as large as the arguments say."""
    parser = parser_of("kills", __doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    options = options_of("kills", parser)
    checks = Checks(f"kills: {options.kills} SIGKILLs, seed {options.seed}, size {options.size}")
    report(storm(options.kills, options.orders, options.seed), options.kills, checks)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
