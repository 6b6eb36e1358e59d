"""The JSON Schema of schedules.yaml, for editors: completion, and mistakes underlined while typing."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from runner.core.schedules_model import EVENT_KEYS, TRIGGER_KEYS, CalendarEntry, Policies, Process, Schedule

_DURATION: Final = {
    "type": "string",
    "pattern": r"^\s*(\d+(\.\d+)?(ms|s|m|h|d|w)\s*)+$",
    "examples": ["30m", "1h30m"],
}
_YES_NO: Final = {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "on", "off"]}]}


class _File(BaseModel):
    """When which bot runs. Made by `runner schedules schema`."""

    model_config = ConfigDict(title="schedules.yaml", extra="forbid")

    schedules: list[Schedule] | None
    defaults: Policies | None = None
    processes: dict[str, Process] | None = None
    calendars: dict[str, CalendarEntry] | None = None


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the file. What only a reader knows (zones, bots, cron) is not in it."""
    made: dict[str, Any] = _File.model_json_schema()
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    definitions = made["$defs"]
    for definition in definitions.values():
        for name, shape in definition.get("properties", {}).items():
            definition["properties"][name] = _as_written(name, shape)
    for name in ("Policies", "Schedule"):
        properties = definitions[name]["properties"]
        properties["timeout"] = properties["time_limit"]
        properties["retries"] = definitions["RunRetry"]["properties"]["times"]
    for name in ("Policies", "Schedule", "Process"):
        definitions[name]["properties"]["calendar"] = definitions[name]["properties"]["calendars"]
    schedule = definitions["Schedule"]
    schedule["properties"]["params"] = schedule["properties"]["parameters"]
    schedule["allOf"] = [
        {"oneOf": [{"required": [key]} for key in TRIGGER_KEYS]},
        {"oneOf": [{"required": ["bot"]}, {"required": ["recording"]}]},
    ]
    return made


def _as_written(name: str, shape: Any) -> Any:
    """Return a shape as people write it: durations as text, one text in place of a list, yes and no."""
    if name == "nth":
        return {**_plain(shape), "anyOf": [{"type": "integer"}, {"enum": ["first", "last"]}]}
    if name == "manual":
        return {**_plain(shape), "enum": [True, "yes", "on"]}
    if name in EVENT_KEYS and "anyOf" in shape:
        return {**shape, "anyOf": [{"type": "string"}, *shape["anyOf"]]}
    if shape.get("type") == "boolean":
        return {**{key: value for key, value in shape.items() if key != "type"}, **_YES_NO}
    if shape.get("type") == "array":
        rest = {key: value for key, value in shape.items() if key in {"title", "default", "description"}}
        return {
            **rest,
            "anyOf": [{"type": "string"}, {key: value for key, value in shape.items() if key not in rest}],
        }
    return _durations(shape)


def _plain(shape: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shape.items() if key in {"title", "description"}}


def _durations(shape: Any) -> Any:
    if isinstance(shape, list):
        return [_durations(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    if shape.get("format") == "duration":
        return {
            **{key: value for key, value in shape.items() if key not in {"format", "default"}},
            **_DURATION,
        }
    if "anyOf" in shape and any(one.get("type") == "array" for one in shape["anyOf"]):
        return {**shape, "anyOf": [{"type": "string"}, *shape["anyOf"]]}
    return {key: _durations(value) if key in {"anyOf", "items"} else value for key, value in shape.items()}
