"""What the page of a case and its acts share: a decision that was refused, names of decisions, times to put a case aside to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from runner.cases import bulk
from runner.cases.bulk import Selection
from runner.core.errors import ConflictError, RunnerError, UsageError, did_you_mean
from runner.desk.asking import DeskRequest
from runner.desk.people.models import Person
from runner.desk.queue.case_form import DataForm
from runner.store.models import Case


@dataclass(frozen=True, slots=True)
class Refused:
    """A decision that was not carried out: what was typed is shown again, with what is wrong at its place."""

    verb: str
    error: RunnerError | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    form: DataForm | None = None

    @property
    def status(self) -> int:
        """409 where somebody was faster, 422 where something is missing or wrong."""
        return 409 if isinstance(self.error, ConflictError) else 422


def process_of_case(case_id: str, **_others: str) -> str | None:
    """The process that a case belongs to; None for an id that is none."""
    return Case.objects.filter(pk=case_id).values_list("process", flat=True).first()


def new_token() -> str:
    """A name for one decision of one form: sent twice, it is carried out once."""
    return f"desk:{uuid4().hex}"


def person_named(wanted: str) -> tuple[str, str]:
    """The name to sign in with of whoever is meant, and what is wrong where nobody is: one of the two is empty."""
    names = dict(Person.objects.filter(is_active=True).values_list("username", "name"))
    found = next(
        (one for one, shown in names.items() if wanted.casefold() in {one.casefold(), shown.casefold()}), ""
    )
    if found:
        return found, ""
    near = did_you_mean(wanted, names) if wanted else ""
    said = _("Nobody here is called “%(name)s”.") % {"name": wanted} if wanted else _("Say to whom.")
    quoted = near.partition("'")[2].partition("'")[0]
    hint = _("Did you mean “%(name)s”?") % {"name": quoted} if quoted else ""
    return "", f"{said} {hint}".strip()


def presets(at: datetime) -> list[tuple[str, datetime]]:
    """The times that are offered for putting a case aside, on the reader's clock."""
    here = timezone.localtime(at)
    tomorrow = (here + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    monday = tomorrow + timedelta(days=(7 - tomorrow.weekday()) % 7)
    offered = [("1h", at + timedelta(hours=1)), ("3h", at + timedelta(hours=3)), ("tomorrow", tomorrow)]
    return [*offered, ("monday", monday)] if monday != tomorrow else offered


def own_selection(request: DeskRequest, selection_id: str) -> Selection:
    """A frozen list of cases that the person made or decided. Raises Http404 for any other."""
    try:
        found = bulk.selection(selection_id)
    except UsageError as error:
        raise Http404 from error
    if request.person.username not in {found.by, found.decided_by}:
        raise Http404  # somebody else's list
    return found
