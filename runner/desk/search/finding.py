"""What a search finds, grouped by kind: exact keys first, then what came last; only what the person may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Prefetch, Q, QuerySet, prefetch_related_objects
from django.urls import reverse
from django.utils.safestring import SafeString

from runner.desk.asking import DeskRequest
from runner.desk.errors.titles import title_of
from runner.desk.planned import timetable
from runner.desk.queues.items import address_of_item
from runner.desk.queues.views import queues_with_process
from runner.desk.recordings.failures import told_with_step
from runner.desk.search.conditions import Asked
from runner.desk.search.marks import marked
from runner.desk.search.names import KINDS
from runner.desk.word_notes import only_the_newest
from runner.desk.words import Word
from runner.store.models import Bot, Case, Item, Problem, Run
from runner.store.words import Words, newest_first, spellings

Row = TypeVar("Row", bound=Model)
A_GROUP: Final = 8  # hits of each kind where all kinds are shown
ONE_KIND: Final = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: `noun` and `status` make its tag; `lines` say where the words are."""

    title: SafeString
    address: str
    text: SafeString
    noun: str = ""
    status: str = ""
    at: datetime | None = None
    lines: tuple[tuple[str, SafeString], ...] = ()


@dataclass(slots=True)
class Group:
    """What was found of one kind; `more` is where all of it is, empty where this is all.

    `looked_at`: of very many rows with the words only so many, the newest, were looked at; 0: all were.
    """

    kind: str
    title: Word
    hits: list[Hit] = field(default_factory=list)
    more: str = ""
    looked_at: int = 0

    @property
    def only(self) -> str:
        """`looked_at` in words."""
        return only_the_newest(self.looked_at) if self.looked_at else ""


def find(request: DeskRequest, asked: Asked, text: str, most: int = A_GROUP) -> list[Group]:
    """The groups in which something was found, or not everything was looked at. At most a dozen queries."""
    if asked.is_empty or ((asked.words.none or asked.words.no_values) and asked.words.is_empty):
        return []
    most = ONE_KIND if asked.only and most == A_GROUP else most
    groups = []
    for kind in asked.where:
        group = Group(kind, KINDS[kind])
        hits = _FINDERS[kind](request, asked, most + 1, group)
        if hits or group.looked_at:
            more = (
                f"{reverse('search:page')}?{urlencode({'q': f'{text} in:{kind}'})}"
                if len(hits) > most
                else ""
            )
            group.hits, group.more = hits[:most], "" if asked.only else more
            groups.append(group)
    return groups


def _cases(request: DeskRequest, asked: Asked, most: int, group: Group) -> list[Hit]:
    rows = request.access.limit(Case.objects.filter(asked.where["cases"]), "cases.see")
    if (
        asked.words.is_empty
    ):  # those that wait first, in the order in which they are due: each part along an index
        waiting = list(_light(rows.filter(waits=True)).order_by("due", "pk")[:most])
        settled = _light(rows.filter(waits=False)).order_by("-opened", "-pk")[: most - len(waiting)]
        found = [*waiting, *settled]
    else:
        found = _ranked(_light(rows), asked.words, most, group)
        prefetch_related_objects(found, Prefetch("item", Item.objects.only("data")))
    return [_case_hit(one, asked.words) for one in found]


def _light(rows: QuerySet[Case]) -> QuerySet[Case]:
    return rows.defer("evidence")


def _case_hit(case: Case, words: Words) -> Hit:
    address = reverse("queue:case", args=[case.pk])
    title = marked(case.key or case.bot, words.all)
    return Hit(
        title,
        address,
        marked(told_with_step(case.error, case.message).text, words.all),
        "case",
        case.status,
        case.opened,
        () if words.is_empty else _lines_with(case.item.data if case.item else {}, words),
    )


def _items(request: DeskRequest, asked: Asked, most: int, group: Group) -> list[Hit]:
    if not request.access.may("queues.see"):
        return []
    rows = Item.objects.filter(asked.where["items"])
    if request.access.by_process:
        seen = request.access.limit(queues_with_process(), "queues.see")
        rows = rows.filter(queue__in=list(seen.values_list("pk", flat=True)))
    rows = rows.only("queue_id", "key", "status", "source", "data", "put_at")
    found = (
        list(rows.order_by("-pk")[:most]) if asked.words.is_empty else _ranked(rows, asked.words, most, group)
    )
    return [_item_hit(one, asked.words) for one in found]


def _item_hit(item: Item, words: Words) -> Hit:
    address = address_of_item(item.queue_id, item.key)
    text = f"{item.queue_id} · {item.source}" if item.source else item.queue_id
    title, text = marked(item.key, words.all), marked(text, words.all)
    return Hit(title, address, text, "item", item.status, item.put_at, _lines_with(item.data, words))


def _runs(request: DeskRequest, asked: Asked, most: int, group: Group) -> list[Hit]:
    rows = request.access.limit(Run.objects.filter(asked.where["runs"]), "runs.see").defer(
        "outputs", "evidence"
    )
    found = (
        list(rows.order_by("-queued", "-pk")[:most])
        if asked.words.is_empty
        else _ranked(rows, asked.words, most, group)
    )
    return [
        Hit(
            marked(one.bot, asked.words.all), reverse("runs:run", args=[one.pk]), marked(_run_text(one), asked.words.all),
            "run", one.status, one.started or one.queued, _lines_with(one.parameters, asked.words),
        )
        for one in found
    ]  # fmt: skip


def _run_text(run: Run) -> str:
    message = str((run.error or {}).get("message") or "")
    return " · ".join(part for part in (run.schedule or "", run.requested_by, message) if part)


def _ranked(rows: QuerySet[Row], words: Words, most: int, group: Group) -> list[Row]:
    """Rows with a line that is exactly the word (a key, an id, a whole value), then those where the words occur."""
    first: list[Row] = []
    if len(words.all) == 1 and not words.has_values:
        first = newest_first(rows, Words(none=words.none, whole=words.all), most).rows
    if len(first) >= most:
        return first
    known = {one.pk for one in first}
    rest = newest_first(rows, words, most)
    group.looked_at = rest.looked_at
    return [*first, *(one for one in rest.rows if one.pk not in known)][:most]


def _problems(request: DeskRequest, asked: Asked, most: int, _group: Group) -> list[Hit]:
    rows = request.access.limit(Problem.objects.filter(asked.where["problems"]), "problems.see")
    rows = _having(rows, asked.words, ("title__icontains", "root_cause__icontains", "id__istartswith"))
    return [
        Hit(
            marked(title_of(one.title, one.parts), asked.words.all), reverse("queue:problem", args=[one.pk]), marked(one.bot, asked.words.all),
            "problem", one.status, one.last_seen,
        )
        for one in rows.order_by("-waiting", "pk")[:most]
    ]  # fmt: skip


def _bots(request: DeskRequest, asked: Asked, most: int, _group: Group) -> list[Hit]:
    rows = request.access.limit(Bot.objects.filter(asked.where["bots"], present=True), "bots.see")
    rows = _having(
        rows,
        asked.words,
        ("name__icontains", "file__icontains", "process__icontains", "description__icontains"),
    )
    return [
        Hit(
            marked(one.pk, asked.words.all),
            reverse("bots:bot", args=[one.pk]),
            marked(str(one.description.get("doc") or one.file).partition("\n")[0], asked.words.all),
        )
        for one in rows.order_by("pk")[:most]
    ]


def _having(rows: QuerySet[Row], words: Words, places: Iterable[str]) -> QuerySet[Row]:
    """Rows of a small table in which all of the words occur, and none that is not wanted."""
    for word, wanted in [*((word, True) for word in words.all), *((word, False) for word in words.none)]:
        occurs = Q()
        for place in places:
            occurs |= Q(**{place: word})
        rows = rows.filter(occurs if wanted else ~occurs)
    return rows


def _schedules(request: DeskRequest, asked: Asked, most: int, _group: Group) -> list[Hit]:
    found = timetable()
    if found is None or not request.access.may("schedules.see"):
        return []
    limited = request.access.by_process
    processes = dict(Bot.objects.values_list("pk", "process")) if limited else {}
    hits = []
    for one in found.planned:
        bot = one.schedule.bot or one.schedule.recording or ""
        text = f"{one.schedule.id} {bot}".casefold()
        named = _equals(asked.where["schedules"], {"id": one.schedule.id, "bot": bot})
        fits = all(word.casefold() in text for word in asked.words.all)
        fits = fits and not any(word.casefold() in text for word in asked.words.none)
        if fits and named and (not limited or request.access.may("schedules.see", processes.get(bot, ""))):
            title, words = marked(one.schedule.id, asked.words.all), marked(bot, asked.words.all)
            hits.append(Hit(title, reverse("schedules:one", args=[one.schedule.id]), words))
    return hits[:most]


def _equals(where: Q, values: Mapping[str, str]) -> bool:
    """Whether conditions ``column = value`` hold for something that is in no table."""
    children: list[Any] = list(where.children)  # conditions are pairs, groups of them are Q
    held = all(
        _equals(child, values) if isinstance(child, Q) else values.get(child[0]) == child[1]
        for child in children
    )
    return held != where.negated


def _lines_with(data: Any, words: Words) -> tuple[tuple[str, SafeString], ...]:
    """The values in which a word occurs, as (name, value); at most three."""
    wanted = {said.casefold() for word in words.all for said in spellings(word)}
    named = {(name.casefold(), said.casefold()) for name, value in words.values for said in spellings(value)}
    pairs = data.items() if isinstance(data, dict) else ()
    found = [
        (str(name), marked(str(value), (*words.all, *dict(words.values).values())))
        for name, value in pairs
        if (str(name).casefold(), str(value).casefold()) in named
        or any(word in str(value).casefold() for word in wanted)
    ]
    return tuple(found[:3])


_FINDERS: Final[Mapping[str, Callable[[DeskRequest, Asked, int, Group], list[Hit]]]] = {
    "cases": _cases,
    "items": _items,
    "runs": _runs,
    "problems": _problems,
    "bots": _bots,
    "schedules": _schedules,
}
