"""What has become of items, for a bot that writes results back beside its rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runner.store.models import Item


def item_outcomes(queue: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Status, message (why it is not done), output and data of the items with these keys, by key; at most 500 keys."""
    found = Item.objects.filter(queue=queue, key__in=list(keys))
    return {
        key: {"status": status, "message": (error or {}).get("message", ""), "output": output, "data": data}
        for key, status, error, output, data in found.values_list("key", "status", "error", "output", "data")
    }
