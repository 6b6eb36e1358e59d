"""schedules.yaml: read, checked as a whole, all errors at once with file:line:column.

What the text of a trigger means is checked by `runner.timetable.loading`, which calls `read_schedules` first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from runner.core.errors import ConfigurationError, ErrorReport, RunnerError, did_you_mean
from runner.core.schedules_model import CalendarEntry, Policies, Process, Schedule
from runner.core.schedules_types import Record
from runner.core.schedules_values import BotFacts, check_parameters, check_recording
from runner.core.schedules_words import Entry, in_words
from runner.core.yaml_text import Document, parse_yaml
from runner.core.yaml_text import Path as YamlPath

RecordT = TypeVar("RecordT", bound=Record)

ALIASES: Final[Mapping[str, YamlPath]] = {
    "params": ("parameters",),
    "timeout": ("time_limit",),
    "retries": ("retry", "times"),
    "calendar": ("calendars",),
}
_TOP: Final = ("schedules", "defaults", "processes", "calendars")


@dataclass(frozen=True, slots=True)
class SchedulesFile:
    """The checked content of a schedules.yaml, with the place of every entry for errors found later.

    `indexes[n]` is the place in the file's list of ``schedules[n]``: entries with errors are left out.
    """

    path: Path
    defaults: Policies
    schedules: tuple[Schedule, ...]
    processes: Mapping[str, Process]
    calendars: Mapping[str, CalendarEntry]
    document: Document
    indexes: tuple[int, ...] = ()

    def schedule(self, name: str) -> Schedule | None:
        """Return the schedule with this id."""
        return next((one for one in self.schedules if one.id == name), None)

    def error(self, index: int, key: str, found: ConfigurationError) -> ConfigurationError:
        """Return `found`, an error in ``schedules[index]``, with the place of `key` and the schedule's id."""
        path: YamlPath = ("schedules", self.indexes[index], key)
        return placed(self.document, path, f"schedule '{self.schedules[index].id}'", found)

    def error_in(self, part: str, name: str, key: str, found: ConfigurationError) -> ConfigurationError:
        """Return `found`, an error in the entry `name` of ``calendars`` or ``processes``, with the place of `key`."""
        subject = {"calendars": "calendar", "processes": "process"}[part]
        return placed(self.document, (part, name, key), f"{subject} '{name}'", found)


@dataclass(slots=True)
class Reading:
    """A file being read: what was understood so far and every error."""

    content: SchedulesFile
    errors: list[RunnerError] = field(default_factory=list)


def load_schedules(path: Path, known_bots: Mapping[str, BotFacts] | None = None) -> SchedulesFile:
    """Read and check a schedules.yaml; without `known_bots` bots and their parameters are not checked.

    Raises ErrorReport with every error found, in the order of the file.
    """
    reading = read_schedules(path, known_bots)
    if reading.errors:
        raise ErrorReport(reading.errors)
    return reading.content


def read_schedules(
    path: Path, known_bots: Mapping[str, BotFacts] | None = None, text: str | None = None
) -> Reading:
    """Read a schedules.yaml as far as it can be understood, with all errors in the order of the file.

    `text` is read in place of the file's own: another version of it.

    Raises ErrorReport only where nothing can be read: no such file, not UTF-8, not YAML.
    """
    document = parse_yaml(_text_of(path) if text is None else text, path.name)
    reading = _Reader(document, path, known_bots).read()
    reading.errors = in_file_order(reading.errors)
    return reading


def in_file_order(errors: Iterable[RunnerError]) -> list[RunnerError]:
    """Return errors of one file in the order of their lines and columns."""
    return sorted(
        errors, key=lambda error: [int(part) for part in error.where.split(":")[-2:] if part.isdigit()]
    )


def placed(document: Document, path: YamlPath, subject: str, found: ConfigurationError) -> ConfigurationError:
    """Return an error like `found` that begins with its subject and line and points at the value of `path`."""
    at = document.position(*path)
    return ConfigurationError(
        f"{subject}, line {at.line}: {found.what}",
        expected=found.expected,
        hint=found.hint,
        where=document.where(at),
        code=found.stable_code,
    )


class _Reader:
    """Turns a document into records and collects what is wrong."""

    def __init__(self, document: Document, path: Path, known_bots: Mapping[str, BotFacts] | None) -> None:
        self.document = document
        self.path = path
        self.known_bots = known_bots
        self.errors: list[RunnerError] = []

    def read(self) -> Reading:
        """Read the whole document."""
        root = self.document.value
        if (
            root is None
            or root == {}
            or (isinstance(root, dict) and "schedules" not in root and not root.keys() - set(_TOP))
        ):
            empty = "is empty" if not root else "has no schedules"
            raise ErrorReport([self._at_top(f"{self.document.name} {empty}", "SCHED_EMPTY")])
        if not isinstance(root, dict):
            raise ErrorReport([self._at_top(f"the file is a {_kind(root)}", "SCHED_VALUE")])
        self._unknown_keys(root)
        defaults = self._entry(Policies, root.get("defaults"), ("defaults",), "defaults") or Policies()
        processes = self._named(Process, root, "processes", "process")
        calendars = self._named(CalendarEntry, root, "calendars", "calendar")
        self._known_calendars(root, calendars)
        schedules, indexes = self._schedules(root.get("schedules"), defaults)
        content = SchedulesFile(self.path, defaults, schedules, processes, calendars, self.document, indexes)
        return Reading(content, self.errors)

    def _schedules(self, entries: Any, defaults: Policies) -> tuple[tuple[Schedule, ...], tuple[int, ...]]:
        if entries is None:
            return (), ()  # "schedules:" with everything commented out: nothing is scheduled, on purpose
        if not isinstance(entries, list):
            self._wrong_kind(
                ("schedules",), "'schedules'", entries, "a list: each entry begins with '- id: NAME'"
            )
            return (), ()
        found: list[Schedule] = []
        indexes: list[int] = []
        for index, entry in enumerate(entries):
            name = entry.get("id") if isinstance(entry, dict) else None
            subject = f"schedule '{name}'" if isinstance(name, str) else f"schedule {index + 1}"
            schedule = self._entry(Schedule, entry, ("schedules", index), subject)
            if schedule is not None:
                found.append(_with_defaults(schedule, defaults))
                indexes.append(index)
            self._check_targets(entry, index, subject)
        self._double_ids(entries)
        return tuple(found), tuple(indexes)

    def _check_targets(self, entry: Any, index: int, subject: str) -> None:
        """Check what an entry points to: its bot, its recording and its parameters."""
        if not isinstance(entry, dict):
            return
        found: list[tuple[YamlPath, ConfigurationError]] = []
        bot, recording = entry.get("bot"), entry.get("recording")
        facts = self.known_bots.get(bot) if self.known_bots is not None and isinstance(bot, str) else None
        if self.known_bots is not None and isinstance(bot, str) and facts is None:
            hint = did_you_mean(bot, self.known_bots) or "`runner bots` lists them"
            what = ConfigurationError(
                f"unknown bot '{bot}'", expected="a bot of bots/", hint=hint, code="SCHED_BOT_MISSING"
            )
            found.append((("bot",), what))
        if isinstance(recording, str):
            wrong = check_recording(recording, self.path.parent)
            found.extend([(("recording",), wrong)] if wrong else [])
        written = "params" if "params" in entry else "parameters"
        given = entry.get(written)
        if isinstance(given, dict) or given is None:
            found.extend(check_parameters(given or {}, written, _without_brought(facts, entry.get("file"))))
        self.errors.extend(
            placed(self.document, ("schedules", index, *path), subject, error) for path, error in found
        )

    def _double_ids(self, entries: list[Any]) -> None:
        first: dict[str, int] = {}
        for index, entry in enumerate(entries):
            name = entry.get("id") if isinstance(entry, dict) else None
            if not isinstance(name, str):
                continue
            before = first.setdefault(name, index)
            if before != index:
                at = self.document.position("schedules", index, "id")
                lines = f"{self.document.position('schedules', before, 'id').line} and {at.line}"
                self.errors.append(
                    ConfigurationError(
                        f"schedule id '{name}' stands on lines {lines}",
                        expected="ids must be unique",
                        hint="rename one of the two",
                        where=self.document.where(at),
                        code="SCHED_DUP_ID",
                    )
                )

    def _named(
        self, model: type[RecordT], root: Mapping[str, Any], part: str, one: str
    ) -> dict[str, RecordT]:
        """Read a mapping of names to entries."""
        entries = root.get(part)
        if entries is None:
            return {}
        if not isinstance(entries, dict):
            self._wrong_kind((part,), f"'{part}'", entries, f"a mapping: each {one} under its name")
            return {}
        read = {
            name: self._entry(model, entry or {}, (part, name), f"{one} '{name}'")
            for name, entry in entries.items()
        }
        return {name: entry for name, entry in read.items() if entry is not None}

    def _known_calendars(self, root: Mapping[str, Any], calendars: Mapping[str, CalendarEntry]) -> None:
        """Check that every calendar that is named somewhere is defined."""
        defined = root.get("calendars")
        known = set(calendars) | set(defined if isinstance(defined, dict) else ())
        for path, subject, entry in _entries_with_calendars(root):
            for key in ("calendars", "calendar"):
                named = entry.get(key)
                for name in named if isinstance(named, list) else [named]:
                    if isinstance(name, str) and name not in known:
                        hint = did_you_mean(name, known) or "define it below 'calendars:'"
                        found = ConfigurationError(
                            f"unknown calendar '{name}'",
                            expected="one of " + (", ".join(sorted(known)) or "none: there are none"),
                            hint=hint,
                            code="SCHED_CALENDAR",
                        )
                        self.errors.append(placed(self.document, (*path, key), subject, found))

    def _entry(self, model: type[RecordT], entry: Any, path: YamlPath, subject: str) -> RecordT | None:
        """Validate one entry; its errors are recorded and None comes back."""
        if entry is None and path == ("defaults",):
            return None
        if not isinstance(entry, dict):
            self._wrong_kind(path, subject, entry, "a mapping of keys and values")
            return None
        plain, written = self._canonical(entry, path, subject)
        place = Entry(path, subject, written)
        try:
            return model.model_validate(plain)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self.errors.append(in_words(detail, model, self.document, place))
            return None

    def _canonical(
        self, entry: Mapping[str, Any], path: YamlPath, subject: str
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the entry with today's key names, and for each of them the name that the file uses."""
        plain: dict[str, Any] = {}
        written: dict[str, str] = {}
        for key, value in entry.items():
            target = ALIASES.get(key, (key,))
            name = str(target[0])
            if name in plain:
                found = ConfigurationError(
                    f"'{written.get(name, name)}' and '{key}' mean the same",
                    expected="one of them",
                    hint=f"keep '{name}'",
                    code="SCHED_DUP_KEY",
                )
                self.errors.append(placed(self.document, (*path, key), subject, found))
                continue
            plain[name] = value if len(target) == 1 else {str(target[1]): value}
            if name != key:
                written[name] = key
        return plain, written

    def _unknown_keys(self, root: Mapping[str, Any]) -> None:
        for key in root:
            if key not in _TOP:
                at = self.document.key_position(key)
                self.errors.append(
                    ConfigurationError(
                        f"line {at.line}: unknown key '{key}' at the top of the file",
                        expected="one of " + ", ".join(_TOP),
                        hint=did_you_mean(key, _TOP) or "remove it, or indent it below an entry",
                        where=self.document.where(at),
                        code="SCHED_UNKNOWN_KEY",
                    )
                )

    def _wrong_kind(self, path: YamlPath, subject: str, value: Any, expected: str) -> None:
        at = self.document.position(*path)
        self.errors.append(
            ConfigurationError(
                f"line {at.line}: {subject} is {_kind(value)}",
                expected=expected,
                hint="see docs/scheduling.md",
                where=self.document.where(at),
                code="SCHED_VALUE",
            )
        )

    def _at_top(self, what: str, code: str) -> ConfigurationError:
        hint = "write at least 'schedules:' and below it '- id: NAME'; `runner init` makes an example"
        return ConfigurationError(
            what,
            expected="expected a top-level 'schedules:' list",
            hint=hint,
            where=f"{self.document.name}:1:1",
            code=code,
        )


def _entries_with_calendars(root: Mapping[str, Any]) -> Iterator[tuple[YamlPath, str, Mapping[str, Any]]]:
    defaults, schedules, processes = root.get("defaults"), root.get("schedules"), root.get("processes")
    if isinstance(defaults, dict):
        yield ("defaults",), "defaults", defaults
    for index, entry in enumerate(schedules if isinstance(schedules, list) else ()):
        if isinstance(entry, dict):
            yield ("schedules", index), f"schedule '{entry.get('id', index + 1)}'", entry
    for name, entry in processes.items() if isinstance(processes, dict) else ():
        if isinstance(entry, dict):
            yield ("processes", name), f"process '{name}'", entry


def _with_defaults(schedule: Schedule, defaults: Policies) -> Schedule:
    """Return the schedule with the file's defaults where it says nothing itself."""
    fields = defaults.model_fields_set - schedule.model_fields_set
    fields -= set() if schedule.is_timed else {"jitter"}  # only a due time of the clock has one
    return (
        schedule.model_copy(update={name: getattr(defaults, name) for name in fields}) if fields else schedule
    )


def _without_brought(bot: BotFacts | None, file: Any) -> BotFacts | None:
    """What a schedule itself must give: not the parameter that an arriving file brings."""
    if bot is None or file is None:
        return bot
    brought = file.get("parameter", "workbook") if isinstance(file, dict) else "workbook"
    return replace(bot, required=bot.required - {brought})


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "a single value"


def _text_of(path: Path) -> str:
    """Read the file's text; raises ErrorReport with one error where that fails."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.start + 1} is not UTF-8"
        hint = "save the file as UTF-8 (Notepad: Save As, Encoding UTF-8)"
        found = ConfigurationError(
            what, expected="UTF-8 text", hint=hint, where=path.name, code="SCHED_ENCODING"
        )
    except OSError as error:
        what = f"can't be read: {error.strerror or error}"
        hint = "`runner init` makes one" if isinstance(error, FileNotFoundError) else "check its permissions"
        found = ConfigurationError(
            what, expected="a readable file", hint=hint, where=path.name, code="SCHED_FILE"
        )
    raise ErrorReport([found])
