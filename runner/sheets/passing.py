"""One pass over a worksheet: its head and tail as trees that can be changed, its rows as blocks that stream through."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runner.sheets.placed import Document
from runner.sheets.sheetxml import Block, SheetStream

Change = Callable[[Document], None]
_ROOT = re.compile(rb"""<([\w.-]+:)?worksheet\b(?:[^>"']|"[^"]*"|'[^']*')*>""")


@dataclass(frozen=True)
class SheetPass:
    """What is done to the parts of a sheet: `head` up to its rows, `block` of rows, `tail` behind them; None: nothing."""

    head: Change | None = None
    block: Callable[[Block, bytes], bytes] | None = None
    tail: Change | None = None

    def run(self, stream: SheetStream) -> Iterator[bytes]:
        """The changed worksheet; `block` gets the namespace prefix, too."""
        prefix = stream.tags.prefix
        root = _ROOT.search(stream.head)
        opening = root[0] if root else b"<worksheet>"
        closing = b"</" + (root[1] or b"" if root else b"") + b"worksheet>"
        data_end = stream.tags.end(b"sheetData") if stream.has_rows else b""
        yield self._head(stream.head, data_end + closing, stream)
        for block in stream.blocks():
            yield self.block(block, prefix) if self.block else block.text
        tail = b"".join(stream.tail())
        yield self._tail(tail, opening + (b"<" + prefix + b"sheetData>" if stream.has_rows else b""), stream)

    def _head(self, head: bytes, closing: bytes, stream: SheetStream) -> bytes:
        if self.head is None:
            return head
        document = Document(head + closing, stream.where)
        self.head(document)
        return document.content()[: -len(closing)]

    def _tail(self, tail: bytes, opening: bytes, stream: SheetStream) -> bytes:
        if self.tail is None:
            return tail
        document = Document(opening + tail, stream.where)
        self.tail(document)
        return document.content()[len(opening) :]
