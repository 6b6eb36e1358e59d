"""Loads a bot file and says what is in it, or in one sentence why it can't be loaded."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from runner.core.bot_sources import is_recorded, sources_of, version_of
from runner.core.contract import BotDescription, FoundError
from runner.core.errors import ConfigurationError, ErrorReport, RunnerError, UsageError, did_you_mean
from runner.kit.bot import BotSpec, bots_of, forget_bots
from runner.kit.items import Queue
from runner.kit.outcome import deepest_frame
from runner.kit.retry import retry_of_irreversible

# What bots import most; a wrong letter in one of these is found even where it is not installed.
_WELL_KNOWN: Final = (
    "beautifulsoup4", "bs4", "django", "flask", "httpx", "jinja2", "lxml", "matplotlib", "numpy", "openpyxl", "orjson",
    "paho", "pandas", "paramiko", "pdfplumber", "PIL", "playwright", "polars", "psycopg", "pydantic", "pypdf",
    "requests", "reportlab", "selenium", "sqlalchemy", "xlsxwriter", "yaml",
)  # fmt: skip


@dataclass(frozen=True)
class BotFile:
    """A loaded bot file: its bots by name, its queues by name, its place in the project and its version."""

    file: str
    version: str
    bots: dict[str, BotSpec]
    queues: dict[str, Queue[Any]]

    def descriptions(self) -> list[BotDescription]:
        """The bots of the file as people and the worker see them."""
        queues = [queue.describe() for queue in self.queues.values()]
        return [bot.describe(self.file, self.version, queues) for bot in self.bots.values()]

    def bot(self, name: str) -> BotSpec:
        """The bot of this name. Raises UsageError (CLI_BOT) when the file has none."""
        if name not in self.bots:
            raise UsageError(
                f"unknown bot '{name}'",
                expected=f"{self.file} has {', '.join(self.bots)}",
                hint=did_you_mean(name, self.bots) or "see 'runner bots'",
                code="CLI_BOT",
            )
        return self.bots[name]

    def queue(self, name: str) -> Queue[Any]:
        """The queue of this name. Raises ConfigurationError (BOT_QUEUE) when the file has none."""
        if name not in self.queues:
            raise ConfigurationError(
                f"{self.file} has no queue '{name}'",
                expected=f"one of {', '.join(self.queues) or 'none'}",
                hint=did_you_mean(name, self.queues),
                where=self.file,
                code="BOT_QUEUE",
            )
        return self.queues[name]


def load(project: Path, file: str, *, again: bool = True) -> BotFile:
    """Import a bot file (relative to `project`) and collect its bots and queues.

    With `again` False a file that this process has loaded already is taken as it is, changes to its module included.
    The project's folder comes first on the import path, the file's own folder last. Raises a RunnerError
    (BOT_SYNTAX, BOT_IMPORT, BOT_NO_ENTRY, BOT_DUPLICATE, BOT_… of the kit) whose `where` is file:line.
    """
    if is_recorded(file):
        return _load_recorded(project, file)
    path = project / file
    name = path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix()
    _extend_import_path(project, path.parent)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"can't be read: {error.strerror}", expected="a bot file", where=name, code="BOT_IMPORT"
        ) from error
    known = sys.modules.get(name.removesuffix(".py").replace("/", "."))
    if again or known is None or Path(known.__file__ or "") != path:
        known = _run_file(source, path, name, project)
    module = known
    _refuse_retried_acts(source, name)
    try:
        bots = bots_of(module.__name__)
    except ConfigurationError as error:
        error.where = name
        raise
    if not bots:
        raise ConfigurationError(
            f"no function marked @bot in {name}",
            expected="at least one",
            hint="write @bot above the function that is to be run, or take the file out of the folder",
            where=name,
            code="BOT_NO_ENTRY",
        )
    version = version_of(sources_of(project, name) if path.is_relative_to(project) else {name: source})
    return BotFile(name, version, {bot.name: bot for bot in bots}, _queues(module, name))


def _load_recorded(project: Path, file: str) -> BotFile:
    from runner.kit.recorded import load_recorded  # what replays: other bots start without it

    spec, queue = load_recorded(project, Path(file).stem)
    queues = {queue.name: queue} if queue is not None else {}
    return BotFile(file, version_of(sources_of(project, file)), {spec.name: spec}, queues)


def found(error: RunnerError) -> list[FoundError]:
    """An error, or all that a report holds, as values for the channel."""
    errors = error.errors if isinstance(error, ErrorReport) else (error,)
    return [
        FoundError(code=e.stable_code, what=e.what, expected=e.expected, hint=e.hint, where=e.where)
        for e in errors
    ]


def _extend_import_path(project: Path, folder: Path) -> None:
    # The bots' folder comes last: a bot called queue.py or email.py must not hide the standard library's.
    if str(project) not in sys.path:
        sys.path.insert(0, str(project))
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _run_file(source: bytes, path: Path, name: str, project: Path) -> ModuleType:
    try:
        code = compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _syntax(error, name, source) from error
    except ValueError as error:
        raise ConfigurationError(
            f"invalid syntax at line 1, column 1: {error}",
            expected="Python source text",
            where=name,
            code="BOT_SYNTAX",
        ) from error
    module = ModuleType(name.removesuffix(".py").replace("/", "."))
    forget_bots(module.__name__)
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the bot's file is what this child process is for
    except BaseException as error:  # whatever a file raises while it loads is a sentence about the file
        raise _import_failed(error, name, path, project) from error
    return module


def _refuse_retried_acts(source: bytes, name: str) -> None:
    """Find `item.irreversible(…)` in a function with a Retry of its own before any run does; calls deeper down are found then."""
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        options = [k for d in function.decorator_list if isinstance(d, ast.Call) for k in d.keywords]
        if not any(k.arg == "retry" and not _is_none(k.value) for k in options):
            continue
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "irreversible"
            ):
                error = retry_of_irreversible(function.name)
                error.where = f"{name}:{node.lineno}:{node.col_offset + 1}"
                raise error


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _syntax(error: SyntaxError, name: str, source: bytes) -> ConfigurationError:
    line, column = error.lineno or 1, error.offset or 1
    seen = (error.text or "").strip() or repr(source[:40])
    reason = error.msg if error.msg == "invalid syntax" else f"invalid syntax ({error.msg})"
    return ConfigurationError(
        f"{reason} at line {line}, column {column}: {seen}",
        expected="Python source text",
        hint="correct the line",
        where=f"{name}:{line}:{column}",
        code="BOT_SYNTAX",
    )


def _import_failed(error: BaseException, name: str, path: Path, project: Path) -> RunnerError:
    place = deepest_frame(error.__traceback__, project) or (path, 1)
    file = (
        place[0].relative_to(project.resolve()).as_posix()
        if place[0].is_relative_to(project.resolve())
        else name
    )
    where = f"{file}:{place[1]}"
    if isinstance(error, RunnerError):
        error.where = error.where or where
        return error
    expected, hint = (
        "a file that loads without doing any work",
        "correct it, or move the work into the bot's function",
    )
    if isinstance(error, ModuleNotFoundError):
        what = f"no module named '{error.name}'"
        expected = "a module of the project or an installed package"
        hint = (
            did_you_mean(str(error.name), _modules())
            or f"install what brings '{error.name}', and name it in the project's dependencies"
        )
    elif isinstance(error, ImportError):
        what, hint = str(error), _name_hint(error)
        expected = "a name that the module has"
    elif isinstance(error, SyntaxError):
        what = f"invalid syntax in {error.filename}, line {error.lineno}: {error.msg}"
        expected = "Python source text"
    elif isinstance(error, SystemExit):
        what = f"it called sys.exit({error.code!r})"
    else:
        what = f"{type(error).__name__}: {error}"
    return ConfigurationError(
        f"import failed at line {place[1]}: {what}",
        expected=expected,
        hint=hint,
        where=where,
        code="BOT_IMPORT",
    )


def _name_hint(error: ImportError) -> str:
    match = re.match(r"cannot import name '(\w+)'", str(error))
    module = sys.modules.get(error.name or "")
    if not match or module is None:
        return "see what the module offers"
    known: Iterable[str] = getattr(module, "__all__", None) or dir(module)
    return did_you_mean(match.group(1), known) or f"see what {error.name} offers"


def _modules() -> set[str]:
    return {*_WELL_KNOWN, *sys.stdlib_module_names, *importlib.metadata.packages_distributions()}


def _queues(module: ModuleType, name: str) -> dict[str, Queue[Any]]:
    queues: dict[str, Queue[Any]] = {}
    for value in vars(module).values():
        if not isinstance(value, Queue):
            continue
        if queues.setdefault(value.name, value) is not value:
            raise ConfigurationError(
                f"two queues are called '{value.name}'",
                expected="one queue per name",
                hint="use one object for both, or rename one",
                where=name,
                code="BOT_DUPLICATE",
            )
    return queues
