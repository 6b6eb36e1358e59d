"""Settings: `[tool.runner]` in pyproject.toml, overridden by RUNNER_* variables, overridden by flags; built once, passed on."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.core.clock import Duration
from runner.core.errors import ConfigurationError, EnvironmentProblem, ErrorReport, RunnerError, did_you_mean
from runner.core.reserve import make_reserve
from runner.core.store_address import PASSWORD_VARIABLE, URL_VARIABLE, ServerAddress

DATA_FOLDER: Final = ".runner"
# Read elsewhere, by the part that needs them, or set by Runner for its own children: not settings, yet no typing errors.
OTHER_VARIABLES: Final = frozenset(
    {"RUNNER_RUN", "RUNNER_USER", "RUNNER_VAULT_KEY", "RUNNER_TIMING", "RUNNER_LANG", "RUNNER_PYTHON"}
)


class Settings(BaseModel):
    """Everything that can be set. `project` is the folder with bots/ in it, `home` the folder for run data.

    `memory_limit` (MB) and `process_limit` are for all processes of one lane together, browser included; `free_space`
    (MB) is what the disk must have left before a new run starts; `slots` is how many runs a worker executes at a time.
    `desk_host` and `desk_port` say where the desk listens; beyond this machine only behind the proxy at the address
    `desk_proxy`, which ends TLS and is reached at `desk_url` (``https://…``). `api_rate` is how many calls a minute one
    key may make. `webhook_allow` names hosts, addresses and networks inside which messages may go (``"hooks.intern, 10.0.0.0/8"``).
    `database_url` (``postgresql://user@host:5432/database``) puts the store on a PostgreSQL server; its password stands in
    `database_password`, in the address, or where the server's own programs look for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: Path
    home: Path
    browser: Path | None = None
    headed: bool = False
    time_limit: Duration = timedelta(hours=1)
    lease: Duration = timedelta(minutes=2)
    discovery_limit: Duration = timedelta(seconds=10)
    memory_limit: int = 4096
    process_limit: int = 300
    free_space: int = 200
    slots: int = 2
    standby: int = 1
    user: str = ""
    desk_host: str = "127.0.0.1"
    desk_port: int = Field(default=8321, ge=0, le=65535)
    desk_proxy: str = ""
    desk_url: str = ""
    api_rate: int = Field(default=600, ge=1)
    webhook_allow: str = ""
    database_url: str = Field(default="", repr=False)
    database_password: str = Field(default="", repr=False)

    @property
    def store(self) -> Path | ServerAddress:
        """Where the store is: on a server when `database_url` is set, otherwise in a SQLite file of the data folder."""
        if self.database_url:
            return ServerAddress(self.database_url, self.database_password)
        return self.database

    @property
    def has_store(self) -> bool:
        """Whether there is a store to look into: the file is there, or a server is named (which may not answer)."""
        return bool(self.database_url) or self.database.exists()

    @property
    def database(self) -> Path:
        """The SQLite file of a store that is not on a server."""
        return self.home / "store.sqlite3"

    @property
    def reserve(self) -> Path:
        """The file that is given up when the disk is full."""
        return self.home / "reserve"

    @property
    def cache(self) -> Path:
        """The folder of what can be made again at any time."""
        return self.home / "cache"

    @property
    def runs(self) -> Path:
        """The folder of all run folders."""
        return self.home / "runs"

    @property
    def proofs(self) -> Path:
        """The folder of the files that people attached as proof."""
        return self.home / "proofs"

    @property
    def schedules(self) -> Path:
        """The schedules file of the project."""
        return self.project / "schedules.yaml"

    @property
    def schedules_in_force(self) -> Path:
        """Where the scheduler keeps the text of the schedules file that is in force: what a changed one is compared with."""
        return self.home / "scheduler" / "in-force.yaml"

    @property
    def vault(self) -> Path:
        """The encrypted file of the secrets."""
        return self.home / "vault.json"

    @property
    def webhook_key(self) -> Path:
        """The key from which the secrets of webhooks are derived."""
        return self.home / "webhooks.key"

    @property
    def sign_ins(self) -> Path:
        """The folder of the sign-ins that browsers keep, each file encrypted."""
        return self.home / "sign-ins"


def find_project(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds `bots/` and a pyproject.toml or schedules.yaml.

    Raises ConfigurationError when there is none up to the root.
    """
    for folder in (start, *start.parents):
        if (folder / "bots").is_dir() and any(
            (folder / f).exists() for f in ("schedules.yaml", "pyproject.toml")
        ):
            return folder
    raise ConfigurationError(
        f"no Runner project in {start} or above",
        expected="a folder with bots/ and schedules.yaml",
        hint="change into your project, or make one with: runner init DIR",
        code="NO_PROJECT",
    )


def load_settings(
    start: Path, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of the project around `start`.

    `flags` are values given on the command line; None means not given. Raises ErrorReport with every unknown key (and
    its nearest match) and every value that doesn't fit.
    """
    project = (
        Path(environment["RUNNER_PROJECT"]) if environment.get("RUNNER_PROJECT") else find_project(start)
    )
    project = project.resolve()
    errors: list[RunnerError] = []
    values: dict[str, tuple[Any, str]] = {}
    fields = [name for name in Settings.model_fields if name != "project"]
    for key, value in _pyproject(project).items():
        where = f"pyproject.toml: [tool.runner] {key}"
        if _is_password(key.replace("-", "_"), value):
            errors.append(_no_password_here(where))
            continue
        _take(
            values=values, errors=errors, fields=fields, key=key.replace("-", "_"), value=value, where=where
        )
    for variable, text in environment.items():
        if (
            not variable.startswith("RUNNER_")
            or variable in OTHER_VARIABLES
            or variable == "RUNNER_PROJECT"
            or not text
        ):
            continue
        key = variable.removeprefix("RUNNER_").lower()
        _take(values=values, errors=errors, fields=fields, key=key, value=text, where=variable)
    for key, value in (flags or {}).items():
        if value is not None:
            values[key] = (value, f"--{key}")
    try:
        plain = {"home": project / DATA_FOLDER, **{key: value for key, (value, _) in values.items()}}
        settings = Settings(project=project, **plain)
    except ValidationError as error:
        errors += [_bad_value(problem, values) for problem in error.errors()]
        settings = None
    if errors or settings is None:
        raise ErrorReport(errors)
    home = settings.home if settings.home.is_absolute() else (project / settings.home)
    return settings.model_copy(update={"home": home.resolve()})


def prepare_home(settings: Settings) -> None:
    """Make the data folder, readable by its owner only, and the reserve file where there is room for it.

    Raises EnvironmentProblem (CLI_DISK) when the folder can't be written.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.runs.mkdir(exist_ok=True)
        # Each command has one of its own: with one for all, a command found the file gone that another had just taken away.
        probe = settings.home / f".writable.{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise disk_problem(settings, f"the data folder can't be written: {error.strerror}") from error
    make_reserve(settings.reserve)  # without it no run starts; looking at what is there goes on


def disk_problem(settings: Settings, what: str) -> EnvironmentProblem:
    """The error of a disk on which no run can be recorded."""
    return EnvironmentProblem(
        what,
        expected="a journal must be written before anything is done, so Runner is paused: no new run will start",
        hint="free some space or correct the permissions, or set RUNNER_HOME to another folder",
        where=str(settings.home),
        code="CLI_DISK",
    )


def _pyproject(project: Path) -> dict[str, Any]:
    path = project / "pyproject.toml"
    if not path.exists():
        return {}
    try:
        section: dict[str, Any] = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("runner", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(error), where="pyproject.toml", hint="correct the file") from error
    return section


def _is_password(key: str, value: Any) -> bool:
    return key == "database_password" or (key == "database_url" and ServerAddress(str(value)).has_password)


def _no_password_here(where: str) -> ConfigurationError:
    return ConfigurationError(
        "a password of the database stands in a file of the project",
        expected="the address without it: many people read this file",
        hint=f"set {PASSWORD_VARIABLE} or {URL_VARIABLE}, or use ~/.pgpass; then change the password",
        where=where,
        code="SETTING_SECRET",
    )


def _take(
    *,
    values: dict[str, tuple[Any, str]],
    errors: list[RunnerError],
    fields: list[str],
    key: str,
    value: Any,
    where: str,
) -> None:
    if key in fields:
        values[key] = (value, where)
    else:
        near = did_you_mean(key, fields)
        errors.append(
            ConfigurationError(
                f"unknown setting '{key}'",
                expected=near or f"one of {', '.join(fields)}",
                where=where,
                code="SETTING_UNKNOWN",
            )
        )


def _bad_value(problem: Any, values: Mapping[str, tuple[Any, str]]) -> ConfigurationError:
    key = str(problem["loc"][0])
    value, where = values.get(key, ("", key))
    value = "***" if key.startswith("database_") else value  # may hold a password
    return ConfigurationError(f"'{value}': {problem['msg']}", where=where, code="SETTING_VALUE")
