"""Claims: one worker for a run, one lane for an item, and nothing for a worker that lost its lease."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections

from runner.core.errors import ConflictError
from runner.core.ids import uuid7
from runner.store import claims
from runner.store.models import Bot, Item, Queue, Run

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.both_databases]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)


def a_run(number: int = 0, status: str = "queued", bot: str = "post_orders") -> Run:
    at = NOW + timedelta(seconds=number)
    return Run.objects.create(pk=uuid7(at, seed=str(number)), bot=bot, queued=at, status=status)


def put(count: int) -> None:
    Queue.objects.get_or_create(name="orders")
    Item.objects.bulk_create([Item(queue_id="orders", key=str(n), put_at=NOW) for n in range(count)])


def claim(run: Run, lane: int = 1, now: datetime = NOW) -> Item | None:
    return claims.claim_next("orders", run.pk, lane, epoch=run.epoch, lease_until=LATER, now=now)


def test_a_bot_says_how_many_of_its_runs_go_on_at_a_time_and_what_each_holds_alone() -> None:
    told = {"looked": NOW, "file": "bots/b.py"}
    Bot.objects.create(name="two", description={"at_once": 2}, **told)
    Bot.objects.create(name="portal", description={"resources": ["account"]}, **told)
    for number, bot in enumerate(("two", "two", "two", "portal", "free", "portal")):
        a_run(number, bot=bot)
    a_run(9, bot="other")
    Run.objects.filter(bot="other").update(policy={"resources": ["account"]})

    def claimed() -> list[str]:
        found = []
        while (run := claims.claim_run("worker", LATER, at=LATER)) is not None:
            found.append(run.bot)
        return found

    assert claimed() == ["two", "two", "portal", "free"]
    Run.objects.filter(bot="two", status="running").update(status="done")
    assert claimed() == ["two"]
    Run.objects.filter(bot="portal", status="running").update(status="done")
    assert claimed() == ["portal"]
    Run.objects.filter(bot="portal", status="running").update(status="done")
    assert claimed() == ["other"]


def taken_by_eight(items: int, take: Callable[[Run, int], Item | None]) -> Counter[str]:
    """How often each item was taken when eight lanes take until nothing is left."""
    put(items)
    run = a_run(status="running")
    taken: list[str] = []
    together = threading.Barrier(8)

    def lane(number: int) -> None:
        try:
            together.wait(20)
            while (item := take(run, number)) is not None:
                taken.append(item.key)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=lane, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return Counter(taken)


def test_eight_lanes_take_five_hundred_items_once_each() -> None:
    taken = taken_by_eight(500, claim)
    assert len(taken) == 500
    assert set(taken.values()) == {1}


def test_a_claim_that_looks_first_and_takes_later_takes_items_twice() -> None:
    """The fault that the claim keeps out: the test above is able to see it."""
    both_have_looked = threading.Barrier(8)

    def naive(run: Run, lane: int) -> Item | None:
        item = Item.objects.filter(queue_id="orders", status="pending").order_by("id").first()
        try:
            both_have_looked.wait(20)
        except threading.BrokenBarrierError:
            return None
        if item is None:
            both_have_looked.abort()
        else:
            Item.objects.filter(pk=item.pk).update(status="running", claimed_lane=lane)
        return item

    assert max(taken_by_eight(3, naive).values()) > 1


def test_items_go_out_in_the_order_in_which_they_were_put() -> None:
    put(3)
    run = a_run(status="running")
    first = claim(run, lane=2)
    assert first is not None
    assert (first.key, first.status, first.claimed_run_id, first.claimed_lane) == ("0", "running", run.pk, 2)
    assert (first.epoch, first.lease_until) == (1, LATER)
    stored = Item.objects.get(key="0")
    assert (stored.status, stored.claimed_lane, stored.epoch, stored.lease_until) == ("running", 2, 1, LATER)
    assert [item.key for item in (claim(run), claim(run)) if item] == ["1", "2"]
    assert claim(run) is None


def test_an_item_waits_for_its_time() -> None:
    put(1)
    Item.objects.update(not_before=NOW + timedelta(seconds=5))
    run = a_run(status="running")
    assert claim(run) is None
    assert claim(run, now=NOW + timedelta(seconds=6)) is not None


def test_an_item_given_back_is_handed_out_again_and_an_old_claim_gives_nothing_back() -> None:
    put(1)
    run = a_run(status="running")
    old = claim(run)
    assert old is not None
    assert claims.release(old)
    new = claim(run, lane=3)
    assert new is not None
    assert not claims.release(old)
    assert claims.held_items(run.pk) == [new]
    assert new.claimed_lane == 3


def test_runs_are_claimed_once_oldest_first_and_only_bots_that_the_worker_has() -> None:
    late, early, other = a_run(2), a_run(1), a_run(0, bot="other")
    first = claims.claim_run("w1", LATER, bots=["post_orders"])
    assert first is not None
    assert (first.pk, first.status, first.worker, first.epoch) == (early.pk, "running", "w1", 1)
    second = claims.claim_run("w2", LATER, bots=["post_orders"])
    assert second is not None
    assert second.pk == late.pk
    assert claims.claim_run("w1", LATER, bots=["post_orders"]) is None
    assert claims.claim_run("w1", LATER, run_id=early.pk) is None
    third = claims.claim_run("w1", LATER)
    assert third is not None
    assert third.pk == other.pk


def test_eight_workers_claim_each_run_once() -> None:
    for number in range(40):
        a_run(number)
    taken: list[str] = []

    def worker(number: int) -> None:
        try:
            while (run := claims.claim_run(f"w{number}", LATER)) is not None:
                taken.append(run.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=worker, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 40


def test_a_worker_that_lost_its_run_can_claim_and_renew_nothing(tmp_path: Path) -> None:
    from runner.cases.intake import take_in_journal

    put(1)
    a_run()
    mine = claims.claim_run("w1", LATER)
    assert mine is not None
    after = LATER + timedelta(seconds=1)
    assert [run.pk for run in claims.running_runs()] == [mine.pk]
    assert claims.take_over_run(mine.pk, "w2", after, now=NOW) is None
    theirs = claims.take_over_run(mine.pk, "w2", after + timedelta(minutes=2), now=after)
    assert theirs is not None
    for late in (
        lambda: claim(mine),
        lambda: claims.renew_run(mine.pk, mine.epoch, LATER),
        lambda: take_in_journal(tmp_path / "journal.jsonl", mine.pk, 0, mine.epoch),
        lambda: take_in_journal(tmp_path / "journal.jsonl", mine.pk, 1, mine.epoch),
    ):
        with pytest.raises(ConflictError, match="LEASE_LOST"):
            late()
    assert claim(theirs) is not None


def test_renewing_a_run_renews_its_items() -> None:
    put(2)
    a_run()
    run = claims.claim_run("w1", LATER)
    assert run is not None
    item = claim(run)
    assert item is not None
    until = LATER + timedelta(minutes=1)
    claims.renew_run(run.pk, run.epoch, until)
    assert Item.objects.get(pk=item.pk).lease_until == until


def test_an_item_that_waits_runs_or_failed_holds_back_its_own_group_only() -> None:
    groups = ("a", "a", "b", "", "a", "")
    Queue.objects.create(name="orders", group="customer")
    Item.objects.bulk_create(
        [Item(queue_id="orders", key=str(n), put_at=NOW, group_key=group) for n, group in enumerate(groups)]
    )
    run = a_run(status="running")
    handed = [item.key if (item := claim(run)) else None for _ in range(5)]
    assert handed == ["0", "2", "3", "5", None]  # 1 and 4 wait for 0

    Item.objects.filter(key="0").update(status="exception")
    assert claim(run) is None
    Item.objects.filter(key="0").update(status="rejected")
    first = claim(run)
    assert first is not None
    assert first.key == "1"
    later = NOW + timedelta(hours=1)
    Item.objects.filter(key="1").update(status="pending", not_before=later, claimed_run=None)
    assert claim(run) is None
    again = claim(run, now=later)
    assert again is not None
    assert again.key == "1"


@pytest.mark.only_sqlite
@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_no_group_is_out_of_order_and_none_holds_up_another(seed: int) -> None:
    chance = random.Random(seed)
    Queue.objects.create(name="orders", group="customer")
    Item.objects.bulk_create(
        [
            Item(queue_id="orders", key=str(n), put_at=NOW, group_key=chance.choice(["", "a", "b", "c", "d"]))
            for n in range(40)
        ]
    )
    run, clock = a_run(status="running"), NOW
    for _ in range(150):
        clock += timedelta(seconds=1)
        items = list(Item.objects.order_by("id"))
        ready = [item for item in items if may_begin(item, items, clock)]
        item = claim(run, now=clock)
        assert (item.key if item else None) == (ready[0].key if ready else None)
        at_work = [one for one in items if one.status == "running"] + ([item] if item else [])
        if at_work and chance.random() < 0.6:
            ends(chance.choice(at_work), chance, clock)
        failed = [one for one in items if one.status == "exception"]
        if failed and chance.random() < 0.3:  # a person decides
            decided = chance.choice(["pending", "done", "rejected"])
            Item.objects.filter(pk=chance.choice(failed).pk).update(status=decided)
    assert Item.objects.filter(status="done").count() > 5


def may_begin(item: Item, items: list[Item], at: datetime) -> bool:
    """What a strict order allows, in plain words: due, and nothing unsettled of its group before it."""
    ahead = [one for one in items if one.group_key and one.group_key == item.group_key and one.pk < item.pk]
    due = item.not_before is None or item.not_before <= at
    return item.status == "pending" and due and all(one.status in {"done", "rejected"} for one in ahead)


def ends(item: Item, chance: random.Random, at: datetime) -> None:
    """An attempt ends: done, failed, lost or put off."""
    status = chance.choice(["done", "done", "exception", "pending", "later"])
    not_before = at + timedelta(seconds=chance.randrange(1, 30)) if status == "later" else None
    status = "pending" if status == "later" else status
    Item.objects.filter(pk=item.pk).update(status=status, not_before=not_before, claimed_run=None)
