"""The `@bot` mark: which function is a bot, what it is called with, and under which limits it runs."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, ParamSpec, TypeAlias, TypeVar, get_args, overload

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model

from runner.core.contract import BotDescription, QueueDescription
from runner.core.errors import ConfigurationError, ErrorReport, RunnerError, UsageError, did_you_mean
from runner.kit.limits import limit_of

P = ParamSpec("P")
R = TypeVar("R")
MOST_LANES: Final = 64
Recorded: TypeAlias = Literal["never", "retry", "always"]
ResultsGo: TypeAlias = Literal["copy", "in place"]


@dataclass(frozen=True)
class BotSpec:
    """A function marked `@bot`. `parameters` is the pydantic model of its signature; its fields' aliases are the names."""

    name: str
    function: Callable[..., object]
    parameters: type[BaseModel]
    process: str = ""
    time_limit: timedelta | None = None
    lanes: int = 1
    stop_after: int | None = None
    secrets: tuple[str, ...] = ()
    at_once: int | None = None
    resources: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    record_network: Recorded = "retry"
    results: ResultsGo = "copy"

    def describe(self, file: str, version: str, queues: Iterable[QueueDescription]) -> BotDescription:
        """What people and the worker are told of this bot; `file` is relative to the project."""
        doc = inspect.getdoc(self.function) or ""
        return BotDescription(
            name=self.name,
            file=file,
            title=doc.partition("\n")[0],
            doc=doc,
            parameters=self.parameters.model_json_schema(by_alias=True),
            process=self.process,
            time_limit=self.time_limit.total_seconds() if self.time_limit else None,
            lanes=self.lanes,
            stop_after=self.stop_after,
            secrets=self.secrets,
            accounts=self.accounts,
            queues=tuple(queues),
            at_once=self.at_once,
            resources=self.resources,
            version=version,
        )

    def validate(self, values: Mapping[str, object]) -> BaseModel:
        """`values` (JSON values, or texts as from ``--param name=value``) by the signature.

        Raises ErrorReport with one CLI_PARAM error per parameter that is unknown, missing or not of its type.
        """
        document = self.parameters.model_json_schema(by_alias=True)
        schema = document["properties"]
        read = {name: _from_text(value, schema.get(name, {}), document) for name, value in values.items()}
        try:
            return self.parameters.model_validate(read, by_alias=True)
        except ValidationError as error:
            raise ErrorReport([self._explain(found, list(schema)) for found in error.errors()]) from error

    def arguments(
        self, valid: BaseModel, project: Path, copies: Mapping[Path, Path] = MappingProxyType({})
    ) -> dict[str, Any]:
        """The keyword arguments to call the function with; relative paths become paths inside `project`.

        A path that `copies` has becomes that of the copy.
        """
        names = {field.alias or key: getattr(valid, key) for key, field in type(valid).model_fields.items()}
        return {name: _inside(value, project, copies) for name, value in names.items()}

    def _explain(self, found: Mapping[str, Any], known: Sequence[str]) -> RunnerError:
        name = str(found["loc"][0])
        where = f"--param {'.'.join(str(part) for part in found['loc'])}"
        if found["type"] == "extra_forbidden":
            takes = ", ".join(known) or "no parameters"
            return UsageError(
                f"unknown parameter '{name}'",
                expected=f"bot {self.name} takes {takes}",
                hint=did_you_mean(name, known) or f"see 'runner bots {self.name}'",
                where=where,
                code="CLI_PARAM",
            )
        if found["type"] == "missing":
            what, expected = f"parameter '{name}' is missing", f"bot {self.name} needs it"
        else:
            what, expected = f"parameter '{name}' is {found['input']!r}", found["msg"]
        return UsageError(
            what, expected=expected, hint=f"give --param {name}=VALUE", where=where, code="CLI_PARAM"
        )


_marked: list[BotSpec] = []


def forget_bots(module: str) -> None:
    """Forget what the module of this name has marked: it is about to be loaded again."""
    _marked[:] = [spec for spec in _marked if spec.function.__module__ != module]


def bots_of(module: str) -> list[BotSpec]:
    """The bots that the module of this name has marked so far, in the order of its file.

    Raises ConfigurationError when two of them have one name.
    """
    found = [spec for spec in _marked if spec.function.__module__ == module]
    names = [spec.name for spec in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigurationError(
            f"two bots are called '{twice}'",
            expected="one function per bot name",
            hint="rename one of them",
            code="BOT_DUPLICATE",
        )
    return found


@overload
def bot(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def bot(
    *,
    process: str = "",
    time_limit: str | timedelta | None = None,
    lanes: int = 1,
    stop_after: int | None = None,
    secrets: Sequence[str] = (),
    concurrency: int | str | Sequence[str] | None = None,
    accounts: Sequence[str] = (),
    record_network: Recorded = "retry",
    results: ResultsGo = "copy",
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def bot(
    function: Callable[P, R] | None = None,
    /,
    *,
    process: str = "",
    time_limit: str | timedelta | None = None,
    lanes: int = 1,
    stop_after: int | None = None,
    secrets: Sequence[str] = (),
    concurrency: int | str | Sequence[str] | None = None,
    accounts: Sequence[str] = (),
    record_network: Recorded = "retry",
    results: ResultsGo = "copy",
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as a bot, as ``@bot`` or ``@bot(process="accounts-payable", time_limit="30m", lanes=2)``.

    `process` is what it works for; `time_limit` ends the run with everything it started; `lanes` is the number of
    processes that share its queues; after `stop_after` failed items in a row the run stops and leaves the rest pending;
    `secrets` are the names that `secret(name)` may ask for, `accounts` those whose sign-in `web.signed_in` may keep;
    `record_network` says when the traffic of pages is recorded: from the second attempt on ("retry"), "always" or "never";
    `results` says where `Queue.write_results` writes: into a "copy" beside the workbook, or "in place" into the workbook itself;
    `concurrency` is how many of its runs may go on at a time,
    whoever started them, or the names of what each run holds alone, such as a portal account that other bots use too. The function itself stays as it is and can be called.
    Raises ConfigurationError for an option or a signature that can't be.
    """
    at_once, resources = _concurrency(concurrency)

    def mark(marked: Callable[P, R]) -> Callable[P, R]:
        _marked.append(
            BotSpec(
                name=marked.__name__,
                function=marked,
                parameters=parameters_model(marked),
                process=process,
                time_limit=limit_of(time_limit, "@bot(time_limit)"),
                lanes=_whole("lanes", lanes, MOST_LANES),
                stop_after=None if stop_after is None else _whole("stop_after", stop_after, 1_000_000),
                secrets=tuple(secrets),
                at_once=at_once,
                resources=resources,
                accounts=tuple(accounts),
                record_network=_recorded(record_network),
                results=_results(results),
            )
        )
        return marked

    return mark(function) if function is not None else mark


def refuse_async(function: Callable[..., object], what: str) -> None:
    """Raise ConfigurationError for a coroutine or generator function: nobody would run its body."""
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise ConfigurationError(
            f"{what} {getattr(function, '__name__', '')} is an async or generator function",
            expected="a plain function",
            hint="use def with Playwright's sync API",
            code="BOT_ASYNC",
        )


def parameters_model(function: Callable[..., object]) -> type[BaseModel]:
    """The model of a function's signature: what its bot can be started with. Raises ConfigurationError (BOT_SIGNATURE)."""
    refuse_async(function, "bot")
    fields: dict[str, Any] = {}
    try:
        parameters = inspect.signature(function, eval_str=True).parameters
    except NameError as error:
        raise _bad_signature(function, str(error), "types that the file imports") from error
    for name, parameter in parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise _bad_signature(function, f"parameter '{parameter}'", "named parameters")
        if parameter.annotation is parameter.empty:
            raise _bad_signature(function, f"parameter '{name}' has no type", f"a type, as in {name}: str")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[f"p_{name}"] = (parameter.annotation, Field(default, alias=name))
    config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, title=function.__name__, frozen=True)
    try:
        model: type[BaseModel] = create_model(f"{function.__name__}_parameters", __config__=config, **fields)
        model.model_json_schema()
    except PydanticUserError as error:
        reason = str(error).partition("\n")[0]
        raise _bad_signature(
            function, reason, "types that a person can fill in: str, int, Decimal, date, Path, …"
        ) from error
    return model


def _bad_signature(function: Callable[..., object], what: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"bot {function.__name__}: {what}", expected=expected, code="BOT_SIGNATURE")


def _whole(name: str, value: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ConfigurationError(
            f"@bot({name}={value!r})", expected=f"a whole number from 1 to {most}", code="BOT_OPTION"
        )
    return value


def _concurrency(value: int | str | Sequence[str] | None) -> tuple[int | None, tuple[str, ...]]:
    """How many runs at a time, and the resources that each holds alone."""
    if value is None:
        return None, ()
    if isinstance(value, int):
        return _whole("concurrency", value, 1000), ()
    names = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ConfigurationError(
            f"@bot(concurrency={value!r})",
            expected="a whole number of runs, or names of what a run holds alone",
            hint='as in concurrency=1 or concurrency=["portal-account"]',
            code="BOT_OPTION",
        )
    return None, names


def _results(value: ResultsGo) -> ResultsGo:
    if value not in get_args(ResultsGo):
        raise ConfigurationError(
            f"@bot(results={value!r})", expected='"copy" or "in place"', code="BOT_OPTION"
        )
    return value


def _recorded(value: Recorded) -> Recorded:
    if value not in get_args(Recorded):
        raise ConfigurationError(
            f"@bot(record_network={value!r})", expected='"never", "retry" or "always"', code="BOT_OPTION"
        )
    return value


def _from_text(value: object, schema: Mapping[str, Any], document: Mapping[str, Any]) -> object:
    """A list or object that came as text, read as JSON; anything else as it is."""
    options = [schema, *schema.get("anyOf", ())]
    definitions = document.get("$defs", {})
    kinds = {definitions.get(o.get("$ref", "")[len("#/$defs/") :], o).get("type") for o in options}
    if isinstance(value, str) and kinds & {"array", "object"} and "string" not in kinds:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _inside(value: object, project: Path, copies: Mapping[Path, Path]) -> object:
    if isinstance(value, Path):
        return copies.get(value) or project / value
    if isinstance(value, list | tuple):
        return type(value)(_inside(part, project, copies) for part in value)
    return value
