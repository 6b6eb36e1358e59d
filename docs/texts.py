"""The texts of the desk: `make texts` collects them into each area's .po file and compiles its .mo; ``--check`` only looks.

What stands in the frame's own catalogue (`runner/desk/locale`) is not asked for again in the areas: shared words have one
translation. Of an operation of the JSON interface its docstring and the descriptions of its fields are texts too.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

DESK: Final = Path(__file__).resolve().parents[1] / "runner" / "desk"
LANGUAGE: Final = "zh_Hans"
_KEYWORDS: Final = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "pgettext_lazy": ((1, "c"), 2),
    "ngettext_lazy": (1, 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
    "gettext_noop": None,
}
_MERGE: Final = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_FIXED: Final = datetime(2026, 1, 1, tzinfo=UTC)
_HEADER: Final = f"# Texts of the desk in {LANGUAGE}; `make texts` keeps this file up to date."


def areas() -> list[Path]:
    """The folders with texts of their own: the frame first, then each area."""
    found = [DESK, *(one.parent for one in sorted(DESK.glob("*/__init__.py")))]
    return [one for one in found if one.name != "templatetags"]


def po_of(area: Path) -> Path:
    """The catalogue of an area."""
    return area / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def make(area: Path, shared: Catalog | None = None) -> Catalog:
    """The catalogue of an area as it must be now: the texts that its files have, with the translations known so far."""
    wanted = _empty()
    for file in _files(area):
        for _line, function, message, _comments in _texts(file):
            context, text = _split(function, message)
            if shared is None or shared.get(_first(text), context) is None:
                wanted.add(text, context=context)
        for text in described(file.read_text("utf-8")) if file.suffix == ".py" else ():
            if shared is None or shared.get(text) is None:
                wanted.add(text)
    known = _empty()
    if po_of(area).exists():
        lines = po_of(area).read_text("utf-8").splitlines(keepends=True)
        both = "".join(
            line for line in lines if not line.startswith(_MERGE)
        )  # a merge that stopped here: keep both
        known = read_po(io.StringIO(both), locale=LANGUAGE)
    for message in wanted:
        before = known.get(message.id, message.context) if message.id else None
        if before is not None:
            message.string = before.string
    return wanted


def problems() -> list[str]:
    """What is not as `make texts` would have it, and every text without a translation."""
    found = []
    shared: Catalog | None = None
    for area in areas():
        catalog = make(area, shared)
        shared = shared or catalog
        where = po_of(area).relative_to(DESK.parents[1])
        for path, content in _written(area, catalog).items():
            if not path.exists() or path.read_bytes() != content:
                found.append(f"{path.relative_to(DESK.parents[1])} is out of date - run: make texts")
        found += [f"{where}: not translated: {message.id!r}" for message in _open(catalog)]
        found += [f"{place}: in an f-string no text is collected - take it out" for place in hidden(area)]
    return found


def described(source: str) -> Iterator[str]:
    """What a file says of the operations of the JSON interface: docstrings, and ``description=`` of fields."""
    tree = ast.parse(source)
    constants = {
        one.target.id: one.value
        for one in tree.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(_calls(one, "operation") for one in node.decorator_list):
            yield " ".join((ast.get_docstring(node) or "").split())
        elif _calls(node, "Field"):
            for given in ast.walk(node):
                if isinstance(given, ast.keyword) and given.arg == "description":
                    value = (
                        constants.get(given.value.id) if isinstance(given.value, ast.Name) else given.value
                    )
                    if isinstance(value, ast.Constant):
                        yield " ".join(str(value.value).split())


def hidden(area: Path) -> list[str]:
    """Where a text stands inside an f-string, in which nobody looks for texts: file and line."""
    return [
        f"{file.name}:{call.lineno}"
        for file in _files(area)
        if file.suffix == ".py"
        for string in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _KEYWORDS
    ]


def main(arguments: list[str]) -> int:
    """Write or check; the exit code says whether everything is translated."""
    if not settings.configured:
        settings.configure(USE_I18N=False)
        django.setup()
    if "--check" not in arguments:
        shared: Catalog | None = None
        for area in areas():
            catalog = make(area, shared)
            shared = shared or catalog
            for path, content in _written(area, catalog).items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    found = problems()
    print("\n".join(found) or "every text of the desk is translated")
    return 1 if found else 0


def _files(area: Path) -> Iterator[Path]:
    if area == DESK:
        yield from sorted(DESK.glob("*.py"))
        yield from sorted((DESK / "templatetags").glob("*.py"))
        yield from sorted(path for path in (DESK / "templates").rglob("*") if path.is_file())
        return
    yield from sorted(area.rglob("*.py"))
    yield from sorted(path for path in (area / "templates").rglob("*") if path.is_file())


def _texts(file: Path) -> Iterator[tuple[int, str, object, list[str]]]:
    source = file.read_text("utf-8")
    if file.suffix != ".py":
        source = templatize(source, origin=str(file))
    yield from extract_python(io.BytesIO(source.encode()), _KEYWORDS, (), {"encoding": "utf-8"})  # type: ignore[misc]


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _split(function: str, message: object) -> tuple[str | None, str | tuple[str, str]]:
    """A found call as (context, text) or (context, (singular, plural))."""
    parts = (
        [part for part in message if isinstance(part, str)] if isinstance(message, tuple) else [str(message)]
    )
    context = parts.pop(0) if function.startswith(("pgettext", "npgettext")) else None
    return context, (parts[0], parts[1]) if "ngettext" in function or "npgettext" in function else parts[0]


def _first(text: str | tuple[str, str]) -> str:
    return text if isinstance(text, str) else text[0]


def _empty() -> Catalog:
    """A catalogue whose header says nothing that changes by itself: the same texts give the same bytes."""
    return Catalog(
        locale=LANGUAGE, header_comment=_HEADER, project="Runner", version="desk", fuzzy=False, charset="utf-8",
        creation_date=_FIXED, revision_date=_FIXED, last_translator="Runner", language_team="Runner",
        msgid_bugs_address="Runner",
    )  # fmt: skip


def _open(catalog: Catalog) -> Iterator[Message]:
    for message in catalog:
        strings = message.string if isinstance(message.string, tuple | list) else [message.string]
        if message.id and (message.fuzzy or not all(strings)):
            yield message


def _written(area: Path, catalog: Catalog) -> dict[Path, bytes]:
    """The two files of an area, byte for byte the same for the same texts; none for an area without texts."""
    if not len(catalog):
        return {}
    po, mo = io.BytesIO(), io.BytesIO()
    write_po(po, catalog, width=110, no_location=True, sort_output=True)
    write_mo(mo, catalog)
    return {po_of(area): po.getvalue(), po_of(area).with_suffix(".mo"): mo.getvalue()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
