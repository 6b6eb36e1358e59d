"""Which sites something may reach: ``portal.example``, ``*.portal.example``, ``http://portal.intern:8080``, ``*``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from runner.core.errors import UsageError

ANY: Final = "*"
EXPECTED: Final = "host names such as portal.example, *.portal.example or http://portal.intern:8080"
_SITE: Final = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::(?P<port>\d{1,5}))?"
)
_MOST: Final = 50


def sites_of(texts: Iterable[str], *, where: str = "--hosts") -> tuple[str, ...]:
    """The sites as they are kept: small letters, each once, sorted. Texts may hold several, with commas or blanks between.

    Raises UsageError (HOSTS) for what names no site, and for more than 50.
    """
    found = {part.rstrip("/") for text in texts for part in re.split(r"[\s,]+", text.lower()) if part}
    wrong = next((one for one in sorted(found) if one != ANY and not _SITE.fullmatch(one)), None)
    if wrong is not None or len(found) > _MOST:
        what = f"'{wrong}' names no site" if wrong is not None else f"there are {len(found)} sites"
        raise UsageError(what, expected=EXPECTED, hint="correct it", where=where, code="HOSTS")
    return tuple(sorted(found))


def site_of(url: str) -> str:
    """The site of an address as `sites_of` would keep it; empty for one without a host (``about:blank``).

    https needs no scheme, and no port where it is the usual one; what is not encrypted says so.
    """
    parts = _split(url)
    if parts is None:
        return ""
    scheme, host, port = parts
    shown = f"[{host}]" if ":" in host else host
    usual = 443 if scheme == "https" else 80
    ending = "" if port in {None, usual} else f":{port}"
    return f"{'' if scheme == 'https' or _is_here(host) else 'http://'}{shown}{ending}"


def reaches(sites: Sequence[str], url: str) -> bool:
    """Whether an address (http, https) is one of the sites.

    A site without a port is every port of its host. One without a scheme is https, and http on this machine only: a
    name is not enough to send something in clear over a network.
    """
    parts = _split(url)
    if parts is None:
        return False
    if ANY in sites:
        return True
    scheme, host, port = parts
    for one in sites:
        found = _SITE.fullmatch(one)
        if found is None or not host_fits(found["host"].strip("[]"), host):
            continue
        usual = port or (443 if scheme == "https" else 80)
        if found["port"] and int(found["port"]) != usual:
            continue
        if scheme == "https" or found["scheme"] == "http" or (not found["scheme"] and _is_here(host)):
            return True
    return False


def names_of(sites: Sequence[str]) -> list[str] | None:
    """The host names of sites, for who can't tell ports and schemes apart; None where every host is one."""
    if ANY in sites:
        return None
    return sorted({found["host"] for found in filter(None, map(_SITE.fullmatch, sites))})


def others_than(sites: Sequence[str]) -> re.Pattern[str]:
    """Matches every address of the web that `reaches` says no to; a pattern that JavaScript understands as well."""
    allowed = ["https?://"] if ANY in sites else []
    for found in filter(None, map(_SITE.fullmatch, sites)):
        host = found["host"]
        name = rf"[^/@:]+{re.escape(host[1:])}" if host.startswith("*.") else re.escape(host)
        in_clear = found["scheme"] == "http" or (not found["scheme"] and _is_here(host.strip("[]")))
        for scheme, usual in (("https", "443"), ("http", "80")) if in_clear else (("https", "443"),):
            port = r"(?::\d+)?" if not found["port"] else f":{found['port']}"
            if found["port"] == usual:
                port = f"(?::{usual})?"
            allowed.append(rf"{scheme}://(?:[^/@]*@)?{name}\.?{port}(?:[/?#]|$)")
    return re.compile(rf"^(?!{'|'.join(allowed) or '$'})https?://", re.IGNORECASE)


def host_fits(pattern: str, host: str) -> bool:
    """Whether a host is the one of a pattern, or below it: ``*.portal.example`` is not ``portal.example`` itself."""
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _split(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of an address of the web; None for any other."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https", "ws", "wss"} or not host:
        return None
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return scheme, host.lower().rstrip("."), port


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
