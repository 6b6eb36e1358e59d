"""The expense ledger ihatemoney as a process of its own on this machine, and its REST API, which nobody here wrote."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SERVE = Path(__file__).resolve().parents[1] / ".venv-acceptance" / "bin" / "waitress-serve"
PROJECT = "house"
START_LIMIT_S = 60


class Ledger:
    """The ledger with one project in it: started on entry, ended on exit. Its files are in `folder`."""

    def __init__(self, folder: Path, participants: Sequence[str]) -> None:
        self.folder = folder
        self.participants = tuple(participants)
        self.code = secrets.token_urlsafe(12)
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "settings.cfg"
        settings.write_text(
            f"SQLALCHEMY_DATABASE_URI = {'sqlite:///' + str(self.folder / 'ledger.sqlite3')!r}\n"
            f"SECRET_KEY = {secrets.token_hex(16)!r}\n"
            "SESSION_COOKIE_SECURE = False\nALLOW_PUBLIC_PROJECT_CREATION = True\n"
            "ACTIVATE_DEMO_PROJECT = False\nMAIL_SUPPRESS_SEND = True\n"
            "RATELIMIT_ENABLED = False\n",  # it lets nobody sign in a fourth time within a minute
            "utf-8",
        )
        port = _free_port()
        with (self.folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [SERVE, f"--listen=127.0.0.1:{port}", "--threads=4", "ihatemoney.wsgi:application"],
                env={**os.environ, "IHATEMONEY_SETTINGS_FILE_PATH": str(settings)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.url = f"http://127.0.0.1:{port}"
        try:
            self._wait()
            self._ask("POST", "/api/projects", self._project_form(), signed_in=False)
            for name in self.participants:
                self._ask("POST", f"/api/projects/{PROJECT}/members", {"name": name})
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server, by force when it does not end in time."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def bills(self) -> list[tuple[str, str, Decimal, str]]:
        """Every bill as the ledger's API tells it: text, payer's name, amount, day (ISO)."""
        names = {one["id"]: one["name"] for one in self._ask("GET", f"/api/projects/{PROJECT}/members")}
        found = self._ask("GET", f"/api/projects/{PROJECT}/bills")
        return [
            (bill["what"], names[bill["payer_id"]], Decimal(str(bill["amount"])), bill["date"])
            for bill in found
        ]

    def _project_form(self) -> dict[str, str]:
        return {
            "name": "House",
            "id": PROJECT,
            "password": self.code,
            "contact_email": "house@example.com",
            "default_currency": "XXX",
        }

    def _ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, *, signed_in: bool = True
    ) -> Any:
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.url + path, data=data, method=method)
        if signed_in:
            who = base64.b64encode(f"{PROJECT}:{self.code}".encode()).decode()
            request.add_header("Authorization", f"Basic {who}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def _wait(self) -> None:
        assert self._process is not None
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        log = (self.folder / "server.log").read_text("utf-8", errors="replace")
        raise RuntimeError(f"the ledger did not start on {self.url} in {START_LIMIT_S} s:\n{log[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
