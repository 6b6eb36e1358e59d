"""The pages of processes: health with the worst first, numbers with their targets, who answers, and what belongs to it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from playwright.sync_api import expect

from runner.cases import problems
from runner.cases.problems import Who
from runner.core.clock import now
from runner.core.ids import uuid7
from runner.desk.people.models import ProcessRole
from runner.engine.bot_watch import take_stock
from runner.insight.process_health import Sign, health_of, process_names, workers_of
from runner.insight.process_numbers import Measured, numbers_of
from runner.insight.series import Series, Stretches
from runner.store.models import Case, Occurrence, Problem, Run
from tests.cases_history import failed_run, problem_of_key
from tests.desk_place import Desk, assert_one_language

PROCESS = "accounts-payable"
WRITTEN = """
processes:
  accounts-payable:
    title: Accounts payable
    responsible: [operator, shared-services]
    accountable: supervisor
    informed: [sales]
    sla: 4h
    working_hours: "Mon-Fri 09:00-17:00"
    manual_minutes: 6
    sop: https://sop.example/accounts-payable
    targets: {straight_through: 90, on_time: 95, time_to_decision: 2h}
"""


def shown(answer: Any) -> str:
    """What a page says, without its tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def write_processes(desk: Desk) -> None:
    """Put an entry for the process into the project's schedules.yaml."""
    file = desk.settings.schedules
    file.write_text(file.read_text("utf-8") + WRITTEN, "utf-8")


def stretches(days: int = 30) -> Stretches:
    """The last days up to an hour from now, and as many before."""
    end = now() + timedelta(hours=1)
    return Stretches(tuple(end - timedelta(days=back) for back in range(2 * days, -1, -1)))


def run_of(due: datetime | None, status: str = "done", late: timedelta = timedelta(), **values: Any) -> Run:
    """A run of a schedule that began `late` after its due time and took a minute."""
    at = (due or now() - timedelta(hours=1)) + late
    fields: dict[str, Any] = {
        "queued": at,
        "started": at,
        "finished": at + timedelta(minutes=1),
        "status": status,
    }
    fields |= {"bot": "invoice", "process": PROCESS, "schedule": "invoices", "due": due, **values}
    return Run.objects.create(pk=uuid7(at), folder="x", **fields)


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_a_series_is_a_sum_or_a_share_and_knows_the_time_before() -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    days = Stretches(tuple(begin + timedelta(days=n) for n in range(5)))
    total, share = Series(days), Series(days, is_share=True)
    for day, part in enumerate([1, 2, 3, 4]):
        total.add(begin + timedelta(days=day, hours=1), part)
        share.add(begin + timedelta(days=day, hours=1), part, 10 if day else 0)
    total.add(begin - timedelta(seconds=1), 100)
    total.add(begin + timedelta(days=4), 100)
    total.add(None, 100)
    assert (total.value, total.before, total.trend, total.counted) == (7, 3, [3, 4], 7)
    assert (share.value, share.before, share.trend) == (7 / 20, 3 / 10, [0.3, 0.4])
    assert Series(days, is_share=True).value is None
    assert days.find(days.end) is None


def test_what_a_run_did_is_counted(desk: Desk) -> None:
    found = numbers_of(Measured(PROCESS, {}, manual_minutes=6), stretches())
    assert (found.done.value, found.exceptions.value) == (1, 0.8)
    assert found.exceptions.counted == 5
    assert found.hours_saved is not None
    assert found.hours_saved.value == 0.1
    assert found.first_pass.value == 0.25  # of four rows that were tried at all, one was done at once
    assert found.on_time.value is None
    nothing = numbers_of(Measured("none-of-ours", {}), stretches())
    assert (nothing.done.value, nothing.exceptions.value, nothing.hours_saved) == (0, None, None)


def test_due_times_are_on_time_by_deadline_or_by_grace(desk: Desk) -> None:
    at = now().replace(microsecond=0)
    days = [at - timedelta(days=n) for n in range(1, 9)]
    run_of(days[0])
    run_of(days[1], late=timedelta(minutes=20))  # began too late
    run_of(days[2], status="failed")
    run_of(
        days[3], late=timedelta(minutes=20), policy={"deadline": (days[3] + timedelta(hours=1)).isoformat()}
    )
    run_of(days[4], policy={"deadline": (days[4] + timedelta(seconds=5)).isoformat()})  # ended too late
    run_of(days[5], status="failed")
    run_of(days[5], late=timedelta(minutes=5))  # its second try was still on time
    run_of(None)  # by hand: no due time
    run_of(at, status="running", finished=None)  # not late yet
    for due, state in ((days[6], "missed"), (days[7], "skipped")):
        Occurrence.objects.create(schedule="invoices", due=due, state=state, recorded=due)
    found = numbers_of(Measured(PROCESS, {"invoices": timedelta(minutes=15)}), stretches()).on_time
    assert (found.counted, sum(found.parts)) == (7, 3)


def test_cases_are_measured_by_decision_resolution_and_due_time(desk: Desk) -> None:
    at = now()
    client = desk.client("supervisor")
    first = Case.objects.get(key="A-1")
    client.post(f"/cases/{first.pk}/done", {"version": first.version, "note": "by hand"})
    Case.objects.filter(pk=first.pk).update(opened=at - timedelta(hours=2), due=at + timedelta(minutes=30))
    Case.objects.filter(key="A-2").update(due=at - timedelta(minutes=5))
    Case.objects.filter(key__in=["A-3", "A-4"]).update(due=at + timedelta(days=3))
    found = numbers_of(Measured(PROCESS, {}), stretches())
    assert found.to_resolution.value == pytest.approx(7200, abs=60)
    assert found.to_decision.value == pytest.approx(7200, abs=60)
    assert (found.sla_met.value, found.sla_met.counted) == (0.5, 2)


# -- health ----------------------------------------------------------------------------------------------------------


def test_health_names_what_is_wrong_the_worst_first(desk: Desk) -> None:
    at = now()
    Case.objects.filter(key="A-1").update(due=at - timedelta(hours=1))
    Occurrence.objects.create(schedule="invoices", due=at - timedelta(days=1), state="missed", recorded=at)
    run_of(at - timedelta(hours=1), status="queued", started=None, finished=None)
    for n in range(3):
        run_of(at - timedelta(hours=10 - n), status="failed")
    problem = Case.objects.get(key="A-3").problem_id
    problems.add_action(problem, "train", Who("ann", at), due=at - timedelta(days=2))
    Problem.objects.filter(pk=problem).update(regressions=1, regressed_at=at)
    found = health_of(workers_of([PROCESS, "other"]), {PROCESS: ["invoices"], "other": []}, at)
    assert [one.sign for one in found[PROCESS].findings] == [
        Sign.OVERDUE,
        Sign.MISSED,
        Sign.LATE,
        Sign.FAILING,
        Sign.REGRESSED,
        Sign.ACTIONS,
        Sign.WAITING,
    ]
    assert found[PROCESS].tone == "bad"
    assert (found[PROCESS].waiting, found[PROCESS].overdue) == (4, 1)
    assert (found["other"].tone, found["other"].findings, found["other"].last_run) == ("good", (), None)


def test_processes_are_found_from_runs_bots_and_problems(desk: Desk) -> None:
    failed_run(desk.settings.runs, "O-1")
    run_of(None, process="nightly")
    assert process_names() == [PROCESS, "nightly", "sales"]
    found = workers_of(["sales", "nightly"])
    assert {name: some.names for name, some in found.items()} == {
        "sales": ("post_orders",),
        "nightly": ("invoice",),
    }


# -- pages -----------------------------------------------------------------------------------------------------------


def test_the_list_shows_the_process_that_needs_somebody_first(desk: Desk) -> None:
    failed_run(desk.settings.runs, "O-1")
    Case.objects.filter(key="O-1").update(due=now() - timedelta(hours=3))
    text = desk.client("viewer").get("/processes/").content.decode()
    assert text.index("sales") < text.index(PROCESS)
    assert "1 case is past its due time." in text
    assert "needs somebody now" in text
    assert 'href="/processes/sales/"' in text


def test_the_page_has_everything_that_belongs_to_the_process(desk: Desk) -> None:
    write_processes(desk)
    take_stock(desk.settings, changed_only=True)
    desk.person("operator")
    answer = desk.client("supervisor").get(f"/processes/{PROCESS}/")
    text, page = shown(answer), answer.content.decode()
    assert "Accounts payable" in text
    assert 'href="/people/operator/">operator</a>' in page
    assert "shared-services" in text
    assert 'href="https://sop.example/accounts-payable"' in page
    assert "Monday to Friday at 08:30" in text
    assert 'href="/schedules/invoices/"' in page
    assert "Amount … of … is too small" in text
    assert 'href="/queues/invoices/"' in page
    assert 'href="/bots/invoice/"' in page
    assert "6 min an item" in text


def test_tiles_are_measured_against_the_targets(desk: Desk) -> None:
    write_processes(desk)
    text = shown(desk.client("viewer").get(f"/processes/{PROCESS}/numbers?days=7"))
    assert "Exceptions rate 80.0 % Target: at most 10.0 % ✗ missed" in text
    assert "Hours saved 0.1 h" in text
    assert "Items done, times the 6 minutes that a person takes for one." in text
    assert "each within 4 h of working time" in text
    assert shown(desk.client("viewer").get(f"/processes/{PROCESS}/numbers?days=junk"))


def test_without_an_entry_the_page_says_what_to_write(desk: Desk) -> None:
    text = shown(desk.client("viewer").get(f"/processes/{PROCESS}/"))
    assert "says nothing about this process yet" in text
    assert "Write manual_minutes" in shown(desk.client("viewer").get(f"/processes/{PROCESS}/numbers"))
    assert "Who may do what here" not in text  # a viewer does not see people


def test_a_process_that_is_not_theirs_is_not_there(desk: Desk) -> None:
    person = desk.person("supervisor")
    ProcessRole.objects.create(person=person, process=PROCESS, role="none")
    client = desk.client("supervisor")
    assert client.get(f"/processes/{PROCESS}/").status_code == 404
    assert client.get(f"/processes/{PROCESS}/numbers").status_code == 404
    assert client.get("/processes/none-of-ours/").status_code == 404
    assert PROCESS not in shown(client.get("/processes/"))


def test_names_of_processes_lead_to_their_page(desk: Desk) -> None:
    take_stock(desk.settings, changed_only=True)
    client = desk.client("admin")
    run, case = Run.objects.get(), Case.objects.get(key="A-1")
    pages = (
        "/",
        f"/cases/{case.pk}/",
        f"/problems/{case.problem_id}/",
        f"/runs/{run.pk}/",
        "/bots/",
        "/schedules/invoices/",
        "/bots/invoice/",
    )
    for path in pages:
        assert f'href="/processes/{PROCESS}/"' in client.get(path).content.decode(), path


@pytest.mark.browser
def test_a_process_on_a_phone_in_chinese(desk: Desk) -> None:
    write_processes(desk)
    failed_run(desk.settings.runs, "O-1")
    assert problem_of_key("O-1").process == "sales"
    page = desk.page("supervisor", f"/processes/{PROCESS}/", language="zh-hans", theme="dark", width=360)
    expect(page.locator("#numbers .kpi")).to_have_count(8)
    page.locator("#numbers summary").first.click()
    assert_one_language(
        page,
        "zh-hans",
        allowed=r"^(Accounts|payable|accounts-payable|invoices?|sales|operator|supervisor|shared-services)$",
    )
    assert page.evaluate("document.documentElement.scrollWidth <= 360")
    page.get_by_role("link", name="90 天").click()
    expect(page.locator("#numbers .kpi")).to_have_count(8)


# -- the SOP ---------------------------------------------------------------------------------------------------------


def with_sop(desk: Desk, sop: str) -> None:
    """The process's SOP is what is written."""
    file = desk.settings.schedules
    file.write_text(
        file.read_text("utf-8") + WRITTEN.replace("https://sop.example/accounts-payable", sop), "utf-8"
    )


def test_a_document_of_the_project_is_the_sop_that_a_viewer_downloads(desk: Desk) -> None:
    (desk.settings.project / "docs").mkdir()
    (desk.settings.project / "docs" / "付款 SOP.md").write_text("1. Look.", "utf-8")
    with_sop(desk, "docs/付款 SOP.md")
    client = desk.client("viewer")
    page = client.get(f"/processes/{PROCESS}/").content.decode()
    assert f'href="/processes/{PROCESS}/sop" download' in page
    answer = client.get(f"/processes/{PROCESS}/sop")
    assert b"".join(cast("Iterable[bytes]", answer)) == b"1. Look."
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "sop",
    ["../outside.pdf", "docs/link.pdf", "pyproject.toml", ".runner/vault.json", ".hidden/a.md", "docs/none.pdf", "docs", "bots/invoice.py",
     "https://sop.example/x.pdf"],
)  # fmt: skip
def test_nothing_else_is_given_out_as_a_sop(desk: Desk, sop: str) -> None:
    project = desk.settings.project
    for folder in ("docs", ".hidden"):
        (project / folder).mkdir()
    (project.parent / "outside.pdf").write_bytes(b"no")
    (project / "docs" / "link.pdf").symlink_to(project.parent / "outside.pdf")
    (project / ".hidden" / "a.md").write_text("no", "utf-8")
    with_sop(desk, sop)
    client = desk.client("admin")
    assert client.get(f"/processes/{PROCESS}/sop").status_code == 404
    page = client.get(f"/processes/{PROCESS}/").content.decode()
    assert "/sop" not in page.replace("https://sop.example", "")
    assert ("no such document in the project" in page) is not sop.startswith("https:")
