"""The desk as a process: how it starts, listens and ends, by itself, in `runner up` and after the demo; `runner users`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from runner.desk.serve import DeskServer
from tests.cli_project import ROOT, Cli, command, copy_of, env
from tests.desk_place import Desk

LIMIT = 60.0
MEMORY = 90  # MB


@pytest.fixture
def project(empty: Cli, tmp_path: Path) -> Cli:
    """A project in which nothing has run."""
    return copy_of(empty, tmp_path / "project")


@contextmanager
def started(project: Cli, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A long-lived command; whatever is left of it is killed at the end."""
    process = subprocess.Popen(
        command(*words), cwd=project.project, env=env(variables), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        for one in [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []:
            one.kill()
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """The line of its output in which `pattern` is found."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if re.search(pattern, line):
            return line
    raise AssertionError(f"'{pattern}' never came: {''.join(seen)}")


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def status_of(url: str) -> int:
    """The status that an address answers with; 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0


def address_in(line: str) -> str:
    """The address that a line of the desk names."""
    found = re.search(r"http://[\d.]+:\d+\S*", line)
    assert found, line
    return found[0]


def test_it_starts_small_answers_and_ends_cleanly(project: Cli) -> None:
    with started(project, "desk", "--port", "0") as desk:
        url = address_in(read_until(desk, "The desk of"))
        first = address_in(read_until(desk, "First visit"))
        assert status_of(url + "/sign-in") == 200
        assert status_of(url + "/") == 401
        assert status_of(first) == 200
        used = psutil.Process(desk.pid).memory_info().rss / 2**20
        desk.send_signal(signal.SIGTERM)
        assert desk.wait(LIMIT) == 0
    assert used <= MEMORY
    assert (project.home / "desk.key").stat().st_mode & 0o077 == 0


def test_a_port_that_was_asked_for_and_is_taken_is_an_error_that_names_it(project: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = project("desk", "--port", str(port), code=4)

        assert f"port {port} is in use" in refused.err
        assert "DESK_PORT" in refused.err
        with started(project, "desk", RUNNER_DESK_PORT=str(port)) as desk:
            assert address_in(read_until(desk, "The desk of")) != f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"RUNNER_DESK_HOST": "0.0.0.0"}, "desk_host: DESK_HOST: desk_host is 0.0.0.0"),
        ({"RUNNER_DESK_HOST": "0.0.0.0", "RUNNER_DESK_PROXY": "10.0.0.1"}, "DESK_HOST"),
        ({"RUNNER_DESK_URL": "http://runner.example"}, "desk_url: DESK_URL: 'http://runner.example'"),
    ],
)
def test_it_listens_beyond_this_machine_only_behind_tls(
    project: Cli, variables: dict[str, str], words: str
) -> None:
    refused = project("desk", "--port", "0", code=3, **variables)
    assert words in refused.err


def test_up_serves_it_in_a_process_of_its_own_that_ends_with_it(project: Cli) -> None:
    with started(project, "up", RUNNER_DESK_PORT="0") as up:
        url = address_in(read_until(up, "The desk of"))
        assert status_of(url + "/sign-in") == 200
        up.kill()
        wait_for("the desk ends with its parent", lambda: status_of(url + "/sign-in") == 0)


def test_a_link_for_a_person_leads_to_the_desk_that_is_served(project: Cli) -> None:
    with started(project, "desk", "--port", "0") as desk:
        url = address_in(read_until(desk, "The desk of"))
        assert f"{url}/welcome/" in project("users", "add", "mei", "--role", "operator").out
        desk.kill()
        desk.wait(LIMIT)
    assert f"{url}/" not in project("users", "reset", "mei").out


def test_up_passes_the_port_that_was_asked_for_on_and_refuses_one_without_a_desk(project: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with started(project, "up", "--port", port) as up:
            read_until(up, f"port {port} is in use")
            read_until(up, "scheduler and worker go on without it")
    refused = project("up", "--port", port, "--no-desk", code=2)
    assert "--port is for the desk" in refused.err


def test_up_goes_on_when_the_desk_can_not_start_and_ends_without_it(project: Cli) -> None:
    with started(project, "up", RUNNER_DESK_URL="nonsense") as up:
        read_until(up, "scheduler and worker go on without it")
        up.send_signal(signal.SIGTERM)
        assert up.wait(LIMIT) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX")
def test_after_the_demo_a_terminal_gets_the_desk_until_ctrl_c(tmp_path: Path) -> None:
    import pty

    script = (
        "import os; from pathlib import Path; from runner.cli.demo import _stay\n"
        "from runner.cli.demo_place import make_place; from runner.demo.serve import Portal\n"
        "from runner.store.open import open_store\n"
        "place = make_place(Path.cwd(), dict(os.environ)); open_store(place.settings.database)\n"
        "with Portal(place.portal_data) as portal: _stay(place, portal, 1.0)\n"
    )
    ours, theirs = pty.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, env=env({"RUNNER_DESK_PORT": "0", "PYTHONPATH": str(ROOT)}),
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    try:
        said = ""
        while not (found := re.search(r"First visit.*?(http://\S+)", said)):
            said += os.read(ours, 4096).decode()
        assert status_of(found[1]) == 200
        demo.send_signal(signal.SIGINT)
        assert demo.wait(LIMIT) == 0
        wait_for("the desk has ended", lambda: status_of(found[1]) == 0)
    finally:
        demo.kill()
        demo.wait()
        os.close(ours)


def test_people_are_added_changed_and_listed_from_the_command_line(project: Cli) -> None:
    answers = project.each(
        ["users", "list"],
        ["users", "add", "mei", "--role", "admin", "--name", "Mei", "--email", "mei@example.com"],
        ["users", "add", "li", "--role", "operator"],
        ["users", "role", "li", "supervisor"],
        ["users", "role", "li", "none", "--process", "payments"],
        ["users", "reset", "li"],
        ["users", "list", "--json"],
        ["audit", "verify"],
    )

    assert "Nobody yet" in answers[0].out
    assert "/welcome/" in answers[1].out
    assert "/welcome/" in answers[5].out
    people = {one["name"]: one for one in answers[6].json}
    assert people["li"]["role"] == "supervisor"
    assert people["li"]["in_processes"] == {"payments": "none"}
    assert not people["mei"]["has_password"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["users", "add", "mei li"], 2, "name: CLI_USAGE: 'mei li' can't be used"),
        (["users", "add", "mei", "--email", "x"], 2, "email: CLI_USAGE"),
        (["users", "add", "mei", "--role", "king"], 2, "one of none, viewer, operator"),
        (["users", "role", "nobody", "admin"], 2, "there is no person 'nobody'"),
    ],
)
def test_people_that_can_not_be_are_refused(project: Cli, words: list[str], code: int, said: str) -> None:
    assert said in project(*words, code=code).err


def test_a_desk_that_has_ended_may_be_asked_to_end_once_more(desk: Desk) -> None:
    server = DeskServer(desk.settings)
    thread = threading.Thread(target=server.serve)
    thread.start()
    server.stop()
    thread.join(20)
    assert not thread.is_alive()
    server.stop()
