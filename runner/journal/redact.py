"""Keeps registered secrets out of every byte that reaches the disk, in whatever encoding they come."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Iterable
from typing import Any, Final

import ahocorasick_rs
import orjson

MASK: Final = b"***"
SHORTEST: Final = 6  # a shorter secret would blank ordinary words; registering one is refused


class Redactor:
    """Replaces registered secrets by `***` in one pass, however many there are (Aho-Corasick, longest match first).

    Forms that are found: raw UTF-8, percent-encoded, HTML-escaped, JSON-escaped, base64 at its three offsets, UTF-16 in
    both byte orders. `register` may be called at any time; the automaton is built when it is next needed.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._automata: dict[bool, ahocorasick_rs.BytesAhoCorasick] = {}
        for secret in secrets:
            self.register(secret)

    def register(self, secret: str) -> None:
        """Mask `secret` from now on. Raises ValueError when it is too short to be masked safely."""
        if len(secret) < SHORTEST:
            raise ValueError(
                f"a secret of {len(secret)} characters can't be masked: ordinary words would be blanked - at least {SHORTEST}"
            )
        if secret not in self._secrets:
            self._secrets.add(secret)
            self._automata.clear()

    def extended(self, secrets: Iterable[str]) -> Redactor:
        """Another one that masks these as well; this one stays as it is."""
        return Redactor({*self._secrets, *secrets})

    @property
    def line_feeds(self) -> int:
        """The most line feeds in one secret: so many lines must be looked at together with the one before them."""
        return max((secret.count("\n") for secret in self._secrets), default=0)

    def text(self, value: str) -> str:
        """`value` without any registered secret."""
        return (
            self.raw(value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
            if self._secrets
            else value
        )

    def raw(self, data: bytes) -> bytes:
        """Bytes of any kind without any registered secret (page text, a trace's entries, a console log)."""
        return self._replace(data, in_json=False)

    def json(self, data: bytes) -> bytes:
        """Encoded JSON without any registered secret; it is JSON afterwards, of the same structure.

        Only forms that can stand inside a JSON string are looked for, so a secret such as ``","a":"`` can't cut a line apart.
        Where one is found in a number, the text `***` takes the number's place.
        """
        masked = self._replace(data, in_json=True)
        if masked is data or _is_json(masked):
            return masked
        return self._value_by_value(data)  # a match in a number, or across the border of an escape such as \n

    def finds(self, data: bytes) -> bool:
        """Whether any registered secret is in `data`: the last look before something is published."""
        return bool(self._secrets) and bool(self._automaton(in_json=False).find_matches_as_indexes(data))

    def _replace(self, data: bytes, *, in_json: bool) -> bytes:
        if not self._secrets:
            return data
        matches = self._automaton(in_json=in_json).find_matches_as_indexes(data)
        if not matches:
            return data
        out, at = [], 0
        for _, start, end in matches:
            out += [data[at:start], MASK]
            at = end
        return b"".join([*out, data[at:]])

    def _value_by_value(self, data: bytes) -> bytes:
        try:
            values = orjson.loads(data)
        except orjson.JSONDecodeError:
            return self.raw(data)
        style = orjson.OPT_INDENT_2 if data.startswith((b"{\n", b"[\n")) else 0
        return orjson.dumps(self._value(values), option=style)

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(name): self._value(part) for name, part in value.items()}
            case list():
                return [self._value(part) for part in value]
            case bool() | None:
                return value
            case _:
                return value if self.text(repr(value)) == repr(value) else MASK.decode()

    def _automaton(self, *, in_json: bool) -> ahocorasick_rs.BytesAhoCorasick:
        if in_json not in self._automata:
            patterns = {form for secret in self._secrets for form in _forms(secret, in_json=in_json)}
            self._automata[in_json] = ahocorasick_rs.BytesAhoCorasick(
                sorted(patterns), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
            )
        return self._automata[in_json]


def _forms(secret: str, *, in_json: bool) -> set[bytes]:
    plain = {
        secret,
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        urllib.parse.quote_plus(secret, safe="*"),  # a form that a browser sends
        urllib.parse.quote(secret, safe="!~*'()"),  # encodeURIComponent
        urllib.parse.quote(
            secret, safe="!$%&'()*+,/:;=?@[]\\^`{|}~"
        ),  # a query as browsers write it (WHATWG URL)
        urllib.parse.quote(secret, safe="!$%&'()*+,/:;=@[]\\^|~"),  # a path likewise
        html.escape(secret),
        html.escape(secret, quote=False),
    }
    # Inside JSON every form appears escaped; nested JSON (a request body in a log line) is escaped twice.
    once = {_json_escaped(form, ascii_only=a) for form in plain for a in (True, False)}
    twice = {_json_escaped(form, ascii_only=a) for form in once for a in (True, False)}
    text = (once | twice) if in_json else (plain | once | twice)
    out = {form.encode("utf-8", "surrogatepass") for form in text}
    out |= _base64_forms(secret.encode("utf-8", "surrogatepass"))
    if not in_json:
        out |= {secret.encode("utf-16-le", "surrogatepass"), secret.encode("utf-16-be", "surrogatepass")}
    return {form for form in out if len(form) >= SHORTEST}


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def _json_escaped(text: str, *, ascii_only: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _base64_forms(secret: bytes) -> set[bytes]:
    """The characters that depend on the secret alone, for its three possible positions in a base64 stream."""
    out = set()
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret).rstrip(b"=")
        start = (lead * 8 + 5) // 6
        end = (lead + len(secret)) * 8 // 6
        core = encoded[start:end]
        out |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return out
