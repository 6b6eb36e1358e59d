"""A package written again with some parts replaced: the records of all others are copied byte for byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from runner.core.errors import WorkbookLoss
from runner.sheets.package import Package, Part

_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_END = struct.Struct("<4s4H2IH")
_LIMIT = 0xFFFF_FFFF
_LEVEL = 3  # half the time of level 6, a quarter more bytes


@dataclass
class _Entry:
    """One entry of the zip directory: its fixed fields, name, extra fields and comment."""

    fields: list[int]
    name: bytes
    extra: bytes
    comment: bytes


@dataclass(frozen=True)
class Changes:
    """New content (in pieces) by part, names as in the package; parts added and removed; and what is decided last.

    `last` names a part whose record is written behind all others; its content is asked for then, None: as it was.
    """

    replaced: Mapping[str, Iterable[bytes]]
    added: Mapping[str, bytes] = field(default_factory=dict)
    removed: Collection[str] = ()
    last: str = ""
    decide: Callable[[], bytes | None] = lambda: None


def rewrite(package: Package, changes: Changes, out: BinaryIO) -> None:
    """Write `package` with its `changes` to `out`.

    Raises WorkbookLoss for packages of more than 4 GB or 65,535 parts.
    """
    entries = _entries(package)
    if len(entries) >= 0xFFFF or len(package.data) >= _LIMIT:
        raise WorkbookLoss(
            "the package is larger than a plain zip file", expected="less than 4 GB", where=package.name
        )
    unknown = {*changes.replaced, *changes.removed} - {part.name for part in package.parts}
    if unknown:
        raise ValueError(f"parts to be changed are not in the package: {sorted(unknown)}")
    ends = _record_ends(package)
    pairs = list(zip(entries, package.parts, strict=True))
    for entry, part in sorted(pairs, key=lambda pair: pair[1].name == changes.last):
        if part.name in changes.removed:
            continue
        content = changes.replaced.get(part.name)
        if part.name == changes.last:
            decided = changes.decide()
            content = content if decided is None else [decided]
        start = out.tell()
        if content is not None:
            _write_part(out, entry, content)
        else:
            out.write(memoryview(package.data)[part.offset : ends[part.offset]])
            entry.fields[6:9] = [part.crc, part.compressed, part.size]
        entry.extra = _without_zip64(entry.extra)
        entry.fields[-1] = start
    kept = [entry for entry, part in pairs if part.name not in changes.removed]
    for name, new in changes.added.items():
        entry = _Entry([0x0014, 20, 0x0800, 8, 0, 0x21, *[0] * 10], name.encode(), b"", b"")
        start = out.tell()
        _write_part(out, entry, [new])
        entry.fields[-1] = start
        kept.append(entry)
    _write_directory(out, kept)


def differences(old: Package, new: Package, replaced: Iterable[str]) -> list[str]:
    """The names of parts that are missing, added or changed although they are not in `replaced`."""
    allowed, before, after = set(replaced), {p.name: p for p in old.parts}, {p.name: p for p in new.parts}
    return [
        name
        for name in {**before, **after}
        if name not in allowed
        and (name not in before or name not in after or not _same(old, before[name], new, after[name]))
    ]


def _same(old: Package, one: Part, new: Package, other: Part) -> bool:
    if (one.crc, one.size, one.method, one.compressed) != (
        other.crc,
        other.size,
        other.method,
        other.compressed,
    ):
        return False
    return old.packed(one) == new.packed(other)


def _record_ends(package: Package) -> dict[int, int]:
    starts = sorted(part.offset for part in package.parts)
    return dict(zip(starts, [*starts[1:], package.directory_at], strict=True))


def _entries(package: Package) -> list[_Entry]:
    entries, at = [], package.directory_at
    for _ in package.parts:
        fields = list(_ENTRY.unpack_from(package.data, at))
        name_size, extra_size, comment_size = fields[10:13]
        at += _ENTRY.size
        name = package.data[at : at + name_size]
        extra = package.data[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        entries.append(
            _Entry([int(f) for f in fields[1:]], name, extra, package.data[at - comment_size : at])
        )
    return entries


def _write_part(out: BinaryIO, entry: _Entry, pieces: Iterable[bytes]) -> None:
    """A fresh record: deflated, its sizes written into the header once they are known."""
    start = out.tell()
    flags = entry.fields[2] & 0x0800
    out.write(bytes(_LOCAL.size) + entry.name)
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    crc = size = packed = 0
    for piece in pieces:
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        packed += out.write(packer.compress(piece))
    packed += out.write(packer.flush())
    if max(size, packed) >= _LIMIT:
        raise WorkbookLoss("the changed sheet would be larger than 4 GB", expected="less than 4 GB")
    end = out.tell()
    out.seek(start)
    stamp = entry.fields[4:6]
    out.write(_LOCAL.pack(b"PK\x03\x04", 20, flags, 8, *stamp, crc, packed, size, len(entry.name), 0))
    out.seek(end)
    entry.fields[1:4] = [20, flags, 8]
    entry.fields[6:9] = [crc, packed, size]
    entry.extra = b""


def _write_directory(out: BinaryIO, entries: list[_Entry]) -> None:
    start = out.tell()
    for entry in entries:
        entry.fields[9:12] = [len(entry.name), len(entry.extra), len(entry.comment)]
        entry.fields[12] = 0
        out.write(_ENTRY.pack(b"PK\x01\x02", *entry.fields) + entry.name + entry.extra + entry.comment)
    size = out.tell() - start
    out.write(_END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), size, start, 0))


def _without_zip64(extra: bytes) -> bytes:
    kept, at = b"", 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind != 1:
            kept += extra[at : at + 4 + size]
        at += 4 + size
    return kept
