"""Where a store on a database server is reached: its address, which may hold a password and is never shown whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

URL_VARIABLE: Final = "RUNNER_DATABASE_URL"
PASSWORD_VARIABLE: Final = "RUNNER_DATABASE_PASSWORD"  # noqa: S105 (the name of a variable)
# What must not reach a bot: with it, or where it lies, the store could be opened.
CREDENTIALS: Final = frozenset(
    {URL_VARIABLE, PASSWORD_VARIABLE, "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSSLKEY"}
)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address ``postgresql://user@host:port/database`` of a store; `str` shows host, port and database only."""

    url: str = field(repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        try:
            parts = urlsplit(self.url)
            port = f":{parts.port}" if parts.port else ""
            host = parts.hostname or parse_qs(parts.query).get("host", [""])[0] or "local socket"
            return f"{unquote(host)}{port}{unquote(parts.path).rstrip('/')}"
        except ValueError:
            return "(address not readable)"

    @property
    def has_password(self) -> bool:
        """Whether a password stands in the address itself, or what stands there can't be read."""
        try:
            parts = urlsplit(self.url)
            return parts.password is not None or "password" in parse_qs(parts.query)
        except ValueError:
            return True
