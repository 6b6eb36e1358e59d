"""What schedules.yaml says about a process: its entry, and the schedules of its bots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from runner.core.schedules_model import Process as Entry
from runner.desk.planned import timetable
from runner.insight.process_health import Workers, process_names
from runner.insight.process_numbers import GRACE
from runner.store.models import Bot, Problem, Process, Run
from runner.timetable.due_times import Planned


def entries() -> dict[str, Entry]:
    """The entries of ``processes:`` by id; those that were read last while the file can't be read."""
    found = timetable()
    if found is not None:
        return dict(found.file.processes)
    return {one.pk: _entry(one) for one in Process.objects.all()}


def known_processes() -> list[str]:
    """Every process that there is: those of the file, and those that bots, runs and problems name."""
    return sorted({*entries(), *process_names()})


def is_known(process: str) -> bool:
    """Whether there is a process of that name."""
    if process in entries():
        return True
    return any(model.objects.filter(process=process).exists() for model in (Run, Bot, Problem))


def schedules_by_process(workers: Mapping[str, Workers]) -> dict[str, list[Planned]]:
    """The schedules of each process: those whose bot works for it."""
    found = timetable()
    of_bot = {bot: process for process, some in workers.items() for bot in some.names}
    by_process: dict[str, list[Planned]] = {process: [] for process in workers}
    for one in found.planned if found else ():
        process = of_bot.get(one.schedule.bot or one.schedule.recording or "")
        if process is not None:
            by_process[process].append(one)
    return by_process


def graces(planned: Iterable[Planned]) -> dict[str, timedelta]:
    """How long after its due time a run of each schedule may begin and still be on time: its grace, a quarter of an hour at least."""
    return {one.schedule.id: max(one.schedule.grace, GRACE) for one in planned}


def _entry(row: Process) -> Entry:
    return Entry.model_validate(
        {name: value for name, value in row.facts.items() if name in Entry.model_fields}
    )
