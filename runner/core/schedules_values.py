"""What a schedule hands to its bot, checked before anything runs: parameters, secrets, and paths that stay inside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from runner.core.contract import BotDescription
from runner.core.errors import ConfigurationError, did_you_mean

_SECRET_WORDS: Final = frozenset(
    {"password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "credential", "credentials"}
)
_SECRET_NAMES: Final = re.compile(r"密码|口令|密钥|private_?key|api_?key|access_?key", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"\$\{secret:[^{}\s]+\}")
_CREDENTIALS_IN_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class BotFacts:
    """What a schedule must know of a bot. `parameters` maps each name to its JSON Schema."""

    name: str
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


def facts_of(bot: BotDescription) -> BotFacts:
    """Return the facts of a bot that was described by its child process."""
    schema = bot.parameters
    return BotFacts(bot.name, dict(schema.get("properties", {})), frozenset(schema.get("required", ())))


Found = tuple[tuple[str | int, ...], ConfigurationError]


def check_parameters(parameters: Mapping[str, Any], written: str, bot: BotFacts | None) -> Iterator[Found]:
    """Yield each error with its path below the schedule; `written` is the key that the file uses for parameters.

    A value that may be a secret is in none of the messages.
    """
    yield from _inline_secrets(parameters, (written,))
    for path, value in _leaves(parameters, (written,)):
        if isinstance(value, str) and _climbs_out(value) and _is_path(path, bot):
            yield (
                path,
                ConfigurationError(
                    f"'{_dotted(path)}' is '{value}'",
                    expected="must be inside the project, or an absolute path",
                    hint="write the path from the project's folder, without '..'",
                    code="SCHED_PATH",
                ),
            )
    if bot is None:
        return
    for name, value in parameters.items():
        if name not in bot.parameters:
            known = ", ".join(sorted(bot.parameters)) or "none"
            yield (
                (written, name),
                ConfigurationError(
                    f"bot '{bot.name}' has no parameter '{name}'",
                    expected=f"its parameters are: {known}",
                    hint=did_you_mean(name, bot.parameters) or "remove it",
                    code="SCHED_PARAM_UNKNOWN",
                ),
            )
        elif not _fits(value, bot.parameters[name]):
            kind = bot.parameters[name].get("enum") or bot.parameters[name].get("type")
            yield (
                (written, name),
                ConfigurationError(
                    f"parameter '{name}' has a value of the wrong kind",
                    expected=f"{kind}",
                    hint=f"see: runner bots {bot.name}",
                    code="SCHED_PARAM_VALUE",
                ),
            )
    for name in sorted(bot.required - set(parameters)):
        yield (
            (written,),
            ConfigurationError(
                f"parameter '{name}' of bot '{bot.name}' is missing",
                expected="a value for each required parameter",
                hint=f"add {name}: … below {written}",
                code="SCHED_PARAM_MISSING",
            ),
        )


def check_recording(name: str, project: Path) -> ConfigurationError | None:
    """Return the error of a recording's name that leads out of ``recordings/``, through ``..``, a link or a drive."""
    folder = project / "recordings"
    inside = PurePosixPath(name.replace("\\", "/"))
    outside = inside.is_absolute() or ".." in inside.parts or ":" in name or not name.strip()
    if not outside:
        target = (project / inside if inside.parts[:1] == ("recordings",) else folder / inside).resolve()
        outside = not target.is_relative_to(folder.resolve())
    if not outside:
        return None
    return ConfigurationError(
        f"'recording' is '{name}'",
        expected="must be inside recordings/",
        hint="write the recording's name only",
        code="SCHED_PATH",
    )


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is a secret: ``password``, ``apiToken``, ``db_pwd``; not ``token_count``."""
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(_SECRET_NAMES.search(name)) or bool(words and words[-1] in _SECRET_WORDS)


def is_reference(text: str) -> bool:
    """Whether a text is ``${secret:NAME}`` and nothing else."""
    return bool(_REFERENCE.fullmatch(text))


def _inline_secrets(value: Any, path: tuple[str | int, ...], *, named: bool = False) -> Iterator[Found]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _inline_secrets(inner, (*path, key), named=named or is_secret_name(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _inline_secrets(inner, (*path, index), named=named)
    elif value is not None and not isinstance(value, bool):
        text = str(value)
        reference = bool(_REFERENCE.fullmatch(text))
        if (named and text and not reference) or _CREDENTIALS_IN_URL.search(text):
            yield (
                path,
                ConfigurationError(
                    f"{_dotted(path)} is a secret in clear text",
                    expected="use a secret reference",
                    hint=f"store it with `runner secrets set NAME` and write ${{secret:NAME}} as {path[-1]}",
                    code="SCHED_SECRET_INLINE",
                ),
            )


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _is_path(path: tuple[str | int, ...], bot: BotFacts | None) -> bool:
    schema = bot.parameters.get(str(path[1]), {}) if bot and len(path) > 1 else {}
    options = [schema, *schema.get("anyOf", ())]
    return any(option.get("format") in {"path", "file-path", "directory-path"} for option in options) or (
        len(path) > 1 and str(path[1]) in {"workbook", "file", "folder", "path"}
    )


def _climbs_out(text: str) -> bool:
    depth = 0
    for part in PurePosixPath(text.replace("\\", "/")).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in path)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value can be what the schema asks for; text that a bot's model may still convert passes."""
    options = schema.get("anyOf")
    if options:
        return any(_fits(value, option) for option in options)
    if isinstance(value, str) and ("{{" in value or _REFERENCE.fullmatch(value)):
        return True
    if "enum" in schema:
        return value in schema["enum"]
    test = _KINDS.get(schema.get("type", ""))
    return test is None or test(value)


def _is_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        number = float(value)
    except ValueError:
        return False
    return number.is_integer() or not whole


_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value, whole=True),
    "number": lambda value: _is_number(value, whole=False),
    "boolean": lambda value: isinstance(value, bool) or str(value).lower() in {"yes", "no", "on", "off"},
    "string": lambda value: value is not None and not isinstance(value, (list, dict)),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
