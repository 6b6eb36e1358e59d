"""Cases to decide about, made by real journals, and the check that a rebuild brings back what people decided."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.cases.case_rows import wrong_counts
from runner.cases.openings import item_case_id
from runner.cases.rebuild import rebuild
from runner.store.models import Act, Case, CorrectiveAction, GroupingRule, Item, Problem, Run
from tests.journal_maker import RunMaker
from tests.store_snapshot import MODELS, differences, snapshot


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def failed_run(
    runs: Path,
    *keys: str,
    code: str = "UNKNOWN_PRODUCT",
    number: int = 1,
    done: tuple[str, ...] = (),
    version: str = "abc",
    **fields: Any,
) -> RunMaker:
    """A run that has ended in which the items `keys` failed for good and `done` went through; `fields` is their data."""
    with RunMaker(runs) as run:
        run.started(bot_version=version)
        run.put(*keys, *done, **fields)
        for key in keys:
            run.begin(key, number)
            run.fail(key, number, code=code)
        for key in done:
            run.begin(key, number)
            run.end(key, number)
        ended = {"total": len(keys) + len(done), "done": len(done), "exceptions": len(keys), "pending": 0}
        for lane in (1,):
            run.line(lane, "run.finished", data={"status": "done"})
            run.line(0, "lane.ended", data={"lane": lane, "exit_code": 0, "reason": "finished"})
        data = {"status": "exceptions" if keys else "done", "items": ended, "outputs": {}}
        run.line(0, "run.finished", data=data)
        run.take_in()
    return run


def retried_run(runs: Path, *, good: tuple[str, ...] = (), bad: tuple[str, ...] = ()) -> None:
    """A run in which the second attempts at items go through or fail again."""
    with RunMaker(runs) as run:
        run.started()
        for key in good:
            run.begin(key, 2)
            run.end(key, 2)
        for key in bad:
            run.begin(key, 2)
            run.fail(key, 2)
        run.finished("exceptions" if bad else "done")
        run.take_in()


def case_of(key: str) -> Case:
    """The case of an item of the queue `orders`."""
    return Case.objects.select_related("item", "problem").get(pk=item_case_id("orders", key))


def item_of(key: str) -> Item:
    """The item of that key."""
    return Item.objects.get(key=key)


def problem_of_key(key: str) -> Problem:
    """The problem that the case of an item belongs to."""
    return case_of(key).problem


def queued() -> list[Run]:
    """The runs that wait for a worker."""
    return list(Run.objects.filter(status="queued"))


def verbs(case: Case) -> list[str]:
    """What happened to a case, in order."""
    return list(Act.objects.filter(subject=case.pk).values_list("verb", flat=True))


def same_after_rebuild(runs: Path) -> None:
    """A rebuild brings back every row, the rules and actions of people too; all counts are right before and after."""
    assert wrong_counts() == []
    before, kept = snapshot(), _rows()
    report = rebuild(runs, now=now())
    assert (report.not_applied, report.damaged) == ([], [])
    assert differences(before, snapshot()) == []
    assert _rows() == kept
    assert wrong_counts() == []
    assert len(MODELS) >= 10


def _rows() -> list[dict[str, Any]]:
    rules = [dict(row) for row in GroupingRule.objects.order_by("pk").values()]
    return rules + [dict(row) for row in CorrectiveAction.objects.order_by("pk").values()]
