"""Which of the browsers of a machine is taken: asked for, without a window, with one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.core.errors import EnvironmentProblem
from runner.kit.web import find_browser

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put programs of these names on an otherwise empty PATH; their folder."""
    monkeypatch.delenv("RUNNER_BROWSER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("runner.kit.web_browser._usual", lambda: ("/nowhere/chrome",))

    def with_names(*names: str) -> Path:
        for name in names:
            (tmp_path / name).write_text("#!/bin/sh\n", "utf-8")
            (tmp_path / name).chmod(0o755)
        return tmp_path

    return with_names


def test_a_run_that_nobody_watches_takes_the_browser_without_a_window(install: Install) -> None:
    folder = install("chromium", "google-chrome", "chromium-headless-shell")
    assert find_browser() == folder / "chromium-headless-shell"
    assert find_browser(headed=True) == folder / "google-chrome"


def test_a_machine_with_one_browser_uses_that_one_where_it_can(install: Install) -> None:
    folder = install("chrome-headless-shell")
    assert find_browser() == folder / "chrome-headless-shell"
    assert find_browser(headed=True) is None
    install("chromium")
    assert find_browser(headed=True) == folder / "chromium"


def test_the_one_that_was_asked_for_is_taken_or_named(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("chromium", "chromium-headless-shell")
    assert find_browser("chromium") == folder / "chromium"
    monkeypatch.setenv("RUNNER_BROWSER", "edge-of-tomorrow")
    with pytest.raises(EnvironmentProblem, match="RUNNER_BROWSER names edge-of-tomorrow"):
        find_browser("chromium")
    monkeypatch.setenv("RUNNER_BROWSER", "chromium-headless-shell")
    assert find_browser() == folder / "chromium-headless-shell"
    with pytest.raises(EnvironmentProblem, match="has no window"):
        find_browser(headed=True)


def test_the_program_is_started_and_not_the_command_that_waits_for_it(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("chromium-headless-shell", "program")
    command = str(folder / "chromium-headless-shell")
    monkeypatch.setattr("runner.kit.web_browser._BEHIND", {command: str(folder / "program")})
    assert find_browser() == folder / "program"
    monkeypatch.setenv("RUNNER_BROWSER", command)
    assert find_browser() == folder / "program"
