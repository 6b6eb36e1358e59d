"""Serves the desk: opens its store, checks its addresses, and answers until it is stopped."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from waitress.server import TcpWSGIServer, create_server

from runner.core.errors import ConfigurationError, EnvironmentProblem
from runner.core.settings import Settings, prepare_home
from runner.desk.garbage import pass_over_what_stays
from runner.desk.outside import Place
from runner.desk.patience import PatientChannel
from runner.desk.settings import desk_options, public_host, secret_key_of
from runner.store.open import open_store

THREADS: Final = 8
_PORTS_TRIED: Final = 20
_LARGEST_UPLOAD: Final = 64 * 1024 * 1024
_ANSWERS_WITHIN: Final = 2.0  # seconds
_SLOWEST: Final = 30  # seconds without a byte after which a connection is closed


def open_desk(place: Place) -> None:
    """Make this process one that serves the desk: its store with people and sessions, its pages checked.

    Raises what `open_store` raises, and ConfigurationError for a view that carries no permission.
    """
    prepare_home(place.settings)
    options = desk_options(place.settings, secret_key_of(place.settings.home))
    open_store(place.settings.store, {**options, "RUNNER_PLACE": place})
    from runner.desk.access import endpoints

    endpoints(of_programs=False)  # those are loaded when a program first calls
    pass_over_what_stays()


class DeskServer:
    """The desk on one port. `url` is where people open it.

    Raises EnvironmentProblem (DESK_PORT) when the port is in use: unless `next_free` allows one of the next 20.
    Raises ConfigurationError (DESK_HOST) for an address beyond this machine without a proxy that ends TLS.
    """

    def __init__(self, settings: Settings, *, next_free: bool = False) -> None:
        check_host(settings)
        from django.core.handlers.wsgi import WSGIHandler

        listening: Any = _bound(settings, WSGIHandler(), next_free=next_free)
        self._server = listening
        self.port = int(listening.effective_port)
        self.url = address_of(settings, self.port)
        self._stopping = threading.Event()
        self._told = _url_file(settings)
        with suppress(OSError):  # of a full disk: then the usual address is told
            self._told.parent.mkdir(parents=True, exist_ok=True)
            self._told.write_text(self.url, "utf-8")

    def serve(self) -> None:
        """Answer until `stop`; requests that are being answered are finished."""
        while not self._stopping.is_set():
            self._server.asyncore.loop(timeout=0.5, map=self._server._map, count=1)  # noqa: SLF001
            at = time.monotonic()
            for channel in list(self._server.active_channels.values()):
                channel.end_if_late(at)
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        for one in list(self._server._map.values()):  # noqa: SLF001 (the listening socket and every open connection)
            one.close()
        with suppress(OSError):
            self._told.unlink()

    def stop(self) -> None:
        """Ask `serve` to end; may be called from any thread, twice, and when it has ended."""
        self._stopping.set()
        with suppress(OSError):  # of a pipe that `serve` has closed at its end
            self._server.pull_trigger()


def address_of(settings: Settings, port: int | None = None) -> str:
    """Where people open the desk: behind its proxy, or on this machine at `port` (default: the one that is set)."""
    host = f"[{settings.desk_host}]" if ":" in settings.desk_host else settings.desk_host
    return settings.desk_url.rstrip("/") or f"http://{host}:{settings.desk_port if port is None else port}"


def running_address(settings: Settings) -> str:
    """Where the desk of this data folder is served now; where it would be, if it is not."""
    usual = address_of(settings)
    with suppress(OSError, ValueError):
        told = _url_file(settings).read_text("utf-8").strip()
        port = urlsplit(told).port
        if port and not settings.desk_url:
            socket.create_connection(
                (settings.desk_host, port), _ANSWERS_WITHIN
            ).close()  # it may have been killed
            return told
    return usual


def _url_file(settings: Settings) -> Path:
    """Says where a desk is served, while one is."""
    return settings.cache / "desk.url"


def check_host(settings: Settings) -> None:
    """Refuse to listen beyond this machine where passwords would go over the wire as they are."""
    public_host(settings)
    if _is_loopback(settings.desk_host) or (settings.desk_proxy and settings.desk_url):
        return
    raise ConfigurationError(
        f"desk_host is {settings.desk_host}: others could reach the desk, and passwords would not be encrypted on the way",
        expected="127.0.0.1, or a proxy that ends TLS: its address in desk_proxy and its https:// address in desk_url",
        hint="set both, or leave desk_host out",
        where="desk_host",
        code="DESK_HOST",
    )


def log_to_stderr() -> None:
    """Let what goes wrong in a view appear on the console."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s desk: %(message)s", "%H:%M:%S"))
    for name in ("runner.desk", "django.security", "waitress"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)


def _bound(settings: Settings, application: Any, *, next_free: bool) -> TcpWSGIServer:
    first = settings.desk_port
    for port in range(first, first + (_PORTS_TRIED if next_free and first else 1)):
        try:
            server = create_server(application, host=settings.desk_host, port=port, **_options(settings))
        except OSError as error:
            if error.errno != errno.EADDRINUSE and getattr(error, "winerror", 0) != 10048:
                raise _no_port(settings, error.strerror or str(error)) from error
            continue
        assert isinstance(server, TcpWSGIServer)  # one address, so one socket
        server.channel_class = PatientChannel
        return server
    raise _no_port(settings, f"port {first} is in use")


def _no_port(settings: Settings, what: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the desk can't listen on {settings.desk_host}: {what}",
        expected="a free port",
        hint="end the other program, or choose another port with --port or the setting desk_port",
        where=f"{settings.desk_host}:{settings.desk_port}",
        code="DESK_PORT",
    )


def _options(settings: Settings) -> Mapping[str, Any]:
    options: dict[str, Any] = {
        "threads": THREADS,
        "ident": None,
        "channel_timeout": _SLOWEST,
        "cleanup_interval": 5,
        "max_request_body_size": _LARGEST_UPLOAD,
        "connection_limit": 500,
        "clear_untrusted_proxy_headers": True,
    }
    if settings.desk_proxy:
        options |= {
            "trusted_proxy": settings.desk_proxy,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
        }
    return options


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
