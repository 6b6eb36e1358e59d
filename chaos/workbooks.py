"""Damaged workbooks give rows or a typed error within their limits; a save that is killed leaves the old file or the new one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chaos.checks import Checks
from chaos.place import ROOT
from chaos.sizes import options_of, parser_of

SEED: Final = 11
SECONDS, MEGABYTES = 5.0, 300.0
LARGEST: Final = 120_000  # bytes of the sources: a larger one takes the time of many
_BATCH: Final = 250
CORPUS: Final = ROOT.parent / "shared" / "data" / "spreadsheets"

SAVES = """
import json, os, shutil, signal, sys
from pathlib import Path
from runner import sheets
import runner.sheets.editing, runner.sheets.filling, runner.sheets.newsheet, openpyxl.formula, openpyxl.formula.translate
seen = stop = 0
def count(frame, event, arg):
    global seen
    if event in ("call", "c_call"):
        seen += 1
        if seen == stop:
            os.kill(os.getpid(), signal.SIGKILL)
def save(path):
    book = sheets.edit(path)
    book.sheet("Orders")["C2"] = "new"
    book.sheet("Orders").append([{"Name": "added", "Amount": 1}])
    sys.setprofile(count)
    book.save()
    sys.setprofile(None)
def in_child(path):
    child = os.fork()
    if child == 0:
        try:
            save(path)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
source, folder = Path(sys.argv[1]), Path(sys.argv[2])
old = source.read_bytes()
save(source)
source.write_bytes(old)
shutil.rmtree(source.parent / ".backups")
seen = 0
save(source)  # once more: what is looked up once only is known now, as in the children
calls, spread, end = seen, int(sys.argv[3]), int(sys.argv[4])
new = source.read_bytes()
stops = [1 + (calls - end) * number // spread for number in range(spread)] + list(range(calls - end + 1, calls + 1))
for one in stops:
    own = folder / f"stop-{one}"
    own.mkdir()
    path = own / "a.xlsx"
    path.write_bytes(old)
    seen, stop = 0, one
    code = in_child(path)
    data = path.read_bytes()
    found = "old" if data == old else "new" if data == new else "between"
    stop = 0
    path.write_bytes(old)
    print(json.dumps([one, code, found, in_child(path) == 0 and path.read_bytes() == new]), flush=True)
"""


@dataclass
class Damaged:
    """What became of the damaged workbooks."""

    count: int = 0
    said: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    large: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    largest_mb: float = 0.0


def make_workbook(path: Path) -> Path:
    """A workbook of its own, with a table, a chart, a formula, a comment and a filter."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet("Orders")
    page.write_row(0, 0, ["Name", "Amount"])
    for row in range(1, 6):
        page.write_row(row, 0, [f"customer {row}", row * 1.5])
    page.write_comment(1, 0, "look")
    page.autofilter(0, 0, 5, 1)
    other = book.add_worksheet("Other")
    other.write_formula(0, 0, "=SUM(Orders!B2:B6)", None, 22.5)
    other.add_table(2, 0, 4, 1, {"columns": [{"header": "x"}, {"header": "y"}]})
    chart = book.add_chart({"type": "line"})
    assert chart is not None
    chart.add_series({"values": "=Orders!$B$2:$B$6"})
    other.insert_chart("H2", chart)
    book.close()
    return path


def damage_all(count: int, seed: int, at_once: int = 2) -> Damaged:
    """Damage and use `count` workbooks: those of the corpus where it is there, and one of our own."""
    found = Damaged()
    with tempfile.TemporaryDirectory(prefix="runner-chaos-") as folder:
        sources = [make_workbook(Path(folder) / "own.xlsx")]
        if CORPUS.exists():
            sources += sorted(
                one
                for one in CORPUS.iterdir()
                if one.suffix in {".xlsx", ".xlsm"} and one.stat().st_size < LARGEST
            )
        starts = range(0, count, _BATCH)
        with ThreadPoolExecutor(at_once) as pool:
            for lines in pool.map(lambda at: _batch(seed, at, min(_BATCH, count - at), sources), starts):
                _judge(lines, found)
    return found


def _batch(seed: int, first: int, count: int, sources: Sequence[Path]) -> list[list[object]]:
    """The lines of one child; one that died is followed by another one behind the workbook it died of."""
    lines: list[list[object]] = []
    last = first + count
    while first < last:
        words = [
            sys.executable,
            "-m",
            "chaos.workbook_child",
            str(seed),
            str(first),
            str(last - first),
            *map(str, sources),
        ]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60 + 10 * count
            )
            output, end = done.stdout, f"ended with {done.returncode}: {done.stderr[-300:]}"
        except subprocess.TimeoutExpired as late:
            output, end = (
                (late.stdout or b"").decode() if isinstance(late.stdout, bytes) else "",
                "took too long",
            )
        said = [json.loads(line) for line in output.splitlines()]
        lines += [line for line in said if len(line) > 2]
        if said and len(said[-1]) == 2:
            lines.append([*said[-1], f"WRONG the process {end}", 0.0, 0.0, []])
        first = int(str(said[-1][0])) + 1 if said else last
        if not said:
            lines.append([first, "", f"WRONG nothing was said: {end}", 0.0, 0.0, []])
    return lines


def _judge(lines: Sequence[Sequence[object]], found: Damaged) -> None:
    for number, source, said, took, peak, left in lines:
        place, seconds, megabytes = f"{number} ({source})", float(str(took)), float(str(peak))
        found.count += 1
        found.said.update(str(said).split() if not str(said).startswith("WRONG") else ["WRONG"])
        found.longest_s, found.largest_mb = max(found.longest_s, seconds), max(found.largest_mb, megabytes)
        if str(said).startswith("WRONG"):
            found.wrong.append(f"{place}: {str(said)[6:300]}")
        if seconds > SECONDS:
            found.slow.append(f"{place}: {seconds:.1f} s")
        if megabytes > MEGABYTES:
            found.large.append(f"{place}: {megabytes:.0f} MB")
        if left:
            found.left.append(place)


def report(found: Damaged, count: int, checks: Checks) -> None:
    """Print the counts and hold them against the promise."""
    checks.figure("what reading, writing and adding came to", dict(found.said.most_common(12)))
    checks.that("workbooks", found.count, count)
    checks.that("errors that are not typed", found.wrong[:5], [])
    checks.that("files left behind", found.left[:5], [])
    checks.that(f"longer than {SECONDS:g} s", found.slow[:5], [])
    checks.that(f"more than {MEGABYTES:g} MB", found.large[:5], [])
    checks.figure("longest, largest", f"{found.longest_s:.1f} s, {found.largest_mb:.0f} MB")


@dataclass
class Killed:
    """What was found after saves that were killed: how often the old file and the new one, and what else."""

    old: int = 0
    new: int = 0
    survived: int = 0
    between: list[str] = field(default_factory=list)


def kill_saves(points: int, folder: Path) -> Killed:
    """Kill a save at `points` places among the calls it makes, the same ones each time.

    Half of them are spread evenly, the other half are the last calls, among which the file is replaced. Each save is a process
    of its own, forked from one that has everything loaded.
    """
    (folder / "whole").mkdir()
    path = make_workbook(folder / "whole" / "a.xlsx")
    words = [sys.executable, "-c", SAVES, str(path), str(folder), str(points - points // 2), str(points // 2)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, timeout=600)
    found = Killed()
    for stop, code, state, works_again in (json.loads(line) for line in done.stdout.splitlines()):
        found.survived += code != -signal.SIGKILL
        found.old += state == "old"
        found.new += state == "new"
        if state == "between" or not works_again:
            found.between.append(
                f"call {stop}: {state}, a save afterwards {'works' if works_again else 'fails'}"
            )
    if done.returncode:
        found.between.append(done.stderr[-500:])
    return found


def report_kills(found: Killed, points: int, checks: Checks) -> None:
    """Print what was found after the kills."""
    checks.figure("killed saves", f"{found.old} left the old file, {found.new} the new one")
    checks.that("saves that survived their kill", found.survived, 0)
    checks.that("neither the old file nor the new one, or no save afterwards", found.between[:5], [])
    checks.that("kills", found.old + found.new, points)
    checks.that(
        "kills before and after the file was replaced", found.old > 0 and found.new > 0, expected=True
    )


def main() -> int:
    """The part in full size, or as large as the arguments say."""
    parser = parser_of("workbooks", __doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    options = options_of("workbooks", parser)
    checks = Checks(
        f"workbooks: {options.workbooks} damaged ones, {options.points} kills, seed {options.seed}, size {options.size}"
    )
    with tempfile.TemporaryDirectory(prefix="runner-chaos-") as folder:
        report_kills(kill_saves(options.points, Path(folder)), options.points, checks)
    report(damage_all(options.workbooks, options.seed), options.workbooks, checks)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
