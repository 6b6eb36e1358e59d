"""Who works on what: claims of runs and of items, as leases with an epoch, each taken in one IMMEDIATE transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, Q

from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.core.nouns import RUN_MOVES, ItemStatus, RunStatus, sources
from runner.store.models import Bot, Item, Run
from runner.store.quick import table

_KEYS_AT_ONCE: Final = 500


def claim_run(
    worker: str,
    lease_until: datetime,
    bots: Collection[str] | None = None,
    *,
    run_id: str | None = None,
    at: datetime | None = None,
) -> Run | None:
    """The queued run that waits longest, now this worker's until `lease_until`; None where none waits.

    Higher priority goes first; a run of a schedule waits while another run of that schedule is going on, a run with
    resources while another run holds one of them, one of a bot that says how many may go on at a time while so many do, and
    each run for its `not_before` (`at` is now).
    `bots` names the bots that the worker can run, `run_id` one certain run. The run's `epoch` has grown by one: it is
    what `claim_next`, `renew_run` and the intake ask for.
    """
    waiting = Run.objects.filter(status=RunStatus.QUEUED).order_by("-priority", "queued", "id")
    busy = Run.objects.filter(status=RunStatus.RUNNING, schedule__isnull=False).values("schedule")
    waiting = waiting.exclude(schedule__isnull=False, schedule__in=busy)
    waiting = waiting.exclude(not_before__gt=at or now())
    if bots is not None:
        waiting = waiting.filter(bot__in=list(bots))
    if run_id is not None:
        waiting = waiting.filter(pk=run_id)
    with transaction.atomic():
        held: _Held | None = None
        for candidate, bot, policy in waiting.values_list("pk", "bot", "policy"):
            held = held or _Held()
            if held.keeps_back(bot, policy):
                continue
            mine = Run.objects.filter(pk=candidate, status__in=_CAN_START).update(
                status=RunStatus.RUNNING, worker=worker, lease_until=lease_until, epoch=F("epoch") + 1
            )
            if mine:
                return Run.objects.get(pk=candidate)
    return None


def any_queued(at: datetime | None = None) -> bool:
    """Whether some run waits whose time has come; it may still have to wait for others when it is claimed."""
    return Run.objects.filter(status=RunStatus.QUEUED).exclude(not_before__gt=at or now()).exists()


class _Held:
    """What the runs that are going on hold: named resources, by their schedule's wish or their bot's, and their number."""

    def __init__(self) -> None:
        self._bots = dict(Bot.objects.values_list("name", "description"))
        running = list(Run.objects.filter(status=RunStatus.RUNNING).values_list("bot", "policy"))
        self._running = Counter(bot for bot, _ in running)
        self._resources = {name for bot, policy in running for name in self._named(bot, policy)}

    def keeps_back(self, bot: str, policy: Mapping[str, Any]) -> bool:
        """Whether a run of `bot` has to wait."""
        at_once = self._bots.get(bot, {}).get("at_once")
        is_full = at_once is not None and self._running[bot] >= at_once
        return is_full or not self._resources.isdisjoint(self._named(bot, policy))

    def _named(self, bot: str, policy: Mapping[str, Any]) -> list[str]:
        return [*(policy.get("resources") or ()), *(self._bots.get(bot, {}).get("resources") or ())]


def take_over_run(run_id: str, worker: str, lease_until: datetime, now: datetime) -> Run | None:
    """A running run whose lease has ended becomes this worker's; None when its lease was renewed meanwhile."""
    with transaction.atomic():
        mine = Run.objects.filter(_lease_ended(now), pk=run_id, status=RunStatus.RUNNING).update(
            worker=worker, lease_until=lease_until, epoch=F("epoch") + 1
        )
        return Run.objects.get(pk=run_id) if mine else None


def running_runs() -> list[Run]:
    """All runs that some worker has claimed and not ended."""
    return list(Run.objects.filter(status=RunStatus.RUNNING).order_by("queued", "id"))


def seize_run(run_id: str, epoch: int, worker: str, lease_until: datetime) -> int | None:
    """Take a run from a worker that is known to be dead, whatever its lease says; the new epoch, or None.

    None means that somebody else has taken it since it was at claim `epoch`.
    """
    with transaction.atomic():
        mine = Run.objects.filter(pk=run_id, epoch=epoch, status=RunStatus.RUNNING).update(
            worker=worker, lease_until=lease_until, epoch=F("epoch") + 1
        )
    return epoch + 1 if mine else None


def renew_run(run_id: str, epoch: int, lease_until: datetime) -> None:
    """Hold the run, and the items that its lanes have claimed, until `lease_until`.

    Raises ConflictError (LEASE_LOST) when another worker has taken the run over.
    """
    with transaction.atomic():
        mine = Run.objects.filter(pk=run_id, epoch=epoch, status=RunStatus.RUNNING)
        if not mine.update(lease_until=lease_until):
            raise lease_lost(run_id, epoch)
        Item.objects.filter(claimed_run_id=run_id, status=ItemStatus.RUNNING).update(lease_until=lease_until)


def claim_next(
    queue: str,
    run_id: str,
    lane: int,
    *,
    epoch: int,
    lease_until: datetime,
    now: datetime,
    keys: Sequence[str] | None = None,
) -> Item | None:
    """The pending item of `queue` that was put first, now this lane's until `lease_until`; None where none is due.

    An item of a group in strict order is left out while one of its group that was put before it is not done or rejected.
    With `keys` only those items count, which stand in the queue's order. Raises ConflictError (LEASE_LOST) when the run is not at claim `epoch` any more.
    """
    items = table(Item)
    before: list[Any] = [run_id, lane, _stamp(lease_until), queue, _stamp(now)]
    after: list[Any] = [run_id, epoch]
    found = None
    with transaction.atomic(), connection.cursor() as cursor:
        for some in _parts(keys):
            only = f"AND one.key IN ({', '.join(['%s'] * len(some))})" if some is not None else ""
            cursor.execute(_CLAIM_NEXT.format(only=only) + items.columns, [*before, *(some or ()), *after])
            found = cursor.fetchone()
            if found is not None:
                break
        if found is None and not Run.objects.filter(pk=run_id, epoch=epoch).exists():
            raise lease_lost(run_id, epoch)
    return None if found is None else items.row(found)


def _parts(keys: Sequence[str] | None) -> list[Sequence[str] | None]:
    """Keys in parts that fit into a statement; None, once, for all items."""
    return (
        [None] if keys is None else [keys[n : n + _KEYS_AT_ONCE] for n in range(0, len(keys), _KEYS_AT_ONCE)]
    )


def release(item: Item) -> bool:
    """Give back an item that was handed out and not begun; False when the claim is not the one that `item` shows."""
    mine = Item.objects.filter(pk=item.pk, epoch=item.epoch, status=ItemStatus.RUNNING)
    return bool(
        mine.update(status=ItemStatus.PENDING, claimed_run_id=None, claimed_lane=None, lease_until=None)
    )


def held_items(run_id: str) -> list[Item]:
    """The items that a run holds: what is left over when its process has died."""
    return list(Item.objects.filter(claimed_run_id=run_id, status=ItemStatus.RUNNING).order_by("id"))


def lease_lost(run_id: str, epoch: int) -> ConflictError:
    """The error of a worker that works on while the run is another's."""
    return ConflictError(
        f"run {run_id} is not at claim {epoch} any more",
        expected="the claim that this worker holds",
        hint="another worker has taken the run over: stop it here",
        code="LEASE_LOST",
    )


_CAN_START = sources(RUN_MOVES, RunStatus.RUNNING)


def _lease_ended(now: datetime) -> Q:
    return Q(lease_until__lt=now) | Q(lease_until=None)


def _stamp(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


# One statement, so that nobody comes between the choice and the claim; the status is asked again for databases where
# two statements can choose at one time.
_CLAIM_NEXT = """
    UPDATE store_item
    SET status = 'running', claimed_run_id = %s, claimed_lane = %s, lease_until = %s, epoch = epoch + 1
    WHERE status = 'pending' AND id = (
        SELECT id FROM store_item AS one
        WHERE queue_id = %s AND status = 'pending' AND (not_before IS NULL OR not_before <= %s)
        AND (group_key = '' OR NOT EXISTS (
            SELECT 1 FROM store_item AS ahead
            WHERE ahead.queue_id = one.queue_id AND ahead.group_key = one.group_key AND ahead.id < one.id
            AND ahead.group_key > '' AND ahead.status IN ('exception', 'pending', 'running')))
        {only} ORDER BY id LIMIT 1)
    AND EXISTS (SELECT 1 FROM store_run WHERE id = %s AND epoch = %s)
    RETURNING """
