"""The commands about recordings, on the real command line: bad input, the table of imports, binding, new scripts."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.cli.bind import set_command
from runner.recordings.secret_places import secret_sites
from tests.cli_project import Cli, empty, fresh  # noqa: F401 - fixtures
from tests.recordings_made import DATA, SITE, click, field, order_recording
from tests.test_recordings_read import BAD

SPECIFICATION = DATA / "bad_inputs.json"
BRITTLE = {
    "steps": [
        *[{"type": "navigate", "url": f"{SITE}/"}] * 4,
        {"type": "click", "selectors": [["div:nth-child(7) > span"]], "offsetX": 1, "offsetY": 1},
    ]
}


@pytest.mark.corpus
@pytest.mark.skipif(not SPECIFICATION.exists(), reason="../shared/data/bad_inputs.json is not there")
def test_bad_recordings_are_answered_in_the_words_and_with_the_exit_code_of_the_specification(
    fresh: Cli,
) -> None:
    cases = {one["id"]: one for one in json.loads(SPECIFICATION.read_text("utf-8"))["cases"]}
    texts = {**BAD, "RE07": json.dumps(BRITTLE)}
    for name, text in texts.items():
        (fresh.project / f"{name}.json").write_text(text, encoding="utf-8")
        (fresh.project / "recordings").mkdir(exist_ok=True)
        (fresh.project / "recordings" / f"x{name}.json").write_text(text, encoding="utf-8")
    imports = fresh.each(
        *(["recordings", "import", f"{name}.json", "--name", name] for name in texts), code=None
    )
    shows = fresh.each(*(["recordings", "show", f"x{name}"] for name in texts), code=None)
    for name, answers in zip(texts, zip(imports, shows, strict=True), strict=True):
        wanted = cases[name]
        for answer in answers:
            assert answer.code == wanted["exit_code"], (name, answer.said)
            assert wanted["error_code"] in answer.err, name
            assert all(word in answer.err for word in wanted["message_must_contain"]), (name, answer.err)
            assert "sesame" not in answer.said
    assert [path.stem for path in (fresh.project / "recordings").glob("R*.json")] == ["RE07"]


def test_a_schedule_of_a_recording_outside_the_folder_is_refused(fresh: Cli) -> None:
    (fresh.project / "schedules.yaml").write_text(
        "schedules:\n  - {id: x, recording: ../../etc/passwd, every: 1h}\n"
    )
    said = fresh("schedules", "check", code=3).said
    assert all(word in said for word in ("SCHED_PATH", "must be inside recordings/", "../../etc/passwd"))


def write(cli: Cli, name: str, text: str) -> None:
    file = cli.project / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


ORDERS = (
    "Order number;Customer;Product;Amount;Delivery date\n"
    "A-1;Alder & Finch;Desk lamp;39,50;01.12.2026\nA-2;Birch & Co;Desk lamp;1.250,50;02.12.2026\n"
)


def test_a_recording_is_bound_bound_again_and_becomes_a_bot(fresh: Cli) -> None:
    write(fresh, "recordings/enter-order.json", order_recording().text())
    write(fresh, "inbox/orders.csv", ORDERS)
    assert "the recording 'enter-order' is no bot yet" in fresh("run", "enter-order", code=2).err
    dry = fresh("recordings", "bind", "enter-order", "inbox/orders.csv", "--dry-run")
    assert not (fresh.project / "recordings" / "enter-order.yaml").exists()
    assert "{{customer}}" in dry.out
    fresh("recordings", "bind", "enter-order", "inbox/orders.csv")
    again = fresh(
        "recordings", "bind", "enter-order", "inbox/orders.csv", "--column", "8=none", "--key", "Order number",
        "--irreversible", "none", "--each-from", "6", "--process", "orders", "--in-place",
    )  # fmt: skip
    assert "{{customer}}" not in again.out
    assert "same in each row" not in dry.out
    assert 'same in each row  step 8: Enter "Birch & Co" in "Customer"\n' in again.out
    bot: dict[str, Any] = fresh("bots", "show", "enter-order", "--json", code=None).json or {}
    assert (bot["process"], bot["secrets"]) == ("orders", ["portal/password"])
    assert bot["queues"][0]["key"] == "order_number"
    answers = fresh.each(
        ["recordings", "bind", "enter-order", "inbox/orders.csv", "--column", "8=Custmer"],
        ["recordings", "bind", "enter-order", "inbox/orders.csv", "--key", "nothing"],
        ["recordings", "bind", "enter-order", "inbox/orders.csv", "--irreversible", "99"],
        ["recordings", "bind", "enter-order", "../orders.csv"],
        ["recordings", "bind", "enter-order", "inbox/orders.csv", "--form", "11=%d"],
        ["recordings", "bind", "enter-order", "inbox/orders.csv", "--form", "%d"],
        code=2,
    )  # fmt: skip
    words = (
        "did you mean 'Customer'?", "is no field", "is no step", "outside the project", "--form: REC_FORM", "STEP=FORM",
    )  # fmt: skip
    for answer, word in zip(answers, words, strict=True):
        assert word in answer.err


def test_a_recording_without_a_workbook_is_a_bot_that_does_it_once(fresh: Cli) -> None:
    plain = {
        "title": "Ping",
        "steps": [{"type": "navigate", "url": f"{SITE}/"}, click("Ping"), field("Note", "x")],
    }
    write(fresh, "recordings/ping.json", json.dumps(plain))
    fresh("recordings", "bind", "ping")
    (bot,) = [one for one in fresh("bots", "--json").json if one["name"] == "ping"]
    assert bot["queues"] == []
    assert list(bot["parameters"]["properties"]) == ["address"]


def test_a_changed_recording_says_that_its_binding_is_old(fresh: Cli) -> None:
    write(fresh, "recordings/enter-order.json", order_recording().text())
    write(fresh, "inbox/orders.csv", ORDERS)
    fresh("recordings", "bind", "enter-order", "inbox/orders.csv")
    file = fresh.project / "recordings" / "enter-order.json"
    plain = json.loads(file.read_text("utf-8"))
    del plain["steps"][5]
    file.write_text(json.dumps(plain), encoding="utf-8")
    said = fresh("bots", code=3).err
    assert "recordings/enter-order.yaml:2" in said
    assert "other steps than when it was bound" in said
    assert "invoice" in fresh("bots", "--json", code=3).out  # it costs the others nothing


def test_new_scripts_work_as_they_are(fresh: Cli) -> None:
    fresh("new", "small")
    (bot,) = [one for one in fresh("bots", "--json").json if one["name"] == "small"]
    assert bot["queues"][0]["key"] == "number"
    write(fresh, "rows.csv", "number,amount\n1,5\n2,-1\n")
    assert "2: 1 done, 1 exception, " in fresh("run", "small", "--param", "workbook=rows.csv", code=1).out
    assert "is there already" in fresh("new", "small", code=2).err
    assert "can't be the name of a bot" in fresh("new", "9lives", code=2).err


def test_without_a_screen_recording_says_what_else_can_be_done(fresh: Cli) -> None:
    said = fresh("record", f"{SITE}/", "--name", "x", code=4, DISPLAY="", WAYLAND_DISPLAY="").err
    assert "no screen" in said
    assert "runner recordings import" in said
    assert "http and https only" in fresh("record", "file:///etc/passwd", "--name", "x", code=2).err


def test_the_steps_are_told_in_the_language_of_the_terminal(fresh: Cli) -> None:
    write(fresh, "recordings/enter-order.json", order_recording().text())
    assert "点击“Post order”" in fresh("recordings", "show", "enter-order", RUNNER_LANG="zh").out
    assert (
        'Click "Post order"'
        in fresh("recordings", "show", "enter-order", "--lang", "en", RUNNER_LANG="zh").out
    )


def test_the_command_that_keeps_a_secret_names_the_sites_on_which_it_was_typed() -> None:
    made = order_recording()
    sites = secret_sites(made)["portal/password"]
    assert set_command("portal/password", sites) == (
        "runner secrets set portal/password --hosts http://portal.example"
    )
    assert set_command("portal/password", []) == "runner secrets set portal/password"
