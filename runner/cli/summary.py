"""What is printed when a run has ended: its status, items, exceptions by problem, files, and where to look next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.cli.printing import ago, in_words, lasted, one_line, print_facts, short_run, state
from runner.cli.tongue import said, told, told_message, told_title, word
from runner.core.nouns import CaseStatus, RunStatus
from runner.core.settings import Settings
from runner.store.models import Case, Lane, Run

_PROBLEMS = 8


def print_summary(settings: Settings, run_id: str, *, retried: int = 0) -> None:
    """Print how a run ended and where to look next. `retried`: items that were done after another try."""
    run = Run.objects.get(pk=run_id)
    cases = _waiting_cases(run_id)
    print_facts(
        [
            (run.bot, _ended(run)),
            ("run", run.pk),
            ("items", _items(run, retried)),
            *(("exceptions" if n == 0 else " ", text) for n, text in enumerate(_problems(cases))),
            *(("files" if n == 0 else " ", text) for n, text in enumerate(_files(run, settings.project))),
            *(("next" if n == 0 else " ", text) for n, text in enumerate(_next(run, cases))),
        ]
    )


def print_run(settings: Settings, run_id: str) -> None:
    """Print all that is known of a run, for somebody who looks at it later."""
    run = Run.objects.get(pk=run_id)
    cases = _waiting_cases(run_id)
    lanes = Lane.objects.filter(run_id=run_id).order_by("number")
    print_facts(
        [
            ("run", run.pk),
            ("bot", f"{run.bot} ({run.bot_file})" if run.bot_file else run.bot),
            ("status", state("run", run.status)),
            ("schedule", told(f"{run.schedule}, due {ago(run.due)}") if run.schedule else ""),
            ("asked for by", run.requested_by),
            ("parameters", in_words(run.parameters)),
            ("queued", ago(run.queued)),
            ("started", ago(run.started)),
            ("took", lasted(run.started, run.finished)),
            ("stop asked by", run.stop_asked_by),
            ("items", _items(run, 0)),
            (
                "lanes",
                ", ".join(f"{lane.number} {told(lane.reason) or word('run', lane.status)}" for lane in lanes),
            ),
            ("error", error_line(run.error)),
            *(("exceptions" if n == 0 else " ", text) for n, text in enumerate(_problems(cases))),
            *(("files" if n == 0 else " ", text) for n, text in enumerate(_files(run, settings.project))),
            ("folder", str(settings.runs / run.folder) if run.folder else ""),
            *(("next" if n == 0 else " ", text) for n, text in enumerate(_next(run, cases))),
        ]
    )


def error_line(error: Mapping[str, Any] | None) -> str:
    """The error that a run ended with, in the form of every error: ``where: CODE: what - expected - what to do``."""
    if not error:
        return ""
    where = f"{error['where']}: " if error.get("where") else ""
    hint = f" - {told(error['hint'])}" if error.get("hint") else ""
    message = told_message(error, str(error.get("message") or ""))
    return one_line(f"{where}{error.get('code', '')}: {message}{hint}", 1000)


def _ended(run: Run) -> str:
    status, took = RunStatus(run.status), lasted(run.started, run.finished)
    code = f": {(run.error or {}).get('code', '')}" if run.error else ""
    ended = said("through, with exceptions") if status is RunStatus.EXCEPTIONS else word("run", status)
    return told(f"{ended}{code}, in {took}")


def _waiting_cases(run_id: str) -> list[Case]:
    waiting = [status for status in CaseStatus if status.needs_a_person]
    return list(Case.objects.filter(run_id=run_id, status__in=waiting).select_related("problem"))


def _items(run: Run, retried: int) -> str:
    if not run.total:
        return ""
    if run.exceptions == 1:
        text = told(f"{run.done} done, 1 exception, {run.pending} pending")
    else:
        text = told(f"{run.done} done, {run.exceptions} exceptions, {run.pending} pending")
    return f"{run.total}: {text}{told(f', {retried} of them after a retry') if retried else ''}"


def _problems(cases: list[Case]) -> list[str]:
    counts = Counter(case.problem_id for case in cases)
    first = {case.problem_id: case for case in reversed(cases)}
    lines = []
    for problem, count in counts.most_common(_PROBLEMS):
        one = first[problem]
        title = one_line(told_title(one.problem.title, one.problem.parts), 100)
        lines.append(f"{count} × {title} ({word('kind', one.kind)}, {told(f'problem {problem}')})")
    if len(counts) > _PROBLEMS:
        lines.append(told(f"… and {len(counts) - _PROBLEMS} more problems: runner problems list"))
    return lines


def _files(run: Run, project: Path) -> list[str]:
    return [f"{name}: {_shown(value, project)}" for name, value in run.outputs.items()]


def _shown(value: Any, project: Path) -> str:
    path = Path(str(value))
    return str(path.relative_to(project)) if path.is_relative_to(project) else one_line(value)


def _next(run: Run, cases: list[Case]) -> list[str]:
    lines = ["runner cases list"] if cases else []
    return [*lines, f"runner runs logs {short_run(run.pk)}"]
