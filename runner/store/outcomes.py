"""What has become of items, for a bot that writes results back beside its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from runner.core.nouns import ActVerb, ItemStatus
from runner.store.models import Act, Item

_BY_HAND: Final = {
    "by_hand": "done by hand",
    "attested": "attested",
}  # resolution of a case: what people call it


def item_outcomes(queue: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Status, message, output and data of the items with these keys, by key; at most 500 keys.

    The message says why an item is not done, or what the person said who settled it by hand.
    """
    found = list(
        Item.objects.filter(queue=queue, key__in=list(keys)).values_list(
            "key", "status", "error", "output", "data", "case__id", "case__resolution"
        )
    )
    settled = {
        case: resolution
        for _, status, _, _, _, case, resolution in found
        if status == ItemStatus.DONE and resolution in _BY_HAND
    }
    said = _said(settled) if settled else {}
    return {
        key: {"status": status, "message": (error or {}).get("message", "") or said.get(case, ""), "output": output, "data": data}
        for key, status, error, output, data, case, _ in found
    }  # fmt: skip


def _said(settled: Mapping[str, str]) -> dict[str, str]:
    """What the last person said who settled each of these cases, with how; one query."""
    acts = Act.objects.filter(
        subject_kind="case", subject__in=list(settled), verb__in=[ActVerb.DONE, ActVerb.ATTEST]
    )
    notes = acts.order_by("at", "id").values_list("subject", "note")
    return {case: f"{_BY_HAND[settled[case]]}: {note}" for case, note in notes if note}
