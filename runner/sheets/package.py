"""The guard in front of every workbook package: what is refused before and while anything is inflated.

Sizes are taken from the zip directory before the first byte is inflated and enforced while inflating, because a
directory can lie. Readers behind the guard (calamine, openpyxl) get bytes that went through it.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runner.core.errors import WorkbookError

OLE_MAGIC = bytes.fromhex("D0CF11E0A1B11AE1")
CHUNK = 1 << 20
_PROLOG = re.compile(rb"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_XML_SUFFIXES = (".xml", ".rels")


@dataclass(frozen=True)
class Limits:
    """What a package may expand to: bytes altogether, and the ratio allowed for parts larger than `free` bytes."""

    total: int = 1 << 30
    ratio: int = 200
    free: int = 16 << 20
    parts: int = 20_000


@dataclass(frozen=True)
class Part:
    """One entry of the package: its name as written, where its record starts and what the directory says of it."""

    name: str
    offset: int
    compressed: int
    size: int
    crc: int
    method: int


class Package:
    """The parts of a workbook file held as its compressed bytes, checked against `Limits` before inflating.

    Raises WorkbookError: WB_EMPTY, WB_OLE, WB_NOT_XLSX, WB_TRUNCATED, WB_DAMAGED, WB_DUP_PART, WB_TOO_BIG.
    """

    def __init__(self, data: bytes, name: str, limits: Limits = Limits()) -> None:
        self.data = data
        self.name = name
        self.directory_at, entries = _directory(data, name)
        self._refuse_bombs(entries, limits)
        self._parts: dict[str, Part] = {}
        for entry in entries:
            self._add(entry)
        self._refuse_overlaps()

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in the order of the zip directory."""
        return tuple(self._parts.values())

    def find(self, name: str) -> Part | None:
        """The part called `name`; part names are compared without regard to case, as the OPC standard says."""
        return self._parts.get(name.lower().lstrip("/"))

    def read(self, name: str, most: int = 64 << 20) -> bytes:
        """The whole content of a part of at most `most` bytes; WB_PART_MISSING where there is none."""
        part = self.find(name)
        if part is None:
            raise self.error(
                "WB_PART_MISSING",
                f"part '{name}' is missing",
                hint="the workbook is damaged: export it again",
            )
        if part.size > most:
            raise self.error(
                "WB_TOO_BIG",
                f"part '{name}' expands to {part.size:,} bytes, ratio {_ratio(part):.0f}",
                expected=f"the limit for this kind of part is {most:,} bytes",
            )
        content = b"".join(self.chunks(part))
        self._refuse_dtd(part, content[:CHUNK])
        return content

    def chunks(self, part: Part) -> Iterator[bytes]:
        """The content of `part` in pieces of about a megabyte, never more than the directory announced.

        Raises WB_CRC where size or checksum are not what the directory says.
        """
        seen = crc = 0
        for piece in self._inflated(part):
            seen += len(piece)
            if seen > part.size:
                raise self._checksum_error(part, f"it expands to more than the {part.size:,} bytes announced")
            crc = zlib.crc32(piece, crc)
            yield piece
        if seen != part.size or crc != part.crc:
            raise self._checksum_error(part, f"checksum {crc:08x} instead of {part.crc:08x}")

    def check(self, but: Part | None = None, look: Callable[[Part, bytes], None] | None = None) -> None:
        """Inflate every part once and drop it: sizes, checksums, no document type declaration in any XML part.

        `but`: a part that the caller is going to inflate to its end anyway; only its beginning is looked at.
        `look` is shown every piece.
        """
        for part in self.parts:
            for number, piece in enumerate(self.chunks(part)):
                if number == 0:
                    self._refuse_dtd(part, piece)
                if part == but:
                    break
                if look:
                    look(part, piece)

    def error(self, code: str, what: str, *, expected: str = "", hint: str = "") -> WorkbookError:
        """An error about this file, ready to be raised."""
        return WorkbookError(what, expected=expected, hint=hint, where=self.name, code=code)

    def packed(self, part: Part) -> memoryview:
        """The bytes of `part` as they are stored, compressed."""
        start = self._start(part)
        return memoryview(self.data)[start : start + part.compressed]

    def _add(self, info: zipfile.ZipInfo) -> None:
        key = info.filename.lower().lstrip("/")
        if key in self._parts:
            raise self.error(
                "WB_DUP_PART",
                f"two parts named '{info.filename}' in the package, refused",
                expected="each part once: programs would read different content",
                hint="open it in Excel, check it and save it again",
            )
        if info.flag_bits & 0x1:
            raise self.error(
                "WB_OLE", f"part '{info.filename}' is encrypted", hint="remove the password and save it again"
            )
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise self.error(
                "WB_DAMAGED",
                f"part '{info.filename}' uses compression method {info.compress_type}",
                expected="stored or deflated",
            )
        self._parts[key] = Part(
            info.filename,
            info.header_offset,
            info.compress_size,
            info.file_size,
            info.CRC,
            info.compress_type,
        )

    def _refuse_bombs(self, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
        total = sum(entry.file_size for entry in entries)
        packed = max(1, len(self.data))
        if total > limits.total or len(entries) > limits.parts:
            raise self._bomb(f"{len(entries):,} parts expand to {total:,} bytes", total / packed, limits)
        for entry in entries:
            ratio = entry.file_size / max(1, entry.compress_size)
            if entry.file_size > limits.free and ratio > limits.ratio:
                raise self._bomb(
                    f"part '{entry.filename}' expands to {entry.file_size:,} bytes", ratio, limits
                )

    def _bomb(self, what: str, ratio: float, limits: Limits) -> WorkbookError:
        return self.error(
            "WB_TOO_BIG",
            f"{what}, ratio {ratio:.0f}",
            expected=f"the limit is {limits.total:,} bytes in {limits.parts:,} parts and a ratio of {limits.ratio}",
            hint="delete empty formatted rows, or split the workbook",
        )

    def _refuse_overlaps(self) -> None:
        ordered = sorted(self.parts, key=lambda part: part.offset)
        ends = [*(part.offset for part in ordered[1:]), self.directory_at]
        for part, end in zip(ordered, ends, strict=False):  # a package without parts has one end too many
            if (
                self.data[part.offset : part.offset + 4] != b"PK\x03\x04"
                or self._start(part) + part.compressed > end
            ):
                raise self.error(
                    "WB_DAMAGED",
                    f"the directory entry of part '{part.name}' points to no such record",
                    hint="the workbook is damaged: export or download it again",
                )

    def _start(self, part: Part) -> int:
        header = self.data[part.offset : part.offset + 30]
        if len(header) < 30:
            return len(self.data)
        name, extra = struct.unpack_from("<HH", header, 26)
        return part.offset + 30 + int(name) + int(extra)

    def _inflated(self, part: Part) -> Iterator[bytes]:
        body = self.packed(part)
        if part.method == zipfile.ZIP_STORED:
            for at in range(0, len(body), CHUNK):
                yield bytes(body[at : at + CHUNK])
            return
        inflater = zlib.decompressobj(-15)
        try:
            for at in range(0, len(body), 1 << 16):
                yield from _drained(inflater, bytes(body[at : at + (1 << 16)]))
                if inflater.eof:
                    return
        except zlib.error as broken:
            raise self._checksum_error(part, "its compressed data can't be inflated") from broken
        raise self._checksum_error(part, "its compressed data ends too early")

    def _checksum_error(self, part: Part, why: str) -> WorkbookError:
        return self.error(
            "WB_CRC",
            f"damaged: part '{part.name}' fails its checksum ({why})",
            expected="the bytes that were saved",
            hint="copy or download the file again",
        )

    def _refuse_dtd(self, part: Part, head: bytes) -> None:
        if not part.name.lower().endswith(_XML_SUFFIXES):
            return
        if head[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in head[:4]:
            utf16 = (
                "utf-16"
                if head[:2] in {b"\xff\xfe", b"\xfe\xff"}
                else ("utf-16-le" if head[1:2] == b"\0" else "utf-16-be")
            )
            head = head.decode(utf16, errors="replace").encode()
        head = head.removeprefix(b"\xef\xbb\xbf")
        prolog = _PROLOG.match(head)
        if head[prolog.end() if prolog else 0 :][:9].upper().startswith(b"<!DOCTYPE"):
            raise self.error(
                "WB_XML_DTD",
                f"part '{part.name}' has a document type declaration, which is not allowed in a workbook",
                expected="plain XML without entities",
                hint="the file was not made by a spreadsheet program: ask where it comes from",
            )


def _drained(inflater: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    while True:
        piece = inflater.decompress(packed, CHUNK)
        packed = inflater.unconsumed_tail
        if piece:
            yield piece
        if inflater.eof or (not packed and len(piece) < CHUNK):
            return


def _ratio(part: Part) -> float:
    return part.size / max(1, part.compressed)


def _directory(data: bytes, name: str) -> tuple[int, list[zipfile.ZipInfo]]:
    refuse_other_formats(data, name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.start_dir, archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError, OSError) as broken:
        if b"PK\x05\x06" in data[-65_557:]:
            raise WorkbookError(
                f"the list of parts can't be read ({broken}), the workbook is damaged",
                hint="copy or download it again",
                where=name,
            ) from broken
        raise WorkbookError(
            f"the file is incomplete: its size is {len(data):,} bytes and its end is missing",
            expected="a whole workbook",
            hint="download again, or copy it again",
            where=name,
            code="WB_TRUNCATED",
        ) from broken


def refuse_other_formats(data: bytes, name: str) -> None:
    """Refuse bytes that are no zip package at all, saying what they are instead: nothing, OLE, text, other."""
    if not data:
        raise WorkbookError(
            "the file has 0 bytes", expected="a workbook", hint="the upload or export may have failed: do it again",
            where=name, code="WB_EMPTY",
        )  # fmt: skip
    if data.startswith(OLE_MAGIC):
        raise WorkbookError(
            "the file is password-protected or in the old .xls format",
            expected="an .xlsx or .xlsm workbook without a password",
            hint="open it in Excel, remove the password and save as .xlsx",
            where=name,
            code="WB_OLE",
        )
    if not data.startswith(b"PK"):
        kind = "is binary data" if b"\0" in data[:4096] or data.startswith(b"%PDF") else "is text"
        raise WorkbookError(
            f"{name} {kind}, not an Excel workbook (it begins with {_begin(data)})",
            expected="an .xlsx or .xlsm file",
            hint="open it in Excel and save as .xlsx, or give it its own ending back (.csv)",
            where=name,
            code="WB_NOT_XLSX",
        )


def _begin(data: bytes) -> str:
    text = data[:24].decode("utf-8", errors="replace").split("\n")[0]
    return repr("".join(c if c.isprintable() else "?" for c in text))
