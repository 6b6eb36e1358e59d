"""The page that `--help` prints where the terminal speaks Chinese: the same parts, said from the book of helps.

The parser of the command line writes its page through an object like this one. In English it uses its own, which breaks
lines at blanks and counts letters; here a line may end behind every Chinese sign, and such a sign is two columns wide.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from unicodedata import east_asian_width

from runner.core.phrase_book import help_text

_SENTENCE: Final = re.compile(r"^[^。]*")
_MORE: Final = re.compile(r"(?P<text>.*?)(?:(?:^|  )(?P<more>\[[^\[\]]+\]))?", re.DOTALL)
_PIECE: Final = re.compile(r"[\u2e80-\uffff][，。、；：）”？！]*|[^\s\u2e80-\uffff]+[，。、；：）”？！]*|\s+")
_WORDS: Final = {
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "<str>": "<文本>",
    "<list[str]>": "<文本>",
    "<int>": "<整数>",
    "<int range>": "<整数>",
    "<float>": "<数字>",
    "<float range>": "<数字>",
    "<path>": "<路径>",
    "<file>": "<文件>",
    "[default: ": "[默认：",
    "[required": "[必填",
    "; ": "；",
    "；required": "；必填",
    "Options": "选项",
    "Arguments": "参数",
    "Commands": "命令",
}  # what the parser itself writes
_WIDEST: Final = 80
_NARROWEST: Final = 50
_FIRST_COLUMN: Final = 30


class HelpPage:
    """What the parser asks of a page: it writes parts, and at the end takes the text."""

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        columns = min(shutil.get_terminal_size().columns, max_width or _WIDEST)
        self.width = width or max(columns - 2, _NARROWEST)
        self._step, self._indent = indent_increment, 0
        self._parts: list[str] = []

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:  # noqa: ARG002 - the parser's signature
        """Write how the command is called."""
        head = f"用法：{prog} "
        self._lines(head, _own(args), _columns(head))

    def write_heading(self, heading: str) -> None:
        """Write the head of a part."""
        self._parts.append(f"{' ' * self._indent}{_own(help_text(heading))}：\n")

    def write_paragraph(self) -> None:
        """Leave a line free."""
        if self._parts:
            self._parts.append("\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        for number, part in enumerate(paragraphs(text)):
            if number:
                self.write_paragraph()
            self._lines(" " * self._indent, help_text(part), self._indent)

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write options or commands, and beside each what it does."""
        named = [(_own(first), _told(second)) for first, second in rows]
        column = min(max(_columns(first) for first, _ in named), _FIRST_COLUMN) + 2
        for first, second in named:
            head = f"{' ' * self._indent}{first}"
            free = column - _columns(first)
            if free < 2:
                self._parts.append(f"{head}\n")
                head, free = " " * self._indent, column
            self._lines(f"{head}{' ' * free}", second, self._indent + column)

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """A part with its head."""
        self.write_paragraph()
        self.write_heading(name)
        with self.indentation():
            yield

    @contextmanager
    def indentation(self) -> Iterator[None]:
        """What is written inside stands further to the right."""
        self._indent += self._step
        try:
            yield
        finally:
            self._indent -= self._step

    def getvalue(self) -> str:
        """The whole page."""
        return "".join(self._parts)

    def _lines(self, head: str, text: str, indent: int) -> None:
        """Write `text` behind `head`, broken into lines of the page's width; those after the first begin at `indent`."""
        line, used = head, _columns(head)
        for piece in _PIECE.findall(text):
            wide = _columns(piece)
            if used + wide > self.width and used > indent:
                self._parts.append(f"{line.rstrip()}\n")
                line, used = " " * indent, indent
                if piece.isspace():
                    continue
            line, used = line + piece, used + wide
        self._parts.append(f"{line.rstrip()}\n")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a help, each in one line: what the book has sentences for."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def first_sentence(text: str) -> str:
    """What a list of commands says of one: the first sentence of its help."""
    found = _SENTENCE.match(help_text((paragraphs(text) or [""])[0]))
    return found[0] if found else ""


def _told(text: str) -> str:
    """The help of an option, and behind it its default and the like."""
    found = _MORE.fullmatch(text)
    if found is None or not found["more"]:
        return help_text(" ".join(text.split()))
    return "  ".join(
        part for part in (help_text(" ".join(found["text"].split())), _own(found["more"])) if part
    )


def _own(text: str) -> str:
    """The words of the parser itself."""
    for english, chinese in _WORDS.items():
        text = text.replace(english, chinese)
    return text


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
