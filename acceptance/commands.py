"""Runner's command line as a person uses it, with a data folder of its own, and a look for processes left behind."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

RUNNER = Path(sys.executable).with_name("runner")
RUN_LIMIT_S = 600


class Commands:
    """`runner …` in a project's folder, with its data in `home`; what it can't do is printed and raised."""

    def __init__(self, project: Path, home: Path, secrets: Mapping[str, str]) -> None:
        self.project = project
        self.home = home
        for name, value in secrets.items():
            done = self._call("secrets", "set", name, given=value)
            if done.returncode:
                raise RuntimeError(f"runner secrets set {name}: {done.stderr}")

    def run(self, bot: str, **parameters: object) -> tuple[int, dict[str, Any]]:
        """`runner run BOT --param …`: its exit code, and the run as JSON."""
        given = [f"--param={name}={value}" for name, value in parameters.items()]
        done = self._call("run", bot, *given, "--json")
        return done.returncode, self._json(done)

    def run_and_kill(self, when: Callable[[], bool], bot: str, **parameters: object) -> int:
        """`runner run BOT` whose bot process gets a kill -9 as soon as `when()` holds; the exit code."""
        given = [f"--param={name}={value}" for name, value in parameters.items()]
        run = subprocess.Popen(
            [RUNNER, "run", bot, *given], cwd=self.project, env=self._environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        limit = time.monotonic() + RUN_LIMIT_S
        while not when() and run.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
        for process in psutil.Process(run.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # one of the browser's that has ended meanwhile
                if "runner.kit.child" in process.cmdline():
                    process.kill()
        return run.wait(RUN_LIMIT_S)

    def open_cases(self) -> list[dict[str, Any]]:
        """The cases that wait for a person."""
        found = self._json(self._call("cases", "list", "--json"))
        return [case for case in found if case["status"] in {"open", "claimed", "waiting"}]

    def case(self, case: str) -> dict[str, Any]:
        """One case."""
        found: dict[str, Any] = self._json(self._call("cases", "show", case, "--json"))
        return found

    def retry(self, case: str, field: str, value: str) -> int:
        """`runner cases retry ID --set field=value`: its exit code."""
        done = self._call("cases", "retry", case, "--set", f"{field}={value}")
        if done.returncode:
            print(done.stderr)
        return done.returncode

    def attest(self, case: str, *, done: bool) -> int:
        """`runner cases attest ID --done|--not-done`: its exit code."""
        answer = "--done" if done else "--not-done"
        return self._call("cases", "attest", case, answer, "--note", "looked up in the ledger").returncode

    def _call(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RUNNER, *words],
            cwd=self.project,
            env=self._environment(),
            input=given or "",
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "RUNNER_HOME": str(self.home), "RUNNER_USER": "acceptance"}

    def _json(self, done: subprocess.CompletedProcess[str]) -> Any:
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            words = " ".join(str(word) for word in done.args[1:])
            raise RuntimeError(
                f"runner {words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
            ) from error


def left_over(folder: Path) -> list[str]:
    """The command lines of processes that still have something to do with `folder`, those of the bots' browsers too."""
    return [
        " ".join(words)
        for process in psutil.process_iter(["cmdline", "environ", "pid"])
        if process.info["pid"] != os.getpid()
        and (words := process.info["cmdline"] or [])
        and str(folder) in " ".join([*words, *(process.info["environ"] or {}).values()])
    ]
