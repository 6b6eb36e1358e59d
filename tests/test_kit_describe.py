"""Bot files read without running a bot: what is in them, what is wrong with them, which parameters they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.core.contract import BotDescription, FoundError
from runner.core.errors import RunnerError
from tests.kit_worker import Project

INVOICES = '''
    from __future__ import annotations
    from datetime import date
    from decimal import Decimal
    from enum import Enum
    from pathlib import Path
    from pydantic import BaseModel, Field
    from runner import Item, Queue, Retry, bot, step

    class Mode(Enum):
        NEW = "new"
        OLD = "old"

    class Invoice(BaseModel):
        number: str
        amount: Decimal = Field(gt=0)

    invoices = Queue("invoices", Invoice, key="number")

    @bot(process="accounts-payable", time_limit="30m", lanes=2, stop_after=5, secrets=["portal"])
    def post_invoices(
        amount: Decimal, workbook: Path | None = None, due: date = date(2026, 1, 31),
        mode: Mode = Mode.NEW, numbers: list[int] = [], schema: str = "x",
    ) -> None:
        """Post approved invoices to the supplier portal.

        The workbook has one invoice a row.
        """
        print(repr(amount), workbook, mode, numbers, schema)

    @bot
    def nothing() -> None:
        pass
'''


def text(error: dict[str, Any]) -> str:
    found = FoundError.model_validate(error)
    return str(
        RunnerError(found.what, expected=found.expected, hint=found.hint, where=found.where, code=found.code)
    )


def the_error(said: dict[str, Any]) -> str:
    assert len(said["errors"]) == 1, said
    return text(said["errors"][0])


def test_a_bot_is_described_without_being_run(tmp_path: Path) -> None:
    said = Project(tmp_path, INVOICES).ask("describe")

    assert said["errors"] == []
    post, nothing = (BotDescription.model_validate(bot) for bot in said["bots"])
    assert (post.name, post.file, post.process) == ("post_invoices", "bots/x.py", "accounts-payable")
    assert (post.time_limit, post.lanes, post.stop_after, post.secrets) == (1800, 2, 5, ("portal",))
    assert post.title == "Post approved invoices to the supplier portal."
    assert "one invoice a row" in post.doc
    assert set(post.parameters["properties"]) == {"amount", "workbook", "due", "mode", "numbers", "schema"}
    assert post.parameters["required"] == ["amount"]
    assert [(queue.name, queue.key) for queue in post.queues] == [("invoices", "number")]
    assert set(post.queues[0].fields["properties"]) == {"number", "amount"}
    assert len(post.version) == 12
    assert nothing.parameters["properties"] == {}
    assert not (tmp_path / "bots" / "__pycache__").exists()


def test_the_version_changes_with_the_file(tmp_path: Path) -> None:
    project = Project(tmp_path, INVOICES)
    first = project.ask("describe")["bots"][0]["version"]
    project.write(INVOICES + "\n    # changed\n")

    assert project.ask("describe")["bots"][0]["version"] != first


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def run(:", ["bots/x.py:1:9: BOT_SYNTAX", "invalid syntax", "line 1", "column 9"]),
        ("print('x'", ["BOT_SYNTAX", "bots/x.py", "invalid syntax", "line 1", "column", "never closed"]),
        ("x = '\x00'", ["BOT_SYNTAX", "bots/x.py", "invalid syntax", "line", "column"]),
        ("x = 1", ["BOT_NO_ENTRY", "no function marked @bot", "bots/x.py"]),
        ("", ["BOT_NO_ENTRY", "no function marked @bot", "bots/x.py"]),
        ("import pandsa", ["BOT_IMPORT", "pandsa", "bots/x.py", "line 1", "did you mean 'pandas'?"]),
        ("import no_such_module_at_all", ["BOT_IMPORT", "no_such_module_at_all", "install"]),
        ("from runner import Quue", ["BOT_IMPORT", "Quue", "did you mean 'Queue'?"]),
        ("x = 1\n1 / 0", ["bots/x.py:2: BOT_IMPORT", "line 2", "ZeroDivisionError"]),
        ("import sys\nsys.exit(0)", ["BOT_IMPORT", "sys.exit(0)", "line 2"]),
        ("raise KeyboardInterrupt", ["BOT_IMPORT", "KeyboardInterrupt"]),
        (
            "from runner import Retry, step\n@step(irreversible=True, retry=Retry(3))\ndef submit(): pass",
            ["bots/x.py:2: BOT_RETRY_IRREVERSIBLE", "irreversible", "cannot be retried", "already_done"],
        ),
        (
            """
            from runner import Item, Retry, step
            @step(name="Post", retry=Retry(3))
            def post(item: Item) -> None:
                item.irreversible("submit", print)
            """,
            ["bots/x.py:5:5: BOT_RETRY_IRREVERSIBLE", "irreversible", "cannot be retried", "already_done"],
        ),
        ("from runner import bot\n@bot\nasync def x(): pass", ["BOT_ASYNC", "plain function"]),
        ("from runner import bot\n@bot\ndef x(a): pass", ["BOT_SIGNATURE", "'a' has no type", "a: str"]),
        ("from runner import bot\n@bot\ndef x(*a: str): pass", ["BOT_SIGNATURE", "*a"]),
        ("from runner import bot\n@bot\ndef x(a: 'Nope'): pass", ["BOT_SIGNATURE", "Nope"]),
        ("from runner import bot\nclass P: pass\n@bot\ndef x(a: P): pass", ["BOT_SIGNATURE", "P"]),
        ("from runner import bot\n@bot(lanes=0)\ndef x(): pass", ["BOT_OPTION", "lanes=0", "from 1"]),
        ("from runner import bot\n@bot(time_limit='soon')\ndef x(): pass", ["BOT_OPTION", "soon"]),
        ("from runner import Retry\nRetry(times=-1)", ["BOT_OPTION", "times=-1"]),
        (
            "from runner import bot\n@bot\ndef x(): pass\n@bot\ndef x(): pass",
            ["bots/x.py: BOT_DUPLICATE", "two bots are called 'x'"],
        ),
        (
            """
            from pydantic import BaseModel
            from runner import Queue
            class M(BaseModel):
                number: str
            q = Queue("q", M, key="nubmer")
            """,
            ["bots/x.py:6: BOT_QUEUE", "nubmer", "did you mean 'number'?"],
        ),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_in_one_sentence(
    tmp_path: Path, source: str, words: list[str]
) -> None:
    said = the_error(Project(tmp_path, source).ask("describe"))

    assert all(word in said for word in words), said
    assert "Traceback" not in (tmp_path / "console.log").read_text()


def test_an_error_in_a_module_of_the_project_names_that_file(tmp_path: Path) -> None:
    project = Project(tmp_path, "import shared")
    project.write("x = 1\nimport pandsa", file="bots/shared.py")

    assert the_error(project.ask("describe")).startswith("bots/shared.py:2: BOT_IMPORT")


def test_a_bot_named_like_a_module_of_python_hides_nothing(tmp_path: Path) -> None:
    project = Project(
        tmp_path, "from runner import bot\nimport calendar\ncalendar.monthrange\n@bot\ndef x(): pass"
    )
    project.write("raise RuntimeError", file="bots/calendar.py")

    assert project.ask("describe")["errors"] == []


def test_texts_become_the_types_of_the_signature(tmp_path: Path) -> None:
    project = Project(tmp_path, INVOICES)
    values = {
        "amount": "12.50", "workbook": "in/a.xlsx", "due": "2026-03-01", "mode": "old", "numbers": "[1, 2]",
        "schema": 7,
    }  # fmt: skip
    loaded = project.ask("load", bot="post_invoices", parameters=values)

    assert loaded["op"] == "loaded"
    assert loaded["parameters"] == {**values, "numbers": [1, 2], "schema": "7"}
    finished = project.run("post_invoices", parameters=loaded["parameters"])
    assert f"Decimal('12.50') {tmp_path / 'in/a.xlsx'} Mode.OLD [1, 2] 7" in finished.console


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, ["--param amount: CLI_PARAM", "'amount' is missing"]),
        ({"amount": "much"}, ["--param amount: CLI_PARAM", "'much'", "decimal"]),
        (
            {"amount": 1, "workbok": "x"},
            ["unknown parameter 'workbok'", "did you mean 'workbook'?", "takes amount"],
        ),
        ({"amount": 1, "due": "2027-02-30"}, ["--param due", "2027-02-30"]),
        ({"amount": 1, "mode": "odd"}, ["--param mode", "'odd'", "'new' or 'old'"]),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_the_run(
    tmp_path: Path, parameters: dict[str, Any], words: list[str]
) -> None:
    said = Project(tmp_path, INVOICES).ask("load", bot="post_invoices", parameters=parameters)

    assert said["op"] == "refused"
    assert all(word in the_error(said) for word in words), the_error(said)


def test_all_wrong_parameters_are_named_at_once(tmp_path: Path) -> None:
    said = Project(tmp_path, INVOICES).ask("load", bot="post_invoices", parameters={"due": "x", "other": 1})

    assert [error["where"] for error in said["errors"]] == ["--param amount", "--param due", "--param other"]


def test_an_unknown_bot_names_the_nearest(tmp_path: Path) -> None:
    said = Project(tmp_path, INVOICES).ask("load", bot="post_invoice", parameters={})

    assert "CLI_BOT: unknown bot 'post_invoice'" in the_error(said)
    assert "did you mean 'post_invoices'?" in the_error(said)


def test_corrected_data_is_checked_by_the_queues_model(tmp_path: Path) -> None:
    project = Project(tmp_path, INVOICES)

    good = project.ask("validate", queue="invoices", data={"number": "7", "amount": "12.50"})
    bad = project.ask("validate", queue="invoices", data={"amount": "-1"})
    assert good["data"] == {"number": "7", "amount": "12.50"}
    assert good["errors"] == []
    assert bad["data"] is None
    assert [(error["where"], error["what"]) for error in bad["errors"]] == [
        ("number", "missing"),
        ("amount", "the value is '-1'"),
    ]


def test_parameters_and_unknown_queues_can_be_checked_too(tmp_path: Path) -> None:
    project = Project(tmp_path, INVOICES)

    assert project.ask("validate", bot="post_invoices", parameters={"amount": "1"})["data"]["amount"] == "1"
    assert "BOT_QUEUE" in the_error(project.ask("validate", queue="invoice", data={}))


def test_the_data_of_many_items_is_checked_by_one_child(tmp_path: Path) -> None:
    project = Project(tmp_path, INVOICES)
    rows = [{"number": "7", "amount": "12.50"}, {"amount": "-1"}]
    good, bad = project.ask("validate", queue="invoices", rows=rows)["results"]
    assert (good["data"]["number"], good["errors"]) == ("7", [])
    assert bad["data"] is None
    assert {one["where"] for one in bad["errors"]} >= {"number"}
