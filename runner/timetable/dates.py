"""Parameters with dates that follow the due time: ``{{ due | month_start | date }}``, by a closed list of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from runner.core.errors import ConfigurationError, did_you_mean
from runner.core.schedules_model import Period
from runner.timetable.calendar_days import MONDAY_TO_FRIDAY, WorkDays
from runner.timetable.workday import next_period, period_start

_TEMPLATE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OUTPUT: Final = re.compile(r"\s*outputs\.(\w+)\s*")
_CALL: Final = re.compile(r"(?P<name>\w+)\s*(?:\(\s*(?P<argument>-?\d+|\"[^\"]*\"|'[^']*')\s*\))?", re.ASCII)
_DIRECTIVES: Final = re.compile(r"(?:%[YymdHMSjVuGb]|[^%])*")
_DAY: Final = timedelta(days=1)
_LARGEST: Final = 4000


def render(
    value: Any,
    due: datetime,
    zone: ZoneInfo,
    days: WorkDays = MONDAY_TO_FRIDAY,
    outputs: Mapping[str, Any] | None = None,
) -> Any:
    """Return a parameter's value with every ``{{ … }}`` in it replaced, in lists and mappings too.

    `due` is the due time; its date is taken in `zone`. A template begins with ``due`` and goes through the words below,
    then ends with a format, without which it is a date:
    ``month_start month_end previous_month next_month quarter_start quarter_end year_start year_end week_start week_end``,
    ``days(-1) months(-1) working_days(-1)``, ``date time year month day format("%Y%m")``.
    ``{{ outputs.NAME }}`` is what the run before handed out, where `outputs` are given; alone in a value it keeps its kind.
    Raises ConfigurationError SCHED_TEMPLATE. There is no way from a template to anything but these words.
    """
    if isinstance(value, dict):
        return {key: render(inner, due, zone, days, outputs) for key, inner in value.items()}
    if isinstance(value, list):
        return [render(inner, due, zone, days, outputs) for inner in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    local = due.astimezone(zone).replace(tzinfo=None)
    whole = _OUTPUT.fullmatch(value.strip().removeprefix("{{").removesuffix("}}"))
    if whole and value.count("{{") == 1:
        return _output(whole[1], outputs)

    def replaced(found: re.Match[str]) -> str:
        named = _OUTPUT.fullmatch(found[1])
        return str(_output(named[1], outputs)) if named else _evaluate(found[1], local, days)

    shown = _TEMPLATE.sub(replaced, value)
    if "{{" in shown:
        raise _wrong(
            f"'{value}' opens '{{{{' and does not close it", "as in {{ due | date }}", "add the '}}'"
        )
    return shown


def _output(name: str, outputs: Mapping[str, Any] | None) -> Any:
    if outputs is None:
        raise _wrong("'outputs' is used", "outputs only with after", "give the schedule an after: SCHEDULE")
    if name not in outputs:
        known = ", ".join(sorted(outputs)) or "none"
        raise _wrong(
            f"the run before has no output '{name}'", f"its outputs are: {known}", "correct the name"
        )
    return outputs[name]


def _evaluate(template: str, at: datetime, days: WorkDays) -> str:
    first, *rest = (part.strip() for part in template.split("|"))
    if first != "due":
        raise _wrong(f"'{{{{{template}}}}}' begins with '{first}'", "due", "write {{ due | … }}")
    for index, part in enumerate(rest):
        call = _CALL.fullmatch(part)
        if call is None:
            raise _wrong(f"'{part}' is not a word of a template", _known(), "see docs/scheduling.md")
        name, argument = call["name"], call["argument"]
        if name in _FORMATS or name == "format":
            if index != len(rest) - 1:
                raise _wrong(
                    f"'{name}' is not the last word", "a format at the end", f"move '{name}' to the end"
                )
            return _formatted(at, name, argument)
        try:
            at = _moved(at, name, argument, days)
        except (ValueError, OverflowError) as error:
            raise _wrong(f"'{part}' leaves the calendar", "years 1 to 9999", "use smaller numbers") from error
    return f"{at:%Y-%m-%d}"


def _moved(at: datetime, name: str, argument: str | None, days: WorkDays) -> datetime:
    if name in _COUNTED:
        if argument is None or argument[0] in "\"'" or abs(int(argument)) > _LARGEST:
            raise _wrong(
                f"'{name}' has no number", f"-{_LARGEST} to {_LARGEST}", f"write it as in {name}(-1)"
            )
        return _COUNTED[name](at, int(argument), days)
    if name not in _STEPS:
        raise _wrong(
            f"'{name}' is not a word of a template", _known(), did_you_mean(name, _words()) or "see the docs"
        )
    if argument is not None:
        raise _wrong(f"'{name}' takes no argument", name, "remove the brackets")
    return _STEPS[name](at)


def _formatted(at: datetime, name: str, argument: str | None) -> str:
    if name in _FORMATS:
        return at.strftime(_FORMATS[name])
    pattern = argument[1:-1] if argument and argument[0] in "\"'" else ""
    if not pattern or not _DIRECTIVES.fullmatch(pattern):
        raise _wrong(
            f"format({argument or ''})", "%Y %m %d %H %M and plain text", 'write it as in format("%Y%m")'
        )
    return at.strftime(pattern)


def _start(of: Period) -> Callable[[datetime], datetime]:
    return lambda at: datetime.combine(period_start(at.date(), of), at.time())


def _end(of: Period) -> Callable[[datetime], datetime]:
    return lambda at: datetime.combine(next_period(period_start(at.date(), of), of) - _DAY, at.time())


def _months(at: datetime, count: int, _: WorkDays) -> datetime:
    """Go to the same day of another month, or to its last day where it is shorter."""
    year, month = divmod(at.year * 12 + at.month - 1 + count, 12)
    first = at.replace(year=year, month=month + 1, day=1)
    last = next_period(first.date(), Period.MONTH) - _DAY
    return first.replace(day=min(at.day, last.day))


def _working_days(at: datetime, count: int, days: WorkDays) -> datetime:
    """Go that many working days on or back; 0 is the day itself or the next working day."""
    step = -_DAY if count < 0 else _DAY
    left = abs(count)
    for _ in range(2 * _LARGEST):
        if left == 0 and not days.why_off(at.date()):
            return at
        at += step
        if left and not days.why_off(at.date()):
            left -= 1
    raise _wrong(
        f"working_days({count}) finds no working day", "a calendar with working days", "check the calendar"
    )


_STEPS: Final[Mapping[str, Callable[[datetime], datetime]]] = {
    **{f"{of}_start": _start(of) for of in Period},
    **{f"{of}_end": _end(of) for of in Period},
    "previous_month": lambda at: _months(at, -1, MONDAY_TO_FRIDAY),
    "next_month": lambda at: _months(at, 1, MONDAY_TO_FRIDAY),
}
_COUNTED: Final[Mapping[str, Callable[[datetime, int, WorkDays], datetime]]] = {
    "days": lambda at, count, _: at + count * _DAY,
    "months": _months,
    "working_days": _working_days,
}
_FORMATS: Final[Mapping[str, str]] = {
    "date": "%Y-%m-%d", "time": "%H:%M", "year": "%Y", "month": "%Y-%m", "day": "%d",
}  # fmt: skip


def _words() -> list[str]:
    return [*_STEPS, *_COUNTED, *_FORMATS, "format"]


def _known() -> str:
    return "one of " + ", ".join(_words())


def _wrong(what: str, expected: str, hint: str) -> ConfigurationError:
    return ConfigurationError(what, expected=expected, hint=hint, code="SCHED_TEMPLATE")
