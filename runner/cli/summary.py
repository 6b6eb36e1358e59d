"""What is printed when a run has ended: its status, items, exceptions by problem, files, and where to look next."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from runner.cli.printing import lasted, one_line, print_facts, short_run
from runner.core.nouns import CaseStatus, RunStatus
from runner.core.settings import Settings
from runner.store.models import Case, Run

_WORDS = {
    RunStatus.DONE: "done",
    RunStatus.EXCEPTIONS: "through, with exceptions",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
    RunStatus.LOST: "lost",
}
_PROBLEMS = 8


def print_summary(settings: Settings, run_id: str, *, retried: int = 0) -> None:
    """Print the summary of one run of the store."""
    run = Run.objects.get(pk=run_id)
    waiting = [s for s in CaseStatus if s.needs_a_person]
    cases = list(Case.objects.filter(run_id=run_id, status__in=waiting).select_related("problem"))
    print_facts(
        [
            (
                run.bot,
                f"{_WORDS.get(RunStatus(run.status), run.status)} in {lasted(run.started, run.finished)}",
            ),
            ("run", run.pk),
            ("items", _items(run, retried)),
            ("error", one_line((run.error or {}).get("message", ""), 500)),
            *(("exceptions" if n == 0 else " ", text) for n, text in enumerate(_problems(cases))),
            *(("files" if n == 0 else " ", text) for n, text in enumerate(_files(run, settings.project))),
            *(("next" if n == 0 else " ", text) for n, text in enumerate(_next(run, cases))),
        ]
    )


def _items(run: Run, retried: int) -> str:
    if not run.total:
        return ""
    parts = [f"{run.done} done", f"{run.exceptions} exceptions", f"{run.pending} pending"]
    if retried:
        parts.append(f"{retried} of them after a retry")
    return f"{run.total}: {', '.join(parts)}"


def _problems(cases: list[Case]) -> list[str]:
    counts = Counter((case.problem_id, case.problem.title, case.kind) for case in cases)
    lines = [
        f"{count} × {one_line(title, 100)} ({kind}, problem {problem})"
        for (problem, title, kind), count in counts.most_common(_PROBLEMS)
    ]
    if len(counts) > _PROBLEMS:
        lines.append(f"… and {len(counts) - _PROBLEMS} more problems: runner problems list")
    return lines


def _files(run: Run, project: Path) -> list[str]:
    return [f"{name}: {_shown(value, project)}" for name, value in run.outputs.items()]


def _shown(value: Any, project: Path) -> str:
    path = Path(str(value))
    return str(path.relative_to(project)) if path.is_relative_to(project) else one_line(value)


def _next(run: Run, cases: list[Case]) -> list[str]:
    lines = ["runner cases list"] if cases else []
    return [*lines, f"runner runs logs {short_run(run.pk)}"]
