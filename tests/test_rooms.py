"""Who may import whom: the room table of the design, enforced on every file of runner/, typing imports included."""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

RUNNER = Path(__file__).resolve().parents[1] / "runner"


@dataclass(frozen=True)
class Room:
    """What a room may import: other rooms, and the packages (or parts of one) that not everybody may import."""

    rooms: frozenset[str]
    packages: frozenset[str] = frozenset()


def _room(rooms: str = "", packages: str = "") -> Room:
    return Room(frozenset(rooms.split()), frozenset(packages.split()))


ROOMS: Mapping[str, Room] = {
    "core": _room("", "ruamel cryptography keyring"),
    "journal": _room("core", "loguru orjson ahocorasick_rs"),
    "sheets": _room("core", "openpyxl python_calamine xlsxwriter charset_normalizer polars pandas"),
    "timetable": _room("core", "cronsim holidays"),
    "recordings": _room("core"),
    "kit": _room("core journal sheets recordings", "playwright tenacity orjson loguru pyotp"),
    "store": _room("core", "django psycopg"),
    "cases": _room("core journal store sheets timetable", "apprise django.db"),
    "insight": _room("core store sheets recordings", "pygraphviz django.db"),
    "engine": _room("core journal store cases timetable", "apscheduler psutil procrastinate django.db"),
    "desk": _room(
        "core store cases insight sheets timetable recordings", "django django_htmx axes ninja waitress"
    ),
    "demo": _room("core", "flask werkzeug waitress openpyxl"),  # openpyxl: it makes the workbooks of the demo
    "cli": _room("core journal sheets timetable recordings kit store cases insight engine desk demo", "*"),
    "testing": _room("core kit", "loguru pytest"),  # what bot developers write tests with
    "": _room("core sheets kit", "loguru"),  # the façade, runner/__init__.py: names loaded when first used
}
# cli puts the parts together, and loads each one in the command that needs it: what --help loads is tested elsewhere.
# Rooms that may import the store write queries with django.db; the rest of Django belongs to store and desk.
# orjson: the journal and the child's channel are JSON lines. pydantic is how every room writes its records.
EVERYWHERE = frozenset({"pydantic", "pydantic_core", "runner"})


@dataclass(frozen=True)
class Import:
    """One import: the file and line where it stands, the dotted name, and whether it runs when the file is loaded."""

    file: Path
    line: int
    name: str
    at_load: bool


def imports_of(file: Path, root: Path) -> Iterator[Import]:
    """Every import of `file`, wherever it stands, and every module named to importlib; `root` is the runner folder."""
    tree = ast.parse(file.read_text("utf-8"), str(file))
    package = ["runner", *file.relative_to(root).parent.parts]
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        for name in _named(node, package):
            yield Import(file, getattr(node, "lineno", 0), name, at_load=id(node) not in inner)
        if file == root / "__init__.py" and isinstance(node, ast.Constant) and isinstance(node.value, str):
            home, colon, _ = node.value.partition(":")
            if colon and home.replace(".", "").isidentifier():
                yield Import(file, node.lineno, home, at_load=False)


def _named(node: ast.AST, package: list[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
        home = ".".join(part for part in (start, node.module) if part)
        yield from (f"{home}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and node.args:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        named = node.args[0]
        if called in {"import_module", "__import__", "import_string"} and isinstance(named, ast.Constant):
            yield str(named.value)


def broken_rules(root: Path) -> list[str]:
    """One sentence for each import that the table does not allow, and for each circle of modules; empty when all is well."""
    files = sorted(root.rglob("*.py"))
    found = [one for file in files for one in imports_of(file, root)]
    broken = [sentence for one in found if (sentence := _judge(one, root))]
    modules = {_module(file, root) for file in files}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for one in found:
        target = _longest_known(one.name, modules)
        source = _module(one.file, root)
        if one.at_load and target and target != source and not source.startswith(f"{target}."):
            graph[source].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        broken.append(f"a circle of imports: {' -> '.join(error.args[1])}")
    return broken


def _judge(one: Import, root: Path) -> str:
    room = _room_of(one.file, root)
    where = f"{one.file.relative_to(root.parent)}:{one.line}"
    if room not in ROOMS:
        return f"{where}: '{room}' is not a room of the table"
    top, _, rest = one.name.partition(".")
    if top == "runner":
        return _judge_own(where, room, rest.partition(".")[0], one.name)
    if top in sys.stdlib_module_names | EVERYWHERE:
        return ""
    if any(allowed == "*" or f"{one.name}.".startswith(f"{allowed}.") for allowed in ROOMS[room].packages):
        return ""
    return f"{where}: {room or 'the façade'} may not import the package {top} ({one.name})"


def _judge_own(where: str, room: str, target: str, name: str) -> str:
    if target and target in ROOMS and target not in ROOMS[room].rooms | {room}:
        return f"{where}: {room or 'the façade'} may not import {target} ({name})"
    if target not in ROOMS and name != "runner":
        return f"{where}: {room} imports from the façade ({name}): import from the room that owns it"
    return ""


def _room_of(file: Path, root: Path) -> str:
    parts = file.relative_to(root).parts
    if len(parts) == 1:
        return {"__init__.py": "", "__main__.py": "cli"}.get(parts[0], parts[0])
    return parts[0]


def _module(file: Path, root: Path) -> str:
    parts = ["runner", *file.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _longest_known(name: str, modules: set[str]) -> str:
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def test_every_file_imports_only_what_its_room_may() -> None:
    assert broken_rules(RUNNER) == []


def test_the_table_itself_has_no_circle() -> None:
    TopologicalSorter({name: room.rooms for name, room in ROOMS.items()}).prepare()


def test_every_room_of_the_table_is_a_package_and_every_package_is_in_the_table() -> None:
    folders = {folder.name for folder in RUNNER.iterdir() if (folder / "__init__.py").exists()}
    assert folders <= set(ROOMS)
    assert "" in ROOMS
    assert not {"kit", "desk"} & ROOMS["engine"].rooms
    assert not {"engine", "desk"} & ROOMS["kit"].rooms
    assert not {"engine", "kit"} & ROOMS["desk"].rooms


@pytest.mark.parametrize(
    ("planted_in", "code", "expected"),
    [
        ("kit", "import runner.store\n", "kit may not import store"),
        ("kit", "from runner import engine\n", "kit may not import engine"),
        ("engine", "from ..kit import planted_too\n", "engine may not import kit"),
        (
            "engine",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from runner.kit.bot import bot\n",
            "engine may not import kit",
        ),
        ("desk", "def late() -> None:\n    from runner.engine import worker\n", "desk may not import engine"),
        (
            "desk",
            "import importlib\nworker = importlib.import_module('runner.engine.worker')\n",
            "desk may not import engine",
        ),
        (
            "core",
            "async def late() -> None:\n    import runner.journal.write\n",
            "core may not import journal",
        ),
        (
            "journal",
            "def late() -> None:\n    import openpyxl\n",
            "journal may not import the package openpyxl",
        ),
        ("kit", "from django.db import models\n", "kit may not import the package django"),
        ("cases", "from django.http import HttpRequest\n", "cases may not import the package django"),
        ("cases", "import something_new\n", "cases may not import the package something_new"),
        ("sheets", "from runner import BusinessError\n", "sheets imports from the façade"),
        ("desk", "import rich\n", "desk may not import the package rich"),
        ("attic", "import runner.core.errors\n", "'attic' is not a room"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, planted_in: str, code: str, expected: str) -> None:
    copy = _copy(tmp_path)
    (copy / planted_in).mkdir(exist_ok=True)
    (copy / planted_in / "planted.py").write_text(code, "utf-8")

    broken = broken_rules(copy)

    assert len(broken) == 1
    assert broken[0].startswith(f"runner/{planted_in}/planted.py:")
    assert expected in broken[0]


def test_a_planted_name_in_the_facade_is_found(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    with (copy / "__init__.py").open("a", encoding="utf-8") as facade:
        facade.write('\n_MORE = {"case": "runner.cases.intake:open_case"}\n')

    assert any("the façade may not import cases" in sentence for sentence in broken_rules(copy))


@pytest.mark.parametrize("typing_only", [False, True])
def test_a_planted_circle_is_found(tmp_path: Path, *, typing_only: bool) -> None:
    copy = _copy(tmp_path)
    for here, there in (("first", "second"), ("second", "third"), ("third", "first")):
        code = f"from runner.core.planted_{there} import x\n"
        if typing_only:
            code = f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {code}"
        (copy / "core" / f"planted_{here}.py").write_text(code, "utf-8")

    assert any("a circle of imports: runner.core.planted_" in sentence for sentence in broken_rules(copy))


def test_an_import_inside_a_function_makes_no_circle_of_modules(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    (copy / "core" / "planted_first.py").write_text("from runner.core import planted_second\n", "utf-8")
    (copy / "core" / "planted_second.py").write_text(
        "def late() -> None:\n    from runner.core import planted_first\n", "utf-8"
    )

    assert broken_rules(copy) == []


def _copy(folder: Path) -> Path:
    """A copy of the rooms as they are allowed to be: planted faults are the only ones in it."""
    root = folder / "runner"
    for room in ROOMS:
        (root / room).mkdir(parents=True, exist_ok=True)
        (root / room / "__init__.py").touch()
    shutil.copy(RUNNER / "__init__.py", root / "__init__.py")
    return root
