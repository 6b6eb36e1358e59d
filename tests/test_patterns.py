"""Regular expressions that every supported Python matches alike."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Possessive repeats and atomic groups are new in 3.11 and matched wrongly before 3.11.5, which Debian 12 does not have.
_FRESH = re.compile(r"(?<!\\)(?:[*+?}]\+|\(\?>)")


def fresh(text: str) -> list[str]:
    """The places of a pattern that only recent versions match rightly; what stands in a set is a plain character."""
    return _FRESH.findall(re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "S", text))


@pytest.mark.parametrize(
    ("pattern", "count"), [("a++", 1), ("(?>a)b", 1), ("[a]*+", 1), (r"a\++", 0), ("[+*]+", 0)]
)
def test_the_search_finds_such_patterns(pattern: str, count: int) -> None:
    assert len(fresh(pattern)) == count


def patterns(trees: dict[Path, ast.Module]) -> dict[str, str]:
    """Every text that goes into a call of `re`, there or by the name of a constant, by its place."""
    calls = [
        (file, part)
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
        for argument in node.args[:1]
        for part in ast.walk(argument)
    ]
    names = {part.id for _file, part in calls if isinstance(part, ast.Name)}
    named = [
        (file, part)
        for file, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id in names for t in node.targets)
        for part in ast.walk(node.value)
    ]
    return {
        f"{file.name}:{part.lineno}:{part.col_offset}": str(part.value)
        for file, part in (*calls, *named)
        if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes)
    }


def test_no_pattern_needs_a_recent_python() -> None:
    found = patterns({file: ast.parse(file.read_text("utf-8")) for file in (ROOT / "runner").rglob("*.py")})

    assert len(found) > 100
    assert {place: text for place, text in found.items() if fresh(text)} == {}
