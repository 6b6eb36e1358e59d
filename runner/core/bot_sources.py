"""What a bot's source is: its own file and every module of the project that it imports, and the version that follows."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

RECORDED: Final = "recordings/"
_OURS: Final = "runner"  # a project that holds Runner itself: its version is not the bot's
_MOST_FILES: Final = 500
_ALREADY_DONE: Final = re.compile(rb"^already_done:\s*[\"']?((?:\w|[^\x00-\x7f]|-)+)", re.MULTILINE)


def sources_of(project: Path, file: str) -> dict[str, bytes]:
    """The bot's file and the project's own modules that it imports, directly or through one another, by path.

    Imports are read, not run, so one inside a function counts too; one that is made from a text is not seen. What can't
    be parsed stands for itself. A recording's are its binding, itself, and the one that looks whether it is done. `file` is relative to the project and comes first. Raises OSError where it can't be read.
    """
    found = {file: (project / file).read_bytes()}
    if is_recorded(file):
        looks = _ALREADY_DONE.search(found[file])
        names = [file.removesuffix(".yaml"), *([f"{RECORDED}{looks[1].decode()}"] if looks else [])]
        return {**found, **{f"{one}.json": (project / f"{one}.json").read_bytes() for one in names}}
    waiting = [file]
    while waiting and len(found) < _MOST_FILES:
        path = waiting.pop()
        for module in _imported(found[path], path):
            for inner in _files_of(project, file, module):
                if inner not in found:
                    found[inner] = (project / inner).read_bytes()
                    waiting.append(inner)
    return found


def is_recorded(file: str) -> bool:
    """Whether a bot's file is the binding of a recording, `recordings/X.yaml`."""
    return file.startswith(RECORDED) and file.endswith(".yaml")


def version_of(sources: Mapping[str, bytes]) -> str:
    """Twelve characters that change when one of the files does: of one file its own digest, of several that of all."""
    if len(sources) == 1:
        return hashlib.sha256(next(iter(sources.values()))).hexdigest()[:12]
    lines = (f"{path} {digest_of(text)}\n" for path, text in sorted(sources.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def digest_of(text: bytes) -> str:
    """The name under which a file's content is kept: its SHA-256."""
    return hashlib.sha256(text).hexdigest()


def _imported(source: bytes, path: str) -> Iterator[str]:
    """Yield the dotted names that a source imports; those of ``from a import b`` as ``a`` and ``a.b``."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = path.split("/")[: -node.level]
                base = ".".join([*parts, *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _files_of(project: Path, file: str, module: str) -> Iterator[str]:
    """Yield the files of the project that an import of `module` reads: packages on the way, then the module itself."""
    parts = [part for part in module.split(".") if part]
    if not parts or parts[0] == _OURS or not all(part.isidentifier() for part in parts):
        return
    # As the child's import path has them: the project first, the bot's own folder last.
    beside = "" if parts[0] in sys.stdlib_module_names else file.rpartition("/")[0]
    for folder in dict.fromkeys(("", beside)):
        names = [*([folder] if folder else []), *parts]
        found = list(_walk(project, names, len(names) - len(parts)))
        if found:
            yield from found
            return


def _walk(project: Path, names: list[str], known: int) -> Iterator[str]:
    for length in range(known + 1, len(names) + 1):
        path = "/".join(names[:length])
        for candidate in (f"{path}/__init__.py", f"{path}.py"):
            if (project / candidate).is_file():
                yield candidate
                break
