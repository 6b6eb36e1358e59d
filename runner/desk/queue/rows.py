"""Which cases and problems each view of the exception queue holds; every one is read along an index of the store."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from runner.core.nouns import AttemptStatus, CaseStatus, ItemStatus, ProblemStatus
from runner.desk.asking import Access
from runner.desk.plans import along_the_order
from runner.store.models import Attempt, Case, Item, Problem
from runner.store.problem_lists import ProblemFilter, filtered_problems


def live_problems(access: Access) -> QuerySet[Problem]:
    """Problems with cases that wait, or that somebody is working on."""
    return access.limit(filtered_problems(ProblemFilter(live=True)), "problems.see")


def settled_problems(access: Access) -> QuerySet[Problem]:
    """Problems whose cases are settled, and for whose cause nobody has looked."""
    return access.limit(filtered_problems(ProblemFilter(status=(ProblemStatus.RESOLVED,))), "problems.see")


def closed_problems(access: Access) -> QuerySet[Problem]:
    """Problems that were closed."""
    return access.limit(filtered_problems(ProblemFilter(status=(ProblemStatus.CLOSED,))), "problems.see")


def waiting_cases(access: Access) -> QuerySet[Case]:
    """Cases that wait for a person."""
    return access.limit(Case.objects.filter(waits=True), "cases.see")


def overdue_cases(access: Access, at: datetime) -> QuerySet[Case]:
    """Those that are past their due time."""
    waiting = waiting_cases(access)
    return along_the_order(waiting, waiting.filter(due__lt=at))


def cases_of(access: Access, who: str) -> QuerySet[Case]:
    """Those that somebody has taken on or was given."""
    return waiting_cases(access).filter(assignee=who)


def put_aside_cases(access: Access) -> QuerySet[Case]:
    """Those that somebody has put aside until a time."""
    waiting = waiting_cases(access)
    return along_the_order(waiting, waiting.filter(status=CaseStatus.WAITING))


def settled_cases(access: Access) -> QuerySet[Case]:
    """Those that have been settled."""
    # Not `status__in`: SQLite would look those up and sort them all; what is left out here is little.
    return access.limit(Case.objects.filter(waits=False).exclude(status=CaseStatus.RETRYING), "cases.see")


def retrying_cases(access: Access) -> QuerySet[Case]:
    """Those that a new attempt has to prove."""
    return access.limit(Case.objects.filter(status=CaseStatus.RETRYING), "cases.see")


def burning_items(access: Access) -> QuerySet[Item]:
    """Items in work at this moment that have failed before: seen before their tries run out and a person is asked."""
    failed = Attempt.objects.filter(
        item=OuterRef("pk"), status__in=[AttemptStatus.FAILED, AttemptStatus.LOST]
    )
    rows = Item.objects.filter(status=ItemStatus.RUNNING, attempts_made__gte=1).filter(Exists(failed))
    return access.limit(rows, "cases.see", "put_run__process")


def decided_to_retry(access: Access) -> QuerySet[Case]:
    """Cases whose new attempt has not begun yet."""
    return retrying_cases(access).exclude(item__status=ItemStatus.RUNNING)
