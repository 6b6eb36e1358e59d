"""Webhooks: what is told, to whom it may go, signed so that a receiver can check it, and lost under no circumstances."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from runner.cases import webhooks as acts
from runner.cases.announcing import EVENTS, News, announce, in_silence
from runner.cases.case_news import announce_missed
from runner.cases.decisions import comment, done, reject
from runner.cases.overdue_news import announce_overdue
from runner.cases.rebuild import rebuild
from runner.cases.recurrence import Recurrence, seen_again
from runner.cases.undoing import undo
from runner.cases.webhook_posting import secret_of, signature, signing_key
from runner.core.clock import now
from runner.core.errors import ConflictError, ErrorReport, UsageError
from runner.core.nouns import Event, ProblemStatus
from runner.engine.service import parts_of
from runner.engine.webhook_sender import TRIES, WebhookSender, _taken, wait_after
from runner.store.models import AuditEntry, Case, Delivery, Occurrence, Problem, Webhook
from tests.desk_place import Desk
from tests.webhook_receiver import Receiver, receiver

API_PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"
ALLOWED = ["127.0.0.1"]


def subscribe(desk: Desk, to: Receiver, *events: str, processes: tuple[str, ...] = ()) -> Webhook:
    """A subscription of `events`; all, where none is named."""
    wanted = acts.Wanted("ERP", to.url, events or tuple(EVENTS), processes)
    return acts.subscribe(wanted, desk.settings.home, ALLOWED, by="mei", at=now())[0]


def sender(desk: Desk) -> WebhookSender:
    """The part of `runner up` that sends, allowed to send to this machine."""
    return WebhookSender(desk.settings.model_copy(update={"webhook_allow": "127.0.0.1"}), {})


def waiting(event: str = "") -> list[Delivery]:
    """What is in the outbox."""
    rows = Delivery.objects.order_by("made", "id")
    return list(rows.filter(event=event) if event else rows)


def test_what_people_decide_is_told_and_a_comment_is_not(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told)
    case = Case.objects.get(key="A-1")
    comment(case.pk, by="mei", at=now(), note="I look at it")
    decided = done(case.pk, by="mei", at=now(), note="posted by hand")
    undo(decided.act, by="mei", at=now())

    assert sender(desk).look() == 2

    first, second = (one.told for one in told.messages)
    assert (first["event"], first["process"]) == ("case.decided", "accounts-payable")
    facts = first["data"]
    assert (facts["case"], facts["decision"], facts["by"], facts["status"]) == (
        case.pk,
        "done",
        "mei",
        "resolved",
    )
    assert "amount" not in facts
    assert second["data"]["decision"] == "undo"
    assert sender(desk).look() == 0


def test_a_run_tells_of_its_end_and_of_each_case_and_problem(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told)
    Case.objects.all().delete()
    Problem.objects.all().delete()
    desk.cli("cases", "list")
    from runner.store.models import Attempt, Item

    Attempt.objects.all().delete()
    Item.objects.filter(key="A-1").update(status="pending", attempts_made=0)
    desk.cli("run", "invoice", "--param", "count=7", code=1)

    events = [one.event for one in waiting()]
    assert sorted(events) == ["case.opened", "problem.opened", "run.finished"]
    sender(desk).look()
    opened = next(one.told["data"] for one in told.messages if one.told["event"] == "case.opened")
    assert (opened["item"], opened["kind"], opened["problem_title"] != "") == ("A-1", "business", True)
    run = next(one.told["data"] for one in told.messages if one.told["event"] == "run.finished")
    assert (run["status"], run["bot"], run["items"]["exceptions"]) == ("exceptions", "invoice", 1)


def test_a_problem_that_comes_back_is_told(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told, "problem.regressed")
    problem = Case.objects.get(key="A-1").problem
    Problem.objects.filter(pk=problem.pk).update(
        status=ProblemStatus.CLOSED, fixed_at=now() - timedelta(hours=1)
    )
    problem.refresh_from_db()

    at = now()
    for _ in range(2):
        seen_again(problem, Recurrence(at, at))

    (one,) = waiting()
    assert f'"problem":"{problem.pk}"' in one.body
    assert '"regressions":1' in one.body


def test_an_overdue_case_is_told_once_and_one_that_was_decided_is_not(desk: Desk, told: Receiver) -> None:
    webhook = subscribe(desk, told)
    at = now()
    Webhook.objects.update(overdue_since=at - timedelta(hours=1))
    Case.objects.filter(key__in=["A-1", "A-3"]).update(due=at - timedelta(minutes=5))
    Case.objects.filter(key="A-2").update(due=at - timedelta(hours=2))  # before anybody asked
    reject(Case.objects.get(key="A-3").pk, by="mei", at=at, note="a duplicate")

    announce_overdue(at)
    announce_overdue(at + timedelta(minutes=1))

    assert ['"item":"A-1"' in one.body for one in waiting("case.overdue")] == [True]
    webhook.refresh_from_db()
    assert webhook.overdue_since == at + timedelta(minutes=1)


def test_a_missed_due_time_is_told(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told, "schedule.missed")
    rows = [
        Occurrence(schedule="invoices", due=now(), state=state, reason="down", recorded=now())
        for state in ("missed", "ran")
    ]

    announce_missed(rows, {"invoices": "invoice"})

    (one,) = waiting()
    assert ('"schedule":"invoices"' in one.body, '"reason":"down"' in one.body) == (True, True)


def test_only_what_is_wanted_of_the_processes_that_are_wanted_is_told(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told, "run.finished")
    subscribe(desk, told, "case.decided", processes=("other",))
    off = subscribe(desk, told, "case.decided")
    acts.switch(off.pk, on=False, by="mei", at=now())

    done(Case.objects.get(key="A-1").pk, by="mei", at=now(), note="by hand")

    assert waiting() == []


def test_what_happened_before_somebody_asked_and_what_is_made_again_is_not_told(
    desk: Desk, told: Receiver
) -> None:
    webhook = subscribe(desk, told)
    announce(News(Event.RUN_FINISHED, "old", webhook.made - timedelta(seconds=1)))
    with in_silence():
        announce(News(Event.RUN_FINISHED, "again", now()))
    Webhook.objects.update(made=now() - timedelta(days=1))
    rebuild(desk.settings.runs, now=now())

    assert Case.objects.count() == 4
    assert waiting() == []


def test_what_is_taken_back_by_the_store_was_never_told(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told)

    with transaction.atomic():
        announce(News(Event.RUN_FINISHED, "1", now()))
        transaction.set_rollback(True)

    assert waiting() == []


def test_the_same_thing_is_told_once(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told)
    for _ in range(3):
        announce(News(Event.RUN_FINISHED, "1", now()))

    assert len(waiting()) == 1


def test_a_receiver_can_check_messages_as_the_page_says(desk: Desk, told: Receiver) -> None:
    webhook = subscribe(desk, told)
    acts.send_test(webhook.pk, by="mei", at=now())
    sender(desk).look()
    (message,) = told.messages
    (code,) = re.findall(r"```python\n(.*?)```", API_PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/api.md", "exec"), names)
    is_from_runner = names["is_from_runner"]
    secret = secret_of(signing_key(desk.settings.home), webhook.salt)
    header, body = message.headers["Runner-Signature"], message.body

    assert is_from_runner(secret, header, body)
    assert not is_from_runner(secret, header, body + b" ")
    assert not is_from_runner("whsec_other", header, body)
    assert not is_from_runner(secret, signature(secret, body, int(time.time()) - 301), body)  # a replay
    assert message.headers["Runner-Event"] == "test"
    assert message.told["id"] == message.headers["Runner-Message"] == waiting()[0].pk
    assert (signing_key(desk.settings.home), (desk.settings.home / "webhooks.key").stat().st_mode & 0o777) == (
        signing_key(desk.settings.home), 0o600,
    )  # fmt: skip


def test_a_message_that_fails_is_tried_again_and_in_the_end_given_up(desk: Desk, told: Receiver) -> None:
    webhook = subscribe(desk, told, "run.finished")
    acts.send_test(webhook.pk, by="mei", at=now())
    told.answers[:] = [500] * TRIES
    part = sender(desk)

    for tries in range(1, TRIES + 1):
        part.look(now() + timedelta(days=tries))
        (one,) = waiting()
        assert (one.attempts, one.http_status, one.error) == (tries, 500, "it answers with status 500")
        assert (one.next_try is None) == (tries == TRIES)
    assert one.status == "dead"
    webhook.refresh_from_db()
    assert webhook.broken_since is not None

    acts.send_again(one.pk, by="mei", at=now())
    with pytest.raises(ConflictError, match="it is waiting"):
        acts.send_again(one.pk, by="mei", at=now())
    assert part.look(now() + timedelta(minutes=1)) == 1
    assert waiting()[0].status == "sent"
    assert Webhook.objects.get().broken_since is None
    assert len({one.headers["Runner-Message"] for one in told.messages}) == 1


def test_waits_grow_and_end_after_about_a_day() -> None:
    waits = [wait_after(tries) for tries in range(1, TRIES + 1)]

    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert waits[-1] is None
    total = sum((wait for wait in waits if wait), timedelta())
    assert timedelta(hours=22) < total < timedelta(hours=30)


def test_one_address_that_fails_holds_up_no_other_and_its_rest_waits(desk: Desk, told: Receiver) -> None:
    with receiver() as other:
        bad, good = subscribe(desk, told), subscribe(desk, other)
        told.answers[:] = [503]
        for webhook in (bad, bad, good, good):
            acts.send_test(webhook.pk, by="mei", at=now())

        assert sender(desk).look() == 2

        assert (len(told.messages), len(other.messages)) == (1, 2)
        tried, rest = waiting()[:2] if waiting()[0].webhook_id == bad.pk else waiting()[2:]
        assert sorted([tried.attempts, rest.attempts]) == [0, 1]


def test_each_message_is_taken_by_one_sender(desk: Desk, told: Receiver) -> None:
    from runner.engine.webhook_sender import _taken

    webhook = subscribe(desk, told)
    acts.send_test(webhook.pk, by="mei", at=now())
    at = now()

    assert [len(_taken(at)), len(_taken(at))] == [1, 0]
    assert len(_taken(at + timedelta(minutes=3))) == 1  # the first one has crashed


def test_old_messages_are_forgotten(desk: Desk, told: Receiver) -> None:
    webhook = subscribe(desk, told)
    for _ in range(2):
        acts.send_test(webhook.pk, by="mei", at=now())
    part = sender(desk)
    part.look()
    first = waiting()[0]
    Delivery.objects.filter(pk=first.pk).update(ended=now() - timedelta(days=8))

    part.look(now() + timedelta(hours=2))

    assert first.pk not in {one.pk for one in waiting()}
    assert len(waiting()) == 1


def test_a_redirect_is_not_followed(desk: Desk, told: Receiver) -> None:
    with receiver() as inside:
        webhook = subscribe(desk, told)
        told.answers[:], told.location = [302], inside.url
        acts.send_test(webhook.pk, by="mei", at=now())

        sender(desk).look()

        assert inside.messages == []
        assert waiting()[0].error == "it answers with a redirect, which is not followed"


def test_everything_that_is_wrong_with_a_subscription_is_said_at_once(desk: Desk) -> None:
    wanted = acts.Wanted("", "http://10.0.0.1/", ("case.opend",))

    with pytest.raises(ErrorReport) as refused:
        acts.subscribe(wanted, desk.settings.home, [], by="mei", at=now())

    assert [one.where for one in refused.value.errors] == ["label", "events", "url"]
    assert "did you mean 'case.opened'" in str(refused.value)


def test_subscriptions_are_changed_and_removed_and_the_audit_trail_says_by_whom(
    desk: Desk, told: Receiver
) -> None:
    webhook = subscribe(desk, told)
    before = secret_of(signing_key(desk.settings.home), webhook.salt)
    assert acts.new_secret(webhook.pk, desk.settings.home, by="mei", at=now()) != before
    acts.change(webhook.pk, acts.Wanted("CRM", told.url, ["run.finished"]), ALLOWED, by="mei", at=now())
    acts.switch(webhook.pk, on=False, by="mei", at=now())
    with pytest.raises(ConflictError, match="it is off"):
        acts.send_test(webhook.pk, by="mei", at=now())
    acts.unsubscribe(webhook.pk, by="mei", at=now())

    with pytest.raises(UsageError, match="not found"):
        acts.webhook_of(webhook.pk)
    trail = AuditEntry.objects.filter(subject_kind="webhook").order_by("seq").values_list("what", flat=True)
    assert list(trail) == ["webhook.add", "webhook.secret", "webhook.change", "webhook.off", "webhook.remove"]


def test_the_command_line_adds_tests_lists_and_removes(desk: Desk, told: Receiver) -> None:
    def runner(*words: str, code: int = 0) -> Any:
        return desk.cli("webhooks", *words, code=code, RUNNER_WEBHOOK_ALLOW="127.0.0.1")

    refused = desk.cli("webhooks", "add", "http://127.0.0.1/", "--label", "ERP", code=2)
    assert "API_URL" in refused.said
    assert "allow-list" in refused.said
    made = runner("add", told.url, "--label", "ERP", "--event", "run.finished", "--json").json
    assert made["secret"].startswith("whsec_")
    message = runner("test", str(made["id"]), "--json").json["message"]
    assert sender(desk).look() == 1
    (listed,) = runner("list", "--json").json
    assert (listed["label"], listed["events"], listed["waiting"]) == ("ERP", ["run.finished"], 0)
    assert "secret" not in listed
    assert runner("messages", "--json").json[0]["id"] == message
    assert runner("secret", str(made["id"])).out.strip() == made["secret"]
    runner("remove", str(made["id"]))
    assert runner("list", "--json").json == []


def test_the_part_of_runner_up_sends_until_it_is_stopped(desk: Desk, told: Receiver) -> None:
    webhook = subscribe(desk, told)
    acts.send_test(webhook.pk, by="mei", at=now())
    settings = desk.settings.model_copy(update={"webhook_allow": "127.0.0.1"})
    (part,) = parts_of(["webhooks"], settings, {}, lambda _text: None)
    thread = threading.Thread(target=part.serve)
    thread.start()

    arrived = told.came.wait(60)
    part.stop()
    thread.join(60)

    assert (arrived, told.events()) == (True, ["test"])


def test_several_senders_send_a_message_once(desk: Desk, told: Receiver) -> None:
    subscribe(desk, told, Event.CASE_DECIDED)
    for case in Case.objects.all():
        if case.kind != "unknown":
            done(case.pk, by="mei", at=now(), note="by hand")
    slow, quick = sender(desk), sender(desk)
    at = now()
    taken = _taken(at)
    assert len(taken) == 3
    assert quick.look(at) == 0  # they are held

    assert quick.look(at + timedelta(minutes=3)) == 3  # the slow one stood still until its claim had ended
    assert slow._send_all(taken) == 0

    assert len(told.messages) == 3
    assert {one.status for one in waiting()} == {"sent"}
