"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import django
import hypothesis
import pytest
from django.conf import settings
from django.db import connections
from loguru import logger

from runner.core.settings import Settings
from runner.core.store_address import ServerAddress
from runner.desk.settings import desk_options
from runner.store.open import open_store

pytest_plugins = ["runner.testing"]
hypothesis.settings.register_profile(
    "runner",
    deadline=None,  # machines are shared and noisy: what is slow today is not wrong
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(
        os.environ.get("CI")
    ),  # the gate judges the change, not the draw; at a desk the draw is new
)
hypothesis.settings.load_profile("runner")
logger.remove()  # journals have sinks of their own; nothing else is to be printed
if not settings.configured:
    nowhere = Settings(project=Path("not-opened"), home=Path("not-opened"))
    settings.configure(**desk_options(nowhere, "for-tests"))
    django.setup()

from tests.cli_project import empty, ran  # noqa: E402
from tests.desk_place import desk, desk_database, desk_store  # noqa: E402
from tests.postgres_server import PostgresServer, running_copy, serve  # noqa: E402
from tests.problem_place import failed_orders, two_causes  # noqa: E402
from tests.recordings_place import enter_order  # noqa: E402
from tests.schedule_place import busy  # noqa: E402
from tests.webhook_receiver import told  # noqa: E402

NOWHERE = Path("not-opened/store.sqlite3")
__all__ = [
    "busy",
    "desk",
    "desk_database",
    "desk_store",
    "empty",
    "enter_order",
    "failed_orders",
    "ran",
    "told",
    "two_causes",
]  # session fixtures live here once, not once in every file that imports them


def pytest_addoption(parser: pytest.Parser) -> None:
    """The tests' own option."""
    parser.addoption(
        "--both-databases", action="store_true", help="run every test of a store or a desk on PostgreSQL too"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a test of a store, or of a desk, that is marked so run on both databases."""
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    wanted = "both_databases" in marks or metafunc.config.getoption("--both-databases")
    if wanted and "only_sqlite" not in marks:
        for name in {"store", "desk"} & set(metafunc.fixturenames):
            metafunc.parametrize(name, ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store in a file with all its tables, to be copied."""
    path = tmp_path_factory.mktemp("store") / "template.sqlite3"
    serve(path)
    open_store(path)
    serve(NOWHERE)
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server of this process, whose databases belong to single tests."""
    base = tmp_path_factory.getbasetemp()
    with running_copy(base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) as server:
        yield server


@pytest.fixture
def server_store(postgres: PostgresServer) -> Iterator[ServerAddress]:
    """A fresh database with all tables, which other programs can open too; this process does not serve it."""
    name = f"test_{secrets.token_hex(6)}"
    yield postgres.new_database(name)
    postgres.drop(name)


@pytest.fixture
def store(
    request: pytest.FixtureRequest, empty_store: Path, tmp_path: Path
) -> Iterator[Path | ServerAddress]:
    """A fresh store of the test's own, in this process; other processes can open the same one."""
    path: Path | ServerAddress = tmp_path / "store.sqlite3"
    if getattr(request, "param", "sqlite") == "postgresql":
        path = request.getfixturevalue("server_store")
    else:
        shutil.copyfile(empty_store, tmp_path / "store.sqlite3")
    serve(path)
    if isinstance(path, Path):
        with connections["default"].cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")  # nothing here survives the machine anyway
    yield path
    serve(NOWHERE)
