"""The part of `runner up` that sends what the outbox holds: at least once, again after a failure, each address on its own."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from runner.core.clock import now
from runner.core.errors import UsageError
from runner.core.settings import Settings

if TYPE_CHECKING:
    from runner.store.models import Delivery, Webhook

_LOOK: Final = 2.0  # seconds between two looks at the outbox
_OVERDUE: Final = timedelta(seconds=30)  # between two looks for cases that have become overdue
_FORGET: Final = timedelta(hours=1)  # between two cleanings
_AT_ONCE: Final = 100  # messages of one look
_ADDRESSES: Final = 4  # served at the same time, so that a slow one holds up no other
_HELD_FOR: Final = timedelta(minutes=2)  # so long nobody else sends what one sender has taken
TRIES: Final = 15
_FIRST_WAIT: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(hours=6)


def wait_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed tries: 10 s, 20 s, 40 s … up to 6 h; None: it is given up, after about a day."""
    return None if attempts >= TRIES else min(_FIRST_WAIT * 2 ** (attempts - 1), _LONGEST_WAIT)


class WebhookSender:
    """Sends until it is stopped. What it took and could not end (a crash) is sent again: receivers know it by its id."""

    def __init__(
        self, settings: Settings, environment: Mapping[str, str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        del environment  # the signature is that of every part
        self._settings = settings
        self._say = say
        self._stopping = threading.Event()
        self._overdue_at = self._forget_at = datetime.min.replace(tzinfo=now().tzinfo)

    def serve(self) -> None:
        """Send until `stop`; a store that is away is looked for again."""
        from django.db import OperationalError, connection, connections

        try:
            while True:
                try:
                    self.look()
                except OperationalError as error:
                    connection.close()
                    self._say(f"webhooks: the store can't be read: {error}")
                if self._stopping.wait(_LOOK):
                    return
        finally:
            connections.close_all()

    def stop(self) -> None:
        """End `serve`, after the messages that are being sent."""
        self._stopping.set()

    def look(self, at: datetime | None = None) -> int:
        """Send what is due at this moment; gives how many arrived."""
        from runner.cases.overdue_news import announce_overdue
        from runner.store.models import Webhook

        at = at or now()
        if not Webhook.objects.exists():
            return 0
        if at - self._overdue_at >= _OVERDUE:
            announce_overdue(at)
            self._overdue_at = at
        if at - self._forget_at >= _FORGET:
            _forget(at)
            self._forget_at = at
        by_webhook: dict[int, list[Delivery]] = defaultdict(list)
        for one in _taken(at):
            by_webhook[one.webhook_id].append(one)
        if not by_webhook:
            return 0
        with ThreadPoolExecutor(_ADDRESSES, "webhook") as pool:
            return sum(pool.map(self._send_all, by_webhook.values()))

    def _send_all(self, deliveries: Iterable[Delivery]) -> int:
        """Send the messages of one address, the oldest first, up to the first that fails: the others would too."""
        from django.db import connections

        arrived, rest = 0, list(deliveries)
        try:
            while rest and not self._stopping.is_set():
                following = rest.pop(0)
                if not _still_held(following):
                    continue
                if not self._send(following):
                    break
                arrived += 1
            _put_back(rest)
        finally:
            connections.close_all()
        return arrived

    def _send(self, delivery: Delivery) -> bool:
        from runner.cases.webhook_addresses import allow_list, checked
        from runner.cases.webhook_posting import SIGNATURE, Outcome, post, secret_of, signature, signing_key

        webhook, body = delivery.webhook, delivery.body.encode()
        try:
            target = checked(webhook.url, allow_list(self._settings.webhook_allow))
        except UsageError as error:
            outcome = Outcome(None, error.what[:500])
        else:
            secret = secret_of(signing_key(self._settings.home), webhook.salt)
            headers = {
                SIGNATURE: signature(secret, body, int(time.time())),
                "Runner-Event": delivery.event,
                "Runner-Message": delivery.pk,
                "User-Agent": "Runner-Webhook/1",
            }
            outcome = post(target, body, headers)
        _note(delivery, webhook, http_status=outcome.http_status, error=outcome.error, taken=outcome.taken)
        if not outcome.taken:
            self._say(
                f"webhook {webhook.pk} ({webhook.label}): {delivery.event} did not arrive: {outcome.error}"
            )
        return outcome.taken


def _taken(at: datetime) -> list[Delivery]:
    """The messages that are due, held for this sender: `next_try` is the end of its claim, by which it is known.

    Of several senders each takes others: PostgreSQL passes over rows that another is taking, SQLite has one writer.
    """
    from django.db import connection, transaction

    from runner.store.models import Delivery

    held = at + _HELD_FOR
    with transaction.atomic():
        rows = Delivery.objects.filter(next_try__lte=at, webhook__enabled=True).select_related("webhook")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        found = list(rows.order_by("made", "id")[:_AT_ONCE])
        Delivery.objects.filter(pk__in=[one.pk for one in found]).update(next_try=held)
    for one in found:
        one.next_try = held
    return found


def _still_held(delivery: Delivery) -> bool:
    """Claim a message anew just before it is sent; False where the claim had ended, and another sender has taken it.

    So a message is sent twice only where a sender dies between the answer and its note, or stands still that long.
    """
    from runner.store.models import Delivery

    anew = now() + _HELD_FOR
    mine = Delivery.objects.filter(pk=delivery.pk, next_try=delivery.next_try)
    if not mine.update(next_try=anew):
        return False
    delivery.next_try = anew
    return True


def _put_back(rest: Iterable[Delivery]) -> None:
    """What was not tried keeps its place: it is due when its address is tried again."""
    from runner.store.models import Delivery

    for one in rest:
        Delivery.objects.filter(pk=one.pk, next_try=one.next_try).update(next_try=now() + _FIRST_WAIT)


def _note(delivery: Delivery, webhook: Webhook, *, http_status: int | None, error: str, taken: bool) -> None:
    from django.db import transaction

    from runner.cases.webhooks import DEAD, SENT, WAITING
    from runner.store.models import Delivery, Webhook

    at, attempts = now(), delivery.attempts + 1
    wait = None if taken else wait_after(attempts)
    status = SENT if taken else WAITING if wait else DEAD
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(
            status=status, attempts=attempts, http_status=http_status, error=error[:500],
            next_try=at + wait if wait else None, ended=None if wait else at,
        )  # fmt: skip
        if taken:
            Webhook.objects.filter(pk=webhook.pk).update(last_sent=at, broken_since=None)
        else:
            Webhook.objects.filter(pk=webhook.pk, broken_since=None).update(broken_since=at)


def _forget(at: datetime) -> None:
    """Delete what arrived a week ago, and what was given up three months ago."""
    from runner.cases.webhooks import DEAD, KEPT_DEAD, KEPT_SENT, SENT
    from runner.store.models import Delivery

    Delivery.objects.filter(status=SENT, ended__lt=at - KEPT_SENT).delete()
    Delivery.objects.filter(status=DEAD, ended__lt=at - KEPT_DEAD).delete()
