"""`runner up` with its store on a server: kills, a crash of the server, and several schedulers lose nothing and double nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos import claims, stores
from chaos.checks import Checks
from chaos.kills import SCHEDULE
from chaos.ledger import ledger_of, rows
from chaos.place import Place, a_place, make_orders, until
from runner.core.store_address import ServerAddress
from runner.demo.serve import Portal
from tests.postgres_server import PostgresServer, running_copy

SECONDLY = "schedules:\n" + "".join(
    f"  - {{id: s{n}, bot: nothing, every: 1s, overlap: queue}}\n" for n in range(3)
)
NOTHING = '''
from runner import bot

@bot
def nothing() -> None:
    """Do nothing."""
'''


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server that the test may crash."""
    with running_copy(tmp_path) as server:
        yield server


def done(place: Place) -> int:
    return ledger_of(place.database).count("done")


def answered(checks: Checks) -> None:
    assert checks.failed == []


def test_a_server_that_crashes_and_comes_back_costs_nothing_but_time(own_server: PostgresServer) -> None:
    checks, address = Checks("server"), own_server.new_database("work").url
    with stores.at_work(RUNNER_DATABASE_URL=address, pause=0.02) as place:
        assert until(lambda: done(place) > 3, 60)
        own_server.stop(signal.SIGQUIT)
        (up,) = place.services
        assert until(lambda: "the store does not answer" in up.said(), 60)
        own_server.start()
        assert until(lambda: done(place) > 8, 60)
        own_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'runner'"
        )
        stores.all_accounted_for(place, checks)
        checks.that("runner up still runs", place.services_running(), 1)
    answered(checks)


def test_a_killed_worker_leaves_nothing_behind_on_a_server(server_store: ServerAddress) -> None:
    checks = Checks("kill")
    with stores.at_work(RUNNER_DATABASE_URL=server_store.url, pause=0.02) as place:
        assert until(lambda: done(place) > 3, 60)
        place.kill_services()
        (up,) = place.services
        up.start()
        stores.all_accounted_for(place, checks)
    answered(checks)


@pytest.mark.browser
def test_orders_are_entered_once_although_runner_up_is_killed_and_the_server_crashes(
    own_server: PostgresServer, tmp_path: Path
) -> None:
    with a_place(slots=1, standby=0, free_space=0) as place, Portal(tmp_path / "portal") as portal:
        place.environment["RUNNER_DATABASE_URL"] = own_server.new_database("orders").url
        place.use_repository_bots()
        place.set_secret("portal/password", portal.password)
        workbook = make_orders(place.folder / "orders.xlsx", 8)
        place.set_schedules(SCHEDULE.format(workbook=workbook, portal=portal.url))
        up = place.service("up", "--no-desk")
        assert until(lambda: done(place) > 0, 100)
        own_server.stop(signal.SIGQUIT)
        assert until(lambda: "the store does not answer" in up.said(), 60)
        own_server.start()
        assert until(lambda: done(place) > 2, 60)
        up.kill()
        up.start()
        assert until(lambda: ledger_of(place.database).settled, 120, 0.2), up.said()
        ledger, entered = ledger_of(place.database), [order["number"] for order in portal.orders()]
        assert len(ledger.items) == 8
        assert ledger.lost(ledger.items) == []
        assert len(entered) == len(set(entered))
        assert {key for key, status in ledger.items.items() if status == "done"} <= set(entered)


def test_two_schedulers_on_a_server_record_each_due_time_once(server_store: ServerAddress) -> None:
    with a_place() as place:
        place.environment["RUNNER_DATABASE_URL"] = server_store.url
        place.use_bot(NOTHING)
        place.set_schedules(SECONDLY)
        first, _ = place.service("scheduler"), place.service("scheduler")

        def recorded() -> int:
            return int(rows(server_store.url, "SELECT count(*) FROM store_occurrence")[0][0])

        assert until(lambda: recorded() >= 6, 60)
        first.kill()
        seen = recorded()
        assert until(lambda: recorded() >= seen + 9, 60)
        place.kill_services()
        gaps = rows(
            server_store.url,
            "SELECT one.schedule, due FROM store_occurrence AS one JOIN store_watermark USING (schedule)"
            " WHERE due > begun AND due < since AND NOT EXISTS (SELECT 1 FROM store_occurrence AS next"
            " WHERE next.schedule = one.schedule AND next.due = one.due + interval '1 second')"
            " AND one.due + interval '1 second' <= since",
        )
        runs = rows(server_store.url, "SELECT schedule, due FROM store_run")
    assert gaps == []
    assert len(runs) == len(set(runs)) == recorded()


def test_claims_of_several_processes_never_meet_on_a_server_and_a_naive_claim_does(
    server_store: ServerAddress,
) -> None:
    checks = Checks("claims")
    claims.fill(server_store.url, 150)
    claims.report(claims.claim_all(server_store.url, 2, 4), 150, checks)
    answered(checks)
    claims.fill(server_store.url, 100)
    assert max(claims.claim_all(server_store.url, 2, 4, naive=True).values()) > 1
