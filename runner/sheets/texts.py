"""The shared strings of a package as a list: what `t="s"` cells refer to by number."""

from __future__ import annotations

import re

from runner.sheets.package import Package, Part

_PLAIN = re.compile(r'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')
_ITEM = re.compile(r"<si(?:/>|>(.*?)</si>)", re.DOTALL)
_PHONETIC = re.compile(r"<rPh\b.*?</rPh>", re.DOTALL)
_TEXT = re.compile(r"<t(?:\s[^>]*)?>([^<]*)</t>")
_OPENED = re.compile(r"<si[\s/>]")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Irregular(Exception):
    """What is written in a way that the fast readers leave to the others."""


def shared_texts(package: Package, part: Part | None) -> list[str]:
    """All shared strings in order, runs of rich text joined, phonetic hints left out.

    Raises Irregular for spellings that only a full parser reads rightly.
    """
    texts: list[str] = []
    rest = b""
    for chunk in package.chunks(part) if part else ():
        rest += chunk
        cut = rest.rfind(b"</si>") + 5
        if cut >= 5:
            texts += _texts(rest[:cut])
            rest = rest[cut:]
    if rest.count(b"<si"):
        texts += _texts(rest)
    return texts


def plain_text(raw: str) -> str:
    """Text content as it is meant: entities and line ends; Irregular for escapes that programs read differently."""
    if "&" in raw:
        import html

        raw = html.unescape(raw)
        if raw.isspace():
            raise Irregular("escaped space")
    if "\r" in raw or ("_x" in raw and _ESCAPE.search(raw)):
        raise Irregular("an escaped character")
    return raw


def _texts(xml: bytes) -> list[str]:
    if b"<!" in xml or b"<?" in xml[60:]:
        raise Irregular("comments among the texts")
    try:
        text = xml.decode()
    except UnicodeDecodeError as broken:
        raise Irregular("not UTF-8") from broken
    plain = _PLAIN.findall(text)
    count = text.count("<si>") + text.count("<si/>")
    if len(_OPENED.findall(text)) != count:
        raise Irregular("an unknown spelling of a text")
    if len(plain) == count:
        return [plain_text(one) if "&" in one or "_x" in one or "\r" in one else one for one in plain]
    items = _ITEM.findall(text)
    if len(items) != count:
        raise Irregular("texts that are not closed")
    return [_joined(item) for item in items]


def _joined(item: str) -> str:
    if "<rPh" in item:
        item = _PHONETIC.sub("", item)
    runs = _TEXT.findall(item)
    if len(runs) != item.count("<t>") + item.count("<t "):
        raise Irregular("a text with other elements in it")
    return plain_text("".join(runs))
