"""Serve the portal as a process of its own (``python -m runner.demo.serve``), and start one from Python (`Portal`)."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from runner.core.errors import EnvironmentProblem, RunnerError, exit_code_of

HOST = "127.0.0.1"
THREADS = 24
START_LIMIT_S = 30
STOP_LIMIT_S = 10
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class Portal:
    """A portal in a child process on 127.0.0.1: started on entry, ended on exit; its store stays in `data_dir`.

    Port 0 takes a free one; it is kept when the same portal is started again. The child also ends when the process
    that started it is gone. Raises EnvironmentProblem when it can't be started; its words are in
    ``data_dir/portal.log``.
    """

    def __init__(self, data_dir: Path, port: int = 0, extra_products: Sequence[str] = ()) -> None:
        self.data_dir = data_dir
        self.port = port
        self.extra_products = tuple(extra_products)
        self.user = ""
        self.password = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address without a slash at its end: ``http://127.0.0.1:40213``."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The id of the child process, None while it isn't running."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the child and wait until it listens."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "runner.demo.serve", "--data", str(self.data_dir)]
        command += ["--port", str(self.port), "--until-stdin-ends"]
        for product in self.extra_products:
            command += ["--product", product]
        search_path = os.pathsep.join(p for p in (str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")) if p)
        with (self.data_dir / "portal.log").open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": search_path},
            )
        self._read_address(self._process)

    def stop(self) -> None:
        """End the child, by force when it doesn't end in time. Nothing happens when it isn't running."""
        self._end(force=False)

    def kill(self) -> None:
        """End the child at once, as a crash would."""
        self._end(force=True)

    def set_faults(self, **settings: object) -> dict[str, Any]:
        """Change settings of the fault plan (`runner.demo.faults.FaultPlan`); the plan in force."""
        plan: dict[str, Any] = self._ask("POST", "/admin/faults", settings)
        return plan

    def clear_faults(self) -> None:
        """A portal without faults."""
        self._ask("DELETE", "/admin/faults")

    def orders(self, form: str = "portal") -> list[dict[str, Any]]:
        """What ``/api/orders`` says: every order number, its fields and `times_entered`."""
        orders: list[dict[str, Any]] = self._ask("GET", f"/api/orders?form={form}")
        return orders

    def stats(self) -> dict[str, Any]:
        """What ``/api/stats`` says."""
        counts: dict[str, Any] = self._ask("GET", "/api/stats")
        return counts

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - always http on this machine
            self.url + path, data=data, method=method, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - likewise
            return json.load(answer)

    def _read_address(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        limit = threading.Timer(START_LIMIT_S, process.kill)
        limit.start()
        line = process.stdout.readline()
        limit.cancel()
        if not line:
            self.stop()
            log = (self.data_dir / "portal.log").read_text(encoding="utf-8", errors="replace").splitlines()
            raise EnvironmentProblem(
                f"the demo portal did not start: {log[-1] if log else 'it said nothing'}",
                expected=f"an address within {START_LIMIT_S} s",
                hint="see portal.log there",
                where=str(self.data_dir),
                code="DEMO_PORTAL",
            )
        said = json.loads(line)
        self.port, self.user, self.password = said["port"], said["user"], said["password"]

    def _end(self, *, force: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if force:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_LIMIT_S)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def serve(data_dir: Path, port: int, extra_products: Sequence[str] = ()) -> None:
    """Serve until SIGTERM or SIGINT, after one JSON line on stdout: url, port, pid, user, password.

    Raises EnvironmentProblem when the extra `demo` is missing, or the port or folder can't be used.
    """
    if importlib.util.find_spec("flask") is None or importlib.util.find_spec("waitress") is None:
        raise EnvironmentProblem(
            "flask and waitress are not installed",
            expected="the extra 'demo'",
            hint="pip install 'rpa-runner[demo]'",
            code="DEMO_EXTRA",
        )
    from waitress.server import TcpWSGIServer, create_server

    from runner.demo.portal import create_app
    from runner.demo.shop import shop_of

    try:
        app = create_app(data_dir, extra_products)
        server = create_server(
            app,
            host=HOST,
            port=port,
            threads=THREADS,
            channel_request_lookahead=1,
            connection_limit=500,
            ident="",
        )
    except OSError as error:
        raise EnvironmentProblem(
            f"can't serve from {data_dir} on port {port}: {error.strerror or error}",
            expected="a folder to write in and a free port",
            hint="choose others with --data and --port",
            code="DEMO_PORTAL",
        ) from None
    assert isinstance(server, TcpWSGIServer)  # one address,
    assert server.socket is not None  # one socket
    shop = shop_of(app)

    def end(_signal: int, _frame: FrameType | None) -> None:
        shop.stopping.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    port = int(server.socket.getsockname()[1])
    address = {"url": f"http://{HOST}:{port}", "port": port, "pid": os.getpid()}
    sys.stdout.write(json.dumps({**address, "user": shop.user, "password": shop.password}) + "\n")
    sys.stdout.flush()
    server.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of the portal; answers with the exit code."""
    parser = argparse.ArgumentParser(prog="python -m runner.demo.serve", description="Serve the demo portal.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the portal's store")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--product", action="append", default=[], help="one more product that can be ordered")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when standard input is closed")
    options = parser.parse_args(arguments)
    if options.until_stdin_ends:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        serve(options.data, options.port, options.product)
    except RunnerError as error:
        sys.stderr.write(f"{error}\n")
        return exit_code_of(error)
    return 0


def _end_with_stdin() -> None:
    while os.read(0, 1024):  # not sys.stdin: its lock, held here, would crash an interpreter that ends first
        pass
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
