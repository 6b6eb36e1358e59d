"""The files of a new project, by their paths: a bot that works at once, its input, its schedule, its test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BOT: Final = '''"""The first bot: greets everybody in a table, and shows what becomes of a row that is wrong."""

from pathlib import Path

from pydantic import BaseModel

from runner import BusinessError, Item, Queue, bot, sheets, step


class Person(BaseModel):
    """One row of the table; the names of the columns are the names of the fields."""

    name: str
    email: str


people = Queue("people", Person, key="name")


@bot
def greet(workbook: Path = Path("inbox/people.csv")) -> None:
    """Greet everybody in a table."""
    people.put(sheets.read(workbook, Person))
    people.each(greet_one)


@step
def greet_one(item: Item[Person]) -> None:
    """Greet one person; an address without '@' waits for somebody to correct it."""
    if "@" not in item.data.email:
        raise BusinessError(f"'{item.data.email}' is not an address", expected="name@host", code="ADDRESS")
    item.output["greeting"] = f"Hello {item.data.name}!"
'''

_PEOPLE: Final = """name,email
Ada,ada@example.com
Grace,grace@example.com
Linus,linus.example.com
"""

SCHEMA_FILE: Final = "schedules.schema.json"
_SCHEDULES: Final = f"""# yaml-language-server: $schema=./{SCHEMA_FILE}
# When which bot runs. Check it with: runner schedules check
defaults:
  timezone: UTC            # write yours, as in Europe/Berlin or Asia/Shanghai

schedules:
  - id: greet
    description: Greet everybody who is new
    bot: greet
    cron: "30 8 * * 1-5"   # minute hour day-of-month month day-of-week: Monday to Friday at 08:30
"""

_PROJECT: Final = """[project]
name = "bots"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["rpa-runner"]

[tool.runner]
# time_limit = "1h"    # a run is ended after this, unless its bot says otherwise
# slots = 2            # runs at the same time on one machine
"""

_TEST: Final = '''"""Runs the first bot for real, with a data folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_the_wrong_row_waits_for_a_person_and_the_others_are_done(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "run", "greet", "--json"],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "RUNNER_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["items"] == {"total": 3, "done": 2, "exceptions": 1, "pending": 0}
'''

_READ_ME: Final = """# Bots

    runner run greet            run the bot of bots/greet.py here and now
    runner cases list           what waits for a person: one address is wrong
    runner cases show CASE      why, and what can be decided
    runner cases retry CASE --set email=linus@example.com --run
    runner up                   the schedules of schedules.yaml, until Ctrl-C
    runner record URL --name X  show once in the browser how it is done: a bot without code
    runner doctor               is everything there that is needed?

Editors that know YAML schemas (VS Code with the YAML extension, JetBrains, Neovim) complete the keys of schedules.yaml and underline
mistakes; after an upgrade of Runner, `runner schedules schema > schedules.schema.json` brings the schema up to date.
"""

FILES: Final[Mapping[str, str]] = {
    "README.md": _READ_ME,
    "pyproject.toml": _PROJECT,
    "schedules.yaml": _SCHEDULES,
    "bots/greet.py": _BOT,
    "inbox/people.csv": _PEOPLE,
    "recordings/.gitkeep": "",
    "tests/test_greet.py": _TEST,
    ".gitignore": ".runner/\n__pycache__/\n",
}
"""Path in the project, with forward slashes, to the text of the file."""
