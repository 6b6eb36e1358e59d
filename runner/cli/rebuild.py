"""`runner rebuild`: the store made again from the journals; what people decided is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from runner.cli.options import Json
from runner.cli.printing import console, print_facts, print_json, warn
from runner.cli.project import open_project
from runner.core.clock import now


def rebuild(as_json: Json = False) -> int:
    """Make the store again from the journals, for a store that was lost, damaged or is doubted.

    Ends with 1 when a journal is damaged, or something that a person decided fits nothing any more; both are named.
    """
    settings = open_project(writes=True, anew=True).settings
    from runner.cases.rebuild import rebuild as rebuild_store

    with _progress() as progress:
        report = rebuild_store(settings.runs, now=now(), progress=progress)
    damaged = [{"path": str(d.path), "offset": d.offset, "reason": d.reason} for d in report.damaged]
    facts: dict[str, Any] = {
        "journals": report.journals, "lines": report.lines, "runs": report.runs, "decisions": report.acts,
    }  # fmt: skip
    if as_json:
        not_applied = [{"act": act, "why": why} for act, why in report.not_applied]
        print_json({**facts, "damaged": damaged, "not_applied": not_applied})
    else:
        print_facts([(name, str(value)) for name, value in facts.items()])
    for one in damaged:
        warn(f"{one['path']}: JOURNAL_DAMAGED: reading stops at byte {one['offset']}: {one['reason']}")
    for act, why in report.not_applied:
        warn(f"decision {act}: NOT_APPLIED: {why} - it is kept in the history")
    return 1 if damaged or report.not_applied else 0


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on a terminal; elsewhere the result says enough."""
    where = console(to_stderr=True)
    if not where.is_terminal:
        yield None
        return
    from rich.progress import Progress

    with Progress(console=where, transient=True) as bar:
        task = bar.add_task("journals", total=None)
        yield lambda read, total: bar.update(task, completed=read, total=total)
