"""`runner run --pause-on-error` on a terminal: the page of a failure stays open until somebody presses Enter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine_project import project

pty = pytest.importorskip("pty", reason="terminals are made by other means on Windows")
BOT = """
from runner import web

@bot
def fails() -> None:
    with web.page() as page:
        page.set_content("<h1>Look at me</h1>")
        raise ApplicationError("the page is wrong")
"""


@pytest.mark.browser
def test_the_run_goes_on_when_enter_is_pressed(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT)
    ours, theirs = pty.openpty()
    program = Path(sys.executable).with_name("runner")
    environment = {**os.environ, "RUNNER_HOME": str(settings.home)}
    command = [str(program), "run", "fails", "--pause-on-error", "--slow", "1", "--json"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        os.close(theirs)
        try:
            assert run.stderr is not None
            said: list[str] = []
            while not said or "press Enter" not in said[-1]:
                said.append(run.stderr.readline())
                assert said[-1], said
            assert any("paused: APPLICATION: the page is wrong" in line for line in said)
            assert run.poll() is None
            os.write(ours, b"\n")
            out, _ = run.communicate(timeout=60)
        finally:
            run.kill()
            os.close(ours)

    assert run.returncode == 1
    assert '"status": "failed"' in out
