"""Many cases at once on the desk: frozen lists, a result per row, the spreadsheet there and back, a killed server."""

from __future__ import annotations

import http.client
import io
import re
import signal
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client

from runner.cases import bulk, decisions
from runner.cases.corrections import read_corrections
from runner.core.clock import now
from runner.core.nouns import ActVerb
from runner.desk.queue import bulk as desk_bulk
from runner.desk.queue import spreadsheet
from runner.store.models import Act, BulkSelection, Case, Item
from tests.cases_history import failed_run
from tests.desk_place import PASSWORD, Desk
from tests.test_desk_plans import asked

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def tom(desk: Desk) -> Client:
    """An operator, with the cases of seven orders beside those of the invoices."""
    failed_run(desk.settings.runs, *[f"O-{n}" for n in range(7)])
    return desk.client("operator")


def orders() -> list[Case]:
    return list(Case.objects.filter(queue="orders").order_by("key"))


def choose(client: Client, cases: list[Case], verb: str = "") -> str:
    picked = [f"{one.pk}:{one.version}" for one in cases]
    answer = client.post("/bulk/", {"of": "case", "pick": picked, "verb": verb})
    assert answer.status_code == 302
    return urlsplit(answer["Location"]).path


# -- bulk ------------------------------------------------------------------------------------------------------------


def test_a_bulk_act_touches_exactly_what_was_chosen_and_skips_what_moved(tom: Client) -> None:
    chosen = orders()[:6]
    page = choose(tom, chosen, "done")
    shown = text_of(tom.get(f"{page}?verb=done"))
    assert "6 cases as of" in shown
    decisions.done(chosen[0].pk, by="ann", at=now(), note="was quicker")
    assert "ann was faster" in text_of(tom.get(f"{page}?verb=done"))
    assert "in a few words" in text_of(tom.post(f"{page}apply", {"verb": "done"}))
    after = text_of(tom.post(f"{page}apply", {"verb": "done", "note": "by telephone"}, follow=True))
    assert "decided: 5; skipped, as they moved meanwhile: 1" in after
    assert [one.status for one in orders()] == ["resolved"] * 6 + ["open"]
    assert Act.objects.filter(verb="done", note="by telephone").count() == 5
    tom.post(f"{page}apply", {"verb": "done", "note": "by telephone"})
    assert Act.objects.filter(verb="done", note="by telephone").count() == 5
    assert "Taken back: 5." in text_of(tom.post(f"{page}undo", follow=True))
    assert [one.status for one in orders()] == ["resolved"] + ["open"] * 6


def test_a_problem_is_decided_with_all_its_cases(tom: Client) -> None:
    answer = tom.post("/bulk/", {"of": "problem", "pick": [orders()[0].problem_id], "verb": "claim"})
    page = urlsplit(answer["Location"]).path
    tom.post(f"{page}apply", {"verb": "claim"})
    assert {one.assignee for one in orders()} == {"operator"}


def test_a_bulk_act_that_was_cut_short_goes_on_where_it_ended(tom: Client) -> None:
    page = choose(tom, orders())
    frozen = bulk.selection(page.split("/")[2])
    wanted = decisions.Decision(ActVerb.REJECT, "not ours")
    for _ in range(3):
        part = bulk.apply_part(frozen, wanted, by="operator", at=now, limit=timedelta(0))
        assert not part.finished
    assert "3 of 7 have been looked at" in text_of(tom.get(page))
    assert "decided: 7" in text_of(tom.post(f"{page}apply", follow=True))
    assert Act.objects.filter(verb="reject").count() == 7
    assert BulkSelection.objects.get().counts == {"done": 7}


def test_many_decisions_are_taken_back_in_parts(tom: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page = choose(tom, orders())
    tom.post(f"{page}apply", {"verb": "done", "note": "by telephone"})
    monkeypatch.setattr(desk_bulk, "_AT_ONCE", timedelta(0))  # one for each request
    address = f"{page}undo"
    for done in range(1, 7):
        going = tom.post(address)["Location"]
        assert f"{done} of 7 have been looked at" in text_of(tom.get(going))
        address = f"{page}undo?{urlsplit(going).query}"
    assert "Taken back: 7." in text_of(tom.post(address, follow=True))
    assert {one.status for one in orders()} == {"open"}


def test_somebody_elses_selection_is_not_there(desk: Desk, tom: Client) -> None:
    page = choose(tom, orders())
    assert desk.client("supervisor").get(page).status_code == 404


def test_nothing_selected_is_said(tom: Client) -> None:
    assert "Select at least one case" in text_of(tom.post("/bulk/", {"of": "case"}, follow=True))


# -- the spreadsheet --------------------------------------------------------------------------------------------------


def taken_out(client: Client, query: str) -> openpyxl.Workbook:
    answer = client.get(f"/corrections/export?{query}")
    assert answer["Content-Type"] == XLSX
    return openpyxl.load_workbook(io.BytesIO(answer.content))


def columns(book: openpyxl.Workbook, name: str) -> tuple[Any, dict[str, int]]:
    sheet = book[name]
    return sheet, {str(cell.value): int(cell.column or 0) for cell in sheet[1]}


def brought_back(client: Client, book: openpyxl.Workbook) -> Any:
    content = io.BytesIO()
    book.save(content)
    sent = SimpleUploadedFile("filled in.xlsx", content.getvalue(), XLSX)
    return client.post("/corrections/look", {"file": sent}, follow=True)


def row_of(sheet: Any, key: str) -> int:
    return next(row for row in range(2, sheet.max_row + 1) if key in {cell.value for cell in sheet[row]})


def test_corrections_of_a_spreadsheet_are_shown_then_carried_out_once(tom: Client) -> None:
    book = taken_out(tom, "queue=invoices")
    sheet, at = columns(book, "invoices")
    amount, decision = at["data.amount"], at["decision"]
    sheet.cell(row_of(sheet, "A-2"), amount, 12.5)
    sheet.cell(row_of(sheet, "A-3"), decision, "done by hand")
    sheet.cell(row_of(sheet, "A-3"), at["note"], "telephoned")
    sheet.cell(row_of(sheet, "A-1"), amount, "a lot")
    shown = brought_back(tom, book)
    said = text_of(shown)
    assert "2 rows would be carried out" in said
    assert "1 with an error" in said
    assert re.search(r"invoices!\w+\d+", said)
    assert Act.objects.filter(machine=False).count() == 0
    page = shown.redirect_chain[-1][0]
    decisions.claim(Case.objects.get(key="A-3").pk, by="ann", at=now())
    after = text_of(tom.post(f"{page}apply", follow=True))
    assert "Carried out: 1." in after
    assert "ann was faster" in after
    assert "1 row has been carried out, the marked ones have not" in after
    assert "Retry amount : 12,5 → 12.5" in after
    assert Case.objects.get(key="A-2").status == "retrying"
    assert Item.objects.get(key="A-2").data["amount"] == "12.5"
    acts = Act.objects.filter(machine=False).count()
    tom.post(f"{page}apply")
    again = text_of(brought_back(tom, book))
    assert "There is nothing to carry out" in again or "has been carried out" in again
    assert Act.objects.filter(machine=False).count() == acts


def all_done_by_hand(tom: Client) -> str:
    """Bring a workbook back in which every order is done by hand; the address of the look at it."""
    book = taken_out(tom, "queue=orders")
    sheet, at = columns(book, "orders")
    for one in orders():
        sheet.cell(row_of(sheet, one.key), at["decision"], "done by hand")
        sheet.cell(row_of(sheet, one.key), at["note"], "by telephone")
    return str(brought_back(tom, book).redirect_chain[-1][0])


def test_a_large_workbook_is_carried_out_in_parts_with_the_progress_on_the_page(
    tom: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = all_done_by_hand(tom)
    monkeypatch.setattr(spreadsheet, "_AT_ONCE", timedelta(0))  # a row for each request
    address = tom.post(f"{page}apply")["Location"]
    moved = Case.objects.filter(queue="orders", status="open").first()
    assert moved is not None
    decisions.claim(moved.pk, by="ann", at=now())
    seen = []
    while "/going?" in address:
        found = re.search(r"(\d) of 7 have been looked at", text_of(tom.get(address)))
        assert found is not None
        seen.append(int(found[1]))
        answer = tom.post(f"{page}apply?{urlsplit(address).query}", headers={"hx-request": "true"})
        assert answer.status_code == 204
        address = answer["HX-Redirect"]
    assert seen[0] == 1
    assert seen == sorted(set(seen))
    assert len(seen) == 5  # six rows, the last of which ends it
    assert "Carried out: 6." in text_of(tom.get(page))
    assert sorted(one.status for one in orders()) == ["claimed", *["resolved"] * 6]
    assert tom.get(f"/corrections/{'0' * 64}/going").status_code == 404


def test_a_link_begins_nothing_in_somebody_elses_name(
    desk: Desk, tom: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page that goes on by itself is there for who has begun, and for what was begun."""
    page = all_done_by_hand(tom)
    monkeypatch.setattr(spreadsheet, "_AT_ONCE", timedelta(0))
    begun = tom.post(f"{page}apply")["Location"]
    assert tom.get(begun).status_code == 200

    boss = desk.client("supervisor")
    bulk_page = choose(boss, orders())
    for person, link, leads_to in (
        (boss, begun, page),
        (boss, f"{page}going", page),
        (tom, f"{page}going?start=3&total=7", page),
        (boss, f"{bulk_page}undoing?{urlsplit(begun).query}", bulk_page),
    ):
        answer = person.get(link)
        assert (answer.status_code, answer.headers.get("Location")) == (302, leads_to), link


def test_rows_that_are_not_shown_are_counted(tom: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    book = taken_out(tom, "queue=orders")
    sheet, at = columns(book, "orders")
    for one in orders():
        sheet.cell(row_of(sheet, one.key), at["decision"], "done by hand")
    sheet.cell(row_of(sheet, "O-1"), at["note"], "by telephone")
    monkeypatch.setattr(spreadsheet, "_SHOWN", 3)
    said = text_of(brought_back(tom, book))
    assert "6 with errors" in said
    assert "and 4 more rows, which count as well" in said


def test_a_workbook_is_judged_with_few_queries_however_many_rows_it_has(tom: Client, tmp_path: Path) -> None:
    book = taken_out(tom, "queue=orders")
    sheet, at = columns(book, "orders")
    for one in orders():
        sheet.cell(row_of(sheet, one.key), at["comment"], "seen")
    book.save(tmp_path / "filled.xlsx")
    assert len(asked(lambda: read_corrections(tmp_path / "filled.xlsx"))) <= 3


def test_a_workbook_from_elsewhere_is_refused(tom: Client) -> None:
    answer = brought_back(tom, openpyxl.Workbook())
    assert answer.status_code == 422
    assert "not a workbook that was taken out here" in text_of(answer)
    text = SimpleUploadedFile("x.xlsx", b"hello", XLSX)
    assert tom.post("/corrections/look", {"file": text}).status_code == 422


def test_an_outcome_is_not_attested_by_spreadsheet(desk: Desk, tom: Client) -> None:
    boss = desk.client("supervisor")
    book = taken_out(boss, "queue=invoices")
    sheet, at = columns(book, "invoices")
    sheet.cell(row_of(sheet, "A-4"), at["decision"], "it happened")
    sheet.cell(row_of(sheet, "A-4"), at["note"], "seen")
    shown = brought_back(boss, book)
    assert "attested on the page of the case" in text_of(shown)
    boss.post(f"{shown.redirect_chain[-1][0]}apply")
    assert Case.objects.get(key="A-4").status == "open"


# -- a server that is killed -------------------------------------------------------------------------------------------


class Served:
    """The real `runner desk` as a process, and somebody who posts to it."""

    def __init__(self, desk: Desk) -> None:
        self.process: subprocess.Popen[str] = desk.cli.start("desk", "--port", "0")
        assert self.process.stdout is not None
        line = ""
        while "http://" not in line:
            line = self.process.stdout.readline()
            assert line, "the desk did not start"
        found = re.search(r"http://([\w.]+):(\d+)", line)
        assert found is not None
        self.host, self.port = found[1], int(found[2])
        self.cookies: dict[str, str] = {}
        self.token = self._token(self._ask("GET", "/sign-in"))
        sent = {"csrfmiddlewaretoken": self.token, "username": "operator", "password": PASSWORD}
        self._ask("POST", "/sign-in", urlencode(sent))
        self.token = self._token(self._ask("GET", "/cases/"))

    @staticmethod
    def _token(page: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found is not None
        return found[1]

    def _ask(self, method: str, path: str, body: str = "") -> str:
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=30)) as link:
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            head = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
            link.request(method, path, body, head)
            answer = link.getresponse()
            content = answer.read().decode()
            assert answer.status in {200, 302}, content[-500:]
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    key, _equals, kept = value.partition(";")[0].partition("=")
                    self.cookies[key] = kept
            return content

    def done(self, case: str, version: int) -> bool:
        """Decide one case; whether it was acknowledged."""
        sent = {
            "csrfmiddlewaretoken": self.token,
            "version": version,
            "token": f"kill:{case}",
            "note": "by hand",
        }
        try:
            self._ask("POST", f"/cases/{case}/done", urlencode(sent))
        except (OSError, http.client.HTTPException):
            return False
        return True

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()


def decided(store: Path) -> dict[str, int]:
    """How often each case was decided, as it stands in the file."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)) as found:
        rows = found.execute("SELECT subject, count(*) FROM store_act WHERE verb='done' GROUP BY 1")
        return dict(rows.fetchall())


def test_of_200_decisions_a_killed_server_loses_none_that_it_acknowledged_and_doubles_none(
    desk: Desk,
) -> None:
    failed_run(desk.settings.runs, *[f"O-{n}" for n in range(200)])
    cases = dict(Case.objects.filter(queue="orders").values_list("pk", "version"))
    desk.with_password("operator")
    store = desk.cli.home / "store.sqlite3"
    connections["default"].close()
    served = Served(desk)
    acknowledged: set[str] = set()
    enough = threading.Event()

    def decide(case: str) -> None:
        if served.done(case, cases[case]):
            acknowledged.add(case)
        if len(acknowledged) >= 60:
            enough.set()

    with ThreadPoolExecutor(4) as people:
        asked = [people.submit(decide, case) for case in cases]
        assert enough.wait(60)
        served.kill()
        for one in asked:
            one.result()
    first = decided(store)
    assert 60 <= len(acknowledged) < 200, "it was not killed in the middle"
    assert acknowledged <= set(first)
    served = Served(desk)
    try:
        with ThreadPoolExecutor(4) as people:
            assert all(people.map(lambda case: served.done(case, cases[case]), cases))
    finally:
        served.end()
    assert decided(store) == dict.fromkeys(cases, 1)
