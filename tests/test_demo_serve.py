"""The portal as a process: it says where it is, ends when it should, and keeps what was entered."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from runner.core.errors import EnvironmentProblem
from runner.demo.serve import Portal
from tests.demo_clerk import Clerk, times_entered

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def served(data: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "runner.demo.serve", "--data", str(data), *more]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals between processes")
def test_it_says_where_it_listens_and_ends_on_a_signal_though_a_page_hangs(
    tmp_path: Path, sent: signal.Signals
) -> None:
    with served(tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = json.loads(process.stdout.readline())
        assert said["url"] == f"http://127.0.0.1:{said['port']}"
        assert said["pid"] == process.pid
        with socket.create_connection(("127.0.0.1", said["port"]), timeout=10) as waiting:
            waiting.sendall(b"GET /login?fault=hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
            process.send_signal(sent)
            assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    with served(tmp_path, "--until-stdin-ends") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(60) == 0


def test_what_was_entered_and_who_is_signed_in_survive_a_crash(tmp_path: Path) -> None:
    portal = Portal(tmp_path)
    try:
        portal.start()
        clerk, address = Clerk(portal), portal.url
        clerk.order("SO-kept")
        portal.kill()
        portal.start()
        assert portal.url == address
        assert times_entered(portal, "SO-kept") == 1
        assert clerk.order("SO-kept").status == 409
        assert clerk.order("SO-next").status == 200
    finally:
        portal.stop()


def test_leaving_the_context_ends_the_process_also_after_an_error(tmp_path: Path) -> None:
    portal = Portal(tmp_path)
    pids: list[int | None] = []

    def fail_inside() -> None:
        with portal:
            pids.append(portal.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    (pid,) = pids
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert portal.pid is None
    portal.stop()


def test_a_port_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            EnvironmentProblem, match=f"on port {port}: .*choose others with --data and --port"
        ):
            Portal(tmp_path, port).start()


def test_a_data_folder_that_is_a_file_is_a_clear_error_with_exit_code_4(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with served(file) as process:
        _, said = process.communicate(timeout=20)
        assert process.returncode == 4
    assert said.startswith(f"DEMO_PORTAL: can't serve from {file}")
    assert "Traceback" not in said
