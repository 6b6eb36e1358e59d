"""Sends one message: signed, to the address that was checked, without following anybody anywhere else."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import secrets
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.cases.webhook_addresses import Target

SIGNATURE: Final = "Runner-Signature"
WINDOW: Final = 300  # seconds after which a receiver should take a message for a replay
_CONNECT_WITHIN: Final = 10.0
_ANSWER_WITHIN: Final = 20.0  # for the whole exchange, however slowly the answer comes
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: the status of the answer, or why there was none. A status of 2xx is what counts as taken."""

    http_status: int | None
    error: str = ""

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.http_status is not None and 200 <= self.http_status < 300


def signing_key(home: Path) -> bytes:
    """The key from which the secrets of all addresses are derived, readable by its owner only; made when there is none."""
    path = home / "webhooks.key"  # `Settings.webhook_key`
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(file, "wb") as out:
        key = secrets.token_bytes(_KEY_BYTES)
        out.write(key)
    return key


def secret_of(key: bytes, salt: str) -> str:
    """The secret that a receiver checks signatures with."""
    return "whsec_" + hmac.new(key, salt.encode(), hashlib.sha256).hexdigest()


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """What stands in the header: ``t=TIME,v1=HMAC``, the HMAC-SHA256 over ``TIME.BODY`` in hexadecimal."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def post(target: Target, body: bytes, headers: dict[str, str]) -> Outcome:
    """Send `body`; whatever goes wrong is an outcome, not an exception. A redirect is an answer like any other."""
    connection = _Connection(target)
    late = threading.Timer(_ANSWER_WITHIN, connection.cut)
    late.daemon = True
    late.start()
    try:
        connection.request("POST", target.path, body, {**headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        code = answer.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.is_cut:
            return Outcome(None, f"no answer within {_ANSWER_WITHIN:.0f} s")
        return Outcome(None, _why(error))
    finally:
        late.cancel()
        connection.close()
    if 300 <= code < 400:
        return Outcome(code, "it answers with a redirect, which is not followed")
    return Outcome(code, "" if 200 <= code < 300 else f"it answers with status {code}")


class _Connection(http.client.HTTPConnection):
    """A connection to the address that was checked, under the name that the certificate must have."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=_CONNECT_WITHIN)
        self._target = target
        self.is_cut = False

    def connect(self) -> None:
        """Connect to the checked address itself; the name is not looked up again."""
        plain = socket.create_connection((self._target.ip, self._target.port), _CONNECT_WITHIN)
        self.sock = plain
        if self._target.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._target.host)

    def cut(self) -> None:
        """End it from another thread."""
        self.is_cut = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate can't be trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:300]
