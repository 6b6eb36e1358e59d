"""A project without a browser, and the real command line on it as child processes, for the tests of the command line."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
BOTS = '''
"""The bots of a test."""
import time
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel

from runner import BusinessError, Item, Queue, Retry, bot, log, run, step


class Invoice(BaseModel):
    number: str
    amount: Decimal
    lines: list[str] = []


invoices = Queue("invoices", Invoice, key="number", retry=Retry(times=1, wait="10ms"))
waits = Queue("waits", Invoice, key="number")


@bot(process="accounts-payable")
def invoice(count: int = 5, folder: Path | None = None) -> None:
    """Post some invoices."""
    invoices.put([{"number": f"A-{n}", "amount": "12,5" if n == 2 else str(n)} for n in range(count)])
    invoices.each(post)
    run.output("report", "out.xlsx")


@step
def post(item: Item[Invoice]) -> None:
    """Post one invoice; 1 is too small, 3 meets an error, 4 ends in the middle of what can't be undone."""
    log.info("posting {}", item.key)
    if item.data.amount == 1:
        raise BusinessError(f"amount {item.data.amount} of {item.key} is too small", code="SMALL")
    if item.data.amount == 3:
        raise RuntimeError("the portal says no")
    if item.data.amount == 4:
        item.irreversible("submit", lambda: 1 / 0)
    item.output["confirmation"] = f"C-{item.key}"


@bot
def slow(count: int = 50, seconds: float = 0.3) -> None:
    """Take time for each item."""

    def wait(item: Item[Invoice]) -> None:
        time.sleep(seconds)

    waits.put([{"number": f"W-{n}", "amount": "1"} for n in range(count)])
    waits.each(wait)
'''
SEVERAL = """
import contextlib, io, json, sys
from runner.cli.main import main
answers = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    answers.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""
SCHEDULES = """
defaults:
  timezone: Europe/Berlin
schedules:
  - id: invoices
    description: Post invoices
    bot: invoice
    cron: "30 8 * * 1-5"
    parameters: {count: 3}
  - id: slow-one
    bot: slow
    every: 2h
    enabled: false
"""


@dataclass(frozen=True)
class Answer:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """All that it said, with no traceback in it."""
        text = self.out + self.err
        assert "Traceback" not in text, text
        return text


@dataclass(frozen=True)
class Cli:
    """The command line in one project."""

    project: Path

    @property
    def home(self) -> Path:
        """The data folder."""
        return self.project / ".runner"

    def __call__(self, *words: str, code: int | None = 0, typed: str = "", **environment: str) -> Answer:
        """Call it with `words`; `code` is the exit code that is expected (None: any), `typed` its standard input."""
        done = subprocess.run(
            command(*words), cwd=self.project, env=env(environment), capture_output=True, text=True, input=typed,
            timeout=120, check=False,
        )  # fmt: skip
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in answer.out + answer.err, answer.err
        assert code is None or answer.code == code, f"{words}: {answer.code}\n{answer.out}\n{answer.err}"
        return answer

    def each(self, *lines: list[str], code: int | None = 0) -> list[Answer]:
        """Call it with several lines in one process, which saves most of the time; `code` is expected of each."""
        script = [sys.executable, "-c", SEVERAL, json.dumps(lines)]
        done = subprocess.run(
            script, cwd=self.project, env=env({}), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        answers = [Answer(*one) for one in json.loads(done.stdout)]
        for words, answer in zip(lines, answers, strict=True):
            assert "Traceback" not in answer.out + answer.err, answer.err
            assert code is None or answer.code == code, f"{words}: {answer.code}\n{answer.out}\n{answer.err}"
        return answers

    def cases(self) -> dict[str, dict[str, Any]]:
        """All cases as JSON, by the key of their item."""
        return {one["item"]: one for one in self("cases", "list", "--status", "all", "--json").json}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start it and do not wait; stdout and stderr are pipes."""
        return subprocess.Popen(
            command(*words),
            cwd=self.project,
            env=env({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def states(self, queue: str) -> dict[str, int]:
        """How many items of a queue are in which state, read from the store itself; nothing while there is none."""
        with closing(
            sqlite3.connect(f"file:{self.home / 'store.sqlite3'}?mode=ro", uri=True, timeout=10)
        ) as store:
            rows = store.execute(
                "SELECT status, count(*) FROM store_item WHERE queue_id = ? GROUP BY 1", [queue]
            )
            return dict(rows.fetchall())


def command(*words: str) -> list[str]:
    """The command line of this repository."""
    return [sys.executable, "-m", "runner", *words]


def env(more: dict[str, str]) -> dict[str, str]:
    """The environment of a child: this repository's code, no settings of the machine, a name, 80 columns, time."""
    left_out = (
        "RUNNER_",
        "PYTHONDONTWRITEBYTECODE",
    )  # compiling all of it anew in every child takes most of the time
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    ours = {
        "PYTHONPATH": str(ROOT),
        "RUNNER_USER": "mei",
        "COLUMNS": "80",
        "RUNNER_DISCOVERY_LIMIT": "1m",
        "RUNNER_LANG": "en",
    }
    return {**kept, **ours, **more}


def make_project(folder: Path) -> Cli:
    """A project that nothing has run in yet."""
    (folder / "bots").mkdir(parents=True)
    (folder / "bots" / "invoice.py").write_text(BOTS, encoding="utf-8")
    (folder / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    (folder / "pyproject.toml").write_text("", encoding="utf-8")
    return Cli(folder)


def copy_of(cli: Cli, folder: Path) -> Cli:
    """The same project with its data in another folder."""
    shutil.copytree(cli.project, folder, dirs_exist_ok=True)
    return Cli(folder)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A project in which nothing has run, with an empty store; not to be changed."""
    cli = make_project(tmp_path_factory.mktemp("empty") / "project")
    cli("runs", "list")
    return cli


@pytest.fixture(scope="session")
def ran(empty: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A project in which the bot `invoice` has run once; not to be changed."""
    cli = copy_of(empty, tmp_path_factory.mktemp("ran") / "project")
    answer = cli("run", "invoice", code=1)
    assert "5: 1 done, 4 exceptions" in answer.out, answer.said
    return cli


@pytest.fixture
def cli(ran: Cli, tmp_path: Path) -> Cli:
    """A copy of that project, for a test that changes it."""
    return copy_of(ran, tmp_path / "project")


@pytest.fixture
def fresh(empty: Cli, tmp_path: Path) -> Cli:
    """A project that nothing has run in yet."""
    return copy_of(empty, tmp_path / "project")
