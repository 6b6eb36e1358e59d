"""What a bot script can import: `runner.__all__` is true, described, and costs nothing until it is used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import runner

HEAVY = {
    "playwright", "pydantic", "openpyxl", "python_calamine", "xlsxwriter", "django", "flask", "waitress", "apscheduler",
    "cryptography", "ruamel", "tenacity", "orjson", "loguru",
}  # fmt: skip


@pytest.mark.parametrize("name", runner.__all__)
def test_every_public_name_can_be_imported_and_says_what_it_is(name: str) -> None:
    value = getattr(runner, name)

    assert value is not None
    described = value if isinstance(value, type) or callable(value) else type(value)
    assert (getattr(value, "__doc__", None) or described.__doc__ or "").strip()


def test_the_facade_promises_what_it_can_load() -> None:
    assert runner.__all__ == sorted(runner.__all__)
    assert set(runner.__all__) == set(runner._HOMES)


def test_a_type_checker_sees_the_same_names() -> None:
    tree = ast.parse(Path(runner.__file__).read_text("utf-8"))
    seen = {
        alias.asname or alias.name
        for block in ast.walk(tree)
        if isinstance(block, ast.If)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == set(runner.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'runner' has no attribute 'bott'"):
        importlib.import_module("runner").bott  # noqa: B018


def loaded_by(*arguments: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after `arguments`."""
    code = (
        "import runpy, sys\n"
        "sys.argv = ['runner', *sys.argv[1:]]\n"
        "try:\n"
        "    runpy.run_module('runner.cli.main', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        "print('\\n' + ' '.join(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return {module.partition(".")[0] for module in done.stdout.splitlines()[-1].split()}


def test_importing_runner_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, runner; print(' '.join(sys.modules))"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert {module.partition(".")[0] for module in done.stdout.split()} & HEAVY == set()


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    assert loaded_by("--help") & HEAVY == set()
