"""What a run left behind: its outputs as values or downloads, and the evidence of its failures."""

from __future__ import annotations

from typing import Any, Final

from runner.cases.run_log import folder_of
from runner.desk.evidence import evidence_address
from runner.desk.outside import place
from runner.desk.trace_viewer import trace_link
from runner.store.models import Attempt, Run

_MOST: Final = 40  # attempts whose evidence is shown; the item's own page has the rest
_PICTURES: Final = frozenset({"screenshot", "picture"})


def outputs_of(run: Run) -> list[dict[str, Any]]:
    """Each output with its value, and the address to download it where it is a file of the run."""
    folder = folder_of(place().settings.runs, run)
    found = []
    for name, value in run.outputs.items():
        is_file = isinstance(value, str) and _is_inside(folder, value)
        found.append({"name": name, "value": value, "address": _address(run, value) if is_file else ""})
    return found


def output_files(run: Run) -> list[str]:
    """The outputs that are files of the run, by their path in its folder."""
    folder = folder_of(place().settings.runs, run)
    return [value for value in run.outputs.values() if isinstance(value, str) and _is_inside(folder, value)]


def evidence_of(run: Run) -> list[dict[str, Any]]:
    """The evidence of the run itself, then that of its failed attempts, the newest first: one entry per file."""
    pieces: list[dict[str, Any]] = [shown_piece(run, one) for one in run.evidence]
    failed = (
        Attempt.objects.filter(run_id=run.pk).exclude(status__in=["done", "running"]).select_related("item")
    )
    for attempt in failed.order_by("-id")[:_MOST]:
        about = {"queue": attempt.item.queue_id, "item": attempt.item.key, "attempt": attempt.number}
        pieces += [shown_piece(run, one) | about for one in attempt.evidence]
    return [piece for piece in pieces if piece["address"] or piece.get("page_error")]


def shown_piece(run: Run, piece: dict[str, Any]) -> dict[str, Any]:
    """A piece of evidence with the address of its file, and that of the viewer for a trace; empty where there is no file."""
    path, kind = piece.get("path") or "", piece.get("kind") or ""
    address = _address(run, path) if path else ""
    return {
        **piece,
        "name": path.rpartition("/")[2],
        "address": address,
        "viewer": trace_link(address) if kind == "trace" and address else "",
        "is_picture": kind in _PICTURES and path.endswith(".png"),
    }


def _address(run: Run, path: str) -> str:
    folder = folder_of(place().settings.runs, run).relative_to(place().settings.runs).as_posix()
    return evidence_address(folder, path, run.process)


def _is_inside(folder: Any, value: str) -> bool:
    try:
        found = (folder / value).resolve()
    except (OSError, ValueError):
        return False
    return bool(found.is_file() and found.is_relative_to(folder.resolve()))
