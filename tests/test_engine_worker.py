"""Runs on a real worker with real child processes, and the ways they end."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from runner.core.errors import ErrorReport, RunnerError, UsageError
from runner.core.nouns import CaseStatus, ItemStatus, RunStatus
from runner.core.vault import Vault
from runner.store.models import Case, Item, Lane, Run
from tests.engine_project import nothing_left, project, statuses, until, worker

pytestmark = pytest.mark.usefixtures("store")


def test_a_run_puts_works_and_records_every_item(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count(top: int = 4) -> None:
            numbers.put(Number(n=n) for n in range(top))
            numbers.each(one)

        def one(item: Item[Number]) -> None:
            if item.data.n == 2:
                raise BusinessError("2 is not wanted")
            item.output["square"] = item.data.n ** 2
        """,
    )
    run_id, outcome = worker(settings).run_now("count", {"top": "4"}, requested_by="test")
    assert outcome.status is RunStatus.EXCEPTIONS
    assert statuses() == {"0": "done", "1": "done", "2": "exception", "3": "done"}
    run = Run.objects.get(pk=run_id)
    assert (run.total, run.done, run.exceptions, run.pending) == (4, 3, 1, 0)
    assert Item.objects.get(key="3").output == {"square": 9}
    case = Case.objects.get()
    assert (case.kind, case.status, case.message) == ("business", CaseStatus.OPEN, "2 is not wanted")
    assert nothing_left()


def test_wrong_parameters_are_refused_before_there_is_a_run(tmp_path: Path) -> None:
    settings = project(tmp_path, "@bot\ndef count(top: int) -> None:\n    pass\n")
    with pytest.raises(ErrorReport) as caught:
        worker(settings).run_now("count", {"top": "many"}, requested_by="test")
    assert caught.value.errors[0].stable_code == "CLI_PARAM"
    assert not Run.objects.exists()
    assert nothing_left()


def test_an_unknown_bot_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    settings = project(tmp_path, "@bot\ndef invoice() -> None:\n    pass\n")
    with pytest.raises(UsageError, match=r"unknown bot 'invioce'.*did you mean 'invoice'.*runner bots"):
        worker(settings).run_now("invioce", {}, requested_by="test")


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("os._exit(0)", "exit code 0"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "signal 11"),
        ("os._exit(7)", "exit code 7"),
    ],
)
def test_a_process_that_ends_without_a_result_has_failed_and_its_item_goes_back(
    tmp_path: Path, how: str, word: str
) -> None:
    settings = project(
        tmp_path,
        f"""
        @bot
        def count() -> None:
            numbers.put([Number(n=1), Number(n=2)])
            numbers.each(one)

        @step
        def one(item: Item[Number]) -> None:
            {how}
        """,
    )
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.status is RunStatus.FAILED
    assert statuses() == {"1": "pending", "2": "pending"}
    case = Case.objects.get()
    assert case.why == "crash"
    assert word in case.message
    assert "last step: one" in case.message
    assert nothing_left()


def test_an_irreversible_step_cut_off_by_a_kill_becomes_an_unknown_outcome(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count(kill: bool = False) -> None:
            numbers.put([Number(n=1), Number(n=2)])
            numbers.each(lambda item: one(item, kill))

        def one(item: Item[Number], kill: bool) -> None:
            item.irreversible("submit", (lambda: os.kill(os.getpid(), signal.SIGKILL)) if kill else (lambda: None))
        """,
    )
    hand = worker(settings)
    _, outcome = hand.run_now("count", {"kill": "true"}, requested_by="test")
    assert outcome.status is RunStatus.FAILED
    assert statuses() == {"1": "exception", "2": "pending"}
    assert Case.objects.get(item__key="1").kind == "unknown"
    hand.run_now("count", {}, requested_by="test")
    assert statuses() == {"1": "exception", "2": "done"}


def test_the_time_limit_ends_the_whole_process_tree(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot(time_limit="1s")
        def count() -> None:
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
            numbers.put([Number(n=1)])
            numbers.each(one)

        @step
        def one(item: Item[Number]) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                pass
        """,
    )
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.status is RunStatus.FAILED
    assert Case.objects.get().why == "time_limit"
    assert statuses() == {"1": "pending"}
    assert nothing_left()


def test_a_run_can_be_cancelled_and_says_by_whom(tmp_path: Path) -> None:
    settings = project(tmp_path, "@bot\ndef count() -> None:\n    time.sleep(600)\n")

    def cancel() -> None:
        from django.db import connections

        until(lambda: Lane.objects.filter(pid__isnull=False).exists())
        Run.objects.update(stop_asked_by="wang.li")
        connections.close_all()

    thread = threading.Thread(target=cancel)
    thread.start()
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")
    thread.join()
    assert outcome.status is RunStatus.CANCELLED
    assert outcome.error is not None
    assert "wang.li" in outcome.error["message"]
    assert nothing_left()


def test_failures_in_a_row_stop_the_run_open_one_case_and_give_the_items_back(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot(stop_after=3)
        def count() -> None:
            numbers.put(Number(n=n) for n in range(20))
            numbers.each(one)

        def one(item: Item[Number]) -> None:
            if item.data.n > 1:
                raise ApplicationError("503 from the portal")
        """,
    )
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.status is RunStatus.FAILED
    found = statuses()
    assert [found[str(n)] for n in range(2)] == ["done", "done"]
    assert {found[str(n)] for n in range(2, 20)} == {"pending"}
    (case,) = Case.objects.filter(status=CaseStatus.OPEN)
    assert (case.why, case.message) == (
        "target_down",
        "3 items failed one after the other: the target is down",
    )
    assert case.error is not None
    cause = case.error["cause"]
    assert (cause["item"], cause["code"], cause["message"]) == ("4", "APPLICATION", "503 from the portal")


def test_four_lanes_share_one_queue_and_only_lane_1_goes_on_behind_it(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot(lanes=4)
        def count() -> None:
            numbers.put(Number(n=n) for n in range(40))
            numbers.each(one)
            Path("behind").open("a").write(f"{run.lane} ")

        def one(item: Item[Number]) -> None:
            time.sleep(0.02)
        """,
    )
    run_id, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.status is RunStatus.DONE
    assert Item.objects.filter(status=ItemStatus.DONE, attempts_made=1).count() == 40
    lanes = Run.objects.get(pk=run_id).attempts.values_list("lane", flat=True).distinct()
    assert len(set(lanes)) > 1
    assert (tmp_path / "behind").read_text() == "1 "


def test_a_secret_reaches_only_the_bot_that_declares_it_and_no_file_of_the_run(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot(secrets=["portal/password"])
        def count() -> None:
            password = secret("portal/password")
            assert password.split() == ["correct", "horse"]
            print("printed", password)
            log.info("logged {}", password)
            os.write(2, ("raw " + password + "\\n").encode())
            raise ApplicationError(f"refused {password}")

        @bot
        def nosy() -> None:
            secret("portal/password")
        """,
    )
    Vault(settings.vault, {}).set("portal/password", "correct horse")
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.error is not None
    assert "refused ***" in outcome.error["message"]
    _, outcome = worker(settings).run_now("nosy", {}, requested_by="test")
    assert outcome.error is not None
    assert outcome.error["code"] == "BOT_SECRET"
    everything = [p for p in tmp_path.rglob("*") if p.is_file() and "bots" not in p.parts]
    assert len(everything) > 5
    assert [p for p in everything if b"correct horse" in p.read_bytes()] == []


def test_a_queued_run_whose_bot_cannot_be_loaded_fails_with_a_case(tmp_path: Path) -> None:
    from runner.cases.queued import queue_run
    from runner.core.clock import now
    from runner.core.ids import uuid7

    settings = project(tmp_path, "@bot\ndef count(top: int) -> None:\n    pass\n")
    queue_run(uuid7(now()), {"bot": "count", "parameters": {"top": "x"}}, now())
    hand = worker(settings)
    thread = threading.Thread(target=hand.serve)
    thread.start()
    until(lambda: Run.objects.filter(status=RunStatus.FAILED).exists())
    hand.stop()
    thread.join()
    assert Case.objects.get().why == "refused"
    assert nothing_left()


def test_a_worker_serves_queued_runs_with_a_standby_child(tmp_path: Path) -> None:
    from runner.cases.queued import queue_run
    from runner.core.clock import now
    from runner.core.ids import uuid7

    settings = project(tmp_path, "@bot\ndef count() -> None:\n    log.info('hello')\n", standby=1)
    run = queue_run(uuid7(now()), {"bot": "count"}, now())
    hand = worker(settings)
    thread = threading.Thread(target=hand.serve)
    thread.start()
    until(lambda: Run.objects.filter(pk=run.pk, status=RunStatus.DONE).exists())
    hand.stop()
    thread.join()
    assert nothing_left()


def test_every_error_of_the_engine_is_one_of_ours(tmp_path: Path) -> None:
    settings = project(tmp_path, "@bot\ndef count() -> None:\n    pass\n")
    with pytest.raises(RunnerError):
        worker(settings).run_now("", {}, requested_by="test")


def test_a_bot_that_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        "@bot\ndef count() -> None:\n    hog = [bytearray(1_000_000) for _ in range(400)]\n    time.sleep(600)\n",
        memory_limit=200,
    )
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.why == "memory"
    assert nothing_left()


def test_a_fork_bomb_is_ended(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count() -> None:
            for _ in range(60):
                if os.fork() == 0:
                    while True:
                        if os.fork() == 0:
                            time.sleep(600)
                        time.sleep(0.2)
            time.sleep(600)
        """,
        process_limit=50,
    )
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.why == "processes"
    until(nothing_left)


def test_no_new_run_starts_while_the_disk_is_nearly_full(tmp_path: Path) -> None:
    from runner.cases.queued import queue_run
    from runner.core.clock import now
    from runner.core.ids import uuid7

    settings = project(tmp_path, "@bot\ndef count() -> None:\n    pass\n", free_space=1_000_000_000)
    queue_run(uuid7(now()), {"bot": "count"}, now())
    said: list[str] = []
    hand = worker(settings, said)
    thread = threading.Thread(target=hand.serve)
    thread.start()
    until(lambda: any("no new run will start" in text for text in said))
    hand.stop()
    thread.join()
    assert Run.objects.get().status == RunStatus.QUEUED


def test_items_put_from_inside_an_item_are_the_putting_lanes_own(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        more = Queue("more", Number, key="n")

        @bot(lanes=2)
        def count() -> None:
            numbers.put(Number(n=n) for n in range(8))
            numbers.each(one)
            more.each(lambda item: None)

        def one(item: Item[Number]) -> None:
            more.put([Number(n=item.data.n + 100)])
            time.sleep(0.05)
        """,
    )
    run_id, outcome = worker(settings).run_now("count", {}, requested_by="test")
    assert outcome.status is RunStatus.DONE
    assert Item.objects.filter(queue="more", status=ItemStatus.DONE).count() == 8
    assert set(
        Run.objects.get(pk=run_id).attempts.filter(item__queue="numbers").values_list("lane", flat=True)
    ) == {1, 2}
