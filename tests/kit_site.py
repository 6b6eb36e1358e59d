"""A few pages on 127.0.0.1 that show, hide, hang and break: what evidence is taken from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FORM = """<!doctype html><title>Order</title><h1>Order form</h1>
<div role="alert">The product is sold out</div><div role="alert" hidden>not shown</div>
<form onsubmit="return false"><label>Number <input name="number" required></label>
<label>Password <input type="password" name="password" value="pass-word-value"></label>
<label>Token <input name="token"></label><button>Post</button></form>"""
PAGES = {
    "/form": (200, FORM),
    "/empty": (200, "<!doctype html><h1>Nothing here</h1>"),
    "/broken": (503, "<!doctype html><h1>Service unavailable</h1>"),
    "/hang": (200, "<!doctype html><h1>Busy</h1><script>setTimeout(() => { while (true) {} }, 50)</script>"),
    "/dialog": (200, "<!doctype html><h1>Asks</h1><script>setTimeout(() => alert('really?'), 50)</script>"),
    "/file": (200, "<!doctype html><a href='/download' download='report.txt'>Report</a>"),
    "/download": (200, "the report"),
}


class _Handler(BaseHTTPRequestHandler):
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        status, page = PAGES.get(self.path.partition("?")[0], (404, "<!doctype html>"))
        body = page.encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "text/plain" if self.path == "/download" else "text/html; charset=utf-8"
        )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library calls
        """Say nothing."""


@contextmanager
def site(seen: list[str] | None = None) -> Iterator[str]:
    """The address of the pages, while they are served; `seen` gets the paths that are asked for."""
    handler = type("Handler", (_Handler,), {"seen": [] if seen is None else seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
