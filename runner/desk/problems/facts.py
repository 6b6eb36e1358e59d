"""Everything that the page of one problem shows, read in a handful of queries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import get_language

from runner.cases.fingerprint import explain
from runner.cases.problems import MOST_WHYS
from runner.cases.wording import first_words, put_aside
from runner.desk.errors.titles import title_of
from runner.desk.problems.history import Told, history_of
from runner.desk.queue.case_words import in_plain_words
from runner.desk.words import word
from runner.store.models import Case, CorrectiveAction, Problem, Run
from runner.store.problem_lists import TREND_DAYS, trends

_LOOKED_AT: Final = 1000  # the newest cases, from which is told where the problem appears
_EXAMPLES: Final = 3
_NAMED: Final = re.compile(r"^(?:case|run|item|个案|运行|工作项)\s+", re.IGNORECASE)
_OURS: Final = re.compile(r"^/(?:cases|runs|problems|queues|bots|schedules|processes)/\S+$")
_SHOWN_WHYS: Final = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that an answer is true: its words, and where they lead (empty: nowhere); `outside`: to another site."""

    text: str
    link: str = ""
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the 5 Whys with its number."""

    number: int
    why: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Place:
    """Where the problem appears: a bot, queue, process, step or version, with how many of the newest cases are there."""

    name: str
    cases: int
    link: str = ""


@dataclass(slots=True)
class ProblemFacts:
    """What the page shows beside the columns of the problem."""

    problem: Problem
    title: str
    words: str
    grouping: str
    compared: Sequence[tuple[str, str]]
    examples: Sequence[Sequence[tuple[str, bool]]]
    trend: Sequence[int]
    places: Mapping[str, Sequence[Place]]
    looked_at: int
    answers: Sequence[Answer]
    actions: Sequence[CorrectiveAction]
    dropped: Sequence[CorrectiveAction]
    history: Sequence[Told]
    keys: Sequence[str] = field(default_factory=list)

    @property
    def open_actions(self) -> int:
        """How many actions are neither done nor dropped."""
        return sum(one.done is None for one in self.actions)


def problem_of(problem_id: str) -> Problem:
    """The problem. Raises Problem.DoesNotExist (a 404)."""
    return Problem.objects.select_related("merged_into").get(pk=problem_id)


def facts_of(problem: Problem, cases: QuerySet[Case], at: datetime, reader: str = "") -> ProblemFacts:
    """Everything about a problem for `reader`; `cases` are those of it that may be seen. Five queries, each along an index."""
    wanted = ("bot", "queue", "process", "step", "bot_version", "message", "key", "pk", "opened")
    rows: list[tuple[Any, ...]] = list(cases.order_by("-opened").values_list(*wanted)[:_LOOKED_AT])
    actions = list(CorrectiveAction.objects.filter(problem=problem))
    language = get_language() or "en"
    parts = problem.parts or {}
    return ProblemFacts(
        problem=problem,
        title=title_of(problem.title, parts),
        words=in_plain_words(parts.get("why", ""), problem.kind),
        grouping=explain(parts, language) if parts else problem.explanation,
        compared=_compared(parts),
        examples=_examples([row[5] for row in rows], by_words="message" in parts),
        trend=_trend(problem, [row[8] for row in rows], at),
        places=_places(rows),
        looked_at=len(rows),
        answers=_answers(problem),
        actions=sorted((a for a in actions if not a.dropped), key=lambda a: a.done is not None),
        dropped=[one for one in actions if one.dropped],
        history=history_of(problem, actions, at, reader),
        keys=list(dict.fromkeys(row[6] or row[7] for row in rows))[:200],
    )


def _trend(problem: Problem, opened: Sequence[datetime], at: datetime) -> list[int]:
    """How many of its cases were opened on each of the last days (UTC): counted here where all of them are known."""
    if len(opened) == _LOOKED_AT:
        return trends([problem.pk], at)[problem.pk]
    today = at.astimezone(UTC).date()
    days = Counter((today - one.astimezone(UTC).date()).days for one in opened)
    return [days[back] for back in range(TREND_DAYS - 1, -1, -1)]


def _compared(parts: Mapping[str, str]) -> list[tuple[str, str]]:
    """What two cases must share to be one problem: names of parts (see the template for their words) and values."""
    names = ("kind", "code", "type", "step", "column", "bot", "message", "locator", "page_error")
    return [
        (name, word("kind", parts[name]) if name == "kind" else parts[name])
        for name in names
        if parts.get(name)
    ]


def _examples(messages: Sequence[str], *, by_words: bool) -> list[list[tuple[str, bool]]]:
    """A few messages as pieces: what was put aside when they were compared is marked."""
    different = list(dict.fromkeys(first_words(one) for one in messages if one))[:_EXAMPLES]
    return [put_aside(one) if by_words else [(one, False)] for one in different]


def _places(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Place]]:
    found = {}
    for at, name in enumerate(("bot", "queue", "process", "step", "bot_version")):
        counted = Counter(row[at] for row in rows if row[at])
        found[name] = [Place(value, count) for value, count in counted.most_common(6)]
    return found


def _answers(problem: Problem) -> list[Answer]:
    said: list[dict[str, str]] = problem.whys or []
    evidence = linked([one.get("evidence", "") for one in said], problem)
    return [
        Answer(number, one.get("why", ""), shown)
        for number, (one, shown) in enumerate(zip(said, evidence, strict=True), start=1)
    ]


def linked(texts: Sequence[str], problem: Problem) -> list[Evidence]:
    """Evidence with where it leads: an address, or a case, item or run that it names. At most two queries."""
    plain = [_NAMED.sub("", text.strip()) for text in texts]
    asked = [text for text in plain if text and len(text) <= 200 and not text.startswith(("/", "http"))]
    cases: dict[str, str] = {}
    runs: set[str] = set()
    if asked:
        named = Case.objects.filter(
            Q(pk__in=[one.upper() for one in asked]) | Q(problem=problem, key__in=asked)
        )
        for pk, key in named.values_list("pk", "key"):
            cases |= {pk.casefold(): pk, key.casefold(): pk}
        long = [one for one in asked if len(one) == 36]
        runs = set(Run.objects.filter(pk__in=long).values_list("pk", flat=True)) if long else set()
    return [_evidence(shown, one, cases, runs) for shown, one in zip(texts, plain, strict=True)]


def _evidence(shown: str, plain: str, cases: Mapping[str, str], runs: set[str]) -> Evidence:
    if plain.startswith(("http://", "https://")) and " " not in plain:
        return Evidence(shown, plain, outside=True)
    if _OURS.match(plain):
        return Evidence(shown, plain)
    if plain.casefold() in cases:
        return Evidence(shown, f"/cases/{cases[plain.casefold()]}/")
    return Evidence(shown, f"/runs/{plain}/" if plain in runs else "")


def rows_of(whys: Sequence[Mapping[str, str]]) -> list[tuple[int, str, str]]:
    """The rows of the editor: those that are there, and empty ones up to five, or one more, but never above the limit."""
    kept = [(one.get("why", ""), one.get("evidence", "")) for one in whys]
    wanted = min(max(_SHOWN_WHYS, len(kept) + 1), max(MOST_WHYS, len(kept)))
    padded = [*kept, *[("", "")] * (wanted - len(kept))]
    return [(number, why, evidence) for number, (why, evidence) in enumerate(padded, start=1)]
