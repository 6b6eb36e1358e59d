"""What the lanes of one run share: its journal, its claim on the store, its items, secrets and progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from runner.cases import intake
from runner.core.clock import iso, now
from runner.core.contract import JOURNAL_FILE, SUPERVISOR_LANE, BotDescription, ItemOrder, NoItem, Order
from runner.core.errors import ConfigurationError, ConflictError, RunFailed, RunnerError
from runner.core.nouns import AttemptStatus
from runner.core.settings import Settings
from runner.core.sign_ins import SignIns, keys_in
from runner.core.vault import Secret, Vault
from runner.engine.child import Child
from runner.engine.outcome import FailedItem, LaneEnd
from runner.engine.sampling import PilotSample
from runner.engine.trail import OpenAttempt, is_target_failure
from runner.journal import Line, Redactor
from runner.journal.write import Journal
from runner.store import claims
from runner.store.counts import pending_keys
from runner.store.models import Item

T = TypeVar("T")
TICK: Final = 0.5  # seconds between two looks at limits and requests to stop
_STORE_WAIT: Final = 0.5  # seconds before the store is tried again


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs are executed: the worker's name, settings and vault, and how it starts a child."""

    worker: str
    settings: Settings
    vault: Vault
    start_child: Callable[[], Child]
    load: Callable[[Child, Order], BotDescription]
    say: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class Progress:
    """How far a run is: what a progress bar shows."""

    total: int = 0
    done: int = 0
    exceptions: int = 0
    retried: int = 0


class SharedRun:
    """One run as its lanes see it. `no_item` says why no more items are handed out; `changed` wakes who waits for it.

    Everything that touches the store carries the run's `epoch`; when the lease turns out to be lost, `lease_lost` is set
    and ConflictError raised: whoever gets it must end what it started.
    """

    def __init__(self, place: Place, order: Order, folder: Path, bot: BotDescription, epoch: int) -> None:
        self.place = place
        self.order = order
        self.folder = folder
        self.bot = bot
        self.epoch = epoch
        self.redactor = Redactor()
        self.progress = Progress()
        self.on_progress: Callable[[Progress], None] = lambda _: None
        self.on_pause: Callable[[str], bool] = lambda _: True
        self.no_item: NoItem | None = None
        self.lease_lost = False
        self.target_down: Sequence[FailedItem] = ()
        self.changed = threading.Condition()
        self.journal = Journal(
            folder / JOURNAL_FILE,
            run=order.run,
            lane=0,
            bot=order.bot,
            redactor=self.redactor,
            reserve=place.settings.reserve,
        )
        self._puts: dict[tuple[str, int], Mapping[str, int]] = {}
        self._failures: list[FailedItem] = []
        self._ended: set[tuple[str, str, int]] = set()
        self._at_work: set[int] = set()
        self._lease_until = now()
        self._sample = PilotSample(order.policy.get("sample"), order.run)
        self._sampled: set[str] = set()

    def say(self, event: str, message: str, *, sync: bool = False, **fields: Any) -> None:
        """Write a line of the run's own journal and take it into the store."""
        with self.changed:
            self.journal.event(event, message, sync=sync, **fields)
            self.take_in(self.folder / JOURNAL_FILE, SUPERVISOR_LANE)

    def take_in(self, journal: Path, lane: int) -> intake.Intake:
        """Take new lines of a journal into the store."""
        return self._held(lambda: intake.take_in_journal(journal, self.order.run, lane, self.epoch))

    def in_store(self, act: Callable[[], T]) -> T:
        """Do `act` on the store, however long the store is away: running work waits, it does not fail."""
        from django.db import OperationalError, connection

        told = False
        while True:
            try:
                return act()
            except OperationalError as error:
                connection.close()
                if not told:
                    self.place.say(
                        f"the store does not answer ({error}); run {self.order.run} waits, nothing is lost"
                    )
                    told = True
                time.sleep(_STORE_WAIT)

    def take_in_and_claim(
        self, journal: Path, lane: int, queue: str | None
    ) -> tuple[intake.Intake, Item | None]:
        """Take new lines of a lane in and claim the next item of `queue` for it, in one transaction: one write, not two."""
        from django.db import transaction

        def both() -> tuple[intake.Intake, Item | None]:
            with transaction.atomic():
                taken = intake.take_in_journal(journal, self.order.run, lane, self.epoch)
                wanted = queue is not None and self.no_item is None
                return taken, self._claim_next(queue, lane) if queue is not None and wanted else None

        self.renew()
        return self._held(both)

    def give_back(self, item: Item) -> None:
        """Put a claimed item back that was not begun."""
        self._held(lambda: claims.release(item))

    def hand_out(self, lane: int, queue: str) -> ItemOrder | NoItem:
        """The next item of `queue` for `lane`; waits while another lane still works on what may come back."""
        while True:
            if self.no_item is not None:
                return self.no_item
            self.renew()
            item = self._held(lambda: self._claim_next(queue, lane))
            if item is not None:
                return item_order(item)
            with self.changed:
                if lane != 1 or self._at_work <= {lane}:
                    return NoItem.EMPTY
                self.changed.wait(TICK)

    def _claim_next(self, queue: str, lane: int) -> Item | None:
        until = self._lease_until
        sample = self._sample.of(queue, lambda: pending_keys(queue))
        item = claims.claim_next(
            queue, self.order.run, lane, epoch=self.epoch, lease_until=until, now=now(), keys=sample
        )
        if item is None and sample is not None and queue not in self._sampled:
            self._sampled.add(queue)
            self.say("log", f"pilot: {len(sample)} items of {queue} were handed out, the rest stays pending")
        return item

    def secret(self, name: str) -> Secret:
        """The secret `name`, for a bot that declares it; masked in everything of this run from now on."""
        if name not in self.bot.secrets:
            raise ConfigurationError(
                f"bot {self.bot.name} asks for the secret '{name}', which it does not declare",
                expected=f"one of {', '.join(self.bot.secrets) or 'none'}",
                hint=f'write @bot(secrets=["{name}"])',
                code="SECRET_UNDECLARED",
            )
        found = self.place.vault.look_up(name)
        self.redactor.register(found.value)
        return found

    def signed_in(self, account: str) -> dict[str, Any]:
        """What is kept of the last sign-in of `account`, its keys masked in everything of this run from now on."""
        kept = self._sign_ins(account).get(account)
        if kept is None:
            return {"state": None, "saved": None}
        self._mask(kept.state)
        return {"state": kept.state, "saved": iso(kept.saved)}

    def sign_in(self, account: str, state: Mapping[str, Any] | None) -> None:
        """Keep a sign-in for the next run; None: forget the last one."""
        kept = self._sign_ins(account)
        if state is not None:
            self._mask(state)
            kept.keep(account, state, now())
        elif kept.get(account) is not None:
            kept.forget(account)

    def _sign_ins(self, account: str) -> SignIns:
        if account not in self.bot.accounts:
            raise ConfigurationError(
                f"bot {self.bot.name} asks for the account '{account}', which it does not declare",
                expected=f"one of {', '.join(self.bot.accounts) or 'none'}",
                hint=f'write @bot(accounts=["{account}"])',
                code="BOT_ACCOUNT",
            )
        return SignIns(self.place.settings.sign_ins, self.place.vault)

    def _mask(self, state: Mapping[str, Any]) -> None:
        for key in keys_in(state):
            self.redactor.register(key)

    def put_is_done(self, queue: str, number: int, counts: Mapping[str, int]) -> None:
        """Lane 1 has put its `number`-th batch into `queue`: the other lanes may go on."""
        with self.changed:
            self._puts[queue, number] = counts
            self.changed.notify_all()

    def wait_for_put(self, queue: str, number: int) -> Mapping[str, int]:
        """The counts of lane 1's `number`-th put. Raises RunFailed when it will never come."""
        with self.changed:
            while (queue, number) not in self._puts:
                if self.no_item is not None or 1 not in self._at_work:
                    raise RunFailed("lane 1 ended before it had put the items", code="LANE_ALONE")
                self.changed.wait(TICK)
            return self._puts[queue, number]

    def renew(self, need: float = 0) -> float:
        """Prolong the lease on the run when half of it has gone, or `need` seconds are not left; returns what is left."""
        lease = self.place.settings.lease
        if self._lease_until - now() < max(lease / 2, min(lease, timedelta(seconds=need))):
            until = now() + lease
            self._held(lambda: claims.renew_run(self.order.run, self.epoch, until))
            self._lease_until = until
        return (self._lease_until - now()).total_seconds()

    def items_ended(self, ends: Sequence[Line], taken: intake.Intake) -> None:
        """Count what ended, and notice a target that is down."""
        with self.changed:
            put, bad = (sum(getattr(c, name) for c in taken.puts.values()) for name in ("new", "bad"))
            self.progress.total += put + bad
            self.progress.exceptions += bad
            for line in ends:
                self._ended.add((line.queue or "", line.item or "", line.attempt or 0))
                done = line.data.get("status") == AttemptStatus.DONE
                self.progress.done += done
                self.progress.exceptions += line.data.get("status") == AttemptStatus.FAILED
                self.progress.retried += done and (line.attempt or 1) > 1
                if is_target_failure(line):
                    self._failures.append(FailedItem(line.queue or "", line.item or "", line.error or {}))
                elif done:
                    self._failures.clear()
            down = len(self._failures)
        if ends or put or bad:
            self.on_progress(self.progress)
        if self.bot.stop_after and down >= self.bot.stop_after and self.no_item is None:
            self._declare_target_down()

    def has_ended(self, attempt: OpenAttempt) -> bool:
        """Whether an end of this attempt, or of a later one at the same item, has been seen."""
        return any((q, i) == (attempt.queue, attempt.item) and n >= attempt.number for q, i, n in self._ended)

    def judge_lost(self, lost: OpenAttempt, lane: int, end: LaneEnd, last_step: str) -> None:
        """Record the verdict on an attempt whose process is gone."""
        self.say(
            "attempt.finished",
            f"attempt {lost.number} at {lost.item} was lost: its process ended ({end})",
            level="ERROR",
            sync=True,
            queue=lost.queue,
            item=lost.item,
            attempt=lost.number,
            data=lost_data(lost, lane, end, last_step),
        )

    def lane_begins(self, lane: int) -> None:
        """A lane has begun: others may wait for what it does."""
        with self.changed:
            self._at_work.add(lane)

    def lane_is_gone(self, lane: int, end: LaneEnd | None) -> None:
        """A lane's child has ended: wake those who wait for it. A crash stops the handing out of items."""
        with self.changed:
            self._at_work.discard(lane)
            if end is not LaneEnd.FINISHED and self.no_item is None:
                self.no_item = NoItem.STOPPING
            self.changed.notify_all()

    def new_child(self, lane: int) -> Child | None:
        """Another child with the bot loaded, for `lane`; None when there can be none."""
        if self.no_item is not None:
            return None
        child = self.place.start_child()
        try:
            self.place.load(child, self.order)
        except (RunnerError, TimeoutError) as error:
            child.end(grace=0)
            self.place.say(f"lane {lane} of run {self.order.run} could not start: {error}")
            return None
        return child

    def _held(self, act: Callable[[], T]) -> T:
        try:
            return self.in_store(act)
        except ConflictError:
            with self.changed:
                self.no_item, self.lease_lost = NoItem.STOPPING, True
                self.changed.notify_all()
            raise

    def _declare_target_down(self) -> None:
        with self.changed:
            self.no_item = NoItem.TARGET_DOWN
            items = self.target_down = tuple(self._failures)
        self.say(
            "target.down",
            f"{len(items)} items failed one after the other: the target is down, they go back to pending",
            level="ERROR",
            sync=True,
            data={
                "failures": len(items),
                "stop_after": self.bot.stop_after,
                "items": [{"queue": one.queue, "item": one.item} for one in items],
            },
        )


def lost_data(lost: OpenAttempt, lane: int, reason: str, last_step: str) -> dict[str, Any]:
    """The data of the worker's verdict on an attempt whose process is gone."""
    return {
        "status": AttemptStatus.LOST,
        "lane": lane,
        "reason": reason,
        "open_intent": lost.intent,
        "last_step": last_step,
    }


def item_order(item: Item) -> ItemOrder:
    """What the child is told of a claimed item."""
    return ItemOrder(
        queue=item.queue_id,
        key=item.key,
        data=item.data,
        attempt=item.attempts_made + 1,
        source=item.source,
        output=item.output,
        once=item.once,
        irreversible=item.irreversible,
    )
