"""Pages on 127.0.0.1 that ask questions, open windows, hand out files, lead elsewhere, and let people sign in."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

HEAD = "<!doctype html><title>Pages</title>"
PAGES = {
    "/ask": "<button onclick=\"out.value = [confirm('Really delete 7?'), prompt('Your name', '')]\">Ask</button>"
    "<input id=out>",
    "/window": "<a href=/ask target=_blank>Open</a>",
    "/files": "<a href=/report download>Report</a> <a href=/report download='a/b: c?.txt'>Odd</a>",
    "/upload": "<input type=file id=field><button onclick=field.click()>Choose</button>",
    "/inside": "<img src=http://localhost:PORT/elsewhere.png><h1>Inside</h1>",
    "/agent": "<script>document.write('<p>' + navigator.userAgent + ' ' + navigator.language + '</p>')</script>",
    "/secret": "<label>Number <input></label>",
}
SIGN_IN = "<form method=post>Password <input name=password><button>Sign in</button></form>"
TOKEN = "token-of-a-signed-in-clerk-"


@dataclass
class Site:
    """The pages and what was asked of them."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    sign_ins: int = 0
    valid: str = ""


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        host, path = self.headers["Host"].partition(":")[0], self.path.partition("?")[0]
        self.site.asked.append(f"{host}{path}")
        if path == "/away":
            self._answer("", 302, Location=self.site.url.replace("127.0.0.1", "localhost") + "/ask")
        elif path == "/report":
            self._answer(
                "the report", kind="application/octet-stream", Disposition="attachment; filename=report.txt"
            )
        elif path == "/home":
            signed_in = self.site.valid and self.site.valid in (self.headers["Cookie"] or "")
            self._answer("<h1>Home</h1>" if signed_in else SIGN_IN)
        else:
            self._answer(PAGES.get(path, "").replace("PORT", self.site.url.rpartition(":")[2]))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form.get("password") == ["right-password"]:
            self.site.sign_ins += 1
            self.site.valid = f"{TOKEN}{self.site.sign_ins}"
            self._answer("<h1>Home</h1>", Cookie=f"session={self.site.valid}; Path=/; HttpOnly")
        else:
            self._answer(SIGN_IN)

    def _answer(self, body: str, status: int = 200, kind: str = "text/html", **more: str) -> None:
        text = (HEAD + body if kind == "text/html" else body).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        names = {"Cookie": "Set-Cookie", "Disposition": "Content-Disposition"}
        for name, value in more.items():
            self.send_header(names.get(name, name), value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library calls
        """Say nothing."""


@contextmanager
def pages() -> Iterator[Site]:
    """The pages, while they are served."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _WhoHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        connection = self.connection
        assert isinstance(connection, ssl.SSLSocket)
        shown: Any = connection.getpeercert() or {}
        names = [value for part in shown.get("subject", ()) for name, value in part if name == "commonName"]
        body = f"<!doctype html><p>{names[0] if names else 'nobody'}</p>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library calls
        """Say nothing."""


@contextmanager
def https_site(host: Path, clerk: Path) -> Iterator[str]:
    """A page over https that says whose certificate it was shown; only the one in `clerk` is let in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host)
    context.load_verify_locations(clerk)
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), _WhoHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
