"""The compiled code of the driver, which is kept between runs."""

from __future__ import annotations

import os
import subprocess
import tarfile
import threading
from pathlib import Path

import playwright
import pytest

from runner.core.settings import Settings
from runner.engine.backup import make_backup
from runner.engine.child import Child
from runner.engine.driver_cache import CACHE, keep_driver_compiled, with_driver_cache
from tests.engine_project import nothing_left, project, until, worker

_DRIVER = Path(playwright.__file__).parent / "driver"


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}


def _files(settings: Settings) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in settings.cache.rglob("*") if path.is_file()}


def test_a_driver_takes_what_was_kept_and_it_is_kept_once(tmp_path: Path) -> None:
    settings = project(tmp_path, "", standby=1)
    environment = with_driver_cache(settings, _plain())
    keep_driver_compiled(settings, environment)
    kept = _files(settings)
    driver = subprocess.run(
        [_DRIVER / "node", _DRIVER / "package" / "cli.js", "run-driver"],
        env={**environment, "NODE_DEBUG_NATIVE": "COMPILE_CACHE"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "coreBundle.js was accepted" in driver.stdout + driver.stderr
    keep_driver_compiled(settings, environment)
    assert kept == _files(settings) != {}


def test_that_of_another_version_goes(tmp_path: Path) -> None:
    settings = project(tmp_path, "", standby=1)
    old = settings.cache / "driver-1.0.0" / "v18" / "ab12"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"code")
    keep_driver_compiled(settings, with_driver_cache(settings, _plain()))
    assert not old.exists()
    assert _files(settings)


@pytest.mark.parametrize("own", [{CACHE: "/nowhere"}, {"NODE_DISABLE_COMPILE_CACHE": "1"}])
def test_what_the_environment_says_itself_is_left_alone(tmp_path: Path, own: dict[str, str]) -> None:
    settings = project(tmp_path, "", standby=1)
    environment = with_driver_cache(settings, {**_plain(), **own})
    assert own.items() <= environment.items()
    keep_driver_compiled(settings, environment)
    assert _files(settings) == {}


def test_where_nothing_can_be_kept_drivers_do_without(tmp_path: Path) -> None:
    settings = project(tmp_path, "", standby=1)
    settings.cache.write_text("not a folder", "utf-8")
    environment = with_driver_cache(settings, _plain())
    keep_driver_compiled(settings, environment)
    assert subprocess.run(
        [_DRIVER / "node", _DRIVER / "package" / "cli.js", "--version"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.startswith("Version")


@pytest.mark.usefixtures("store")
def test_a_service_keeps_it_for_its_children_and_a_backup_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project(tmp_path, "", standby=1)
    seen: list[str] = []
    start = Child.__init__

    def noted(self: Child, folder: Path, marker: str, environment: dict[str, str]) -> None:
        seen.append(environment[CACHE])
        start(self, folder, marker, environment)

    monkeypatch.setattr(Child, "__init__", noted)
    monkeypatch.delenv(CACHE, raising=False)
    working = worker(settings)
    serving = threading.Thread(target=working.serve)
    serving.start()
    until(lambda: seen and _files(settings))
    working.stop()
    serving.join()
    assert set(seen) == {str(next(settings.cache.iterdir()))}
    assert nothing_left()
    archive = tmp_path / "all.tar"
    make_backup(settings, archive)
    with tarfile.open(archive) as packed:
        assert not [name for name in packed.getnames() if "cache/" in name]
