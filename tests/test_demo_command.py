"""`runner demo` as a new user runs it, and the folder that it works in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from runner.cli.demo_place import make_place
from runner.core.errors import ConflictError

LIMIT = 200


def processes_that_know(folder: Path) -> list[str]:
    """Running processes, other than this one, with `folder` in their command line or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid() and any(str(folder) in word for word in words):
            found.append(" ".join(process.cmdline()))
    return found


@pytest.mark.browser
def test_the_demo_goes_from_schedule_to_exception_queue_and_back(tmp_path: Path) -> None:
    earlier = make_place(tmp_path, {})
    (earlier.portal_data).mkdir()
    (earlier.folder / ".made-by-runner-demo").write_text(json.dumps({"pid": 1, "started": 0.0}))

    ended = subprocess.run(
        [sys.executable, "-m", "runner.cli.main", "demo"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "RUNNER_HOME"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )

    said = ended.stdout
    assert ended.returncode == 0, said + ended.stderr
    assert ended.stderr == ""
    for words in (
        "40 rows: 34 done (3 of them after a retry), 6 exceptions",
        "orders_demo.result.xlsx",
        "prices.xlsx",
        "failed 3 times; 2 answers got lost after the order was kept",
        "6 cases with 6 causes",
        "the portal has no product 'Desk lmap' - did you mean 'Desk lamp'?",
        "--set 'product=Desk lamp'",
        "resolved after",
        "35 orders, each of them entered exactly once",
        "runner cases list",
    ):
        assert words in said
    assert [entry.name for entry in tmp_path.iterdir()] == [".runner"]
    assert processes_that_know(tmp_path) == []


def test_the_folder_of_an_earlier_demo_is_made_anew(tmp_path: Path) -> None:
    first = make_place(tmp_path, {})
    (first.folder / "inbox").mkdir()

    second = make_place(tmp_path, {})

    assert second.folder == first.folder == tmp_path / ".runner" / "demo"
    assert not (second.folder / "inbox").exists()
    assert (second.folder / "bots" / "post_orders.py").is_file()
    assert second.settings.home == second.folder / ".runner"


def test_the_data_folder_of_the_environment_is_used(tmp_path: Path) -> None:
    place = make_place(tmp_path, {"RUNNER_HOME": str(tmp_path / "elsewhere")})

    assert place.folder == tmp_path / "elsewhere" / "demo"
    assert place.environment["RUNNER_HOME"] == str(place.folder / ".runner")


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / ".runner" / "demo" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep")

    with pytest.raises(ConflictError) as refused:
        make_place(tmp_path, {})

    assert refused.value.stable_code == "DEMO_FOLDER"
    assert mine.read_text() == "keep"


def test_a_demo_that_is_going_on_is_not_disturbed(tmp_path: Path) -> None:
    place = make_place(tmp_path, {})
    other = psutil.Process(os.getppid())
    mark = {"pid": other.pid, "started": other.create_time()}
    (place.folder / ".made-by-runner-demo").write_text(json.dumps(mark))

    with pytest.raises(ConflictError) as refused:
        make_place(tmp_path, {})

    assert refused.value.stable_code == "DEMO_RUNNING"
    assert (place.folder / "bots").is_dir()
