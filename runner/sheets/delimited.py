"""Text tables (.csv, .tsv): which encoding, which delimiter, which rows; and writing one back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.core.errors import WorkbookError

_SAMPLE = 100_000
_LIKELY = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874",
    "cp932", "cp949", "big5", "euc_jp", "koi8_r", "iso8859_2", "iso8859_15",
]  # fmt: skip
_WIDE = re.compile("[\u0370-\uffff]")
_LOST = re.compile("(?<=[A-Za-z])[\u0370-\uffff](?=[a-z])|(?<=[a-z])[\u0370-\uffff]|[\u0370-\uffff](?=[a-z])")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LONGEST_FIELD = 10_000_000


@dataclass(frozen=True)
class TextTable:
    """The rows of a text file as text, and how it was written; `result_of` the same way is `written`."""

    rows: list[list[str]]
    encoding: str
    delimiter: str
    line_end: str


def parse(data: bytes, file: str, encoding: str | None = None) -> TextTable:
    """Read a text table.

    The encoding is taken from a byte order mark, else it is the one declared, else UTF-8, GB18030 (where it gives Chinese) or
    a guess; the delimiter is the one of ``, ; tab |`` that gives the most even columns.

    Raises WorkbookError: WB_EMPTY, WB_ENCODING (not in the encoding declared), WB_NOT_XLSX (binary data with a text file's name), WB_DAMAGED (a quote never closed).
    """
    if not data:
        raise WorkbookError(
            "the file has 0 bytes",
            expected="a table",
            hint="the upload or export may have failed: do it again",
            where=file,
            code="WB_EMPTY",
        )
    encoding, text = _decode(data, file, encoding)
    delimiter = "\t" if file.lower().endswith(".tsv") else _sniff(text)
    try:
        rows = _split(text, delimiter)
    except csv.Error as broken:
        raise WorkbookError(
            f"the text table can't be split into cells ({broken})",
            expected="quotes that are closed, fields up to 10 million characters",
            hint="open it in a spreadsheet program and save it again",
            where=file,
        ) from broken
    return TextTable(rows, encoding, delimiter, "\r\n" if "\r\n" in text else "\n")


def written(table: TextTable, rows: Iterable[Sequence[str]]) -> bytes:
    """`rows` in the encoding, delimiter and line ends of `table`."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=table.delimiter, lineterminator=table.line_end).writerows(rows)
    text = out.getvalue()
    try:
        return text.encode(table.encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8-sig")


def _decode(data: bytes, file: str, declared: str | None) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, data.decode(encoding, errors="replace")
    if declared:
        return _declared(data, file, declared)
    if b"\0" in data[:4096]:
        raise WorkbookError(
            f"{file} is binary data, not text",
            expected="a text table",
            hint="give the file the ending of its format (.xlsx, .xls, .ods)",
            where=file,
            code="WB_NOT_XLSX",
        )
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or _is_chinese(text):
            return encoding, text
    return _guessed(data)


def _declared(data: bytes, file: str, encoding: str) -> tuple[str, str]:
    try:
        return encoding, data.decode(encoding)
    except (LookupError, UnicodeDecodeError) as wrong:
        raise WorkbookError(
            f"the text can't be read as '{encoding}' ({wrong})",
            expected="the encoding in which the file was written, such as utf-8, gb18030 or cp1252",
            hint="correct the encoding, or leave it out",
            where=file,
            code="WB_ENCODING",
        ) from wrong


def _is_chinese(text: str) -> bool:
    """Whether text that can be read as GB18030 is meant so: an umlaut and its neighbour read so are a sign among letters."""
    signs = _WIDE.findall(text)
    return not signs or len(_LOST.findall(text)) * 2 <= len(signs)


def _guessed(data: bytes) -> tuple[str, str]:
    """The most likely encoding of a western or other text; Windows-1252 where nothing is more likely."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE], cp_isolation=_LIKELY).best()
    for encoding in (best.encoding if best else "cp1252", "cp1252"):
        try:
            return encoding, data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return "latin-1", data.decode("latin-1")


def _split(text: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False))


def _sniff(text: str) -> str:
    sample = text[:20_000]
    best, most = ",", (0.0, 0)
    for delimiter in ",;\t|":
        try:
            widths = [len(row) for row in _split(sample, delimiter) if row][:50]
        except csv.Error:
            continue
        common = max(set(widths), key=widths.count, default=1)
        if common > 1:
            score = (widths.count(common) / len(widths), common)
            best, most = (delimiter, score) if score > most else (best, most)
    return best
