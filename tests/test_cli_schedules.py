"""`runner schedules`: list, next, check, history."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

from tests.cli_project import Cli, empty, fresh  # noqa: F401 - fixtures


def test_schedules_are_listed_in_plain_words(empty: Cli) -> None:
    as_json, table = empty.each(["schedules", "list", "--json"], ["schedules", "list"])
    first, second = as_json.json
    assert (first["id"], first["bot"], first["when"]) == ("invoices", "invoice", "Monday to Friday at 08:30")
    assert (first["timezone"], first["enabled"], first["parameters"]) == ("Europe/Berlin", True, {"count": 3})
    assert first["next"] is not None
    assert (second["enabled"], second["next"], second["last"]) == (False, None, None)
    assert "Monday to Friday at 08:30" in table.out


def test_the_next_due_times_are_local_and_utc(empty: Cli) -> None:
    begin = ["schedules", "next", "invoices", "--from"]
    as_json, in_china, of_all = empty.each(
        [*begin, "2027-03-26 08:30", "--count", "2", "--json"],
        [*begin, "2027-03-26 08:30+01:00", "--tz", "Asia/Shanghai"],
        ["schedules", "next", "--json", "--count", "1"],
    )
    found = as_json.json
    assert [(one["due"], one["local"]) for one in found] == [
        ("2027-03-26T07:30:00.000000Z", "2027-03-26T08:30:00+01:00"),
        ("2027-03-29T06:30:00.000000Z", "2027-03-29T08:30:00+02:00"),  # the clocks have changed in between
    ]
    assert {one["runs"] for one in found} == {True}
    assert "Fri 2027-03-26 15:30" in in_china.out
    assert of_all.json[0]["schedule"] == "invoices"


def test_a_wrong_time_is_refused_in_a_line(empty: Cli) -> None:
    wrong: list[tuple[list[str], list[str]]] = [
        (["--from", "2027-02-30"], ["--from: CLI_DATE", "2027-02-30", "February 2027 has 28 days"]),
        (
            ["--from", "2027-03-28 02:30", "--tz", "Europe/Berlin"],
            ["CLI_LOCAL_TIME", "does not exist on 2027-03-28 in Europe/Berlin", "02:00", "03:00"],
        ),
        (["--from", "2027-03-28 02:30"], ["CLI_LOCAL_TIME", "in Europe/Berlin"]),  # the zone of the file
        (["--from", "2027-10-31 02:30", "--tz", "Europe/Berlin"], ["+02:00", "+01:00"]),
        (["--tz", "Europe/Brlin"], ["--tz: CLI_ZONE", "did you mean 'Europe/Berlin'?"]),
        (["invoces"], ["there is no schedule 'invoces'", "did you mean 'invoices'?"]),
    ]
    answers = empty.each(*(["schedules", "next", *words] for words, _ in wrong), code=2)
    for answer, (_, expected) in zip(answers, wrong, strict=True):
        for part in expected:
            assert part in answer.err


def test_check_names_every_error_with_its_place(fresh: Cli) -> None:
    assert "is right: 1 schedules on, 1 off" in fresh("schedules", "check").out
    path = fresh.project / "schedules.yaml"
    path.write_text(
        path.read_text("utf-8").replace("cron:", "corn:").replace("bot: slow", "bot: slwo"), "utf-8"
    )
    answer = fresh("schedules", "check", "--json", code=3)
    assert "did you mean 'cron'?" in answer.err
    assert "did you mean 'slow'" in answer.err
    assert answer.err.count("schedules.yaml:") >= 2
    assert answer.out == ""
    (fresh.project / "bots" / "broken.py").write_text("import pandsa\n", encoding="utf-8")
    assert "bots/broken.py" in fresh("schedules", "check", code=3).err


def test_the_history_is_empty_before_the_first_due_time(empty: Cli) -> None:
    as_json, table = empty.each(["schedules", "history", "--json"], ["schedules", "history"])
    assert as_json.json == []
    assert "runner up" in table.out
