"""Replays a network recording: a proxy on this machine that answers what was recorded and reaches nobody."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runner.core.certificates import self_signed
from runner.kit.exchanges import Exchange, Exchanges

_NOT_RECORDED: Final = 504
_HELD: Final = 0.1  # seconds between two looks whether the end has come, for a request that is never answered


class Replay:
    """A proxy that answers from `exchanges`, as long as the block lasts; browser contexts take it by `url`.

    http and https alike (with a certificate made here, so the browser must not insist on a trusted one). A request that
    was not recorded is answered with 504 and noted in ``exchanges.missing``; one whose network failed fails again; one
    that had no answer is held.
    """

    def __init__(self, exchanges: Exchanges) -> None:
        self.exchanges = exchanges
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"replay": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="replay", daemon=True
        )

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, url: str, body: bytes, kind: str) -> Exchange | None:
        """The recorded answer, None where there is none."""
        with self._lock:
            return self.exchanges.answer(method, url, body, kind)

    def hold(self) -> None:
        """Return when the replay ends."""
        while not self._ending.wait(_HELD):
            pass

    def certificate(self, host: str) -> ssl.SSLContext:
        """What the proxy shows when it plays `host`."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                with tempfile.TemporaryDirectory(prefix="runner-replay-") as folder:
                    pem = Path(folder) / "host.pem"
                    pem.touch(0o600)
                    pem.write_bytes(self_signed(host))
                    context.load_cert_chain(pem)
                self._contexts[host] = context
            return self._contexts[host]


class _Handler(BaseHTTPRequestHandler):
    """One connection of the browser to the proxy; after CONNECT it speaks TLS and plays that host."""

    protocol_version = "HTTP/1.1"
    replay: Replay
    _inside = ""  # the origin that a tunnel leads to

    def do_CONNECT(self) -> None:
        """Begin to play an https host."""
        host, _, port = self.path.rpartition(":")
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.connection = self.replay.certificate(host.strip("[]")).wrap_socket(
                self.connection, server_side=True
            )
            self.rfile = self.connection.makefile("rb", -1)
            self.wfile = self.connection.makefile("wb", 0)
            self._inside = f"https://{host}" + ("" if port == "443" else f":{port}")
            self.close_connection = False

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = self.path if "://" in self.path else self._inside + self.path
        exchange = self.replay.answer(self.command, url, body, self.headers.get("Content-Type") or "")
        if exchange is None:
            said = f"The recording has no answer to {self.command} {url}"
            self._send(_NOT_RECORDED, [("Content-Type", "text/plain; charset=utf-8")], said.encode())
        elif exchange.status is None:
            self.replay.hold()
            self.close_connection = True
        elif exchange.status == 0:
            self.close_connection = True
        else:
            self._send(exchange.status, exchange.headers, exchange.content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815 - the library's names

    def _send(self, status: int, headers: Iterable[tuple[str, str]], content: bytes) -> None:
        with contextlib.suppress(OSError):  # the browser has gone
            self.send_response_only(status)
            for name, value in headers:
                for one in value.split("\n") if name.lower() == "set-cookie" else [value.replace("\n", ", ")]:
                    self.send_header(name, one)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    def handle(self) -> None:
        """Serve the connection; a browser that hangs up is no news."""
        with contextlib.suppress(OSError):
            super().handle()
        if self._inside:  # the server closes the connection that it knows, not the one inside of it
            for part in (self.wfile, self.rfile, self.connection):
                with contextlib.suppress(OSError):
                    part.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library calls
        """Say nothing."""
