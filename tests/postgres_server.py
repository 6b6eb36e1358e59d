"""A PostgreSQL server of the tests' own: made once, copied and started where it is needed, ended by its process id.

It keeps nothing that must survive the machine, so it never waits for the disk (fsync is off); what a test says about
durability holds for the end of a server's process, not for that of the machine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connections

from runner.core.store_address import ServerAddress
from runner.store.open import database_options, open_store

TEMPLATE: Final = "template_of_tests"
PASSWORD: Final = "correct-horse"  # of the role `clerk`, who needs one
_OLDEST: Final = 15
_NOBODY: Final = 65534
_OPTIONS: Final = (
    "fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=150", "listen_addresses=127.0.0.1",
    "max_wal_size=256MB", "checkpoint_timeout=30min", "log_min_messages=warning", "jit=off",
)  # fmt: skip
_WHO_MAY: Final = """
local all all trust
host all clerk 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


@dataclass
class PostgresServer:
    """One server on a free port of 127.0.0.1. `start` and `stop` may be called again and again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def address(self, database: str, user: str = "runner") -> ServerAddress:
        """The address of a database."""
        return ServerAddress(f"postgresql://{user}@127.0.0.1:{self.port}/{database}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = [
            str(binary("postgres")),
            "-D",
            str(self.folder),
            "-k",
            str(self.folder),
            "-p",
            str(self.port),
        ]
        words += [word for option in _OPTIONS for word in ("-c", option)]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(_as_nobody(words), stdout=log, stderr=log, cwd="/")
        limit = time.monotonic() + 60
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "server.log").read_text("utf-8")
                assert time.monotonic() < limit, (self.folder / "server.log").read_text("utf-8")
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: at once like a crash (SIGQUIT), or with every connection closed (SIGINT)."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def execute(self, sql: str, database: str = "postgres", user: str = "admin") -> list[tuple[Any, ...]]:
        """What the owner of the server says to it."""
        words = f"host=127.0.0.1 port={self.port} dbname={database} user={user} connect_timeout=5"
        with psycopg.connect(words, autocommit=True) as connection:
            found = connection.execute(sql.encode())
            return found.fetchall() if found.description else []

    def new_database(self, name: str, template: str = TEMPLATE) -> ServerAddress:
        """A database with all tables and no rows (or an empty one, from ``template0``)."""
        self.execute(f"CREATE DATABASE {name} OWNER runner TEMPLATE {template} STRATEGY file_copy")
        return self.address(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def binary(name: str) -> Path:
    """A program of an installed PostgreSQL server, version 15 or newer. Fails where there is none."""
    places = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: -float(one.parent.name))
    for place in [*(one for one in debian if float(one.parent.name) >= _OLDEST), *places]:
        if (place / name).is_file() and (place / "initdb").is_file():
            return place / name
    pytest.fail(
        "no PostgreSQL server (15 or newer) is installed: run make setup as root, or apt-get install postgresql"
    )


@contextmanager
def running_copy(shared: Path) -> Iterator[PostgresServer]:
    """A running copy of the server in which the template is; `shared` is a folder of all processes of these tests."""
    with _original(shared) as original, _own_folder() as folder:
        subprocess.run(["cp", "-a", f"{original}/.", folder], check=True)
        server = PostgresServer(folder, _free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _original(shared: Path) -> Iterator[Path]:
    """The folder of the original, made by who comes first and removed by who goes last."""
    place, users = shared / "postgres-folder", shared / "postgres-users"
    with _alone(shared):
        if not place.exists():
            folder = Path(tempfile.mkdtemp(prefix="runner-postgres-", dir="/tmp"))
            _make(folder)
            place.write_text(str(folder), "utf-8")
        folder = Path(place.read_text("utf-8"))
        users.write_text(str(int(users.read_text() if users.exists() else 0) + 1))
    try:
        yield folder
    finally:
        with _alone(shared):
            left = int(users.read_text()) - 1
            users.write_text(str(left))
            if left == 0:
                place.unlink()
                shutil.rmtree(folder)


def _make(folder: Path) -> None:
    """A cluster with the roles of the tests and the template of their databases."""
    _give_to_nobody(folder)
    words = [
        str(binary("initdb")),
        "-D",
        str(folder),
        "-U",
        "admin",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]
    subprocess.run(_as_nobody([*words, "--auth=trust"]), check=True, capture_output=True, cwd="/")
    (folder / "pg_hba.conf").write_text(_WHO_MAY, "utf-8")
    server = PostgresServer(folder, _free_port())
    server.start()
    server.execute("CREATE ROLE runner LOGIN")
    server.execute(f"CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'")
    address = server.new_database(TEMPLATE, "template0")
    serve(address)
    open_store(address)
    serve(Path("not-opened/store.sqlite3"))
    server.stop(signal.SIGINT)
    (folder / "server.log").unlink()


def serve(where: Path | ServerAddress) -> None:
    """Let this process's Django use the store at `where` from now on."""
    connections["default"].close()
    wanted = connections.configure_settings({"default": {**_DEFAULTS, **database_options(where)}})["default"]
    known = connections.settings[
        "default"
    ]  # in place: the connections of other threads and loops look here too
    known.clear()
    known.update(wanted)
    django_settings.DATABASES["default"] = known
    del connections["default"]


_DEFAULTS: Final[dict[str, Any]] = {"USER": "", "PASSWORD": "", "HOST": "", "PORT": ""}


def _as_nobody(words: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return words
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *words]


def _give_to_nobody(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
    folder.chmod(0o700)


@contextmanager
def _own_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="runner-postgres-", dir="/tmp"))
    _give_to_nobody(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _alone(shared: Path) -> Iterator[None]:
    with (shared / "postgres-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
