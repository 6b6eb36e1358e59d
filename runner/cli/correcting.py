"""Corrected data for a retry: ``--set field=value`` on top of what the item has, checked by the model of its queue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from runner.core.errors import UsageError, did_you_mean
from runner.core.settings import Settings
from runner.engine.bots import validate_item
from runner.store.models import Case, Item
from runner.store.names import resolve_case_id


def corrected(
    settings: Settings, case_id: str, plain: Sequence[str], as_json: Sequence[str]
) -> dict[str, Any]:
    """The whole data of the case's item with the corrections in it, as the queue's model sees it.

    `plain` are ``field=text``, `as_json` ``field=JSON`` (for lists and nested values). The model is bot code, so it is
    asked in a child process. Raises UsageError, or ErrorReport with one error per field that doesn't fit.
    """
    item = Case.objects.select_related("item__queue").get(pk=resolve_case_id(case_id)).item
    if item is None:
        raise UsageError(
            "this case is about a whole run, which has no data",
            expected="a case about an item",
            hint="start the bot with other parameters: runner run BOT --param name=value",
            where="--set",
            code="CLI_SET",
        )
    changes = _changes(plain, "--set") | {
        name: _json_value(name, text) for name, text in _changes(as_json, "--set-json").items()
    }
    _check_names(changes, item)
    return validate_item(settings, item.queue.bot_file, item.queue_id, {**item.data, **changes})


def _changes(words: Sequence[str], flag: str) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f"'{word}' is not a correction",
                expected="expected field=value",
                hint=f"write {flag} {name.strip() or 'field'}=VALUE",
                where=flag,
                code="CLI_SET",
            )
        found[name.strip()] = value
    return found


def _json_value(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"'{name}' is not JSON: {error}",
            expected='a JSON value, as in lines=[{"sku": "A1", "count": 2}]',
            hint="put it in single quotes for the shell",
            where="--set-json",
            code="CLI_SET",
        ) from None


def _check_names(changes: Mapping[str, Any], item: Item) -> None:
    fields = item.queue.fields.get("properties", {})
    known = dict.fromkeys([*fields, *item.data])
    for name in changes:
        if known and name not in known:
            raise UsageError(
                f"queue {item.queue_id} has no field '{name}'",
                expected=did_you_mean(name, known) or f"one of {', '.join(known)}",
                hint="correct the name",
                where=f"--set {name}",
                code="CLI_SET",
            )
        if name == item.queue.key and str(item.data.get(name)) == item.key and str(changes[name]) != item.key:
            raise UsageError(
                f"'{name}' is the key of the item and stays '{item.key}'",
                expected="another field",
                hint="reject this case, and put the row again with the right key",
                where=f"--set {name}",
                code="CLI_SET",
            )
