"""Text tables (.csv, .tsv): which encoding, which delimiter, which rows; and writing one back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.core.errors import WorkbookError

ENCODINGS = ("utf-8", "gb18030", "cp1252")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LONGEST_FIELD = 10_000_000


@dataclass(frozen=True)
class TextTable:
    """The rows of a text file as text, and how it was written; `result_of` the same way is `written`."""

    rows: list[list[str]]
    encoding: str
    delimiter: str
    line_end: str


def parse(data: bytes, file: str) -> TextTable:
    """Read a text table.

    The encoding is taken from a byte order mark, else it is the first of UTF-8, GB18030, Windows-1252 that fits; the
    delimiter is the one of ``, ; tab |`` that gives the most even columns.

    Raises WorkbookError: WB_EMPTY, WB_NOT_XLSX (binary data with a text file's name), WB_DAMAGED (a quote never closed).
    """
    if not data:
        raise WorkbookError(
            "the file has 0 bytes",
            expected="a table",
            hint="the upload or export may have failed: do it again",
            where=file,
            code="WB_EMPTY",
        )
    encoding, text = _decode(data, file)
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


def _decode(data: bytes, file: str) -> tuple[str, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, data.decode(encoding, errors="replace")
    if b"\0" in data[:4096]:
        raise WorkbookError(
            f"{file} is binary data, not text",
            expected="a text table",
            hint="give the file the ending of its format (.xlsx, .xls, .ods)",
            where=file,
            code="WB_NOT_XLSX",
        )
    for encoding in ENCODINGS:
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
