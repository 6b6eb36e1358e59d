"""Trigger URLs: who has one starts a schedule and learns nothing else; and the examples of docs/api.md, as they stand there."""

from __future__ import annotations

import http.client
import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from runner.cases.schedule_acts import pause
from runner.cases.trigger_urls import make_trigger_url, revoke_trigger_url
from runner.core.clock import now
from runner.desk.api.hooks import MOST_WRONG
from runner.desk.people.tokens import make_token
from runner.desk.roles import PERMISSIONS
from runner.engine.bot_watch import take_stock
from runner.store.models import Case, Item, Occurrence, Run, TriggerUrl
from runner.timetable.edits import digest_of_file
from tests.desk_place import Desk
from tests.desk_program import ok, refusal

API_PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"


def fire(desk: Desk, token: str, body: Any = None, **headers: str) -> Any:
    """The answer to a call of a trigger URL, by a browser that is signed in as nobody."""
    data = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return desk.client().post(f"/hooks/{token}", data, content_type="application/json", headers=named)


def token_of(schedule: str) -> str:
    """A new trigger URL's token."""
    return make_trigger_url(schedule, label="ERP", by="mei", at=now()).token


def test_a_trigger_url_starts_the_schedule_with_the_parameters_of_the_body(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    token = token_of("invoices")

    told = ok(fire(desk, token, {"count": 2}), 202)

    run = Run.objects.get(pk=told["run"])
    assert (run.schedule, run.parameters, run.requested_by) == ("invoices", {"count": 2}, "url:ERP")
    assert (told["state"], told["schedule"]) == ("ran", "invoices")
    assert TriggerUrl.objects.get().uses == 1
    again = ok(fire(desk, token), 202)  # the first one goes on, and its schedule says overlap: skip
    assert (again["state"], again["reason"]) == ("skipped", "overlap: the last run had not ended")


def test_the_same_call_of_a_trigger_url_starts_once(desk: Desk) -> None:
    token = token_of("invoices")

    first = ok(fire(desk, token, idempotency_key="order 7"), 202)
    second = ok(fire(desk, token, idempotency_key="order 7"), 202)

    assert (second["run"], second["again"]) == (first["run"], True)
    assert Run.objects.filter(schedule="invoices", status="queued").count() == 1


def test_a_paused_schedule_is_not_started_and_the_answer_says_why(desk: Desk) -> None:
    pause("invoices", by="mei", at=now(), reason="stocktaking")

    told = ok(fire(desk, token_of("invoices")), 202)

    assert (told["state"], told["run"]) == ("skipped", None)
    assert "stocktaking" in told["reason"]
    assert Occurrence.objects.filter(schedule="invoices", state="skipped").exists()


def test_every_wrong_parameter_is_named_at_once(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    token = token_of("invoices")

    error = refusal(fire(desk, token, {"count": "many", "cuont": 1}), 422, "API_SCHEMA")

    assert {one["field"] for one in error["errors"]} == {"parameters.count", "parameters.cuont"}
    refusal(fire(desk, token, '{"count":'), 400, "API_JSON")
    for body in ("[1]", '"x"', '{"count": "\\u0000"}', '{"a": 1e999}'):
        refusal(fire(desk, token, body), 422, "API_SCHEMA")
    assert not Run.objects.filter(schedule="invoices", status="queued").exists()


def test_a_token_that_starts_nothing_is_answered_like_an_address_that_is_not_there(desk: Desk) -> None:
    revoked, gone = token_of("invoices"), token_of("no-such-schedule")
    revoke_trigger_url(TriggerUrl.objects.get(schedule="invoices").pk, by="mei", at=now())
    nowhere = desk.client().post("/hooks/a/b")

    answers = [fire(desk, token) for token in ("wrong", "x" * 300, revoked, gone)]

    assert {answer.status_code for answer in answers} == {nowhere.status_code} == {404}
    assert {answer.content for answer in answers} == {nowhere.content}
    assert desk.client().get(f"/hooks/{gone}").status_code == 405


def test_guessing_tokens_is_slowed_down(desk: Desk) -> None:
    client = desk.client()
    answers = [client.post("/hooks/guess", REMOTE_ADDR="192.0.2.7") for _ in range(MOST_WRONG + 1)]

    assert {one.status_code for one in answers[:-1]} == {404}
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0


def test_the_examples_of_the_page_work(desk: Desk, tmp_path: Path) -> None:
    take_stock(desk.settings, changed_only=True)
    values = {
        "DESK": desk.url,
        "KEY": make_token(desk.person("operator"), "examples", PERMISSIONS, None),
        "CASE": Case.objects.get(key="A-1").pk,
        "TOKEN": token_of("invoices"),
        "BASE": digest_of_file(desk.settings.schedules),
    }
    blocks = re.findall(r"```sh\n(.*?)```", API_PAGE.read_text("utf-8"), re.DOTALL)
    commands = re.findall(r"curl(?:[^\n]|\\\n)*", "\n".join(blocks).replace("\\\n", " "))
    assert len(commands) >= 5

    answers = [
        _call(re.sub(r"\$([A-Z]+)", lambda found: values[found[1]], one), tmp_path) for one in commands
    ]

    assert all(200 <= status < 300 for status, _ in answers), answers
    assert Run.objects.filter(status="queued").count() == 2
    assert Item.objects.get(key="A-7").status == "pending"
    assert Case.objects.get(key="A-1").status == "claimed"
    assert "30 9 * * 1-5" in desk.settings.schedules.read_text("utf-8")
    assert json.loads(answers[-2][1])["counts"].keys() == {"nothing"}


def _call(line: str, folder: Path) -> tuple[int, str]:
    """What the desk answers to a command line of curl; its files are in `folder`."""
    words = shlex.split(line)[1:]
    method, headers, url = "GET", {}, ""
    body: str | bytes | None = None
    target: Path | None = None
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
        elif word == "-o":
            target = folder / words.pop(0)
        elif word == "-F":
            name, _, file = words.pop(0).partition("=@")
            with (folder / file).open("rb") as sent:
                body, headers["Content-Type"] = encode_multipart(BOUNDARY, {name: sent}), MULTIPART_CONTENT
        else:
            url = word
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if target is not None:
        target.write_bytes(content)
    return answer.status, content.decode(errors="replace")
