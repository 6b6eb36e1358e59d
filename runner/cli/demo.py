"""`runner demo`: the main job once, from schedule to exception queue and back, against a portal that is flaky on purpose."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.cli.printing import console, lasted, one_line, print_facts, say
from runner.cli.tongue import told, told_message, word
from runner.core.clock import now
from runner.core.errors import RunFailed
from runner.core.hosts import site_of
from runner.core.nouns import CaseStatus, ItemStatus, RunStatus
from runner.core.store_address import URL_VARIABLE
from runner.core.vault import Vault

if TYPE_CHECKING:
    from runner.cli.demo_line import Line
    from runner.cli.demo_place import DemoPlace
    from runner.demo.serve import Portal
    from runner.store.models import Case

FAULTS: Final = {
    "error_rate": 0.1,
    "error_seed": 199,
    "error_path": "/orders/new",
    "error_method": "POST",
    "commit_then_fail": 2,
}
SCHEDULES: Final = ("post-orders", "collect-prices")
WRONG, RIGHT = "Desk lmap", "Desk lamp"


def demo() -> int:
    """Show the whole thing at work, in a minute.

    A portal on this machine, a workbook with 40 orders of which six are bad, a schedule that is due now. Everything is
    in a folder of its own; your data is not touched. Ends with 0 when no order was lost or entered twice.
    """
    from loguru import logger

    from runner.cli.demo_place import make_place
    from runner.demo.serve import Portal
    from runner.store.open import open_store

    began = time.monotonic()
    logger.remove()  # journals have sinks of their own; loguru's default one prints
    place = make_place(Path.cwd(), dict(os.environ))
    open_store(place.settings.database)
    with Portal(place.portal_data) as portal:
        portal.set_faults(**FAULTS)
        vault = Vault(place.settings.vault, place.environment)
        vault.set("portal/password", portal.password, (site_of(portal.url),))
        _play(place, portal)
        seconds = time.monotonic() - began
        if sys.stdout.isatty():
            _stay(place, portal, seconds)
        else:
            _print_next(place, portal, seconds)
    return 0


def _stay(place: DemoPlace, portal: Portal, seconds: float) -> None:
    """Serve the desk, with portal, scheduler and worker behind it, until Ctrl-C: what is decided there is done."""
    from runner.cli.desk import DeskPart
    from runner.engine.service import parts_of, serve_together

    portal.clear_faults()
    _heading(f"That took {seconds:.0f} s. Now look at it on the desk; Ctrl-C ends everything")
    say("The portal is up and no longer flaky: correct a row, retry it, and see it succeed.")
    say(f"Afterwards: {_ready_shell(place)}; runner cases list")
    parts = parts_of(("scheduler", "worker", "bots"), place.settings, place.environment, _quiet)
    desk = DeskPart(lambda text: say(text, to_stderr=True), place.environment, place.folder)
    serve_together([*parts, desk], on_signal=lambda: say("\nending"))


def _play(place: DemoPlace, portal: Portal) -> None:
    from runner.cli.demo_line import FIRST_DUE, Line, Show, fire
    from runner.demo.data import make_orders

    workbook = make_orders(place.folder / "inbox")
    _heading("Runner demo: from a schedule to the exception queue and back")
    _facts([
        ("folder", f"{place.folder} (made anew for each demo; your own data is not touched)"),
        ("workbook", f"{workbook.relative_to(place.folder)}: 40 orders, six of them bad in different ways"),
        ("portal", f"{portal.url}, flaky on purpose: some posts fail, two answers get lost after the order was kept"),
    ])  # fmt: skip

    def write(ahead: timedelta) -> None:
        first = now() + ahead
        place.write_schedules(first, first + timedelta(seconds=1), workbook=workbook, portal=portal.url)

    _heading("The scheduler fires, a worker does the work")
    write(timedelta(seconds=FIRST_DUE))
    with Line(place, _quiet) as line:
        fire(place, line, SCHEDULES[0], write)
        with Show(SCHEDULES) as show:
            line.wait("the runs", show.look)
        _print_outcome(place, portal)
        _decide(place, line)
        _check_the_portal(portal)


def _print_outcome(place: DemoPlace, portal: Portal) -> None:
    from runner.core.contract import run_folder
    from runner.store.models import Item, Run

    _heading("What came of it")
    facts: list[tuple[str, str]] = []
    for run in Run.objects.filter(schedule__in=SCHEDULES).order_by("queued", "id"):
        if run.status not in {RunStatus.DONE, RunStatus.EXCEPTIONS}:
            raise RunFailed(
                f"{run.bot} {run.status}: {(run.error or {}).get('message', '')}", code="DEMO_RUN"
            )
        facts.append((run.bot, f"due {run.due:%H:%M:%S} UTC, took {lasted(run.started, run.finished)}"))
        if run.total:
            retried = Item.objects.filter(put_run=run, status=ItemStatus.DONE, attempts_made__gt=1).count()
            done = f"{run.done} done ({retried} of them after a retry)"
            facts.append(("", f"{run.total} rows: {done}, {run.exceptions} exceptions"))
        folder = place.settings.runs / (run.folder or run_folder(run.pk, run.queued))
        facts += [("", f"wrote {_shown(place, folder, value)}") for value in run.outputs.values()]
    served = portal.stats()["faults_served"]
    lost = served.pop("commit", 0)
    facts.append(
        ("portal", f"failed {sum(served.values())} times; {lost} answers got lost after the order was kept")
    )
    _facts(facts)
    _print_problems()


def _print_problems() -> None:
    from runner.store.models import Case

    cases = list(Case.objects.filter(status=CaseStatus.OPEN).order_by("opened", "item"))
    counts = Counter(case.problem_id for case in cases)
    first = {case.problem_id: case for case in reversed(cases)}
    _heading(f"The exception queue: {len(cases)} cases with {len(counts)} causes")
    shown = ((n, first[problem]) for problem, n in counts.most_common())
    print_facts([(f"{n} ×", one_line(told_message(one.error, one.message), 150)) for n, one in shown])


def _decide(place: DemoPlace, line: Line) -> None:
    """What `runner cases retry ID --set product=…` does: check the data with the bot's own model, then decide."""
    from runner.cases import decisions
    from runner.engine.bots import validate_item
    from runner.store.models import Case

    case = Case.objects.select_related("item__queue").get(status=CaseStatus.OPEN, item__data__product=WRONG)
    assert case.item is not None  # it was found by its item
    _heading("A person decides, and the retry clears the case")
    command = shlex.join(["runner", "cases", "retry", case.pk, "--set", f"product={RIGHT}"])
    message = one_line(told_message(case.error, case.message))
    print_facts([("case", told(f"{case.pk}, item {case.item.key}: {message}")), ("command", command)])
    corrected = {**case.item.data, "product": RIGHT}
    valid = validate_item(place.settings, case.item.queue.bot_file, case.item.queue_id, corrected)
    by = place.environment.get("RUNNER_USER") or "demo"
    at = now()
    decided = decisions.retry(case.pk, by=by, at=at, data=valid, version=case.version)
    line.wait("the retry", lambda: _has_ended(decided.run, case))
    case.refresh_from_db()
    case.item.refresh_from_db()
    if case.status != CaseStatus.RESOLVED:
        raise RunFailed(f"the retry left the case {case.status}: {case.message}", code="DEMO_RETRY")
    number = case.item.output.get("confirmation")
    took = lasted(at, case.resolved)
    state = word("case", case.status)
    _facts([("result", f"{state} after {took}, by attempt {case.item.attempts_made}: {number}")])


def _has_ended(run_id: str | None, case: Case) -> bool:
    from runner.store.models import Run

    run = Run.objects.filter(pk=run_id).first()
    case.refresh_from_db()
    return run is not None and RunStatus(run.status).is_final


def _check_the_portal(portal: Portal) -> None:
    """Compare the portal's own books with ours. Raises RunFailed when an order is missing there, or is there twice."""
    from runner.store.models import Item

    stats = portal.stats()
    twice, entered = stats["entered_more_than_once"], stats["orders"]
    done = Item.objects.filter(queue_id="orders", status=ItemStatus.DONE).count()
    _heading("The portal's own books")
    if twice or entered != done:
        raise RunFailed(
            f"the portal has {entered} orders, entered more than once: {', '.join(twice) or 'none'}",
            expected=f"the {done} orders that are done, each once",
            code="DEMO_DOUBLE",
        )
    say(
        f"{entered} orders, each of them entered exactly once; {done} are done here: nothing lost, nothing doubled."
    )


def _print_next(place: DemoPlace, portal: Portal, seconds: float) -> None:
    _heading(f"That took {seconds:.0f} s. Where to go from here")
    _facts([
        ("first", _ready_shell(place)),
        ("look", "runner cases list      what waits for a decision"),
        ("", "runner cases show ID   what failed, with evidence and the possible decisions"),
        ("", "runner runs list       what has run; runner runs logs RUN tells it line by line"),
        ("go on", f"python -m runner.demo.serve --data portal --port {portal.port} &"),
        ("", "runner up              the portal without faults, scheduler and worker; then decide a case"),
        ("learn", "bots/post_orders.py    a whole bot, in a minute"),
    ])  # fmt: skip


def _shown(place: DemoPlace, folder: Path, value: object) -> str:
    path = folder / str(value)
    return str(path.relative_to(place.folder)) if path.is_file() else one_line(value)


def _ready_shell(place: DemoPlace) -> str:
    """What to type first, so that the commands below work in any shell."""
    words = [f"cd {shlex.quote(str(place.folder))}"]
    strange = [name for name in ("RUNNER_HOME", URL_VARIABLE) if os.environ.get(name)]
    if strange:
        words.append(f"unset {' '.join(strange)}")
    if shutil.which("runner") is None:
        words.append(f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    return "; ".join(words)


def _heading(text: str) -> None:
    say()
    console().print(told(text), style="bold")


def _facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print facts whose values are sentences."""
    print_facts([(name, told(value)) for name, value in facts])


def _quiet(text: str) -> None:
    """What scheduler and worker say is shown as the state of their runs."""
