"""Cases as lists: filters that the command line and the desk share."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from runner.core.nouns import CaseStatus
from runner.store.models import Case

WAITING_FOR_PEOPLE = tuple(status for status in CaseStatus if status.needs_a_person)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; an empty field asks for nothing. `status` holds states, `problem` an id, `text` words anywhere."""

    queue: str = ""
    kind: str = ""
    status: tuple[str, ...] = ()
    problem: str = ""
    bot: str = ""
    assignee: str = ""
    text: str = ""


def filtered_cases(wanted: CaseFilter) -> QuerySet[Case]:
    """The cases of a filter, in no order yet."""
    found = Case.objects.all()
    exact = {
        "item__queue_id": wanted.queue,
        "kind": wanted.kind,
        "problem_id": wanted.problem,
        "bot": wanted.bot,
        "assignee": wanted.assignee,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if wanted.status:
        found = found.filter(status__in=wanted.status)
    for word in wanted.text.split():
        found = found.filter(
            Q(message__icontains=word)
            | Q(item__key__icontains=word)
            | Q(problem__title__icontains=word)
            | Q(id__istartswith=word)
        )
    return found
