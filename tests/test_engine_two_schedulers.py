"""Several schedulers on one store, as processes of their own: each due time once, with one run."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from tests.cli_project import Cli, command, empty, env, fresh  # noqa: F401 - fixtures
from tests.engine_project import until

SECONDLY = "schedules:\n" + "".join(
    f"  - {{id: s{n}, bot: invoice, every: 1s, overlap: queue}}\n" for n in range(4)
)


def asked(cli: Cli, statement: str) -> list[tuple[Any, ...]]:
    path = cli.home / "store.sqlite3"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=20)) as store:
        try:
            return store.execute(statement).fetchall()
        except sqlite3.OperationalError:  # the tables are being made
            return []


@contextmanager
def schedulers(cli: Cli, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    said = [cli.project / f"scheduler-{number}.log" for number in range(count)]
    started = []
    for log in said:
        with log.open("wb") as out:
            started.append(
                subprocess.Popen(
                    command("scheduler"), cwd=cli.project, env=env({}), stdout=out, stderr=subprocess.STDOUT
                )
            )
    try:
        yield started
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)
    except BaseException:
        for process, log in zip(started, said, strict=True):
            print(f"{log.name}, ended with {process.poll()}: {log.read_text('utf-8')}")
        raise
    finally:
        for process in started:
            process.kill()
            process.wait(60)


def test_two_schedulers_and_a_kill_lose_no_due_time_and_double_none(fresh: Cli) -> None:
    (fresh.project / "schedules.yaml").write_text(SECONDLY, "utf-8")

    def recorded() -> int:
        return int((asked(fresh, "SELECT count(*) FROM store_occurrence") or [(0,)])[0][0])

    with schedulers(fresh, 2) as running:
        until(lambda: recorded() >= 12)
        running[0].kill()
        running[0].wait(60)
        seen = recorded()
        until(lambda: recorded() >= seen + 12)
    marks = asked(fresh, "SELECT schedule, begun, since FROM store_watermark")
    for name, begun, since in marks:
        dues = asked(
            fresh,
            "SELECT strftime('%s', due) FROM store_occurrence"
            f" WHERE schedule = '{name}' AND due > '{begun}' AND due <= '{since}' ORDER BY due",
        )
        numbers = [int(due) for (due,) in dues]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))  # none missing, none twice
    runs = asked(fresh, "SELECT schedule || due, count(*) FROM store_run GROUP BY 1")
    assert {count for _, count in runs} == {1}
    assert len(runs) == recorded()
    (ledger,) = [one for one in fresh("doctor", "--json", code=None).json if one["check"] == "ledger"]
    assert ledger["text"] == "every due time has exactly one end"
