"""What the pages know of a recording: its steps, its binding, its last run, and what is wrong with any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Max
from django.utils.translation import get_language

from runner.core.errors import ConfigurationError, ErrorReport, RunnerError
from runner.core.hosts import reaches
from runner.desk.bots.run_form import secret_hosts
from runner.desk.outside import place
from runner.recordings.binding import Binding, read_binding
from runner.recordings.library import Place, all_of, is_name, names_of
from runner.recordings.model import Recording
from runner.recordings.placeholders import secrets_in
from runner.recordings.secret_places import secret_sites
from runner.recordings.wording import Language
from runner.store.models import Run


@dataclass(frozen=True, slots=True)
class Kept:
    """One recording of the project. `recording` is None where its file can't be read, `binding` where there is none (that works).

    `errors` are what is wrong with the file or its binding; `last` is its last run.
    """

    place: Place
    recording: Recording | None
    binding: Binding | None
    errors: Sequence[RunnerError] = ()
    last: Run | None = None

    @property
    def name(self) -> str:
        """Its name, which is that of its bot too."""
        return self.place.name

    @property
    def title(self) -> str:
        """What is done, in words."""
        return (self.binding.title if self.binding else "") or (
            self.recording.title if self.recording else ""
        )

    @property
    def process(self) -> str:
        """The process that its bot works for."""
        return self.binding.process if self.binding else ""

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return len(self.recording.steps) if self.recording else 0

    @property
    def state(self) -> str:
        """``broken``, ``bound`` or ``unbound``."""
        return "broken" if self.errors else "bound" if self.binding else "unbound"


def all_kept() -> list[Kept]:
    """Every recording of the project by name, each with its last run. Two queries."""
    found = [_kept(one, content) for one, content in all_of(place().settings.project)]
    names = [one.name for one in found]
    newest = Run.objects.filter(bot__in=names).order_by().values("bot").annotate(newest=Max("id"))
    runs = {run.bot: run for run in Run.objects.filter(pk__in=[row["newest"] for row in newest])}
    return [Kept(one.place, one.recording, one.binding, one.errors, runs.get(one.name)) for one in found]


def kept(name: str) -> Kept | None:
    """One recording, without its last run; None where there is none of that name."""
    where = place_if_there(name)
    if where is None:
        return None
    try:
        return _kept(where, where.read())
    except ErrorReport as report:
        return _kept(where, report)
    except ConfigurationError as error:
        return _kept(where, ErrorReport([error]))


def place_if_there(name: str) -> Place | None:
    """The place of a recording of that very name."""
    project = place().settings.project
    return Place(project, name) if name in names_of(project) else None


def place_named(name: str) -> Place | None:
    """Where a recording of that name would be, without looking whether it is there; None for what can't be a name."""
    return Place(place().settings.project, name) if is_name(name) else None


def process_of_recording(name: str, **_parts: object) -> str | None:
    """The process that a recording's bot works for, empty while it is none; None where there is no such recording."""
    found = kept(name)
    return found.process if found else None


@dataclass(frozen=True, slots=True)
class SecretTyped:
    """A secret that a recording types, on which sites; whether the vault has it, and which of the sites it is not for."""

    name: str
    sites: str
    is_known: bool
    refused: str

    @property
    def to_set(self) -> str:
        """The address at which an admin sets it, filled in as far as it is known."""
        return "/secrets/?" + urlencode({"name": self.name, "hosts": self.sites})


def secrets_typed(found: Kept) -> list[SecretTyped]:
    """The secrets that a recording types."""
    recording = found.recording
    if recording is None:
        return []
    address = found.binding.address or "" if found.binding else ""
    typed, kept_hosts = secret_sites(recording, address), secret_hosts()
    rows = []
    for name in secrets_in(recording):
        sites, hosts = typed.get(name, []), kept_hosts.get(name) or ()
        refused = [one for one in sites if not reaches(hosts, one if "://" in one else f"https://{one}")]
        all_sites = [*hosts, *(one for one in refused if one not in hosts)]
        rows.append(SecretTyped(name, ", ".join(all_sites), name in kept_hosts, ", ".join(refused)))
    return rows


def language() -> Language:
    """The language of the page, as the words of steps know it."""
    return "zh" if (get_language() or "").startswith("zh") else "en"


def picture_names(where: Place) -> Iterator[str]:
    """The pictures of a recording that there are."""
    return (path.name for path in where.folder.glob("*.png") if path.is_file())


def _kept(where: Place, content: Recording | ErrorReport) -> Kept:
    if not isinstance(content, Recording):
        return Kept(where, None, None, content.errors)
    if not where.binding.is_file():
        return Kept(where, content, None)
    try:
        return Kept(where, content, read_binding(where))
    except ErrorReport as report:
        return Kept(where, content, None, report.errors)
    except ConfigurationError as error:
        return Kept(where, content, None, (error,))
