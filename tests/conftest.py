"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import os
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
from tests.desk_place import desk, desk_store  # noqa: E402
from tests.schedule_place import busy  # noqa: E402
from tests.webhook_receiver import told  # noqa: E402

__all__ = [
    "busy",
    "desk",
    "desk_store",
    "empty",
    "ran",
    "told",
]  # session fixtures live here once, not once in every file that imports them


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store with all its tables, to be copied."""
    path = tmp_path_factory.mktemp("store") / "template.sqlite3"
    _serve(path)
    open_store(path)
    _serve(Path("not-opened/store.sqlite3"))
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> Iterator[Path]:
    """A fresh store of the test's own, in this process; other processes can open the same path."""
    path = tmp_path / "store.sqlite3"
    shutil.copyfile(empty_store, path)
    _serve(path)
    with connections["default"].cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")  # nothing here survives the machine anyway
    yield path
    _serve(Path("not-opened/store.sqlite3"))


def _serve(path: Path) -> None:
    connections["default"].close()
    settings.DATABASES["default"]["NAME"] = str(path)
    connections["default"].settings_dict["NAME"] = str(path)
