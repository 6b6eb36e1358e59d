"""`runner cases evidence | reproduce` on the command line."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import zipfile

from tests.cli_project import Cli, fresh, ran  # noqa: F401 - fixtures


def test_a_case_is_written_as_a_file_and_played_again_from_it(ran: Cli) -> None:
    case = next(one for one in ran("cases", "list", "--json").json if one["item"] == "A-1")
    told = ran("cases", "evidence", case["id"][:6], "-o", "case.zip")

    assert f"files of case {case['id']}" in told.out
    assert "runner cases reproduce case.zip" in told.out
    with zipfile.ZipFile(ran.project / "case.zip") as archive:
        assert {"README.txt", "case.json", "item.json", "journal.jsonl", "manifest.json"} <= set(
            archive.namelist()
        )
    played = ran("cases", "reproduce", "case.zip")  # it opens no page: no recorded traffic is needed
    assert played.out.splitlines()[-2:] == [
        "before: SMALL: amount 1 of A-1 is too small",
        "now:    SMALL: amount 1 of A-1 is too small",
    ]


def test_what_can_not_be_written_or_read_is_said(ran: Cli) -> None:
    case = ran("cases", "list", "--json").json[0]
    (ran.project / "notes.zip").write_text("no archive")
    answers = ran.each(
        ["cases", "evidence", case["id"], "-o", "case.txt"],
        ["cases", "evidence", case["id"], "-o", "nowhere/case.zip"],
        ["cases", "reproduce", "missing.zip"],
        ["cases", "reproduce", "notes.zip"],
        ["cases", "reproduce", "notes.zip", "--pause-on-error"],
        code=2,
    )
    said = [
        "a name ending in .zip",
        "a name ending in .zip",
        "there is no file 'missing.zip'",
        "CASE_FILE",
        "a terminal",
    ]
    for answer, words in zip(answers, said, strict=True):
        assert words in answer.err
