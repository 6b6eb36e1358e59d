"""The page of one problem: what it says, what people do on it, and that nothing typed or decided is lost."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runner.cases import problems
from runner.cases.canary import watch_canary
from runner.cases.mentions import mentions_of
from runner.cases.problems import Who, Why
from runner.cases.verification import Needed
from runner.core.clock import now
from runner.core.nouns import ProblemStatus
from runner.desk.people.models import ProcessRole
from runner.desk.problems.fishbone import narrow, wide, wrapped
from runner.store.models import Act, Case, CorrectiveAction, GroupingRule, Problem
from tests.cases_history import failed_run, problem_of_key, retried_run
from tests.desk_place import Desk


def shown(answer: Any) -> str:
    """What a page says, without its tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def send(client: Client, problem: str, act: str, **fields: Any) -> Any:
    """Post an act as the page's form does, and see the page after it."""
    version = Problem.objects.values_list("version", flat=True).get(pk=problem)
    return client.post(f"/problems/{problem}/{act}", {"version": version} | fields, follow=True)


def test_the_page_says_what_it_is_why_it_is_one_and_where_it_appears(desk: Desk) -> None:
    small = Case.objects.get(key="A-1").problem
    assert small.title.startswith("SMALL: ")
    text = shown(desk.client("viewer").get(f"/problems/{small.pk}/"))
    assert "Amount … of … is too small" in text
    assert "The data or a rule is wrong." in text
    assert "Why these cases are one problem" in text
    assert "amount 1 of A-1 is too small" in text
    other = Case.objects.get(key="A-3").problem
    page = desk.client("viewer").get(f"/problems/{other.pk}/").content.decode()
    assert "numbers, ids, dates, times, paths and quoted values are ignored" in page
    assert desk.client("viewer").get("/problems/NOSUCHONE/").status_code == 404


def test_what_was_put_aside_in_a_message_is_marked(desk: Desk) -> None:
    row = Case.objects.get(key="A-2")
    Problem.objects.filter(pk=row.problem_id).update(parts={"kind": "business", "message": "row … is wrong"})
    Case.objects.filter(pk=row.pk).update(message="row 12 is wrong")
    page = desk.client("viewer").get(f"/problems/{row.problem_id}/").content.decode()
    assert "<mark> 12 </mark>" in page


def test_lists_show_the_sentence_and_not_the_code(desk: Desk) -> None:
    text = shown(desk.client("viewer").get("/"))
    assert "Amount … of … is too small" in text
    assert "SMALL: amount" not in text


def test_its_cases_can_be_selected_and_decided(desk: Desk, failed_orders: str) -> None:
    client = desk.client("operator")
    text = client.get(f"/problems/{failed_orders}/").content.decode()
    picks = re.findall(r'name="pick" form="bulk" value="([^"]+)"', text)
    assert len(picks) == 6
    answer = client.post("/bulk/", {"of": "case", "pick": picks[:2], "verb": "retry"}, follow=True)
    assert "2 cases as of" in shown(answer)
    answer = client.post("/bulk/", {"of": "problem", "pick": failed_orders}, follow=True)
    assert "6 cases as of" in shown(answer)


def test_the_whys_are_written_changed_emptied_and_taken_back(desk: Desk, failed_orders: str) -> None:
    client = desk.client("supervisor")
    rows = {
        "why": ["the product is unknown", "", "the list is old"],
        "evidence": ["O-1", "", "https://list.example/x"],
    }
    text = send(client, failed_orders, "whys", **rows).content.decode()
    case = Case.objects.get(key="O-1")
    assert f'href="/cases/{case.pk}/">O-1</a>' in text
    assert 'href="https://list.example/x" rel="noopener noreferrer"' in text
    assert [one["why"] for one in Problem.objects.get(pk=failed_orders).whys] == [
        "the product is unknown",
        "the list is old",
    ]
    send(client, failed_orders, "whys", why=["something else"], evidence=[""])
    act = Act.objects.filter(subject=failed_orders, verb="whys").latest("at")
    answer = send(client, failed_orders, f"undo/{act.pk}")
    assert "Taken back: it is as it was before." in shown(answer)
    assert len(Problem.objects.get(pk=failed_orders).whys) == 2
    assert send(client, failed_orders, f"undo/{act.pk}").status_code == 409
    refused = send(client, failed_orders, "whys", why=["", "x"], evidence=["only evidence", ""])
    assert refused.status_code == 422
    assert "only evidence" in refused.content.decode()


def test_two_people_at_the_same_whys_lose_nothing(desk: Desk, failed_orders: str) -> None:
    first, second = desk.client("supervisor"), desk.client("admin")
    version = Problem.objects.get(pk=failed_orders).version
    first.post(f"/problems/{failed_orders}/whys", {"version": version, "why": "mine", "evidence": ""})
    answer = second.post(
        f"/problems/{failed_orders}/whys", {"version": version, "why": "theirs", "evidence": ""}
    )
    text = shown(answer)
    assert answer.status_code == 409
    assert "supervisor was faster: wrote down the whys" in text
    assert "What you typed is still here" in text
    assert "theirs" in answer.content.decode()
    assert Problem.objects.get(pk=failed_orders).whys == [{"why": "mine", "evidence": ""}]


def test_the_fishbone_has_six_branches_for_wide_and_narrow_screens(desk: Desk, failed_orders: str) -> None:
    client = desk.client("supervisor")
    causes = {"material": "price list of last year\n\n product names differ ", "people": "nobody is told"}
    text = send(client, failed_orders, "causes", **causes).content.decode()
    assert Problem.objects.get(pk=failed_orders).causes == {
        "people": ["nobody is told"],
        "material": ["price list of last year", "product names differ"],
    }
    assert text.count('class="branch filled"') == 4
    assert text.count('class="branch"') == 8
    send(client, failed_orders, "cause", branch="machine", text="host: b2")
    assert Problem.objects.get(pk=failed_orders).causes["machine"] == ["host: b2"]
    act = Act.objects.filter(subject=failed_orders, verb="causes").latest("at")
    send(client, failed_orders, f"undo/{act.pk}")
    assert "machine" not in Problem.objects.get(pk=failed_orders).causes


def test_texts_of_the_fishbone_stay_inside_it() -> None:
    causes = {
        "people": ["a" * 70, "去年的价格表仍在供应商门户中使用，没有人被告知"],
        "environment": ["one", "two three"],
    }
    for made in (wide("The product is unknown " * 4, causes, {}), narrow("未知产品" * 20, causes, {})):
        texts = [*made.effect, *(text for bone in made.bones for text in bone.texts)]
        for text in texts:
            assert 0 <= text.x <= made.width - 6.5 * sum(2 if sign > "\u2e80" else 1 for sign in text.text)
            assert 0 < text.y < made.height
    assert wrapped("one two three", 40) == ["one", "two", "three"]
    assert "".join(wrapped("价格表" * 9, 60)) == "价格表" * 9


def test_the_comparison_says_what_failed_ones_have_and_how_sure_that_is(
    desk: Desk, failed_orders: str
) -> None:
    client = desk.client("supervisor")
    text = client.get(f"/problems/{failed_orders}/compare")
    said = shown(text)
    assert "6 failed items, beside 8 clean ones of the same queue" in said
    assert "customer" in said
    found = client.get(
        f"/problems/{failed_orders}/compare", headers={"accept-language": "en"}
    ).content.decode()
    assert "3 of 6" in re.sub(r"\s+", " ", found)
    assert f"/problems/{failed_orders}/split?field=data.customer&amp;value=Ho" in found


def test_an_action_is_added_done_reopened_changed_dropped_and_taken_back(
    desk: Desk, failed_orders: str
) -> None:
    client = desk.client("supervisor")
    due = (now() - timedelta(days=1)).date().isoformat()
    refused = send(client, failed_orders, "action", text="", owner="nobody-here", due="2026-99-99")
    assert refused.status_code == 422
    assert "Say in a few words what will be done." in shown(refused)
    assert "Nobody here is called “nobody-here”." in shown(refused)
    assert "2026-99-99" in shown(refused)
    answer = send(client, failed_orders, "action", text="send the list", owner="Supervisor", due=due)
    assert "late" in shown(answer)
    action = CorrectiveAction.objects.get(problem=failed_orders)
    assert action.owner == "supervisor"
    send(client, failed_orders, f"action/{action.pk}", what="done")
    assert CorrectiveAction.objects.get(pk=action.pk).done_by == "supervisor"
    send(client, failed_orders, f"action/{action.pk}", what="open")
    send(client, failed_orders, f"action/{action.pk}", text="send it every week", owner="", due="")
    changed = CorrectiveAction.objects.get(pk=action.pk)
    assert (changed.text, changed.owner, changed.due) == ("send it every week", "", None)
    act = Act.objects.filter(subject=failed_orders, verb="action").latest("at")
    send(client, failed_orders, f"undo/{act.pk}")
    back = CorrectiveAction.objects.get(pk=action.pk)
    assert (back.text, back.owner) == ("send the list", "supervisor")
    assert back.due == action.due
    answer = send(client, failed_orders, f"action/{action.pk}", what="drop")
    assert "Will not be done:" in shown(answer)
    assert send(client, failed_orders, "action/nosuch", what="done").status_code in {404, 422}


def test_owner_and_comment(desk: Desk, failed_orders: str) -> None:
    desk.person("admin")
    client = desk.client("supervisor")
    send(client, failed_orders, "own", owner="Admin")
    assert Problem.objects.get(pk=failed_orders).owner == "admin"
    refused = send(client, failed_orders, "own", owner="Admni")
    assert "Did you mean “admin”?" in shown(refused)
    act = Act.objects.filter(subject=failed_orders, verb="own").latest("at")
    send(client, failed_orders, f"undo/{act.pk}")
    assert Problem.objects.get(pk=failed_orders).owner == ""
    assert send(client, failed_orders, "comment", note=" ").status_code == 422
    send(desk.client("operator"), failed_orders, "comment", note="@admin is this yours?")
    assert mentions_of("admin", unseen=True)[0]["subject"] == failed_orders
    assert "is this yours?" in shown(desk.client("admin").get(f"/problems/{failed_orders}/"))
    assert mentions_of("admin", unseen=True) == []


def test_a_trial_is_watched_then_the_rest_follows_or_is_held(desk: Desk, failed_orders: str) -> None:
    client = desk.client("supervisor")
    assert "6 cases can be tried again as they are" in shown(client.get(f"/problems/{failed_orders}/"))
    assert send(client, failed_orders, "trial/start", cases="none").status_code == 422
    answer = send(client, failed_orders, "trial/start", cases="2")
    assert "2 cases are tried again." in shown(answer)
    assert "2 not ended yet" in shown(client.get(f"/problems/{failed_orders}/trial"))
    refused = send(client, failed_orders, "trial/release")
    assert refused.status_code == 409
    assert "say why the rest follows anyway" in shown(refused)
    canary = watch_canary(failed_orders)
    assert canary is not None
    keys = tuple(Case.objects.filter(pk__in=canary.cases).values_list("key", flat=True))
    retried_run(desk.settings.runs, good=keys)
    assert "The other 4 cases can follow." in shown(client.get(f"/problems/{failed_orders}/trial"))
    answer = send(client, failed_orders, "trial/release")
    assert "4 cases follow." in shown(answer)
    assert "decided" in shown(answer)
    assert Case.objects.filter(problem=failed_orders, status="retrying").count() == 4
    assert "released" in shown(client.get(f"/problems/{failed_orders}/trial"))


def test_a_trial_can_be_held_and_begun_anew(desk: Desk, failed_orders: str) -> None:
    client = desk.client("supervisor")
    send(client, failed_orders, "trial/start", cases="1")
    assert "A trial is going on already" in shown(send(client, failed_orders, "trial/start", cases="1"))
    send(client, failed_orders, "trial/hold")
    assert "held back" in shown(client.get(f"/problems/{failed_orders}/"))
    assert "2 cases are tried again." in shown(send(client, failed_orders, "trial/start", cases="2"))


def test_it_is_closed_with_proof_only_or_with_a_reason(desk: Desk, failed_orders: str) -> None:
    runs, client = desk.settings.runs, desk.client("supervisor")
    send(client, failed_orders, "move", to="acting")
    assert send(client, failed_orders, "move", to="verifying", runs="x").status_code == 422
    assert send(client, failed_orders, "move", to="nowhere").status_code == 422
    answer = send(client, failed_orders, "move", to="verifying", runs="1", items="2")
    assert "The problem may be closed when this has gone well since then:" in shown(answer)
    assert "0 of 2" in shown(answer)
    assert "decide them first" in shown(send(client, failed_orders, "move", to="closed"))
    for case in Case.objects.filter(problem=failed_orders):
        client.post(f"/cases/{case.pk}/done", {"version": case.version, "note": "by hand"})
    assert "It is not proven yet" in shown(send(client, failed_orders, "move", to="closed"))
    failed_run(runs, done=("O-20", "O-21"), version="v2")
    assert "It is proven: the problem can be closed." in shown(client.get(f"/problems/{failed_orders}/"))
    assert "Closed with the proof." in shown(send(client, failed_orders, "move", to="closed"))
    failed_run(runs, "O-30", version="v3")
    text = shown(client.get(f"/problems/{failed_orders}/"))
    assert Problem.objects.get(pk=failed_orders).status == ProblemStatus.OPEN
    assert "although the action was in force since" in text
    assert "came back although it was fixed (time number 1)" in text


def test_a_split_is_looked_at_kept_as_a_rule_and_taken_back(desk: Desk, failed_orders: str) -> None:
    client = desk.client("supervisor")
    asked = shown(client.get(f"/problems/{failed_orders}/split"))
    assert "customer" in asked
    looked = shown(client.get(f"/problems/{failed_orders}/split", {"field": "data.customer", "value": "Ho"}))
    assert "3 of 6 cases go to a problem of their own." in looked
    assert Problem.objects.get(pk=failed_orders).total == 6
    none = shown(client.get(f"/problems/{failed_orders}/split", {"field": "data.customer", "value": "Zu"}))
    assert "No case of this problem fits that condition." in none
    answer = send(client, failed_orders, "split/apply", field="data.customer", value="Ho")
    assert "This is the new problem: customer = Ho." in shown(answer)
    rule = GroupingRule.objects.get()
    part = Problem.objects.get(pk=rule.target)
    assert (part.total, Problem.objects.get(pk=failed_orders).total) == (3, 3)
    failed_run(desk.settings.runs, "O-7", customer="Ho")
    assert Problem.objects.get(pk=part.pk).total == 4
    assert "Split off:" in shown(client.get(f"/problems/{failed_orders}/"))
    send(client, part.pk, f"ungroup/{rule.pk}")
    assert Problem.objects.get(pk=failed_orders).total == 7
    assert "Its cases belong to another problem now:" in shown(client.get(f"/problems/{part.pk}/"))


def test_a_merge_is_looked_at_and_taken_back(desk: Desk, failed_orders: str) -> None:
    failed_run(desk.settings.runs, "O-8", code="OLD_PRICE")
    other = problem_of_key("O-8").pk
    client = desk.client("supervisor")
    assert other in client.get(f"/problems/{failed_orders}/merge").content.decode()
    found = client.get(f"/problems/{failed_orders}/merge", {"q": "zzz nothing"})
    assert "No other problem has these words." in shown(found)
    looked = client.get(f"/problems/{failed_orders}/merge", {"into": other})
    assert "6 cases go to:" in shown(looked)
    answer = send(client, failed_orders, "merge/apply", into=other)
    assert "6 cases belong to this problem now" in shown(answer)
    assert Problem.objects.get(pk=other).total == 7
    assert "Merged into this problem:" in shown(client.get(f"/problems/{other}/"))
    rule = GroupingRule.objects.get()
    send(client, other, f"ungroup/{rule.pk}")
    assert (Problem.objects.get(pk=failed_orders).total, Problem.objects.get(pk=other).total) == (6, 1)
    assert send(client, failed_orders, "merge/apply", into=failed_orders).status_code == 409


def test_roles_for_single_processes_are_respected(desk: Desk) -> None:
    mine = Case.objects.get(key="A-1").problem
    assert mine.process == "accounts-payable"
    person = desk.person("supervisor")
    ProcessRole.objects.create(person=person, process="accounts-payable", role="viewer")
    client = desk.client("supervisor")
    text = shown(client.get(f"/problems/{mine.pk}/"))
    assert "With your role you can look at this problem, but not work on it." in text
    for act in ("whys", "own", "move", "trial/start", "split/apply", "merge/apply", "comment"):
        assert send(client, mine.pk, act).status_code == 403
    ProcessRole.objects.update(role="none")
    assert client.get(f"/problems/{mine.pk}/").status_code == 404
    assert client.get(f"/problems/{mine.pk}/compare").status_code == 404
    assert client.get(f"/problems/{mine.pk}/split").status_code == 404
    failed_run(desk.settings.runs, "O-1")
    free = problem_of_key("O-1").pk
    assert client.get(f"/problems/{free}/merge", {"into": mine.pk}).status_code == 404
    assert send(client, free, "merge/apply", into=mine.pk).status_code == 422


def test_the_same_form_sent_twice_is_carried_out_once(desk: Desk, failed_orders: str) -> None:
    client = desk.client("supervisor")
    form = {
        "text": "train people",
        "token": "desk:once",
        "version": Problem.objects.get(pk=failed_orders).version,
    }
    client.post(f"/problems/{failed_orders}/action", form)
    client.post(f"/problems/{failed_orders}/action", form)
    assert CorrectiveAction.objects.filter(problem=failed_orders).count() == 1


def test_the_page_asks_the_store_few_questions(desk: Desk, failed_orders: str) -> None:
    who = Who("supervisor", now())
    problems.set_whys(failed_orders, [Why("unknown product", "O-1"), Why("old list", "O-2")], who)
    problems.set_causes(failed_orders, {"people": ["nobody is told"]}, who)
    problems.add_action(failed_orders, "send the list", who)
    problems.move_problem(failed_orders, ProblemStatus.ACTING, who)
    problems.move_problem(failed_orders, ProblemStatus.VERIFYING, who, needed=Needed(3, 10))
    client = desk.client("supervisor")
    send(client, failed_orders, "trial/start", cases="2")
    client.get(f"/problems/{failed_orders}/")
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/problems/{failed_orders}/")
    assert len(asked) <= 24, "\n".join(one["sql"][:150] for one in asked)
