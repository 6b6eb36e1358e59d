"""People at work on the desk's frame: signing in, keys, theme, language, refreshing, the password again, roles, secrets."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from runner.cases.audit import verify
from runner.core.clock import now
from runner.core.vault import Vault
from runner.desk.people.links import make_link
from runner.desk.people.models import ApiToken, Person, SignIn
from runner.desk.people.tokens import access_of_token, find_token, make_token
from runner.store.models import AuditEntry, Case
from tests.desk_place import PASSWORD, Desk

NEW = "a-quite-new-password"


def grow_old() -> None:
    """Let all passwords have been given an hour ago."""
    SignIn.objects.update(confirmed=now() - timedelta(hours=1))


@pytest.mark.browser
def test_the_first_person_comes_in_through_the_link_and_sets_up_the_desk(desk: Desk) -> None:
    page = desk.page(path=make_link(None, "test"))
    page.get_by_label("Name to sign in with").fill("boss")
    page.get_by_label("Your name, as others see it").fill("The Boss")
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_label("The password again").fill(NEW)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Exception queue")
    assert Person.objects.get(username="boss").zone == "Europe/Berlin"

    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="退出").first.click()
    page.locator("#username").fill("boss")
    page.locator("#password").fill(NEW)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.browser
def test_a_supervisor_adds_a_person_who_signs_in_with_the_link(desk: Desk) -> None:
    page = desk.page("supervisor", "/people/")
    page.get_by_text("Add a person").click()
    page.get_by_label("Name to sign in with").fill("li")
    page.locator("form[action='/people/add']").get_by_label("Role").select_option("operator")
    page.get_by_role("button", name="Add, and make a link").click()
    link = page.get_by_label("One-time link").input_value()

    other = desk.page()
    other.goto(link)
    other.get_by_label("Password", exact=True).fill(NEW)
    other.get_by_label("The password again").fill(NEW)
    other.get_by_role("button", name="Go on").click()

    expect(other.get_by_role("link", name="Health")).to_be_visible()
    expect(other.get_by_role("link", name="People")).to_have_count(0)
    assert verify().broken is None


def test_nobody_gives_a_role_above_their_own(desk: Desk) -> None:
    answer = desk.client("supervisor").post("/people/add", {"username": "x", "role": "admin"})
    assert answer.status_code == 422
    assert not Person.objects.filter(username="x").exists()


def test_the_last_admin_stays_admin(desk: Desk) -> None:
    client = desk.client("admin")
    assert client.post("/people/admin/role", {"role": "viewer"}).status_code == 409
    assert client.post("/people/admin/active", {"active": "no"}).status_code == 409
    assert Person.objects.get(username="admin").role == "admin"


def test_a_deactivated_person_is_out_at_once_and_can_come_back(desk: Desk) -> None:
    viewer, admin = desk.client("viewer"), desk.client("admin")
    assert viewer.get("/runs/").status_code == 200
    assert admin.post("/people/viewer/active", {"active": "no"}).status_code == 302
    assert viewer.get("/runs/").status_code == 401
    assert admin.post("/people/viewer/active", {"active": "yes"}).status_code == 302
    assert viewer.get("/runs/").status_code == 401  # the old sign-in stays ended
    assert desk.client("viewer").get("/runs/").status_code == 200


def test_a_role_in_one_process_counts_from_the_next_click_on(desk: Desk) -> None:
    viewer, admin = desk.client("viewer"), desk.client("admin")
    assert "A-3" in viewer.get("/cases/").content.decode()
    answer = admin.post("/people/viewer/role", {"role": "none", "process": "accounts-payable"})
    assert answer.status_code == 302
    assert "A-3" not in viewer.get("/cases/").content.decode()
    admin.post("/people/viewer/role/remove", {"process": "accounts-payable"})
    assert "A-3" in viewer.get("/cases/").content.decode()
    deeds = AuditEntry.objects.filter(what="person.role").order_by("seq")
    assert [entry.data["role"] for entry in deeds] == ["none", None]


def test_sign_ins_can_be_ended_by_oneself_and_by_an_admin_only(desk: Desk) -> None:
    first, second = desk.client("viewer"), desk.client("viewer")
    other = SignIn.objects.order_by("pk").last()
    assert other is not None
    assert desk.client("operator").post(f"/me/sign-ins/{other.pk}/end").status_code == 404
    assert first.post(f"/me/sign-ins/{other.pk}/end").status_code == 302
    assert second.get("/runs/").status_code == 401
    mine = SignIn.objects.get(person__username="viewer")
    assert desk.client("admin").post(f"/people/viewer/sign-ins/{mine.pk}/end").status_code == 302
    assert first.get("/runs/").status_code == 401


@pytest.mark.browser
def test_the_password_is_asked_for_again_and_what_was_typed_is_kept(desk: Desk) -> None:
    desk.with_password("admin")
    desk.person("viewer")
    page = desk.page("admin", "/people/viewer/")
    grow_old()
    page.get_by_label("Process").fill("payments")
    page.get_by_label("Role", exact=True).select_option("supervisor")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your password, please")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_have_text("This is not your password.")
    assert not Person.objects.get(username="viewer").process_roles.exists()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status")).to_contain_text("The role is changed")
    role = Person.objects.get(username="viewer").process_roles.get()
    assert (role.process, role.role) == ("payments", "supervisor")


def test_a_secret_goes_in_and_never_comes_out(desk: Desk) -> None:
    desk.with_password("admin")
    client = desk.client("admin")
    grow_old()
    value = "hunter2-and-more"
    asked = client.post("/secrets/set", {"name": "portal/password", "value": value})
    assert asked.status_code == 401
    assert value not in asked.content.decode()
    given = {"name": "portal/password", "value": value, "confirm_password": PASSWORD}
    assert client.post("/secrets/set", given).status_code == 302
    assert Vault(desk.settings.vault, {}).get("portal/password") == value
    shown = client.get("/secrets/")
    assert "portal/password" in shown.content.decode()
    assert value not in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    assert value not in str(list(AuditEntry.objects.values_list("data", "subject")))

    short = client.post("/secrets/set", {"name": "x", "value": "abc"})
    assert short.status_code == 422
    assert client.post("/secrets/remove", {"name": "portal/password"}).status_code == 302
    assert Vault(desk.settings.vault, {}).names() == ()


def test_an_admin_says_which_hosts_a_secret_is_for(desk: Desk) -> None:
    client, vault = desk.client("admin"), Vault(desk.settings.vault, {})
    client.post("/secrets/set", {"name": "portal/password", "value": "hunter2-and-more"})
    assert "hosts not said" in client.get("/secrets/").content.decode()
    wrong = client.post("/secrets/set", {"name": "portal/password", "hosts": "ftp://portal.example"})
    assert (wrong.status_code, vault.hosts()) == (422, {"portal/password": None})
    assert 'value="ftp://portal.example"' in wrong.content.decode()

    said = {"name": "portal/password", "hosts": "portal.example, *.Portal.example"}
    assert client.post("/secrets/set", said).status_code == 302
    assert vault.hosts() == {"portal/password": ("*.portal.example", "portal.example")}
    assert vault.get("portal/password") == "hunter2-and-more"
    entry = AuditEntry.objects.filter(what="secret.hosts").get()
    assert (entry.subject, entry.data) == (
        "portal/password",
        {"hosts": ["*.portal.example", "portal.example"]},
    )
    client.post("/secrets/set", {"name": "portal/password", "value": "another-value"})
    assert vault.look_up("portal/password").hosts == ("*.portal.example", "portal.example")
    assert client.post("/secrets/set", {"name": "portal/password"}).status_code == 422
    assert desk.client("developer").post("/secrets/set", said).status_code == 403


def test_a_new_password_ends_the_other_sign_ins_and_keeps_this_one(desk: Desk) -> None:
    desk.with_password("viewer")
    other, mine = desk.client("viewer"), desk.client("viewer")
    assert mine.post("/me/password", {"password": NEW, "again": NEW}).status_code == 302
    assert mine.get("/me/").status_code == 200
    assert other.get("/me/").status_code == 401
    assert desk.client().post("/sign-in", {"username": "viewer", "password": NEW}).status_code == 302


def test_a_key_is_shown_once_does_no_more_than_its_scopes_and_can_be_revoked(desk: Desk) -> None:
    client = desk.client("operator")
    page = client.post("/me/keys", {"name": "the ERP", "scopes": ["runs.see", "runs.start"], "days": "30"})
    found = re.search(r"rnr_[\w-]{40,}", page.content.decode())
    assert found is not None
    assert found[0] not in client.get("/me/").content.decode()
    token = find_token(found[0])
    assert token is not None
    access = access_of_token(token)
    assert access.may("runs.start")
    assert not access.may("cases.decide")
    assert client.post("/me/keys", {"name": "x", "scopes": ["secrets.set"], "days": "30"}).status_code == 422
    assert client.post(f"/me/keys/{token.pk}/revoke").status_code == 302
    assert find_token(found[0]) is None


def test_a_key_ends_with_its_time_and_with_its_person(desk: Desk) -> None:
    person = desk.person("viewer")
    text = make_token(person, "x", ["runs.see"], 30)
    assert find_token(text) is not None
    person.is_active = False
    person.save()
    assert find_token(text) is None
    person.is_active = True
    person.save()
    ApiToken.objects.update(expires=now() - timedelta(seconds=1))
    assert find_token(text) is None
    assert text not in str(list(ApiToken.objects.values()))


def test_a_part_that_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    client = desk.client("viewer")
    first = client.get("/live/menu?area=queue")
    tag = {"if-none-match": first["ETag"]}
    again = client.get("/live/menu?area=queue", headers=tag)
    if again.status_code == 200:  # a minute had just passed
        again = client.get("/live/menu?area=queue", headers={"if-none-match": again["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    Case.objects.filter(item__key="A-3").update(status="resolved")
    changed = client.get("/live/menu?area=queue", headers=tag)
    assert changed.status_code == 200
    assert desk.client("operator").get("/live/menu?area=queue", headers=tag).status_code == 200


@pytest.mark.browser
def test_the_counts_of_the_menu_follow_by_themselves(desk: Desk) -> None:
    page = desk.page("viewer", "/people/none")
    page.goto(desk.url + "/queues/")
    count = page.locator("#menu .count.bad")
    expect(count).to_have_text("4")
    Case.objects.filter(item__key="A-3").update(status="resolved")
    page.evaluate("document.querySelector('#menu').dataset.live = '0.1'")
    expect(count).to_have_text("3")


@pytest.mark.browser
def test_lists_and_help_work_by_keyboard_alone(desk: Desk) -> None:
    page = desk.page("admin", "/people/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Admin", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(desk.url + "/people/admin/")


@pytest.mark.browser
def test_what_matters_asks_before_it_is_done(desk: Desk) -> None:
    desk.person("viewer")
    page = desk.page("admin", "/people/viewer/")
    page.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Cancel").click()
    assert Person.objects.get(username="viewer").is_active
    page.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog", name="Are you sure?").get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("status")).to_contain_text("can't sign in any more")
    assert not Person.objects.get(username="viewer").is_active


def test_the_audit_trail_is_checked_and_says_where_it_is_broken(desk: Desk) -> None:
    client = desk.client("admin")
    client.post("/people/add", {"username": "x", "role": "viewer"})
    assert "The trail is whole: 2 entries" in client.post("/audit/verify", follow=True).content.decode()
    AuditEntry.objects.filter(seq=1).update(by="somebody else")
    assert "broken at entry 1" in client.post("/audit/verify", follow=True).content.decode()
