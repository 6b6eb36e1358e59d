"""Where messages may go: not into this network unless somebody has allowed it, and only to the address that was checked."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from runner.core.errors import UsageError

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
_PORTS: Final = {"https": 443, "http": 80}
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LONGEST: Final = 1000
_HINT: Final = 'to send there all the same, put it on the allow-list: the setting webhook_allow, such as "hooks.intern, 10.0.0.0/8"'


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: connect to `ip`, and to nothing that the name may mean a moment later."""

    scheme: str
    host: str
    port: int
    ip: str
    path: str


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that a name stands for. Raises OSError for a name that stands for none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def checked(url: str, allowed: Iterable[str], find: Resolve = resolve) -> Target:
    """Where `url` leads, where messages may go there; looked up once.

    It must be https, and every address that its name stands for must be one of the public internet; what `allowed`
    names (a host, an address, a network like 10.0.0.0/8, each with or without ``:port``) may be http and anywhere.
    Raises UsageError (API_URL).
    """
    parts = _parts(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]
    try:
        ips = [ipaddress.ip_address(one.partition("%")[0]) for one in find(host, port)]
    except (OSError, UnicodeError, ValueError) as error:
        raise _refused(
            url, f"the name '{host}' stands for no address", "a name that can be looked up", "correct it"
        ) from error
    wanted = list(allowed)
    is_listed = bool(ips) and all(_is_listed(host, one, port, wanted) for one in ips)
    if not ips or not (is_listed or all(_is_public(one) for one in ips)):
        raise _refused(
            url,
            f"address not allowed: {host} is inside a network, or reserved",
            "an address of the public internet",
            _HINT,
        )
    if parts.scheme != "https" and not is_listed:
        raise _refused(url, "messages would go over the wire as they are", "https://", _HINT)
    path = parts.path or "/"
    return Target(parts.scheme, host, port, str(ips[0]), f"{path}?{parts.query}" if parts.query else path)


def allow_list(text: str) -> list[str]:
    """The entries of the setting, which are separated by commas or spaces."""
    return text.replace(",", " ").split()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused(url, "it is not an address", "https://host/path", "correct it") from error
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise _refused(
            url, "it is not an address", f"up to {_LONGEST} signs of ASCII without spaces", "correct it"
        )
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise _refused(url, "it is not an address of the web", "https://host/path", "correct it")
    if parts.username is not None or parts.fragment:
        raise _refused(
            url,
            "it holds a user name or a fragment",
            "https://host/path",
            "leave it out: messages are signed",
        )
    return parts


def _is_public(ip: IP) -> bool:
    """Whether an address is one of the public internet, and none that hides another one inside."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return ip.is_global and not ip.is_multicast


def _is_listed(host: str, ip: IP, port: int, allowed: Iterable[str]) -> bool:
    return any(_fits(entry, host, ip, port) for entry in allowed)


def _fits(entry: str, host: str, ip: IP, port: int) -> bool:
    try:
        return ip in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdecimal():
        return port == int(wanted) and _fits(name.strip("[]"), host, ip, port)
    return entry.lower() == host.lower()


def _refused(url: str, what: str, expected: str, hint: str) -> UsageError:
    return UsageError(
        f"{ascii(url)[:120]}: {what}", expected=expected, hint=hint, where="url", code="API_URL"
    )
