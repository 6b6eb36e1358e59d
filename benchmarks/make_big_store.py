"""Makes a large store for measuring: by default 1,000,000 cases, 5,000 problems, 100,000 runs; the same for one seed."""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from runner.core.ids import CROCKFORD
from runner.store import word_index

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAYS: Final = 400
BOTS: Final = tuple(
    f"{verb}_{noun}"
    for verb in ("post", "check", "send")
    for noun in ("orders", "invoices", "claims", "prices")
)
PEOPLE: Final = ("ann", "ben", "cleo", "mei", "lin", "otto")
WORDS: Final = [
    "product",
    "price",
    "customer",
    "supplier",
    "portal",
    "invoice",
    "order",
    "page",
    "element",
    "catalogue",
    "currency",
    "account",
    "limit",
]
SUPPLIERS: Final = (
    "Northwind Tools Ltd",
    "Blue River Paper",
    "上海明华贸易有限公司",
    "深圳市宏达电子有限公司",
    "北京远洋物流",
)
HOSTS: Final = ("desk-1", "desk-2", "desk-3")
_CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of what. `waiting` of the cases wait for a person, `clean` items never failed."""

    cases: int = 1_000_000
    problems: int = 5_000
    runs: int = 100_000
    waiting: int = 60_000
    clean: int = 200_000


def make(path: Path, size: Size, seed: int = 7) -> None:
    """Fill the empty store at `path`, which has its tables."""
    from runner.store.models import Act, Attempt, Case, Item, Lane, Problem, Queue, Run

    draw = random.Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA synchronous=OFF")
        store.execute("PRAGMA foreign_keys=OFF")
        store.execute("PRAGMA cache_size=-400000")
        word_index.stop_keeping(store.execute)
        with _without_indexes(store):
            _fill(store, Queue, ({"name": f"q_{bot}", "key": "number", "bot": bot} for bot in BOTS))
            _fill(store, Run, (_run(n, size, draw) for n in range(size.runs)))
            _fill(store, Lane, (_lane(n) for n in range(size.runs)))
            _fill(store, Problem, (_problem(n) for n in range(size.problems)))
            homes = _homes(size, draw)
            rows = _Rows(size, draw, homes)
            _fill(store, Item, rows.items())
            _fill(store, Attempt, rows.attempts())
            _fill(store, Case, rows.cases())
            _fill(store, Act, rows.acts())
        _count(store)
        _index_words(store)
        store.execute("ANALYZE")


class _Rows:
    """The rows that belong together, each made from its number alone, so that no list of them is held."""

    def __init__(self, size: Size, draw: random.Random, homes: list[int]) -> None:
        self._size, self._homes = size, homes
        self._salt = draw.random()

    def items(self) -> Iterator[Mapping[str, Any]]:
        for number, n, at in self._order():
            failed = n < self._size.cases
            bot = self._bot(n)
            status = ("exception" if self._waits(n) else "done") if failed else "done"
            data = {
                "number": f"N{n:07}",
                "customer": f"C{self._pick(n, 'c', 900)}",
                "amount": f"{self._pick(n, 'a', 90000) / 100}",
                "supplier": SUPPLIERS[self._pick(n, "c", len(SUPPLIERS))],
            }
            yield {
                "id": number, "queue_id": f"q_{bot}", "key": data["number"], "status": status, "data": data,
                "original": data, "source": f"orders.xlsx/Sheet1!{n % 50_000}", "attempts_made": 1,
                "put_at": self._opened(at), "finished": self._opened(at) if status == "done" else None,
                "put_run_id": _run_id(self._run(at)), "error": {"code": "X"} if status == "exception" else None,
            }  # fmt: skip

    def attempts(self) -> Iterator[Mapping[str, Any]]:
        for number, n, at in self._order():
            yield {
                "id": number, "item_id": number, "number": 1, "run_id": _run_id(self._run(at)), "lane": 1,
                "status": "failed" if n < self._size.cases else "done", "started": self._opened(at),
                "finished": self._opened(at), "kind": "business", "step": "enter",
            }  # fmt: skip

    def cases(self) -> Iterator[Mapping[str, Any]]:
        for n in range(self._size.cases):
            opened, waits = self._opened(n), self._waits(n)
            state = (
                ("open", "open", "claimed", "waiting")[self._pick(n, "s", 4)]
                if waits
                else ("resolved", "closed")[n % 2]
            )
            problem, bot = self._homes[n], self._bot(n)
            yield {
                "id": _short("case", n), "kind": ("business", "application", "unknown")[self._pick(n, "k", 10) // 4],
                "status": state, "bot": bot, "process": f"p{BOTS.index(bot) % 5}", "run_id": _run_id(self._run(n)),
                "item_id": self._item(n), "problem_id": _short("problem", problem), "queue": f"q_{bot}", "key": f"N{n:07}",
                "fingerprint": _print_of(problem), "bot_version": f"v{self._pick(n, 'v', 12)}",
                "priority": (0, 0, 0, 1, 2, -1)[self._pick(n, "p", 6)],
                "message": f"{WORDS[problem % len(WORDS)]} 'N{n:07}' {WORDS[problem // 7 % len(WORDS)]} is wrong",
                "error": {"code": "X", "type": "BusinessError", "message": "wrong"}, "step": "enter", "opened": opened,
                "changed": opened + timedelta(minutes=self._pick(n, "m", 5000)), "due": opened + timedelta(days=1),
                "resolved": None if waits else opened + timedelta(minutes=600 + 60 * self._pick(n, "r", 62)),
                "resolution": "" if waits else "retried",
                "decided": None if waits else opened + timedelta(minutes=self._pick(n, "d", 600)),
                "assignee": "" if state == "open" else PEOPLE[self._pick(n, "w", len(PEOPLE))],
                "snoozed_until": NOW + timedelta(hours=1 + n % 90) if state == "waiting" else None,
            }  # fmt: skip

    def acts(self) -> Iterator[Mapping[str, Any]]:
        for n in range(self._size.cases):
            opened = self._opened(n)
            common = {"subject_kind": "case", "subject": _short("case", n)}
            yield {"id": f"m{n}", "at": opened, "by": "runner", "machine": True, "verb": "opened", **common}
            if not self._waits(n):
                by = PEOPLE[self._pick(n, "w", len(PEOPLE))]
                decided = opened + timedelta(minutes=self._pick(n, "d", 600))
                yield {"id": f"d{n}", "at": decided, "by": by, "machine": False, "verb": "retry", **common}
                resolved = opened + timedelta(minutes=600 + 60 * self._pick(n, "r", 62))
                yield {
                    "id": f"p{n}",
                    "at": resolved,
                    "by": "runner",
                    "machine": True,
                    "verb": "resolved",
                    **common,
                }

    def _order(self) -> Iterator[tuple[int, int, int]]:
        """Items as they were put, (id, number, time): clean ones, whose numbers come last, between those that failed."""
        clean = self._size.cases
        for n in range(self._size.cases):
            yield self._item(n), n, n
            for number in range(self._item(n) + 1, self._item(n + 1)):
                yield number, clean, n
                clean += 1

    def _item(self, n: int) -> int:
        return n + n * self._size.clean // self._size.cases + 1

    def _opened(self, n: int) -> datetime:
        share = (n % self._size.cases) / self._size.cases
        return NOW - timedelta(days=DAYS) * (1 - share) + timedelta(seconds=self._pick(n, "o", 3000))

    def _waits(self, n: int) -> bool:
        return n >= self._size.cases - 2 * self._size.waiting and n % 2 == 0

    def _bot(self, n: int) -> str:
        problem = self._homes[n] if n < len(self._homes) else n
        return BOTS[problem % len(BOTS)]

    def _run(self, n: int) -> int:
        return int((n % self._size.cases) / self._size.cases * self._size.runs)

    def _pick(self, n: int, what: str, most: int) -> int:
        return hash((n * 2_654_435_761 % 2**32, self._salt, _SEEDS[what])) % most


_SEEDS: Final = {name: number for number, name in enumerate("cawskvpmrod")}


def _homes(size: Size, draw: random.Random) -> list[int]:
    """Which problem each case belongs to: a few have very many, most have few, as in life."""
    weights = [1 / (n + 1) for n in range(size.problems)]
    homes = draw.choices(range(size.problems), weights, k=size.cases)
    homes[: size.problems] = range(size.problems)
    return homes


def _run(n: int, size: Size, draw: random.Random) -> Mapping[str, Any]:
    queued = NOW - timedelta(days=DAYS) * (1 - n / size.runs)
    status = draw.choices(("done", "exceptions", "failed", "lost", "cancelled"), (60, 30, 6, 2, 2))[0]
    if n >= size.runs - 3:
        status = "running"
    bot = BOTS[n % len(BOTS)]
    return {
        "id": _run_id(n), "bot": bot, "process": f"p{n % 5}", "status": status, "queued": queued, "started": queued,
        "finished": None if status == "running" else queued + timedelta(minutes=5), "total": 10, "done": 9,
        "exceptions": 1, "schedule": f"s{n % 200}", "due": queued, "bot_version": f"v{n // (size.runs // 12 + 1)}",
        "folder": f"2026/01/01/{_run_id(n)}", "worker": HOSTS[n % 3],
    }  # fmt: skip


def _lane(n: int) -> Mapping[str, Any]:
    return {"id": n + 1, "run_id": _run_id(n), "number": 1, "host": HOSTS[n % 3], "status": "done"}


def _problem(n: int) -> Mapping[str, Any]:
    first = NOW - timedelta(days=DAYS - n % 300)
    status = ("open", "open", "analysing", "acting", "verifying", "resolved", "closed")[n % 7]
    return {
        "id": _short("problem", n), "fingerprint": _print_of(n),
        "title": f"{WORDS[n % len(WORDS)]} … {WORDS[n // 7 % len(WORDS)]} is wrong ({n})",
        "explanation": "Same kind (business), step 'enter'", "parts": {"kind": "business", "message": "… is wrong"},
        "kind": ("business", "application", "unknown")[n % 10 // 4], "bot": BOTS[n % len(BOTS)],
        "process": f"p{n % 5}", "status": status, "first_seen": first, "last_seen": NOW - timedelta(hours=n % 2000),
        "owner": PEOPLE[n % len(PEOPLE)] if n % 3 else "",
    }  # fmt: skip


def _run_id(n: int) -> str:
    return f"019a{n:08x}-7000-8000-000000000000"[:36]


def _short(kind: str, n: int) -> str:
    digest = int.from_bytes(hashlib.blake2b(f"{kind}{n}".encode(), digest_size=8).digest(), "big")
    return "".join(CROCKFORD[(digest >> shift) & 31] for shift in range(55, -1, -5))


def _print_of(n: int) -> str:
    return hashlib.blake2b(f"problem{n}".encode(), digest_size=16).hexdigest()


def _fill(store: sqlite3.Connection, model: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows by column name; what a row does not say has the model's default."""
    meta = model._meta  # noqa: SLF001 (documented by Django, in spite of its name)
    fields = [field for field in meta.concrete_fields if not field.generated]
    blank = model()
    names = [field.column for field in fields]
    plain = {field.column: _plain(getattr(blank, field.attname), field) for field in fields}
    quoted = ", ".join('"' + name + '"' for name in names)
    sql = f"INSERT INTO {meta.db_table} ({quoted}) VALUES ({', '.join('?' * len(names))})"
    kinds = {field.column: field for field in fields}
    count, begun, stream = 0, time.monotonic(), iter(rows)
    while chunk := list(islice(stream, _CHUNK)):
        values = [
            [_plain(row[name], kinds[name]) if name in row else plain[name] for name in names]
            for row in chunk
        ]
        store.execute("BEGIN")
        store.executemany(sql, values)
        store.execute("COMMIT")
        count += len(chunk)
    print(f"{model.__name__}: {count:,} in {time.monotonic() - begun:.0f} s", flush=True)


def _plain(value: Any, field: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if field.get_internal_type() == "JSONField":
        return None if value is None else json.dumps(value)
    return str(value) if isinstance(value, str) else value


@contextmanager
def _without_indexes(store: sqlite3.Connection) -> Iterator[None]:
    """Make the indexes when all rows are there, which is several times quicker."""
    made = store.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in made:
        store.execute(f'DROP INDEX "{name}"')
    yield
    begun = time.monotonic()
    for _, sql in made:
        store.execute(sql)
    print(f"{len(made)} indexes in {time.monotonic() - begun:.0f} s", flush=True)


def _index_words(store: sqlite3.Connection) -> None:
    begun = time.monotonic()
    store.execute("BEGIN")
    word_index.make(store.execute)
    store.execute("COMMIT")
    print(f"index of words in {time.monotonic() - begun:.0f} s", flush=True)


def _count(store: sqlite3.Connection) -> None:
    store.execute("""
        UPDATE store_problem SET (total, waiting, unsettled, oldest_due) = (
            SELECT COUNT(*), COALESCE(SUM(waits), 0), COALESCE(SUM(status NOT IN ('resolved', 'closed')), 0),
                   MIN(CASE WHEN waits THEN due END)
            FROM store_case WHERE problem_id = store_problem.id)""")


def main() -> None:
    """Make it at the path that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="where the store is made; there must be no file yet")
    for name in ("cases", "problems", "runs", "waiting", "clean"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Size(), name))
    parser.add_argument("--seed", type=int, default=7)
    wanted = parser.parse_args()
    if wanted.path.exists():
        parser.error(f"{wanted.path} is there already")
    from runner.store.open import open_store

    open_store(wanted.path)
    size = Size(wanted.cases, wanted.problems, wanted.runs, wanted.waiting, wanted.clean)
    make(wanted.path, size, wanted.seed)
    print(f"{wanted.path}: {wanted.path.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
