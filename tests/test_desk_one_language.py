"""Every page of the desk in Chinese, over a store with one of every kind of failure, and in its error states: no English words.

Stricter than the look in a browser (desk_language.py): what stands outside of code and of what is marked as data has to be Chinese,
whatever the store says in English.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.utils import override_settings

from runner.cases.fingerprint import fingerprint_of
from runner.core.clock import now
from runner.core.ids import uuid7
from runner.desk.access import endpoints
from runner.engine.bot_watch import take_stock
from runner.recordings.binding import Binding
from runner.recordings.library import Place
from runner.store.models import Bot, Case, Item, Problem, Queue, Run
from tests.desk_place import Desk
from tests.recordings_place import BIND, order_book
from tests.test_desk_access import filled
from tests.test_desk_titles import FAILURES

DATA = {"title", "code", "pre", "kbd", "script", "style", "datalist", "svg"}
MARKED = {"data", "who", "me"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SHOWN = ("placeholder", "title", "aria-label", "alt", "data-confirm")
WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")
COMMAND = re.compile(
    r"\brunner(?: [a-z-]+)+|--[a-z-]+|[\w./-]+\.(?:yaml|py|xlsx|csv|toml|zip|json|jsonl)\b|https?://\S+|@\w+"
    r"|\b[a-z]+\.[a-z_]+\b|\b[A-Z]\w+Error\b|\bbots/|\bportal/password|\b10 items|5 % evenly|\bmanual_minutes|\binbox/|\b[0-9a-f]{12}\b|(?:/[\w.-]+){2,}"
)
NAMES = frozenset(
    """
    Runner URL CSV JSON YAML API SLA KPI RACI SOP Excel PDF ID CPU OK UTC HTTP xlsx xlsm csv zip har Esc Enter Chrome Edge Chromium English
    DevTools Recorder Playwright Selenium IDE SHA IANA GB MB kB ms min Webhook Shift Ctrl CN DE BY NAME SHA- workbook archive rejected cron Europe Berlin Shanghai Asia Python
    """.split()  # noqa: SIM905
)


class Visible(HTMLParser):
    """Collects what people read of a page, without code and without what is marked as data."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note whether the element is data, by its name, its class or its language."""
        known = dict(attrs)
        classes = set((known.get("class") or "").split())
        is_data = tag in DATA or bool(classes & MARKED) or known.get("lang") == "en" or self._is_data
        if not is_data:
            self.texts += [known[name] or "" for name in SHOWN if name in known]
            if tag == "input" and known.get("type") in {"submit", "button"}:
                self.texts.append(known.get("value") or "")
        if tag not in VOID:
            self._open.append((tag, is_data))

    def handle_endtag(self, tag: str) -> None:
        """Close the element, and those inside it that were not closed."""
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        if not self._is_data and data.strip():
            self.texts.append(data.strip())

    @property
    def _is_data(self) -> bool:
        return bool(self._open) and self._open[-1][1]


def english_of(page: str, names: frozenset[str]) -> list[str]:
    """The texts of a page that have English words, other than `names` and the few words that stand in every language."""
    reader = Visible()
    reader.feed(page)
    found = []
    for text in reader.texts:
        words = [word for word in WORD.findall(COMMAND.sub(" ", text)) if word not in NAMES | names]
        if words:
            found.append(f"{text[:100]!r}: {words[:6]}")
    return list(dict.fromkeys(found))


def test_english_outside_of_data_is_found() -> None:
    page = '<p title="A title">An <b>unknown</b> bot <code>x y</code><span class="data">its <i>name</i></span> 好 URL</p>'
    assert english_of(page, frozenset({"bot"})) == [
        "'A title': ['title']",
        "'An': ['An']",
        "'unknown': ['unknown']",
    ]


def with_every_failure() -> None:
    """Give the store a problem with a case for each kind of failure, with what the failure says."""
    model = Case.objects.exclude(item=None).order_by("key").first()
    assert model is not None
    for failure, _english in FAILURES:
        found = fingerprint_of(failure)
        problem = Problem.objects.get(pk=model.problem_id)
        problem.pk = found.value[:12].upper()
        problem.fingerprint, problem.title, problem.parts = found.value, found.title, dict(found.parts)
        problem.explanation, problem.kind, problem.bot = found.explanation, failure.kind, "invoice"
        problem.save(force_insert=True)
        facts = asdict(failure)
        error = {name: facts[name] for name in ("kind", "code", "type", "message", "where")}
        case = Case.objects.get(pk=model.pk)
        case.pk, case.item, case.problem, case.kind = uuid7(now())[-12:].upper(), None, problem, failure.kind
        case.message, case.error, case.key = failure.message, error, ""
        case.save(force_insert=True)


def names_of_data(desk: Desk) -> frozenset[str]:
    """The names that people gave: bots, queues, keys, processes, parameters, persons and their words."""
    texts = [*Bot.objects.values_list("name", flat=True), *Queue.objects.values_list("name", flat=True), *Item.objects.values_list("key", flat=True),
             *Run.objects.values_list("process", flat=True), *Run.objects.values_list("bot", flat=True), "root mei viewer operator supervisor developer admin Viewer Admin Operator",
             desk.settings.project.name, "count folder slow-one post enter step Post Limit of the day is reached Invoice number submit button"]  # fmt: skip
    return frozenset(word for text in texts for word in WORD.findall(text))


TYPED = frozenset(
    """
    DevTools Selenium codegen NAME navigate click change setViewport doubleClick hover keyDown keyUp scroll waitForElement xpath str http https json jsonl py side xls
    close emulateNetworkConditions waitForExpression customStep handle BOT UTF- Orders xl worksheets sheet xml Order number Customer Product Amount Delivery date ZIP JSON if while times
    """.split()  # noqa: SIM905
)  # names of a recording, of a file's parts and kinds, of columns


def client_of(desk: Desk, role: str = "admin") -> Client:
    return desk.client(role, language="zh-hans")


def pages(desk: Desk) -> Iterator[tuple[str, str]]:
    """Each page: its address, and what it says."""
    take_stock(desk.settings, changed_only=True)
    client = client_of(desk)
    addresses = [filled(one) for one in endpoints() if "GET" in one.methods and not one.by_key]
    addresses += [f"/cases/{pk}/" for pk in Case.objects.values_list("pk", flat=True)]
    addresses += [f"/problems/{pk}/" for pk in Problem.objects.values_list("pk", flat=True)]
    addresses += [f"/runs/{pk}/" for pk in Run.objects.values_list("pk", flat=True)]
    for address in dict.fromkeys(addresses):
        answer = client.get(address, headers={"accept": "text/html"})
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            yield f"{address} ({answer.status_code})", answer.content.decode()
        answer.close()


def with_code(page: str) -> str:
    """The page without its marks of code around errors, so that these are read as well; what is in quotes is data."""
    bare = re.sub(
        r'<code class="overlong">(.*?)</code>|</b><pre>(.*?)</pre>', r"</b>\1\2", page, flags=re.DOTALL
    )
    return re.sub(r"“[^”]*”|&#x27;[^&]*&#x27;|\b[A-Z]+_[A-Z_]+: ", "“”", bare)


def zipped(parts: dict[str, bytes]) -> bytes:
    """A zip file of these parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return made.getvalue()


def faults(shown: Iterator[tuple[str, str]], names: frozenset[str]) -> list[str]:
    return [f"{address}: {one}" for address, page in shown for one in english_of(page, names)]


def test_no_page_shows_english_whatever_has_failed(desk: Desk) -> None:
    with_every_failure()
    found = faults(pages(desk), names_of_data(desk))
    assert not found, "\n".join(found)


def test_no_page_shows_english_while_the_file_of_schedules_is_broken(desk: Desk) -> None:
    desk.settings.schedules.write_text(
        "defaults: {timezone: Berlin}\nschedules:\n  - {id: a, bot: b, cron: '70 * * * *', grace: 1s}\n  - {id: a, every: 5}\n",
        "utf-8",
    )
    take_stock(desk.settings, changed_only=True)
    client = client_of(desk)
    shown = [
        (path, client.get(path, headers={"accept": "text/html"}).content.decode())
        for path in (
            "/schedules/",
            "/schedules/calendar/",
            "/schedules/new?bot=invoice",
            "/schedules/days/",
            "/processes/",
            "/",
            "/health/",
        )
    ]
    assert any("schedules.yaml:1:" in page for _, page in shown)
    found = faults(
        iter(shown),
        names_of_data(desk)
        | {
            "timezone",
            "cron",
            "grace",
            "every",
            "bot",
            "defaults",
            "schedules",
            "id",
        },
    )
    assert not found, "\n".join(found)


WRONG_FORMS = [
    ("/schedules/new?bot=invoice", {"id": "a b", "trigger": "cron", "cron": "70 * * * *", "step": "preview"}),
    ("/schedules/new?bot=invoice", {"id": "invoices", "trigger": "manual", "step": "preview"}),
    ("/bots/invoice/run", {"p-count": "many"}),
    ("/people/add", {"username": "", "role": "king"}),
    ("/secrets/set", {"name": "", "value": "x"}),
    ("/webhooks/add", {"url": "http://127.0.0.1/", "label": "", "events": "none"}),
    ("/queues/invoices/add", {"number": "", "amount": "x"}),
    ("/recordings/import", {"name": "a b"}),
    ("/corrections/look", {}),
    ("/bulk/", {}),
    ("/problems/none/", {}),
    ("/sign-in", {"username": "nobody", "password": "wrong"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "form"), WRONG_FORMS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_wrong_form_is_refused_in_chinese(desk: Desk, path: str, form: dict[str, str]) -> None:
    take_stock(desk.settings, changed_only=True)
    answer = client_of(desk).post(path, form, headers={"accept": "text/html"}, follow=True)
    assert answer.status_code < 500
    names = names_of_data(desk) | {"king", "none", "many"}  # what was typed
    assert english_of(answer.content.decode(), names) == []


@pytest.mark.parametrize("path", ["/cases/?q=zzzz", "/?q=zzzz", "/runs/?bot=zzzz", "/search/?q=zzzz", "/queues/invoices/?q=zzzz", "/audit/?q=zzzz", "/bots/?q=zzzz", "/cases/?sort=nothing", "/runs/?status=never", "/search/?q=due:never", "/runs/0/", "/cases/0/", "/none"])  # fmt: skip
def test_lists_without_rows_and_what_is_not_there_say_so_in_chinese(desk: Desk, path: str) -> None:
    answer = client_of(desk).get(path, headers={"accept": "text/html"})
    assert (
        english_of(answer.content.decode(), names_of_data(desk) | {"zzzz", "never", "nothing", "due", "sort"})
        == []
    )


def test_refusals_of_every_kind_are_said_in_chinese(desk: Desk) -> None:
    viewer = client_of(desk, "viewer")
    case = Case.objects.exclude(item=None).order_by("key").first()
    assert case is not None
    large = "x" * (11 * 1024 * 1024)
    answers = {
        403: viewer.post(f"/cases/{case.pk}/claim", headers={"accept": "text/html"}),
        404: viewer.get("/cases/none/", headers={"accept": "text/html"}),
        405: client_of(desk).get(f"/cases/{case.pk}/claim", headers={"accept": "text/html"}),
        409: client_of(desk).post(
            f"/cases/{case.pk}/claim", {"version": "99"}, headers={"accept": "text/html"}
        ),
        413: client_of(desk).post(
            "/secrets/set", {"name": "a", "value": large}, headers={"accept": "text/html"}
        ),
    }
    with override_settings(DEBUG=False):
        foreign = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
        foreign.cookies = client_of(desk).cookies
        answers[1403] = foreign.post(f"/cases/{case.pk}/claim", headers={"accept": "text/html"})
    for status, answer in answers.items():
        assert answer.status_code == status % 1000, (status, answer.status_code)
        assert english_of(answer.content.decode(), names_of_data(desk)) == [], status


SIDE = {"id": "x", "version": "2.0", "name": "x", "url": "http://portal.example", "tests": [
    {"id": "1", "name": "looping", "commands": [{"command": one, "target": "1", "value": ""} for one in ("open", "while", "runScript", "selectWindow", "clik")]}]}  # fmt: skip
STEPS = [{"type": "clik"}, {"type": "click"}, {"type": "click", "selectors": []}, {"type": "click", "selectors": [["xpath//a"]], "button": "secondary"},
         {"type": "navigate", "url": "file:///etc"}, {"type": "setViewport", "width": "x", "height": 1}, {"type": "keyDown", "key": "Hyper"},
         {"type": "waitForExpression", "expression": "1"}, {"type": "change", "selectors": [["#password"]], "value": 5}, "no"]  # fmt: skip
RECORDINGS: list[tuple[str, bytes | str]] = [
    ("a.json", json.dumps({"title": "x", "steps": STEPS})), *((f"{n}.json", json.dumps({"title": "x", "steps": [one]})) for n, one in enumerate(STEPS)),
    ("a.json", "{"), ("a.json", "[1]"), ("a.json", '{"steps": []}'), ("a.json", "<html></html>"), ("a.json", b"\xff\xfe\x00"), ("a.json", "[" * 5000), ("a.exe", "MZ"), ("a.jsonl", "{}\n{"),
    ("a.py", "import os\nos.system('x')\n"), ("a.py", "def ("), ("a.py", "page.get_by_role('button').hover()\npage.evaluate('1')\n"), ("a.side", json.dumps(SIDE)), ("a.side", "{}"),
    ("a.zip", b"PK\x03\x04 none"), ("a.zip", zipped({"readme.txt": b"x"})),
]  # fmt: skip


@pytest.mark.parametrize(("file", "content"), RECORDINGS)
def test_a_recording_is_refused_in_chinese(desk: Desk, file: str, content: bytes | str) -> None:
    data = content.encode() if isinstance(content, str) else content
    answer = client_of(desk).post("/recordings/import", {"file": SimpleUploadedFile(file, data)}, follow=True)
    assert english_of(with_code(answer.content.decode()), names_of_data(desk) | TYPED) == []


def workbooks() -> Iterator[tuple[str, bytes]]:
    """Workbooks that can't be read, or not as the recording of an order needs it."""
    good = order_book()
    yield from [("none.xlsx", b""), ("zip.xlsx", b"PK\x03\x04 no workbook"), ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), ("cut.xlsx", good[: len(good) // 2]),
                ("text.xlsx", b"Order number,Customer\n"), ("web.xlsx", b"<html></html>"), ("binary.csv", bytes(range(256))), ("list.pdf", b"%PDF"), ("ole.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
                ("other.xlsx", zipped({"readme.txt": b"x"})), ("empty.xlsx", order_book(rows=[()])), ("twice.xlsx", order_book(rows=[("Order number", "Order number"), ("A", "B")]))]  # fmt: skip
    parts = {
        one.filename: zipfile.ZipFile(io.BytesIO(good)).read(one)
        for one in zipfile.ZipFile(io.BytesIO(good)).infolist()
    }
    sheet = "xl/worksheets/sheet1.xml"
    yield "torn.xlsx", zipped({**parts, sheet: parts[sheet][:-40]})
    yield "dtd.xlsx", zipped({**parts, sheet: b"<!DOCTYPE x []>" + parts[sheet]})
    yield "gone.xlsx", zipped({name: part for name, part in parts.items() if name != sheet})


@pytest.mark.parametrize(
    ("file", "content"), list(workbooks()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_workbook_is_refused_in_chinese(desk: Desk, enter_order: Place, file: str, content: bytes) -> None:
    client, names = client_of(desk), names_of_data(desk) | TYPED
    sent = client.post(
        "/recordings/enter-order/workbook", {"file": SimpleUploadedFile(file, content)}, follow=True
    )
    assert english_of(with_code(sent.content.decode()), names) == []
    (desk.cli.project / "inbox" / file).write_bytes(content)
    bound = client.get(f"{BIND}?workbook=inbox/{file}")
    assert english_of(with_code(bound.content.decode()), names) == []
    back = client.post("/corrections/look", {"file": SimpleUploadedFile(file, content)}, follow=True)
    assert english_of(back.content.decode(), names) == []


def test_what_the_check_up_finds_is_said_in_chinese(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    answer = client_of(desk).get("/health/", headers={"accept": "text/html", "hx-request": "true"})
    names = names_of_data(desk) | {
        "linux",
        "Chromium",
        "Debian",
        "GNU",
        "Linux",
        "built",
        "bookworm",
        "on",
        "initial",
        "darwin",
        "win",
    }
    assert english_of(answer.content.decode(), names) == []


BROKEN = {
    "bots/syntax.py": "from runner import bot\n@bot\ndef syntax() -> None: oh no\n",
    "bots/missing.py": "import nowhere_at_all\n",
    "bots/untyped.py": "from runner import bot\n@bot\ndef untyped(a) -> None: pass\n",
    "bots/twice.py": "from runner import bot\n@bot(name='twice')\ndef a() -> None: pass\n@bot(name='twice')\ndef b() -> None: pass\n",
    "bots/wrong.py": "from runner import bot, Queue\nQueue('q', order='group')\n@bot(concurrency=0)\ndef wrong() -> None: pass\n",
    "bots/asking.py": "from runner import bot\n@bot\nasync def asking() -> None: pass\n",
    "bots/ends.py": "raise SystemExit(3)\n",
    "bots/none.py": "x = 1\n",
    "recordings/cut.json": "{",
    "recordings/other.json": '{"title": "x", "steps": [{"type": "clik"}]}',
    "recordings/odd.json": '{"title": "x", "steps": [{"type": "navigate", "url": "http://a.example/"}]}',
    "recordings/odd.yaml": "for_each: none.xlsx\nkey: nothing\nirreversible: 7\nsize: 3\n",
    "recordings/lost.yaml": "for_each: inbox/orders.xlsx\n",
    "recordings/enter-order.yaml": "for_each: inbox/orders.xlsx\nkey: number\neach_from: 90\nfields:\n  number: {column: Nothing}\n",
}  # fmt: skip

KEYS = frozenset(
    {word for name in Binding.model_fields for word in WORD.findall(name.replace("_", " "))}
    | set(
        """
        docs aria css User name Password Sign in New order Post data-testid confirmation product syntax def None oh no BOT str Queue model sys exit
        init missing required positional argument
        """.split()  # noqa: SIM905
    )
)  # keys of a binding, selectors, and code of the bots


def test_what_is_wrong_with_bots_and_recordings_is_said_in_chinese(desk: Desk, enter_order: Place) -> None:
    for name, content in BROKEN.items():
        (desk.cli.project / name).parent.mkdir(exist_ok=True)
        (desk.cli.project / name).write_text(content, "utf-8")
    take_stock(desk.settings, changed_only=False)
    client = client_of(desk)
    names = sorted({name.partition("/")[2].partition(".")[0] for name in BROKEN})
    paths = ["/bots/", "/recordings/", "/health/", "/processes/", BIND, f"{BIND}?workbook=inbox/orders.xlsx"]
    paths += [f"/{kind}/{name}/" for kind in ("bots", "recordings") for name in names]
    shown = [(path, client.get(path, headers={"accept": "text/html"}).content.decode()) for path in paths]
    found = faults(
        ((path, with_code(page)) for path, page in shown), names_of_data(desk) | TYPED | {*names, *KEYS}
    )
    assert not found, "\n".join(found)
