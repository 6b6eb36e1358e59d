"""Taking in recordings and workbooks on the desk: from other tools, from another desk, over what is there, and refusals."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from runner.recordings.library import Place
from runner.recordings.model import identities
from tests.desk_place import Desk
from tests.recordings_made import click, field
from tests.recordings_place import BIND, ORDERS, order_book


def send(client: Client, file: str, content: bytes | str, **more: str) -> Any:
    data = content.encode() if isinstance(content, str) else content
    return client.post("/recordings/import", {"file": SimpleUploadedFile(file, data), **more})


def test_a_recording_is_taken_in_and_its_password_is_not(desk: Desk) -> None:
    client = desk.client("operator")
    plain = {
        "title": "Enter an order",
        "steps": [
            {"type": "navigate", "url": "http://portal.example/"},
            field("Password", "open-sesame-1", "#password"),
            click("Sign in", "/"),
        ],
    }
    answer = send(client, "mine.json", json.dumps(plain))
    assert answer.status_code == 302
    assert answer["Location"] == "/recordings/enter-an-order/"
    text = (desk.cli.project / "recordings" / "enter-an-order.json").read_text("utf-8")
    assert "${secret:mine/password}" in text
    page = html.unescape(client.get(answer["Location"]).content.decode())
    assert "a reference to the vault stands in its place" in page
    assert "not in the vault" in page
    kept = [path for path in desk.cli.project.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"open-sesame-1" in path.read_bytes()]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a.json", json.dumps({"steps": [{"type": "clik"}]}), "Step 1"),
        ("a.json", "{", "The file is broken"),
        ("a.json", "<html></html>", "This is no recording"),
        ("a.exe", "MZ", "A file that ends with .json"),
        ("a.py", "import os\nos.system('x')\n", "There are no steps in it"),
    ],
)
def test_what_is_refused_is_said_with_its_step_and_the_reason(
    desk: Desk,
    file: str,
    content: str,
    said: str,
) -> None:
    client = desk.client("operator")
    assert said in html.unescape(send(client, file, content).content.decode())
    assert not list((desk.cli.project).glob("recordings/a*"))


def test_of_a_project_of_selenium_each_test_is_taken_in_or_refused(desk: Desk) -> None:
    plain = [
        {"command": "open", "target": "/", "value": ""},
        {"command": "click", "target": "id=a", "value": ""},
    ]
    loop = [
        *plain,
        {"command": "while", "target": "1", "value": ""},
        {"command": "end", "target": "", "value": ""},
    ]
    tests = [{"id": n, "name": n, "commands": made} for n, made in (("good", plain), ("looping", loop))]
    side = {"id": "x", "version": "2.0", "name": "x", "url": "http://portal.example", "tests": tests}
    answer = send(desk.client("operator"), "x.side", json.dumps(side))
    text = html.unescape(answer.content.decode())
    assert "This command controls the flow" in text
    assert "Step 3" in text
    assert (desk.cli.project / "recordings" / "good.json").exists()
    assert not (desk.cli.project / "recordings" / "looping.json").exists()


def test_a_name_that_is_taken_is_only_written_over_when_one_says_so(desk: Desk, enter_order: Place) -> None:
    client = desk.client("operator")
    other = json.dumps({"title": "Other", "steps": [{"type": "navigate", "url": "http://portal.example/"}]})
    answer = send(client, "a.json", other, name="enter-order")
    assert answer.status_code == 422
    assert 'value="enter-order"' in answer.content.decode()
    assert len(enter_order.read().steps) == 13
    send(client, "a.json", other, name="enter-order", overwrite="1")
    assert len(enter_order.read().steps) == 1
    page = client.get("/recordings/enter-order/").content.decode()
    undo = re.search(r'action="(/recordings/enter-order/former/\w+/back)"', page)
    assert undo
    client.post(undo[1])
    assert len(enter_order.read().steps) == 13
    assert "make a name" in html.unescape(send(client, "a.json", other, name="../x").content.decode())


def test_a_workbook_is_sent_into_the_inbox_and_never_over_another_unasked(
    desk: Desk, enter_order: Place
) -> None:
    client, inbox = desk.client("operator"), desk.cli.project / "inbox"
    other = order_book(rows=[*ORDERS, ("A-9", "Elm", "Desk lamp", 1, datetime(2026, 12, 9))])  # noqa: DTZ001

    def sent(content: bytes, name: str = "orders.xlsx") -> Any:
        return client.post("/recordings/enter-order/workbook", {"file": SimpleUploadedFile(name, content)})

    assert sent(order_book(), "new.xlsx")["Location"] == f"{BIND}?workbook=inbox%2Fnew.xlsx"
    first = (inbox / "orders.xlsx").read_bytes()
    asked = sent(other)
    assert asked.status_code == 409
    ticket = re.search(r'name="ticket" value="([^"]+)"', asked.content.decode())
    assert ticket
    for decided, file in (
        ("present", "orders.xlsx"),
        ("beside", "orders-2.xlsx"),
        ("replace", "orders.xlsx"),
    ):
        answer = client.post(
            "/recordings/enter-order/workbook", {"ticket": html.unescape(ticket[1]), "decided": decided}
        )
        assert answer["Location"] == f"{BIND}?workbook=inbox%2F{file}"
        assert (inbox / "orders.xlsx").read_bytes() == (other if decided == "replace" else first)
    assert (inbox / "orders-2.xlsx").read_bytes() == other
    kept = [path.read_bytes() for path in (desk.settings.home / "uploads").rglob("*.xlsx")]
    assert first in kept
    assert sent(b"PK\x03\x04 no workbook").status_code == 422
    for path in ("../secret.xlsx", "inbox/none.xlsx", "recordings/enter-order.json"):
        answer = client.post("/recordings/enter-order/workbook", {"workbook": path})
        assert answer.status_code == 422
        assert f'value="{path}"' in answer.content.decode()


def test_a_recording_travels_with_its_pictures_from_one_desk_to_another(
    desk: Desk, enter_order: Place
) -> None:
    assert "no pictures yet" in desk.client("viewer").get("/recordings/enter-order/").content.decode()
    name = list(identities(enter_order.read()))[3]
    enter_order.write_pictures({name: b"\x89PNG\r\n\x1a\n"}, {name: [1, 2, 3, 4, 1280, 800]})
    answer = desk.client("viewer").get("/recordings/enter-order/bundle")
    assert answer["Content-Disposition"] == 'attachment; filename="enter-order.zip"'
    sent = SimpleUploadedFile("enter-order.zip", answer.content)
    taken = desk.client("operator").post("/recordings/import", {"file": sent, "name": "again"})
    assert taken.status_code == 302
    page = desk.client("viewer").get("/recordings/again/").content.decode()
    assert f"/recordings/again/pictures/{name}.png" in page
    assert "no pictures yet" not in page
