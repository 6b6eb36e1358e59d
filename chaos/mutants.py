"""Seeded faults: each guard of the promises is taken out of a copy of the tree, and a named test must go red for it.

A fault is a replacement of text that must be found exactly once: code that moved on makes this fail loudly, not pass
quietly. The same tests are run on the untouched copy first, and must be green there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.checks import Checks
from chaos.place import ROOT
from chaos.sizes import options_of, parser_of

COPIED: Final = ("runner", "tests", "bots", "chaos", "docs", "benchmarks", "acceptance")
COPIED_FILES: Final = ("pyproject.toml", "schedules.yaml", "README.md", "README.zh-CN.md", "Makefile")
LIMIT_S: Final = 900  # for all their tests at once, on a machine that has other things to do


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in `file` the text `old` becomes `new`, and one of `tests` must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS: Final = (
    Mutant(
        "no fsync", "runner/journal/write.py", "        os.fsync(self._file)\n", "        pass\n",
        ("test_kit_irreversible.py::test_every_border_is_on_the_disk_before_the_bot_goes_on",),
    ),
    Mutant(
        "no unique key of items", "runner/store/migrations/0001_initial.py",
        "fields=('queue', 'key'), name='one_item_per_key'", "fields=('queue', 'key', 'id'), name='one_item_per_key'",
        ("test_chaos_guards.py::test_the_store_itself_refuses_what_must_not_be_there_twice",),
    ),
    Mutant(
        "no unique due time", "runner/store/migrations/0001_initial.py",
        "fields=('schedule', 'due'), name=", "fields=('schedule', 'due', 'id'), name=",
        ("test_chaos_guards.py::test_the_store_itself_refuses_what_must_not_be_there_twice",),
    ),
    Mutant(
        "no lease check at the intake", "runner/cases/intake.py",
        "if run is not None and epoch is not None and run[3] != epoch:", "if False:",
        ("test_store_claims.py::test_a_worker_that_lost_its_run_can_claim_and_renew_nothing",),
    ),
    Mutant(
        "no epoch in the renewal", "runner/store/claims.py",
        "mine = Run.objects.filter(pk=run_id, epoch=epoch, status=RunStatus.RUNNING)\n        if not mine",
        "mine = Run.objects.filter(pk=run_id, status=RunStatus.RUNNING)\n        if not mine",
        ("test_store_claims.py::test_a_worker_that_lost_its_run_can_claim_and_renew_nothing",),
    ),
    Mutant(
        "no epoch in the claim", "runner/store/claims.py",
        "AND EXISTS (SELECT 1 FROM store_run WHERE id = %s AND epoch = %s)", "AND (%s || %s) IS NOT NULL",
        ("test_store_claims.py::test_a_worker_that_lost_its_run_can_claim_and_renew_nothing",),
    ),
    Mutant(
        "a claim without the status", "runner/store/claims.py",
        "WHERE queue_id = %s AND status = 'pending' AND (not_before",
        "WHERE queue_id = %s AND (not_before",
        ("test_store_claims.py::test_eight_lanes_take_five_hundred_items_once_each",
         "test_store_claims.py::test_items_go_out_in_the_order_in_which_they_were_put"),
    ),
    Mutant(
        "retry around an irreversible step", "runner/kit/item.py",
        "if retried_by is not None:", "if False:",
        ("test_kit_irreversible.py::test_an_irreversible_part_inside_a_function_with_a_retry_is_refused_before_it_begins",),
    ),
    Mutant(
        "INTENT is not asked about", "runner/kit/item.py",
        "if record is not None and record.state is Settled.INTENT and self._settle(name, already_done, None):", "if False:",
        ("test_kit_irreversible.py::test_what_is_known_and_what_can_be_found_out_decide_whether_it_is_done",),
    ),
    Mutant(
        "an open intent is forgotten with its process", "runner/engine/shared.py",
        '"open_intent": lost.intent,', '"open_intent": None,',
        ("test_engine_worker.py::test_an_irreversible_step_cut_off_by_a_kill_becomes_an_unknown_outcome",
         "test_chaos_boundaries.py"),
    ),
    Mutant(
        "redactor off", "runner/journal/write.py", "self.redactor.json(orjson.dumps(", "(lambda d: d)(orjson.dumps(",
        ("test_journal_write_read.py::test_no_secret_reaches_a_line_and_the_line_stays_whole",),
    ),
    Mutant(
        "the offset is not in the transaction", "runner/cases/intake.py",
        "    with transaction.atomic():\n        offset,", "    if True:\n        offset,",
        ("test_cases_intake.py::test_when_the_store_fails_in_the_middle_nothing_of_the_lines_stays",),
    ),
    Mutant(
        "a case only where the bot itself saw the failure", "runner/cases/intake_items.py",
        '    why = "item" if open_intent else "quarantined"\n    _open_item_case(', "    why = None\n    _ = (lambda *a, **k: 0)(",
        ("test_cases_intake.py::test_an_attempt_lost_after_an_irreversible_step_began_is_a_case_of_unknown_outcome",),
    ),
    Mutant(
        "TERM without KILL", "runner/engine/tree.py",
        "_each(processes, lambda process: process.kill())", "break",
        ("test_chaos_guards.py::test_a_process_that_does_not_listen_is_killed",),
    ),
    Mutant(
        "the checksum is not looked at", "runner/journal/read.py",
        'if seal[8:16] != b"%08x" % zlib.crc32(body):', "if False:",
        ("test_journal_write_read.py::test_with_one_bit_flipped_it_gives_back_exactly_the_lines_before",),
    ),
    Mutant(
        "gaps are not looked at", "runner/journal/read.py",
        "if expected is not None and parsed.seq != expected:", "if False:",
        ("test_journal_write_read.py::test_a_line_cut_out_or_doubled_is_noticed",),
    ),
    Mutant(
        "runs of dead workers stay", "runner/engine/recovery.py",
        "if run.worker == worker and run.id in at_work:", "if True:",
        ("test_engine_takeover.py::test_runs_of_a_worker_killed_by_the_system_are_taken_over",),
    ),
    Mutant(
        "the browser is looked for by its parents only", "runner/engine/tree.py",
        "found = {process.pid: process for process in marked(marker)}", "found = {}",
        ("test_chaos_guards.py::test_what_left_its_family_is_found_by_its_marker",),
    ),
    Mutant(
        "a journal that lost its tail is not gone on with", "runner/engine/recovery.py",
        "if reading.end < taken:", "if False:",
        ("test_engine_lost_tail.py::test_a_run_whose_journals_lost_what_was_taken_in_ends_and_its_open_intent_is_asked_about",),
    ),
    Mutant(
        "a store that was moved away is worked on", "runner/store/presence.py",
        "if found is None:", "if False:",
        ("test_store_gone.py::test_a_store_is_known_by_its_file_not_by_its_name",),
    ),
    Mutant(
        "an empty store is made beside runs that it does not know", "runner/cli/project.py",
        "    if not anew:\n        refuse_lost_store(project.settings)\n", "",
        ("test_store_gone.py::test_beside_journals_no_empty_store_is_made_and_what_is_done_is_not_done_again",),
    ),
    Mutant(
        "no last look before a trace is published", "runner/journal/archives.py",
        "clean = _is_clean(unfinished, redactor)", "clean = True",
        ("test_journal_archives.py::test_where_masking_fails_nothing_is_published",),
    ),
    Mutant(
        "the journal goes on after a torn line", "runner/journal/write.py",
        "        if done:\n            os.ftruncate(file, os.fstat(file).st_size - done)\n", "",
        ("test_journal_write_read.py::test_a_full_disk_is_an_error_in_the_caller_and_leaves_no_half_line",),
    ),
)  # fmt: skip


class NotFoundOnce(Exception):
    """The text that a fault replaces is not in its file, or more than once."""


def apply(mutant: Mutant, root: Path) -> str:
    """Put the fault into the tree at `root`; returns the file's text as it was. Raises NotFoundOnce."""
    path = root / mutant.file
    text = path.read_text("utf-8")
    if text.count(mutant.old) != 1:
        raise NotFoundOnce(
            f"{mutant.name}: its text is {text.count(mutant.old)} times in {mutant.file}, not once"
        )
    path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    return text


def copy_tree(folder: Path) -> Path:
    """A copy of all that the tests need."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def run_tests(root: Path, tests: Sequence[str]) -> tuple[bool, str]:
    """Whether the named tests are green in the tree at `root`, and the last words of the run."""
    scratch = root / "scratch"
    scratch.mkdir(exist_ok=True)
    variables = {
        **os.environ,
        "PYTHONPATH": str(root),
        "TMPDIR": str(scratch),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", "--timeout=120"]
    done = subprocess.run(
        [*words, *(f"tests/{test}" for test in tests)], cwd=root, env=variables, capture_output=True, text=True,
        timeout=LIMIT_S, check=False,
    )  # fmt: skip
    words = [
        line for line in done.stdout.splitlines() if line.startswith(("FAILED", "E  ")) or " in " in line
    ]
    last = "\n".join(words[-8:])
    if done.returncode not in {0, 1}:  # 1: tests failed; all else: they could not be run
        raise RuntimeError(f"{' '.join(tests)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0, last


def turn_red(mutants: Sequence[Mutant], checks: Checks) -> None:
    """Run the tests of all `mutants` on an untouched copy, then those of each one with its fault in place."""
    with tempfile.TemporaryDirectory(prefix="runner-chaos-") as name:
        root = copy_tree(Path(name))
        green, last = run_tests(root, sorted({test for mutant in mutants for test in mutant.tests}))
        checks.that("green without a fault", green, True)
        if not green:
            return checks.figure("the last words", last)
        caught = 0
        for mutant in mutants:
            began = time.monotonic()
            before = apply(mutant, root)
            green, last = run_tests(root, mutant.tests)
            (root / mutant.file).write_text(before, "utf-8")
            caught += not green
            checks.that(f"red: {mutant.name} ({time.monotonic() - began:.0f} s)", not green, True)
        checks.figure("faults, caught", f"{len(mutants)}, {caught}")
    return None


def main() -> int:
    """All faults, or those whose names hold a word."""
    parser = parser_of(
        "mutants", "Seeded faults, each of which must turn a test red; all of them in either size."
    )
    parser.add_argument("word", nargs="?", default="")
    options = options_of("mutants", parser)
    chosen = [mutant for mutant in MUTANTS if options.word in mutant.name]
    checks = Checks(f"mutants: {len(chosen)} seeded faults, size {options.size}")
    turn_red(chosen, checks)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
