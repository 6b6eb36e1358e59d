"""The pictures in the docs: there in both languages and themes, small, and of the colours of the page."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from docs.palette import small

PICTURES = Path("docs/pictures")
LARGEST = 120_000
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_of(rows: list[list[tuple[int, int, int]]], filters: list[int]) -> bytes:
    """A picture of three channels, each line with one of PNG's filters (0: none, 1: what stands left, 2: above)."""
    lines, before = bytearray(), [(0, 0, 0)] * len(rows[0])
    for row, kind in zip(rows, filters, strict=True):
        lines.append(kind)
        for at, colour in enumerate(row):
            base = {0: (0, 0, 0), 1: row[at - 1] if at else (0, 0, 0), 2: before[at]}[kind]
            lines += bytes((value - under) & 255 for value, under in zip(colour, base, strict=True))
        before = row
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    return SIGNATURE + b"".join(chunk(name, data) for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(lines))), (b"IEND", b"")))  # fmt: skip


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def colours_of(png: bytes) -> list[bytes]:
    """The pixels of a picture with a palette, one after the other."""
    parts, at = dict[bytes, bytes](), len(SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        parts[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += length + 12
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    lines, palette = zlib.decompress(parts[b"IDAT"]), parts[b"PLTE"]
    flat = [lines[row * (width + 1) + 1 + column] for row in range(height) for column in range(width)]
    return [palette[one * 3 : one * 3 + 3] for one in flat]


def test_a_picture_of_few_colours_keeps_every_pixel() -> None:
    rows = [[(246, 247, 249), (31, 95, 208)], [(246, 247, 249), (0, 0, 0)], [(255, 255, 255), (180, 35, 24)]]
    kept = colours_of(small(png_of(rows, [0, 1, 2])))
    assert kept == [bytes(colour) for row in rows for colour in row]


def test_a_picture_of_many_colours_keeps_the_commonest_and_has_others_near_the_rest() -> None:
    rows = [[(246, 247, 249)] * 40 + [(4 * x, 4 * x, 128) for x in range(24)] for _ in range(40)]
    rows += [[(x, y, 40) for x in range(64)] for y in range(0, 64, 2)]
    kept = colours_of(small(png_of(rows, [0] * len(rows))))
    for seen, colour in zip(kept, (colour for row in rows for colour in row), strict=True):
        away = sum(abs(a - b) for a, b in zip(seen, colour, strict=True))
        assert away == 0 if colour == (246, 247, 249) else away < 60


def test_another_kind_of_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="no PNG"):
        small(b"GIF89a")


@pytest.mark.parametrize("name", ["queue", "case", "problem", "run", "calendar", "search"])
def test_each_page_is_there_in_both_languages_and_themes_and_small(name: str) -> None:
    for language in ("en", "zh"):
        for theme in ("light", "dark"):
            size = (PICTURES / f"{name}-{language}-{theme}.png").stat().st_size
            assert 5_000 < size <= LARGEST
