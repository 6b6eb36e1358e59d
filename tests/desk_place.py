"""A desk for tests: a project in which a bot has run, people of every role, pages served, and browsers signed in.

Fixtures: `desk` (a desk of the test's own, to be changed). Its `client(role)` is Django's test client, its `page(role,
language=, theme=, width=)` a real Chromium page; `desk.url` is served as long as the test runs. Pages collect what went
wrong in them: `desk.complaints` must be empty at the end, which the fixture checks.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    sync_playwright,
)

from runner.cli.desk import place_of
from runner.cli.project import Project
from runner.core.clock import now
from runner.core.settings import Settings, load_settings
from runner.core.store_address import ServerAddress
from runner.desk.people.models import Person, SignIn
from runner.desk.roles import Role
from runner.desk.serve import DeskServer
from runner.kit.web import find_browser
from runner.store.open import open_store
from tests.cli_project import Cli, copy_of
from tests.desk_language import assert_one_language
from tests.postgres_server import PostgresServer, serve

__all__ = ["Desk", "assert_one_language", "desk", "desk_database", "desk_store"]
LIMIT: Final = 30_000  # ms that a page waits for something
PASSWORD: Final = "correct-horse-battery"
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
_COMMAND: Final = re.compile(
    r"\brunner(?: [a-z-]+)+(?: [A-Z]+)?"
)  # a command line is the same in every language


@dataclass
class Desk:
    """A desk on a store of its own. Its people are called like their roles (``viewer`` … ``admin``)."""

    cli: Cli
    settings: Settings
    _playwright: list[Playwright] = field(default_factory=list)
    _browser: list[Browser] = field(default_factory=list)
    _server: list[DeskServer] = field(default_factory=list)
    _thread: list[threading.Thread] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is served; serving begins when this is first asked for."""
        if not self._server:
            server = DeskServer(self.settings)
            thread = threading.Thread(target=server.serve, name="desk")
            thread.start()
            self._server.append(server)
            self._thread.append(thread)
        return self._server[0].url

    def person(self, role: str, **changes: Any) -> Person:
        """The person of a role, made when first asked for; `changes` are fields to set."""
        person = Person.objects.filter(username=role).first()
        if person is None:
            person = Person(username=role, name=role.title(), role=Role(role), created=now(), language="en")
            person.set_unusable_password()
        for name, value in changes.items():
            setattr(person, name, value)
        person.save()
        return person

    def with_password(self, role: str) -> Person:
        """The person of a role, who can sign in with PASSWORD."""
        person = self.person(role)
        person.set_password(PASSWORD)
        person.save()
        return person

    def session(self, role: str, **changes: Any) -> str:
        """The key of a session in which the person of a role is signed in."""
        person = self.person(role, **changes)
        session = SessionStore()
        session["_auth_user_id"] = str(person.pk)
        session["_auth_user_backend"] = _BACKEND
        session["_auth_user_hash"] = person.get_session_auth_hash()
        session.create()
        at = now()
        SignIn.objects.create(
            session=session.session_key or "", person=person, started=at, seen=at, confirmed=at
        )
        return str(session.session_key)

    def client(self, role: str = "", **changes: Any) -> Client:
        """Django's test client, signed in as `role`; without one nobody is signed in."""
        client = Client(raise_request_exception=False, headers={"host": "localhost"})
        if role:
            client.cookies[django_settings.SESSION_COOKIE_NAME] = self.session(role, **changes)
        return client

    def page(
        self, role: str = "", path: str = "", *, language: str = "en", theme: str = "light", width: int = 1280
    ) -> Page:
        """A page of a real browser, signed in as `role`, at `path`."""
        context = self._context(language, theme, width)
        if role:
            key = self.session(role, language=language, theme=theme, zone="Europe/Berlin")
            context.add_cookies(
                [{"name": django_settings.SESSION_COOKIE_NAME, "value": key, "url": self.url}]
            )
        page = context.new_page()
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._note_request)
        page.set_default_timeout(LIMIT)
        if path:
            page.goto(self.url + path)
        return page

    def close(self) -> None:
        """End browsers and server."""
        connections["default"].close()  # inside Playwright's loop Django keeps a connection of its own,
        del connections["default"]  # which may be of another kind of database than the next test's
        for browser in self._browser:
            browser.close()
        for playwright in self._playwright:
            playwright.stop()
        for server, thread in zip(self._server, self._thread, strict=True):
            server.stop()
            thread.join(60)

    def _context(self, language: str, theme: str, width: int) -> BrowserContext:
        if not self._browser:
            playwright = sync_playwright().start()
            self._playwright.append(playwright)
            self._browser.append(
                playwright.chromium.launch(
                    executable_path=find_browser(),
                    args=["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [],
                )
            )
        return self._browser[0].new_context(
            viewport={"width": width, "height": 900},
            locale="zh-CN" if language.startswith("zh") else "en-GB",
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id="Europe/Berlin",
        )

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"a request to {request.url}")


@pytest.fixture
def desk(
    request: pytest.FixtureRequest, ran: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk on a copy of a project in which the bot `invoice` has run: 5 items, 1 done, 4 cases in 4 problems.

    Its store is in a file, or on a server where the parameter ``postgresql`` asks for that.
    """
    monkeypatch.setenv(
        "DJANGO_ALLOW_ASYNC_UNSAFE", "1"
    )  # Playwright's loop runs in this thread; we don't await
    cli = copy_of(ran, tmp_path / "project")
    if getattr(request, "param", "sqlite") == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"desk_{secrets.token_hex(6)}"
        made = _desk_on(cli, server.new_database(name, request.getfixturevalue("desk_database")))
    else:
        made = _desk_of(cli, request.getfixturevalue("desk_store"))
    yield made
    made.close()
    serve(Path("not-opened/store.sqlite3"))
    if made.settings.database_url:
        request.getfixturevalue("postgres").drop(made.settings.database_url.rpartition("/")[2])
    assert made.complaints == [], made.complaints


@pytest.fixture(scope="session")
def desk_store(ran: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of that project with the desk's tables, to be copied."""
    cli = copy_of(ran, tmp_path_factory.mktemp("desk") / "project")
    serve(cli.home / "store.sqlite3")
    open_store(cli.home / "store.sqlite3")
    serve(Path("not-opened/store.sqlite3"))
    return cli.home / "store.sqlite3"


@pytest.fixture(scope="session")
def desk_database(ran: Cli, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with what that project's journals tell, to be copied."""
    cli, name = copy_of(ran, tmp_path_factory.mktemp("desk-server") / "project"), "template_of_desks"
    cli("rebuild", RUNNER_DATABASE_URL=postgres.new_database(name).url)
    return name


def _desk_of(cli: Cli, template: Path) -> Desk:
    target = cli.home / "store.sqlite3"
    for old in cli.home.glob("store.sqlite3*"):
        old.unlink()
    target.write_bytes(template.read_bytes())
    environment: Mapping[str, str] = {"RUNNER_DESK_PORT": "0", "RUNNER_DISCOVERY_LIMIT": "1m"}
    settings = load_settings(cli.project, environment)
    django_settings.RUNNER_PLACE = place_of(Project(settings, environment, "mei"))
    serve(target)
    with connections["default"].cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
    return Desk(cli, settings)


def _desk_on(cli: Cli, store: ServerAddress) -> Desk:
    environment = {
        "RUNNER_DESK_PORT": "0",
        "RUNNER_DISCOVERY_LIMIT": "1m",
        "RUNNER_DATABASE_URL": store.url,
    }
    settings = load_settings(cli.project, environment)
    django_settings.RUNNER_PLACE = place_of(Project(settings, environment, "mei"))
    serve(store)
    return Desk(cli, settings)
