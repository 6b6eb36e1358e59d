"""Finds bots without running them: names by parsing, descriptions by a child process with a time limit."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.core.contract import BotDescription, FoundError
from runner.core.errors import ConfigurationError, ErrorReport, RunnerError, UsageError, did_you_mean
from runner.core.ids import short_id
from runner.core.settings import Settings
from runner.engine.child import Child, died


@dataclass(frozen=True, slots=True)
class Discovery:
    """The bots of a project and the errors of the files that could not be loaded."""

    bots: tuple[BotDescription, ...]
    errors: tuple[RunnerError, ...]
    by_file: Mapping[str, tuple[tuple[BotDescription, ...], tuple[RunnerError, ...]]] = field(
        default_factory=dict
    )


def bot_files(project: Path) -> list[Path]:
    """The files of `bots/` that can hold bots, sorted by name, then the bindings of recordings.

    Names that start with `_` are left out.
    """
    scripts = sorted(p for p in (project / "bots").glob("*.py") if not p.name.startswith("_"))
    return scripts + sorted((project / "recordings").glob("[!._]*.yaml"))


def names_by_file(project: Path) -> dict[str, Path]:
    """Bot names found by parsing alone: functions decorated with `bot`, and recordings with a binding.

    A file that can't be parsed names none.
    """
    found: dict[str, Path] = {}
    for path in bot_files(project):
        if path.suffix == ".yaml":
            found.setdefault(path.stem, path)
            continue
        try:
            module = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and any(_is_bot(d) for d in node.decorator_list):
                found.setdefault(node.name, path)
    return found


def file_of(project: Path, bot: str) -> Path:
    """The file that defines `bot`, or the file of that name when it can't be parsed (loading it will say why).

    Raises UsageError (CLI_BOT) with the nearest name.
    """
    names = names_by_file(project)
    if bot in names:
        return names[bot]
    same_name = project / "bots" / f"{bot}.py"
    if same_name in bot_files(project):
        return same_name
    if (project / "recordings" / f"{bot}.json").is_file():
        raise UsageError(
            f"the recording '{bot}' is no bot yet",
            expected=f"a binding, recordings/{bot}.yaml",
            hint=f"make it with: runner recordings bind {bot} WORKBOOK",
            code="CLI_BOT",
        )
    raise UsageError(
        f"unknown bot '{bot}'",
        expected=did_you_mean(bot, names) or f"one of: {', '.join(sorted(names)) or 'none found in bots/'}",
        hint="list them with: runner bots",
        code="CLI_BOT",
    )


def discover(settings: Settings, files: Sequence[Path] | None = None) -> Discovery:
    """Describe the bots of `files` (default: all of bots/), each file in a child process of its own.

    A file that is broken, dies or does not load within `settings.discovery_limit` costs only its own bots.
    """
    files = bot_files(settings.project) if files is None else list(files)
    with ThreadPoolExecutor(max_workers=max(1, min(len(files), os.cpu_count() or 1))) as pool:
        answers = list(pool.map(lambda path: _describe(settings, path), files))
    bots: dict[str, BotDescription] = {}
    errors: list[RunnerError] = []
    by_file = {
        path.relative_to(settings.project).as_posix(): (tuple(found), tuple(problems))
        for path, (found, problems) in zip(files, answers, strict=True)
    }
    for found, problems in answers:
        errors += problems
        for bot in found:
            if bot.name in bots:
                twice = f"bot '{bot.name}' is in {bots[bot.name].file} and in {bot.file}"
                errors.append(
                    ConfigurationError(
                        twice, expected="one bot of a name", hint="rename one", code="BOT_TWICE"
                    )
                )
            else:
                bots[bot.name] = bot
    return Discovery(tuple(sorted(bots.values(), key=lambda b: b.name)), tuple(errors), by_file)


def validate_item(settings: Settings, bot_file: str, queue: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` as the model of `queue` sees it, checked in a child process (the model is bot code).

    Raises ErrorReport with one error per field that doesn't fit.
    """
    task = {
        "validate": {"project": str(settings.project), "file": bot_file, "queue": queue, "data": dict(data)}
    }
    answer = _question(settings, task, bot_file)
    if isinstance(answer, RunnerError):
        raise ErrorReport([answer])
    if answer.get("errors"):
        raise ErrorReport([as_error(FoundError(**e), UsageError) for e in answer["errors"]])
    valid: dict[str, Any] = answer["data"]
    return valid


def validate_items(
    settings: Settings, bot_file: str, queue: str, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any] | ErrorReport]:
    """The data of many items as the model of `queue` sees it, in their order, asked of one child process.

    What does not fit is the ErrorReport that `validate_item` would raise. Raises ErrorReport where the file can't be loaded.
    """
    task = {
        "validate": {
            "project": str(settings.project),
            "file": bot_file,
            "queue": queue,
            "rows": [dict(r) for r in rows],
        }
    }
    answer = _question(settings, task, bot_file)
    if isinstance(answer, RunnerError):
        raise ErrorReport([answer])
    if answer.get("errors"):
        raise ErrorReport([as_error(FoundError(**e), UsageError) for e in answer["errors"]])
    return [
        ErrorReport([as_error(FoundError(**e), UsageError) for e in one["errors"]])
        if one["errors"]
        else one["data"]
        for one in answer["results"]
    ]


def as_error(found: FoundError, kind: type[RunnerError] = ConfigurationError) -> RunnerError:
    """The error that a child sent as a value; its code says which exit code it ends with."""
    kind = UsageError if found.code.startswith("CLI_") else kind
    return kind(found.what, expected=found.expected, hint=found.hint, where=found.where, code=found.code)


def _describe(settings: Settings, path: Path) -> tuple[list[BotDescription], list[RunnerError]]:
    file = path.relative_to(settings.project).as_posix()
    answer = _question(settings, {"describe": {"project": str(settings.project), "file": file}}, file)
    if isinstance(answer, RunnerError):
        return [], [answer]
    bots = [BotDescription.model_validate(b) for b in answer.get("bots", ())]
    return bots, [as_error(FoundError(**e)) for e in answer.get("errors", ())]


def _question(settings: Settings, task: Mapping[str, Any], file: str) -> dict[str, Any] | RunnerError:
    limit = settings.discovery_limit.total_seconds()
    child = Child(settings.project, f"describe-{short_id(file)}-{os.getpid()}-{id(task)}", os.environ)
    try:
        child.ask(limit)
        child.answer(task)
        answer = child.ask(limit)
        if answer is None:
            return as_error(FoundError(**_as_found(died(child, "loading"), file)))
    except TimeoutError:
        return ConfigurationError(
            f"the file did not load within {limit:.0f} s and was killed",
            expected="a bot file that only defines things when it is imported",
            hint="move what it does at module level into the bot function",
            where=file,
            code="BOT_IMPORT_TIMEOUT",
        )
    else:
        return answer
    finally:
        child.end(grace=0)


def _as_found(error: RunnerError, file: str) -> dict[str, str]:
    return {
        "code": error.stable_code, "what": error.what, "expected": error.expected, "hint": error.hint, "where": file,
    }  # fmt: skip


def _is_bot(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(target, ast.Name) and target.id == "bot") or (
        isinstance(target, ast.Attribute) and target.attr == "bot"
    )
