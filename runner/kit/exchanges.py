"""The exchanges of a network recording, and which of them answers a request: in the order recorded, the last one for ever."""

from __future__ import annotations

import base64
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import orjson

from runner.core.errors import UsageError
from runner.journal.redact import MASK
from runner.kit.network import LOG

_MASK: Final = MASK.decode()
_DROPPED: Final = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding",
                             "alt-svc", "strict-transport-security", "public-key-pins", "expect-ct"})  # fmt: skip
Fields: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `status` is 0 where the network failed, None where no answer had come."""

    method: str
    url: str
    body: bytes
    kind: str  # the Content-Type of the body
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    began: str = ""  # when it was asked, as the recording says


@dataclass(slots=True)
class Exchanges:
    """Recorded exchanges, answered in their order: what was asked twice has two answers, and the last one goes on."""

    exchanges: Sequence[Exchange]
    missing: list[str] = field(default_factory=list)
    _used: set[int] = field(default_factory=set)

    @property
    def origin(self) -> str:
        """Where the recording begins, without a path: ``https://portal.example``."""
        if not self.exchanges:
            return ""
        parts = urlsplit(self.exchanges[0].url)
        return f"{parts.scheme}://{parts.netloc}"

    def answer(self, method: str, url: str, body: bytes = b"", kind: str = "") -> Exchange | None:
        """The recorded answer to a request. None, and a line in `missing`, where nobody asked this before.

        Path, query and body must be the recorded ones; what was masked in the recording may be anything.
        """
        asked = _fields(body, kind)
        same = [
            number
            for number, one in enumerate(self.exchanges)
            if one.method == method and _same_address(one.url, url) and _same_body(one, asked, body)
        ]
        if not same and urlsplit(url).path == "/favicon.ico":
            return None  # browsers ask for it by themselves
        if not same:
            self.missing.append(f"{method} {url}{self._difference(method, url, asked)}")
            return None
        fresh = next((number for number in same if number not in self._used), same[-1])
        self._used.add(fresh)
        return self.exchanges[fresh]

    def _difference(self, method: str, url: str, asked: Fields | None) -> str:
        """What the nearest recorded request had in another way."""
        near = [o for o in self.exchanges if o.method == method and _same_address(o.url, url)]
        recorded = [fields for one in near if (fields := _fields(one.body, one.kind)) is not None]
        if asked is None or not recorded:
            return ""
        other = min((_others(asked, fields) for fields in recorded), key=len)
        return f" with {', '.join(other)}" if other else ""


def read_recording(path: Path) -> Exchanges:
    """The exchanges of a HAR file, plain (.har) or zipped with its contents (.zip).

    Raises UsageError (HAR) for a file that is none.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
            log = orjson.loads(files.pop(LOG))
        else:
            log, files = orjson.loads(path.read_bytes()), {}
        exchanges = [_exchange(entry, files) for entry in log["log"]["entries"]]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"it can't be read as a network recording: {type(error).__name__}: {error}",
            expected="a HAR file (.har, or .zip with har.har in it)",
            where=path.name,
            code="HAR",
        ) from error
    return Exchanges(exchanges)


def read_recordings(path: Path) -> Exchanges:
    """As `read_recording`; of a folder all its recordings, in the order in which they began: one run can leave several, one for each context."""
    if not path.is_dir():
        return read_recording(path)
    files = [*path.rglob("*.har"), *path.rglob("*.har.zip")]
    if not files:
        raise UsageError(
            "there is no network recording in it", expected="*.har or *.har.zip", where=path.name, code="HAR"
        )
    recordings = sorted(
        (read_recording(file).exchanges for file in files), key=lambda one: [e.began for e in one[:1]]
    )
    return Exchanges([exchange for recording in recordings for exchange in recording])


def _exchange(entry: Mapping[str, Any], files: Mapping[str, bytes]) -> Exchange:
    request, response = entry["request"], entry["response"]
    posted = request.get("postData") or {}
    content = response.get("content") or {}
    status = int(response.get("status") or 0)
    unanswered = 0 if response.get("_failureText") else None
    headers = ((str(h["name"]), str(h["value"])) for h in response.get("headers") or ())
    return Exchange(
        method=str(request["method"]).upper(),
        url=str(request["url"]),
        body=_content(posted, files),
        kind=str(posted.get("mimeType") or ""),
        status=status if status > 0 else unanswered,
        headers=tuple(
            (name, value) for name, value in headers if name.lower() not in _DROPPED and name[:1] != ":"
        ),
        content=_content(content, files),
        began=str(entry.get("startedDateTime") or ""),
    )


def _content(part: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    if part.get("_file"):
        return files.get(str(part["_file"]), b"")
    text = str(part.get("text") or "")
    return base64.b64decode(text) if part.get("encoding") == "base64" else text.encode()


def _same_address(recorded: str, asked: str) -> bool:
    left, right = urlsplit(recorded), urlsplit(asked)
    if (left.scheme, left.netloc.lower(), left.path or "/") != (
        right.scheme,
        right.netloc.lower(),
        right.path or "/",
    ):
        return False
    return _same_fields(tuple(parse_qsl(left.query, True)), tuple(parse_qsl(right.query, True)))


def _same_body(recorded: Exchange, asked: Fields | None, body: bytes) -> bool:
    fields = _fields(recorded.body, recorded.kind)
    if fields is not None and asked is not None:
        return _same_fields(fields, asked)
    if MASK not in recorded.body:
        return recorded.body == body
    parts = (re.escape(part) for part in recorded.body.split(MASK))
    return re.fullmatch(b".*".join(parts), body, re.DOTALL) is not None


def _same_fields(recorded: Fields, asked: Fields) -> bool:
    if len(recorded) != len(asked):
        return False
    pairs = zip(sorted(recorded), sorted(asked), strict=True)
    return all(a == c and (b == d or _MASK in b) for (a, b), (c, d) in pairs)


def _others(asked: Fields, recorded: Fields) -> list[str]:
    """The fields that were asked in another way than recorded."""
    before = dict(recorded)
    return [
        f"{name}={value!r} (recorded: {before.get(name)!r})"
        for name, value in asked
        if before.get(name) != value and _MASK not in before.get(name, "")
    ]


def _fields(body: bytes, kind: str) -> Fields | None:
    """The fields of a posted form or JSON object; None for another kind of body."""
    plain = kind.partition(";")[0].strip().lower()
    if plain == "application/x-www-form-urlencoded":
        return tuple(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if plain == "multipart/form-data":
        message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=HTTP)
        return tuple(
            (
                f"{part.get_param('name', header='content-disposition')}",
                bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace"),
            )
            for part in message.walk()
            if not part.is_multipart()
        )
    if plain == "application/json":
        try:
            value = orjson.loads(body)
        except ValueError:
            return None
        return (
            tuple((str(k), orjson.dumps(v).decode()) for k, v in value.items())
            if isinstance(value, dict)
            else None
        )
    return None
