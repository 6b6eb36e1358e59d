"""What the command line must answer to bad input, by the words of the specification in ../shared/data."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli_project import ROOT, Cli, empty, fresh  # noqa: F401 - fixtures

SPECIFICATION = ROOT.parent / "shared" / "data" / "bad_inputs.json"
LOOK = "from runner import bot, web\n\n@bot\ndef look() -> None:\n    '''Look.'''\n    with web.page() as page:\n        page.goto('about:blank')\n"
CALLS: dict[str, tuple[list[str], dict[str, str]]] = {
    "CO01": (["run", "invioce"], {}),
    "CO02": (["run", "invoice", "--param", "amount"], {}),
    "CO03": (["schedules", "next", "--from", "2027-02-30"], {}),
    "CO04": (["schedules", "next", "--from", "2027-03-28 02:30", "--tz", "Europe/Berlin"], {}),
    "CO05": (["run", "invoice"], {"RUNNER_DATABASE_URL": "postgresql://clerk:open-sesame@127.0.0.1:1"}),
    "CO06": (["run", "look"], {"RUNNER_BROWSER": "/nowhere/chromium"}),
}


@pytest.mark.corpus
@pytest.mark.skipif(not SPECIFICATION.exists(), reason="../shared/data/bad_inputs.json is not there")
@pytest.mark.parametrize("name", CALLS)
def test_bad_input_is_answered_in_the_words_of_the_specification(fresh: Cli, name: str) -> None:
    wanted = _wanted(name)
    (fresh.project / "bots" / "look.py").write_text(LOOK, encoding="utf-8")
    words, environment = CALLS[name]
    answer = fresh(*words, code=wanted["exit_code"], **environment)
    assert wanted["error_code"] in answer.err
    for word in wanted["message_must_contain"]:
        assert word in answer.err
    assert "sesame" not in answer.said


def _wanted(name: str) -> dict[str, Any]:
    cases = json.loads(Path(SPECIFICATION).read_text("utf-8"))["cases"]
    found: dict[str, Any] = next(one for one in cases if one["id"] == name)
    return found
