"""Safety of the desk: the cases HT01 to HT14 of bad_inputs.json that are about pages, and what stands around them.

Those about the JSON interface (HT04 to HT07, HT11, HT12) are tested with it.
"""

from __future__ import annotations

import json
import re
import socket
import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from runner.cases.audit import verify
from runner.core.clock import now
from runner.desk import patience
from runner.desk.evidence import evidence_address
from runner.desk.people.links import make_link
from runner.desk.people.models import OneTimeLink, Person, SignIn
from runner.desk.settings import LARGEST_BODY
from runner.store.models import AuditEntry, Case, Run
from tests.desk_place import PASSWORD, Desk

CASES = Path(__file__).resolve().parents[2] / "shared" / "data" / "bad_inputs.json"


def expected(case: str) -> dict[str, Any]:
    """A case of bad_inputs.json: its status and the words that must be in the answer."""
    if not CASES.exists():
        pytest.skip(f"{CASES} is not there: this test reads its cases from it")
    found = {one["id"]: one for one in json.loads(CASES.read_text("utf-8"))["cases"]}
    return dict(found[case])


def check(case: str, answer: Any) -> str:
    """The text of an answer, which has the status, the code and the words that its case asks for."""
    wanted, text = expected(case), answer.content.decode()
    assert answer.status_code == wanted["http_status"]
    for words in wanted["message_must_contain"]:
        assert words in text, f"{case}: '{words}' is not in {text}"
    return str(text)


def test_ht01_nobody_learns_anything_without_signing_in(desk: Desk) -> None:
    client = desk.client()
    there = check("HT01", client.get(f"/cases/{Case.objects.all()[0].pk}/"))
    not_there = check("HT01", client.get("/cases/ZZZZZZ/"))

    def bare(text: str) -> str:
        return re.sub(r'(csrfmiddlewaretoken" value|name="next" value)="[^"]*"', "", text)

    assert bare(there) == bare(not_there)


def test_ht02_a_role_that_is_too_low_is_named_and_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    text = check("HT02", desk.client("operator").post("/people/add"))

    assert "API_ROLE" in text
    assert "refused POST /people/add: operator is operator, needs supervisor" in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.example"},
        {},
    ],
)
def test_ht03_a_request_from_another_site_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    client.cookies["runner_session"] = desk.session("admin")

    text = check("HT03", client.post("/sign-out", headers=headers))

    assert "API_CSRF" in text
    assert SignIn.objects.count() == 1


def test_ht08_what_is_not_there_and_what_is_not_theirs_look_the_same(desk: Desk) -> None:
    viewer = desk.person("viewer")
    client = desk.client("viewer")
    theirs = f"/cases/{Case.objects.filter(process='accounts-payable')[0].pk}/"
    viewer.process_roles.create(process="accounts-payable", role="none")
    texts, times = [], []
    for path in (theirs, "/cases/ZZZZZZ/", "/runs/..%2f..%2fetc%2fpasswd/"):
        began = time.perf_counter()
        text = check("HT08", client.get(path))
        times.append(time.perf_counter() - began)
        texts.append(
            re.sub(r'csrfmiddlewaretoken" value="[^"]*"|name="next" value="[^"]*"|X-CSRFToken[^}]*', "", text)
        )
    assert texts[0] == texts[1]
    assert statistics.pstdev(times) < 0.5


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fetc%2fpasswd",
        "..%5c..%5cwindows%5cwin.ini",
        "%00",
        "x/../../etc/passwd",
        "eyJ/x",
        "/etc/passwd/x",
    ],
)
def test_ht09_evidence_is_reached_by_its_ticket_only(desk: Desk, path: str) -> None:
    check("HT09", desk.client("viewer").get(f"/evidence/{path}"))


def test_ht09_a_ticket_for_something_outside_leads_nowhere(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret", "utf-8")
    run = Run.objects.all()[0]
    inside = desk.settings.runs / run.folder / "link.txt"
    inside.symlink_to(secret)
    client = desk.client("viewer")
    for path in (
        "link.txt",
        "../../../../../store.sqlite3",
        str(secret),
        "..\\..\\x",
        "a\x00b",
        ".",
        "lane-1",
    ):
        answer = client.get(evidence_address(run.folder, path, run.process))
        assert answer.status_code == 404, path


def test_evidence_is_shown_in_a_sandbox_and_markup_only_as_a_download(desk: Desk) -> None:
    run = Run.objects.all()[0]
    folder = desk.settings.runs / run.folder
    (folder / "page.html").write_text("<script>alert(1)</script>", "utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n0000")
    (folder / "lies.png").write_text("<svg onload=alert(1)>", "utf-8")
    client = desk.client("viewer")

    def get(name: str) -> Any:
        answer = client.get(evidence_address(run.folder, name, run.process))
        answer.close()
        return answer

    picture = get("picture.png")
    assert "sandbox" in picture["Content-Security-Policy"]
    assert picture["Content-Type"] == "image/png"
    for name in ("page.html", "lies.png"):
        answer = get(name)
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_evidence_of_a_process_that_is_not_theirs_is_not_there(desk: Desk) -> None:
    desk.person("viewer").process_roles.create(process="accounts-payable", role="none")
    run = Run.objects.all()[0]
    (desk.settings.runs / run.folder / "a.txt").write_text("a", "utf-8")

    answer = desk.client("viewer").get(evidence_address(run.folder, "a.txt", "accounts-payable"))

    assert answer.status_code == 404


def test_ht10_a_body_that_is_too_large_is_refused_with_the_limit(desk: Desk) -> None:
    body = b"x" * (LARGEST_BODY + 1)
    answer = desk.client("admin").post("/people/add", body, content_type="application/x-www-form-urlencoded")
    check("HT10", answer)


def test_ht10_a_body_that_comes_too_slowly_is_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.3)
    host, port = desk.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        slow.sendall(b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx")
        answer = slow.recv(1000)
    assert answer.startswith(b"HTTP/1.1 408 "), answer


def test_the_limit_for_slow_bodies_is_below_30_seconds() -> None:
    assert patience.PATIENCE + 1 < 30


def test_ht13_guessing_passwords_is_locked_with_the_time_when_it_ends(desk: Desk) -> None:
    desk.with_password("operator")
    answers: dict[str, set[str]] = {}
    for name in ("operator", "nobody"):
        client = desk.client()
        for _ in range(4):
            answer = client.post("/sign-in", {"username": name, "password": "wrong"})
            assert answer.status_code == 401
            text = re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode()).replace(
                name, "NAME"
            )
            answers.setdefault("wrong", set()).add(text)
        for _ in range(2):
            answer = client.post("/sign-in", {"username": name, "password": PASSWORD})
            client.post("/sign-in", {"username": name, "password": "wrong"})
        answer = client.post("/sign-in", {"username": name, "password": PASSWORD})
        if name == "operator":
            continue
        text = check("HT13", answer)
        assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert len(answers["wrong"]) == 1


def test_a_locked_name_stays_locked_for_the_right_password_and_a_link_unlocks_it(desk: Desk) -> None:
    person = desk.with_password("operator")
    client = desk.client()
    for _ in range(6):
        client.post("/sign-in", {"username": "operator", "password": "wrong"})
    locked = client.post("/sign-in", {"username": "operator", "password": PASSWORD})
    assert locked.status_code == 429
    assert AuditEntry.objects.filter(what="signin.locked").count() == 1

    admin = desk.client("admin")
    page = admin.post(f"/people/{person.username}/link").content.decode()
    link = re.search(r"/welcome/[\w-]+", page)
    assert link is not None
    words = "another-good-password"
    done = client.post(link[0], {"password": words, "again": words, "zone": "Europe/Berlin"})

    assert done.status_code == 302
    assert client.get("/me/").status_code == 200
    assert desk.client().post("/sign-in", {"username": "operator", "password": words}).status_code == 302
    assert verify().broken is None


def test_the_address_to_go_back_to_is_one_of_ours(desk: Desk) -> None:
    desk.with_password("viewer")
    for bad in (
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "/\\evil.example",
        "http:evil",
    ):
        answer = desk.client().post("/sign-in", {"username": "viewer", "password": PASSWORD, "next": bad})
        assert answer["Location"] == "/", bad
    answer = desk.client().post(
        "/sign-in", {"username": "viewer", "password": PASSWORD, "next": "/runs/?a=b"}
    )
    assert answer["Location"] == "/runs/?a=b"


def test_a_sign_in_ends_after_twelve_hours_and_after_half_an_hour_without_a_click(desk: Desk) -> None:
    for field, age in (("started", timedelta(hours=12, minutes=1)), ("seen", timedelta(minutes=31))):
        client = desk.client("viewer")
        SignIn.objects.update(**{field: now() - age})
        assert client.get("/runs/").status_code == 401
        assert SignIn.objects.count() == 0


def test_clicks_keep_a_sign_in_alive_and_refreshing_does_not(desk: Desk) -> None:
    client = desk.client("viewer")
    before = now() - timedelta(minutes=20)
    SignIn.objects.update(seen=before)

    client.get("/live/menu", headers={"hx-request": "true"})
    assert SignIn.objects.get().seen == before
    client.get("/runs/")
    assert now() - SignIn.objects.get().seen < timedelta(minutes=1)


def test_signing_in_makes_a_new_session_and_signing_out_ends_it(desk: Desk) -> None:
    desk.with_password("viewer")
    client = desk.client()
    client.get("/sign-in")
    client.post("/sign-in", {"username": "viewer", "password": PASSWORD})
    first = client.cookies["runner_session"].value
    assert client.get("/runs/").status_code == 200

    thief = Client(headers={"host": "localhost"})
    thief.cookies["runner_session"] = first
    assert thief.get("/runs/").status_code == 200
    client.post("/sign-out")
    assert thief.get("/runs/").status_code == 401


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(desk: Desk) -> None:
    desk.with_password("viewer")
    client = desk.client()
    client.get("/sign-in")
    client.post("/sign-in", {"username": "viewer", "password": PASSWORD})
    for name in ("runner_session", "runner_csrf"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] in {"Lax", "Strict"}


def test_another_host_name_is_refused(desk: Desk) -> None:
    assert desk.client().get("/sign-in", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", ["/sign-in", "/runs/", "/nowhere", "/static/x/desk.css", "/evidence/x/y"])
def test_every_answer_carries_the_policy(desk: Desk, path: str) -> None:
    answer = desk.client("viewer").get(path)

    assert answer["Content-Security-Policy"].startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_what_data_says_is_never_markup(desk: Desk) -> None:
    evil = "<img src=x onerror=alert(1)>\"'><script>"
    Case.objects.update(message=evil, assignee=evil)
    Person.objects.filter(username="admin").update(name=evil)
    client = desk.client("admin", name=evil)
    for path in ("/", "/cases/", "/people/", "/me/", f"/search/?q={evil}"):
        text = client.get(path).content.decode()
        assert "<img src=x" not in text
        assert "<script>" not in text


def test_a_one_time_link_works_once_and_not_for_ever(desk: Desk) -> None:
    person = desk.person("viewer")
    path = make_link(person, "test")
    words = {"password": "a-good-password-1", "again": "a-good-password-1"}
    assert desk.client().get(path).status_code == 200
    assert desk.client().post(path, words).status_code == 302
    assert desk.client().post(path, words).status_code == 404

    path = make_link(person, "test")
    OneTimeLink.objects.update(expires=now() - timedelta(seconds=1))
    assert desk.client().get(path).status_code == 404


def test_the_first_link_makes_one_admin_and_no_second(desk: Desk) -> None:
    path = make_link(None, "test")
    given = {
        "username": "boss",
        "name": "The boss",
        "password": "a-good-password-1",
        "again": "a-good-password-1",
    }
    client = desk.client()
    assert client.post(path, {**given, "zone": "Asia/Shanghai"}).status_code == 302

    boss = Person.objects.get(username="boss")
    assert (boss.role, boss.zone) == ("admin", "Asia/Shanghai")
    assert boss.password.startswith("argon2$")
    other = make_link(None, "test")
    assert desk.client().get(other).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        ("short", "short", "too short"),
        ("password1234", "password1234", "too common"),
        ("1234567890123", "1234567890123", "entirely numeric"),
        ("a-good-password-1", "a-good-password-2", "not the same password"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(
    desk: Desk, password: str, again: str, words: str
) -> None:
    path = make_link(desk.person("viewer"), "test")
    answer = desk.client().post(path, {"password": password, "again": again})
    assert answer.status_code == 422
    assert words in answer.content.decode()
