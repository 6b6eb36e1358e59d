"""PNG pictures of pages, made small: at most 256 colours, so that a byte stands for a pixel; with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_COLOURS: Final = 256
_EXACT: Final = 160  # of them are the commonest colours of the picture, unchanged
_CHANNELS: Final = {2: 3, 6: 4}  # colour types of PNG: red, green, blue; the same with opacity


def small(png: bytes) -> bytes:
    """The picture with at most 256 colours: the commonest as they are, each of the others as the nearest. Raises ValueError for other kinds of PNG."""
    width, height, pixels = _read(png)
    counts = Counter(pixels[at : at + 3] for at in range(0, len(pixels), 3))
    palette = _palette(counts)
    place = {colour: number for number, colour in enumerate(palette)}
    known: dict[bytes, int] = {}  # by rounded colour, as pictures in the page have thousands of them
    for colour in counts:
        if colour not in place:
            rounded = colour.translate(_ROUNDED)
            if rounded not in known:
                known[rounded] = _nearest(rounded, palette)
            place[colour] = known[rounded]
    flat = bytes(place[pixels[at : at + 3]] for at in range(0, len(pixels), 3))
    return _written(width, height, flat, palette)


def _palette(counts: Counter[bytes]) -> list[bytes]:
    """The commonest colours, and of the rest the commonest when they are rounded, so that no hue is without one near it."""
    exact = [colour for colour, _ in counts.most_common(_EXACT)]
    rest: Counter[bytes] = Counter()
    for colour, count in counts.items():
        rest[colour.translate(_COARSE)] += count
    more = [colour for colour, _ in rest.most_common(_COLOURS) if colour not in exact]
    return [*exact, *more][:_COLOURS]


def _steps(bits: int) -> bytes:
    """What each value of a channel becomes when it has so many bits; black and white stay."""
    most = 2**bits - 1
    return bytes(round(round(value / 255 * most) * 255 / most) for value in range(256))


def _nearest(colour: bytes, palette: list[bytes]) -> int:
    red, green, blue = colour
    distances = [(red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2 for r, g, b in palette]
    return distances.index(min(distances))


_ROUNDED: Final = _steps(6)
_COARSE: Final = _steps(4)


def _written(width: int, height: int, flat: bytes, colours: list[bytes]) -> bytes:
    lines = b"".join(b"\x00" + flat[row * width : (row + 1) * width] for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        _chunk(b"IHDR", head),
        _chunk(b"PLTE", b"".join(colours)),
        _chunk(b"IDAT", zlib.compress(lines, 9)),
        _chunk(b"IEND", b""),
    )
    return _SIGNATURE + b"".join(parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _read(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and the pixels as red, green, blue."""
    parts = dict[bytes, bytes]()
    for name, content in _chunks(png):
        parts[name] = parts.get(name, b"") + content
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    if depth != 8 or kind not in _CHANNELS or interlaced:
        raise ValueError(f"a PNG of depth {depth} and type {kind}")
    size = _CHANNELS[kind]
    lines = _unfiltered(zlib.decompress(parts[b"IDAT"]), width * size, size)
    if size == 4:
        alphaless = bytearray(len(lines) // 4 * 3)
        for channel in range(3):
            alphaless[channel::3] = lines[channel::4]
        lines = bytes(alphaless)
    return width, height, lines


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(data: bytes, width: int, size: int) -> bytes:
    """The lines without the filters that PNG puts on them (https://www.w3.org/TR/png/#9Filters)."""
    before, found = bytearray(width), bytearray()
    for at in range(0, len(data), width + 1):
        line = bytearray(data[at + 1 : at + 1 + width])
        _undo(data[at], line, before, size)
        found += line
        before = line
    return bytes(found)


def _undo(kind: int, line: bytearray, before: bytearray, size: int) -> None:
    if kind == 2:
        line[:] = bytes((value + up) & 255 for value, up in zip(line, before, strict=True))
        return
    if kind == 0:
        return
    for at, value in enumerate(line):
        left = line[at - size] if at >= size else 0
        up = before[at]
        corner = before[at - size] if at >= size else 0
        guess = left if kind == 1 else (left + up) // 2 if kind == 3 else _paeth(left, up, corner)
        line[at] = (value + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    by_left, by_up, by_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner
