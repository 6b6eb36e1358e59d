"""Real journals cut at any byte and with any bit flipped: exactly the valid prefix comes back, in rows too."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chaos.checks import Checks
from chaos.place import a_place, make_orders
from chaos.sizes import options_of, parser_of
from runner.demo.serve import Portal
from runner.journal import read_journal

SEED: Final = 7
ORDERS: Final = 12


@dataclass
class Damage:
    """How many journals were damaged, and what came back that should not have."""

    cuts: int = 0
    flips: int = 0
    taken_in: int = 0
    wrong_lines: list[str] = field(default_factory=list)
    wrong_rows: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)  # damage in the middle that reading did not name


def real_journals(folder: Path) -> list[Path]:
    """The journals of one run of post_orders against a flaky portal, copied into `folder`."""
    copies = []
    with a_place() as place, Portal(place.folder / "portal") as portal:
        place.use_repository_bots()
        place.set_secret("portal/password", portal.password)
        portal.set_faults(error_rate=0.08, error_seed=SEED, commit_then_fail=1)
        book = make_orders(place.folder / "orders.xlsx", ORDERS)
        place.runner(
            "run", "post_orders", f"--param=workbook={book}", f"--param=portal={portal.url}", limit=900
        )
        for number, path in enumerate(sorted(place.home.glob("runs/**/journal.jsonl"))):
            copies.append(folder / f"journal-{number}.jsonl")
            copies[-1].write_bytes(path.read_bytes())
    return copies


def damage_all(journals: list[Path], each: int, seed: int, scratch: Path) -> Damage:
    """Cut and flip `each` times, spread over the journals; an open store is needed, it is left as it was."""
    chance = random.Random(seed)
    out = Damage()
    samples = [_Sample(path, scratch) for path in journals]
    weights = [len(sample.data) for sample in samples]
    for _ in range(each):
        sample = chance.choices(samples, weights)[0]
        at = chance.randrange(len(sample.data))
        sample.check(out, sample.data[:at], at, f"cut at {at}")
        out.cuts += 1
        sample = chance.choices(samples, weights)[0]
        bit = chance.randrange(len(sample.data) * 8)
        data = bytearray(sample.data)
        data[bit // 8] ^= 1 << bit % 8
        sample.check(out, bytes(data), bit // 8, f"bit {bit % 8} of byte {bit // 8} flipped")
        out.flips += 1
    return out


class _Sample:
    """One whole journal, and what its first n lines are, as lines and as rows (made once for each n)."""

    def __init__(self, path: Path, scratch: Path) -> None:
        self.name = path.name
        self.data = path.read_bytes()
        self.lines = read_journal(path).lines
        self.borders = [n for n, byte in enumerate(self.data) if byte == ord("\n")]
        self._file = scratch / f"damaged-{path.name}"
        self._rows: dict[int, Mapping[str, Any]] = {}

    def check(self, out: Damage, damaged: bytes, at: int, what: str) -> None:
        whole = sum(1 for border in self.borders if border < at)
        self._file.write_bytes(damaged)
        reading = read_journal(self._file)
        if reading.lines != self.lines[:whole]:
            out.wrong_lines.append(f"{self.name} {what}: {len(reading.lines)} lines, {whole} are valid")
        clean_cut = len(damaged) == (self.borders[whole - 1] + 1 if whole else 0)
        if not clean_cut and reading.fault is None:
            out.silent.append(f"{self.name} {what}")
        if whole not in self._rows:
            self._rows[whole] = self._taken_in(self.data[: self.borders[whole - 1] + 1 if whole else 0])
        out.taken_in += 1
        if self._taken_in(damaged) != self._rows[whole]:
            out.wrong_rows.append(f"{self.name} {what}")

    def _taken_in(self, data: bytes) -> Mapping[str, Any]:
        """The rows that a journal of these bytes leaves in an empty store, which is empty again afterwards."""
        from django.db import transaction

        from runner.cases.intake import take_in_journal

        self._file.write_bytes(data)
        first = self.lines[0]
        with transaction.atomic():
            take_in_journal(self._file, first.run, first.lane)
            rows = _all_rows()
            transaction.set_rollback(True)
        return rows


def _all_rows() -> dict[str, Any]:
    from django.apps import apps
    from django.db import connection

    rows = {}
    with connection.cursor() as cursor:
        for table in sorted(
            model._meta.db_table  # noqa: SLF001 - Django documents it
            for model in apps.get_app_config("store").get_models()
        ):
            cursor.execute(f"SELECT * FROM {table}")
            rows[table] = cursor.fetchall()
    return rows


def report(found: Damage, checks: Checks) -> None:
    """Print the counts and hold them against the promise."""
    checks.figure("damaged", f"{found.cuts} truncations, {found.flips} bit flips")
    checks.figure("taken into a store", found.taken_in)
    checks.that("readings that are not the longest valid prefix", found.wrong_lines[:5], [])
    checks.that("damage that was not named", found.silent[:5], [])
    checks.that("stores with other rows than those of the valid prefix", found.wrong_rows[:5], [])


def main() -> int:
    """The part in full size, or as large as the arguments say."""
    parser = parser_of("journals", __doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    options = options_of("journals", parser)
    from runner.store.open import open_store

    checks = Checks(
        f"journals: {options.each} truncations and {options.each} bit flips, seed {options.seed}, size {options.size}"
    )
    with tempfile.TemporaryDirectory(prefix="runner-chaos-") as name:
        folder = Path(name)
        open_store(folder / "store.sqlite3")
        journals = real_journals(folder)
        checks.figure("real journals", [f"{path.stat().st_size} bytes" for path in journals])
        report(damage_all(journals, options.each, options.seed, folder), checks)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
