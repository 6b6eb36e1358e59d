"""The sentences of Runner's errors and of the command line: `make texts` collects them into the phrase book; ``--check`` only looks.

In the rooms below every text that an error, a helper of errors or a printing function is given, and every other text of two
words or more, is a sentence that somebody may read: it stands in the book of its room with numbered holes in place of its
values (``unknown bot '{0}'``), beside its translation. What is the same in every language stands there as itself. What the
commands say of themselves (`--help`) is a book of its own, with whole texts.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from runner.core.phrase_book import BOOKS, HELPS, HOLE

ROOT: Final = Path(__file__).resolve().parents[1] / "runner"
LANGUAGE: Final = "zh"
_HELP_BOOK: Final = HELPS / "commands.json"
ROOMS: Final = ("core", "timetable", "cases", "store", "sheets", "recordings", "kit", "engine", "cli")
# Files that speak both languages themselves, or hold text for machines, for developers or in other files.
_LEFT_OUT: Final = frozenset({
    "cases/case_file.py", "cases/fingerprint.py", "cases/wording.py", "cases/roundtrip_words.py", "cli/demo_place.py", "cli/help_page.py", "cli/scaffold.py",
    "core/schedules_schema.py", "recordings/wording.py", "recordings/script.py", "recordings/script_steps.py", "recordings/small_script.py", "recordings/failing.py",
    "store/indexed_texts.py", "store/word_index.py", "store/postgres/word_index.py", "store/postgres/word_match.py",
    "store/postgres/base.py", "store/postgres/health.py", "store/quick.py", "timetable/describe.py", "timetable/differences.py", "timetable/words.py",
})  # fmt: skip
GLUE: Final[Mapping[str, tuple[str, ...]]] = {"core": (
    "'{0}' {1}", "'{0}' is {1}", "{0} and {1}", "{0} (the page says: {1})", "column {0}: {1}", "schedule '{0}'", "process '{0}'", "calendar '{0}'", "defaults",
    "empty", "a mapping", "a list", "minute", "hour", "day-of-month", "month", "day-of-week", "a day", "a week", "a month", "a year",
    "open", "claimed", "waiting", "retrying", "resolved", "verified", "closed", "analysing", "acting", "verifying",
    "queued", "running", "done", "lost", "failed", "cancelled", "pending", "exception", "rejected", "due", "ran", "missed", "skipped",
    "coalesced", "business", "application", "unknown",
    "Input should be a valid integer, unable to parse string as an integer", "Input should be a valid number, unable to parse string as a number",
    "Input should be a valid decimal", "Input should be a valid boolean, unable to interpret input", "Input should be a valid string",
    "Input should be a valid integer", "Input should be a valid date or datetime, {0}", "Field required",
    "Input should be greater than or equal to {0}", "Input should be less than or equal to {0}", "Input should be greater than {0}",
    "Input should be less than {0}", "give --param {0}=VALUE",
    "input should be a valid integer, unable to parse string as an integer", "{0} is not in the range {1}", "missing argument '{0}'",
    "{0} February", "{0} April", "{0} June", "{0} September", "{0} November", "missing option '{0}'", "got unexpected extra argument ({0})", "got unexpected extra arguments ({0})", "option '{0}' requires an argument",
    "'{0}' is not a valid int", "'{0}' is not a valid integer",
), "cli": (
    "d", "h", "min", "s", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "case", "status", "what failed", "kind", "message", "page says",
    "python", "data folder", "disk", "store", "browser", "bots", "schedules", "ledger", "problems", "vault", "leftovers", "starting", "OK", "warning",
    "conflict", "skipped", "page", "step", "data", "from", "bot", "where", "run", "problem", "due", "evidence", "history", "decide", "in words", "finished",
    "input should be less than or equal to {0}", "input should be greater than or equal to {0}",
), "sheets": ("holds {0}", "is empty"), "kit": ("bot {0} is an async or generator function",), "recordings": (
    "a recording", "No such file or directory", "Permission denied", "Is a directory", "File is not a zip file", "List should have at least {0} item after validation, not {1}", "Extra data", "Expecting value",
    "Expecting property name enclosed in double quotes", "Expecting ',' delimiter", "Expecting ':' delimiter", "Unterminated string starting at",
    "Invalid control character at", "Invalid \\escape",
)}  # fmt: skip
"""Sentences that are put together of two others, and words that stand in their holes or are looked up by a name."""
_ERRORS: Final = re.compile(r"(Error|Problem|Failed|Loss|Later|Unknown)$")
_TELLS: Final = frozenset(
    {"problem", "never", "say", "warn", "print_table", "print_facts", "_refused", "Finding", "_facts", "told"}
)
_NAMES: Final = frozenset({"code", "by", "key", "name", "help", "style"})
_HEADS: Final = frozenset({"said", "Col"})  # what they are given is said, however short it is
_SILENT: Final = frozenset({"compile", "Option", "Argument", "Typer", "fullmatch", "match", "search", "sub", "split", "Entry", "group",
    "execute", "cursor", "raw", "RawSQL", "extra", "Field", "getLogger", "evaluate", "wait_for_function", "add_init_script"})  # fmt: skip
_MERGE: Final = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_MACHINE: Final = re.compile(
    r"\b(SELECT|UPDATE|INSERT|DELETE FROM|PRAGMA|CREATE|DROP|BEGIN|VALUES|UNION|WHERE|ORDER BY|EXISTS|STDIN|STDOUT|AND one)\b|^\s*<|</|^[A-Z][A-Z0-9_]*$|[\u4e00-\u9fff]|\(\?P<|\\[wds]|^--[a-z-]+$|^[a-z]+[._][a-z_.]+$|^https?://|^file:|^  ?runner |^runner [a-z -]+\{0\}$|^runner [a-z -]+$|^[a-z.]+\.(yaml|toml|zip)$"
)


def collected(room: str) -> list[str]:
    """The sentences of a room, in order."""
    found: dict[str, None] = {}
    for file in sorted((ROOT / room).rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        if name not in _LEFT_OUT and "migrations" not in name:
            found.update(dict.fromkeys(sentences(file.read_text("utf-8"))))
    return sorted({*found, *GLUE.get(room, ())})


def sentences(source: str) -> Iterator[str]:
    """Yield the sentences of a file, as they stand in the book."""
    yield from _in(ast.parse(source), told=False)


def made() -> dict[str, dict[str, str]]:
    """The books as they must be now, by room: what the code says, with the translations known so far."""
    known = {
        sentence: said
        for file in sorted((BOOKS / LANGUAGE).glob("*.json"))
        for sentence, said in _read(file).items()
        if said
    }
    books: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for room in ROOMS:
        mine = [one for one in collected(room) if one not in seen]
        seen.update(mine)
        books[room] = {one: known.get(one, "") for one in mine}
    return books


def helps() -> list[str]:
    """The texts of `--help` of every command, paragraph by paragraph, in the order of the commands."""
    from runner.cli.help_page import paragraphs
    from runner.cli.main import Commands, command_line

    found: dict[str, None] = {"Show this message and exit.": None}

    def tell(command: Any) -> None:
        texts = [command.help, *(getattr(one, "help", None) for one in command.params)]
        found.update(
            dict.fromkeys(part for text in texts if text for part in paragraphs(inspect.cleandoc(text)))
        )
        for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
            tell(command.get_command(None, name))

    tell(command_line())
    for entry in Commands.entries.values():
        found.update({entry.help: None, entry.section: None})
    return sorted(found)


def made_helps() -> dict[str, str]:
    """The book of helps as it must be now, with the translations known so far."""
    known = _read(_HELP_BOOK) if _HELP_BOOK.exists() else {}
    return {one: known.get(one, "") for one in helps()}


def problems() -> list[str]:
    """What is not as `make texts` would have it, every sentence without translation, every translation that lost a value."""
    found = []
    for room, book in made().items():
        file = BOOKS / LANGUAGE / f"{room}.json"
        if book and (not file.exists() or file.read_text("utf-8") != _written(book)):
            found.append(f"{file.name} of the phrase book is out of date - run: make texts")
        found += [f"{file.name}: not translated: {one!r}" for one, said in book.items() if not said]
        found += [
            f"{file.name}: {one!r} says {missing} and its translation does not"
            for one, said in book.items()
            if said and (missing := {*HOLE.findall(one)} ^ {*HOLE.findall(said)})
        ]
    book = made_helps()
    if not _HELP_BOOK.exists() or _HELP_BOOK.read_text("utf-8") != _written(book):
        found.append("the book of helps is out of date - run: make texts")
    return [
        *found,
        *(f"{_HELP_BOOK.name}: not translated: {one!r}" for one, said in book.items() if not said),
    ]


def main(arguments: list[str]) -> int:
    """Write or check; the exit code says whether everything is translated."""
    if "--check" not in arguments:
        (BOOKS / LANGUAGE).mkdir(parents=True, exist_ok=True)
        for room, book in made().items():
            if book:
                (BOOKS / LANGUAGE / f"{room}.json").write_text(_written(book), "utf-8")
        _HELP_BOOK.parent.mkdir(parents=True, exist_ok=True)
        _HELP_BOOK.write_text(_written(made_helps()), "utf-8")
    found = problems()
    print("\n".join(found) or "every sentence of errors and commands is translated")
    return 1 if found else 0


def _read(file: Path) -> dict[str, str]:
    """The book of a room; of a merge that stopped here both sides."""
    lines = (line for line in file.read_text("utf-8").splitlines() if not line.startswith(_MERGE))
    book: dict[str, str] = json.loads(re.sub(r",\s*}\s*$", "}", "\n".join(lines)))
    return book


def _written(book: dict[str, str]) -> str:
    return json.dumps(book, ensure_ascii=False, indent=0) + "\n"


def _in(node: ast.AST, *, told: bool) -> Iterator[str]:
    """Yield the sentences below a node; `told`: it is what an error or a printing function is given."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Constant | ast.JoinedStr):
            yield from _text(child, told=told)
        elif isinstance(child, ast.Call):
            yield from _call(child)
        elif isinstance(child, ast.Subscript):
            yield from _in(child.value, told=told)
        elif not _is_silent(child):
            yield from _in(child, told=told and not isinstance(child, ast.FunctionDef | ast.ClassDef))


def _is_silent(node: ast.AST) -> bool:
    """Whether it is a docstring, or an argument that is a name for programs."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.keyword) and node.arg in _NAMES


def _text(node: ast.Constant | ast.JoinedStr, *, told: bool) -> Iterator[str]:
    text = _template(node)
    if _is_said(text, told=told):
        yield text
    for value in node.values if isinstance(node, ast.JoinedStr) else ():
        if isinstance(value, ast.FormattedValue):
            yield from _in(value, told=told)


def _call(node: ast.Call) -> Iterator[str]:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    head = _template(node.args[0]) if name in _HEADS and node.args else ""
    if re.search("[A-Za-z]", HOLE.sub("", head)):
        yield head
    elif name not in _SILENT:
        yield from _in(node, told=bool(_ERRORS.search(name)) or name in _TELLS or name in _HEADS)


def _template(node: ast.expr) -> str:
    """A text as it stands in the book: its values are holes. Empty for what is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts, holes = [], 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            parts.append(f"{{{holes}}}")
            holes += 1
    return "".join(parts)


def _is_said(text: str, *, told: bool) -> bool:
    bare = HOLE.sub(" ", text)
    words = len(_WORD.findall(bare))
    if not words or _MACHINE.search(bare.strip()):
        return False
    return told or (words > 1 and " " in bare.strip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
