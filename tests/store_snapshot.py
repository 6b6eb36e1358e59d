"""The store as values that two stores with the same contents share: natural keys in place of numbered ones."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model

from runner.store.models import (
    Act,
    Attempt,
    Case,
    Item,
    Lane,
    LocatorDay,
    Occurrence,
    Problem,
    Queue,
    Run,
    Step,
    WorkbookWrite,
)

MODELS: Final[tuple[type[Model], ...]] = (
    Run,
    Lane,
    Step,
    Queue,
    Item,
    Attempt,
    Problem,
    Case,
    Act,
    Occurrence,
    LocatorDay,
    WorkbookWrite,
)
# Leases are live coordination and no history: a rebuild leaves them empty.
LEASES: Final = {"epoch", "lease_until", "claimed_run_id", "claimed_lane", "stop_asked_by"}


def snapshot() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, sorted."""
    items = {item.pk: f"{item.queue_id}/{item.key}" for item in Item.objects.all()}
    return {model.__name__: sorted(_rows(model, items), key=repr) for model in MODELS}


def item_order() -> list[str]:
    """The keys in the order in which items are handed out."""
    return list(Item.objects.order_by("id").values_list("key", flat=True))


def wipe() -> None:
    """Leave every table empty."""
    for model in (
        Act,
        Case,
        Problem,
        Attempt,
        Item,
        Queue,
        Step,
        Lane,
        Run,
        Occurrence,
        LocatorDay,
        WorkbookWrite,
    ):
        model._default_manager.all().delete()


def _rows(model: type[Model], items: dict[int, str]) -> list[dict[str, Any]]:
    numbered = model in {Lane, Step, Item, Attempt, Occurrence, LocatorDay, WorkbookWrite}
    rows = []
    for row in model._default_manager.all():
        values = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
        values = {name: value for name, value in values.items() if name not in LEASES}
        if numbered:
            values.pop("id")
        if "item_id" in values:
            values["item_id"] = items.get(values["item_id"])
        rows.append(values)
    return rows


def differences(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Where two snapshots differ, a line each: table, row, column, both values."""
    found = []
    for name, rows in before.items():
        others = after[name]
        if len(rows) != len(others):
            found.append(f"{name}: {len(rows)} rows, then {len(others)}")
        for old, new in zip(rows, others, strict=False):
            found += [
                f"{name} {old.get('id') or old.get('key')}: {column} was {value!r}, is {new[column]!r}"
                for column, value in old.items()
                if new[column] != value
            ]
    return found
