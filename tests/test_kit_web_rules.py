"""What browser contexts can be told: hosts, questions, windows, files, devices, sign-ins, pictures of steps, a pause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.core.certificates import self_signed
from runner.core.errors import ConfigurationError
from runner.kit import web
from runner.kit.exchanges import Exchange, Exchanges
from runner.kit.network_replay import Replay
from runner.kit.web_files import safe_name
from tests.kit_pages import TOKEN, Site, https_site, pages
from tests.kit_worker import Answer, Finished, Project

pytestmark = pytest.mark.browser

HEAD = """
    from pathlib import Path
    from playwright.sync_api import Error, Page
    from runner import ApplicationError, bot, run, step, web

    @bot(accounts=["portal/clerk"])
    def work(address: str) -> None:
        with web.page(base_url=address, timeout="3s"%s) as page:
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with pages() as served:
        yield served


def work(tmp_path: Path, site: Site, options: str, *body: str, **more: Any) -> Finished:
    source = HEAD % options + "".join(f"            {line}\n" for line in body)
    return Project(tmp_path, source).run("work", parameters={"address": site.url}, **more)


def output(finished: Finished, name: str) -> object:
    assert finished.code == 0, (finished.lines[-1], finished.console)
    return finished.lines[-1].data["outputs"][name]


def logged(finished: Finished) -> list[str]:
    return [line.message for line in finished.events("log")]


def test_only_allowed_hosts_are_reached_not_even_by_a_redirect_and_each_other_one_is_journalled(
    tmp_path: Path, site: Site
) -> None:
    finished = work(
        tmp_path, site, ', hosts=["127.0.0.1"]',
        "page.goto('/inside')",
        "run.output('title', page.locator('h1').inner_text())",
        "try:",
        "    page.goto('/away')",
        "except Error as error:",
        "    run.output('away', str(error).splitlines()[0])",
    )  # fmt: skip

    assert output(finished, "title") == "Inside"
    assert "ERR_NAME_NOT_RESOLVED" in str(output(finished, "away"))
    assert not [one for one in site.asked if one.startswith("localhost")]
    assert logged(finished) == ["localhost is none of the allowed hosts: not reached"]


def test_without_the_rule_every_host_is_reached(tmp_path: Path, site: Site) -> None:
    finished = work(tmp_path, site, "", "page.goto('/away')", "run.output('url', page.url)")

    assert str(output(finished, "url")).endswith("/ask")
    assert "localhost/ask" in site.asked


def test_behind_a_proxy_which_looks_names_up_itself_other_hosts_are_blocked_too(
    tmp_path: Path, site: Site
) -> None:
    home = Exchange(
        "GET",
        "http://portal.example/",
        b"",
        "",
        200,
        (("Content-Type", "text/html"),),
        b"<img src=http://other.example/x>",
    )
    with Replay(Exchanges([home])) as proxy:
        finished = work(
            tmp_path, site, f', hosts=["portal.example"], proxy={{"server": "{proxy.url}"}}',
            "page.goto('http://portal.example/')",
            "run.output('images', page.locator('img').count())",
        )  # fmt: skip
        asked = proxy.exchanges.missing

    assert output(finished, "images") == 1
    assert asked == []
    assert logged(finished) == ["other.example is none of the allowed hosts: not reached"]


def test_a_client_certificate_shows_who_the_bot_is(tmp_path: Path, site: Site) -> None:
    (tmp_path / "clerk.pem").write_bytes(self_signed("clerk"))
    (tmp_path / "host.pem").write_bytes(self_signed("127.0.0.1"))
    with https_site(tmp_path / "host.pem", tmp_path / "clerk.pem") as url:
        certificate = f'{{"origin": "{url}", "certPath": "clerk.pem", "keyPath": "clerk.pem"}}'
        options = f", ignore_https_errors=True, client_certificates=[{certificate}]"
        finished = work(
            tmp_path,
            site,
            options,
            f"page.goto('{url}')",
            "run.output('who', page.locator('p').inner_text())",
        )

    assert output(finished, "who") == "clerk"


@pytest.mark.parametrize(
    ("rule", "answers"),
    [
        ('"dismiss"', "false,"),
        ('"accept"', "true,"),
        ('{"really delete": "accept", "name": "Ada"}', "true,Ada"),
        ('{"name": "Ada"}', "false,Ada"),
    ],
)
def test_questions_are_answered_by_rule_and_journalled(
    tmp_path: Path, site: Site, rule: str, answers: str
) -> None:
    finished = work(
        tmp_path, site, f", dialogs={rule}",
        "page.goto('/ask')", "page.get_by_role('button').click()",
        "run.output('answers', page.locator('#out').input_value())",
    )  # fmt: skip

    assert output(finished, "answers") == answers
    assert logged(finished) == ["The page asks: Really delete 7?", "The page asks: Your name"]


@pytest.mark.parametrize(("rule", "left"), [("", 2), (', popups="close"', 1)])
def test_windows_that_a_page_opens_are_kept_or_closed(
    tmp_path: Path, site: Site, rule: str, left: int
) -> None:
    finished = work(
        tmp_path, site, rule,
        "page.goto('/window')",
        "with page.expect_popup() as popup:",
        "    page.get_by_text('Open').click()",
        "page.wait_for_timeout(200)",
        "run.output('pages', len(page.context.pages))",
    )  # fmt: skip

    assert output(finished, "pages") == left


def test_downloads_are_in_the_run_folder_under_their_own_names(tmp_path: Path, site: Site) -> None:
    finished = work(
        tmp_path, site, "",
        "page.goto('/files')",
        "first = web.download(page, page.get_by_text('Report').click)",
        "second = web.download(page, page.get_by_text('Report').click)",
        "run.output('names', [first.name, second.name, first.read_text()])",
        "with page.expect_download():",
        "    page.get_by_text('Report').click()",
    )  # fmt: skip

    assert output(finished, "names") == ["report.txt", "report (2).txt", "the report"]
    kept = sorted(path.name for path in (finished.folder / "lane-1" / "downloads").iterdir())
    assert kept == ["report (2).txt", "report (3).txt", "report.txt"]
    files = [line.data["file"] for line in finished.events("log")]
    assert files == [
        f"lane-1/downloads/{name}" for name in ("report.txt", "report (2).txt", "report (3).txt")
    ]


def test_file_names_are_made_safe() -> None:
    names = [
        "../../etc/passwd",
        "a\\b\\c.txt",
        'x<y>:"|?*.pdf',
        "con.txt",
        " .. ",
        "订单.xlsx",
        "n" * 300 + ".xlsx",
    ]

    assert [safe_name(name) for name in names] == [
        "passwd", "c.txt", "x_y______.pdf", "_con.txt", "_", "订单.xlsx", "n" * 145 + ".xlsx",
    ]  # fmt: skip


def test_files_go_to_a_field_or_to_the_chooser_behind_a_button(tmp_path: Path, site: Site) -> None:
    (tmp_path / "bill.txt").write_text("1")
    finished = work(
        tmp_path, site, "",
        "page.goto('/upload')",
        "name = lambda: page.locator('#field').evaluate('e => e.files[0].name')",
        "web.upload(page.locator('#field'), 'bill.txt')",
        "first = name()",
        "page.reload()",
        "web.upload(page.get_by_role('button', name='Choose', exact=True), Path('bill.txt'))",
        "run.output('names', [first, name()])",
        "web.upload(page.locator('#field'), 'missing.txt')",
    )  # fmt: skip

    assert finished.lines[-1].data["outputs"] == {"names": ["bill.txt", "bill.txt"]}
    error = finished.lines[-1].error
    assert error is not None
    assert (error["code"], error["kind"]) == ("FILE_MISSING", "business")


def test_a_device_and_a_language_are_what_the_site_sees(tmp_path: Path, site: Site) -> None:
    finished = work(
        tmp_path, site, ', device="iPhone 15", locale="de-DE"',
        "page.goto('/agent')", "run.output('agent', page.locator('p').inner_text())",
    )  # fmt: skip

    assert "iPhone" in str(output(finished, "agent"))
    assert str(output(finished, "agent")).endswith("de-DE")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hosts": "portal.example"}, "web.page(hosts='portal.example') - a list of host names"),
        ({"hosts": ["https://portal.example/"]}, "web.page(hosts="),
        ({"dialogs": "yes"}, 'web.page(dialogs=\'yes\') - "accept", "dismiss"'),
        ({"popups": "shut"}, 'web.page(popups=\'shut\') - "keep" or "close"'),
        ({"device": "iPhone 1"}, "a device that Playwright knows - did you mean 'iPhone"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused, web.page(**options):
        pass
    web.close()

    assert refused.value.stable_code == "BOT_WEB"
    assert said in str(refused.value)


def kept_by(box: dict[str, Any]) -> dict[str, Answer]:
    """A worker's part in sign-ins: keeps the state in `box`."""

    def keep(request: dict[str, Any]) -> dict[str, Any]:
        box["state"] = request["state"]
        return {}

    return {
        "signed_in": lambda _: {"state": box.get("state"), "saved": "2999-01-01T00:00:00.000000Z"},
        "sign_in": keep,
    }


SIGNED_IN = """
    from playwright.sync_api import Page
    from runner import bot, run, web

    def sign_in(page: Page) -> None:
        page.goto("/home")
        page.locator("input").fill(%r)
        page.get_by_role("button").click()

    def is_in(page: Page) -> bool:
        page.goto("/home")
        return page.get_by_role("heading", name="Home").is_visible()

    @bot(accounts=["portal/clerk"])
    def work(address: str) -> None:
        with web.signed_in(%r, sign_in=sign_in, is_in=is_in, base_url=address, timeout="3s") as page:
            run.output("cookie", page.context.cookies()[0]["value"])
            run.output("title", page.locator("h1").inner_text())
"""


def test_a_sign_in_is_kept_used_again_renewed_when_it_ends_and_masked(tmp_path: Path, site: Site) -> None:
    box: dict[str, Any] = {}
    project = Project(tmp_path, SIGNED_IN % ("right-password", "portal/clerk"))

    def run_it() -> Finished:
        finished = project.run("work", parameters={"address": site.url}, also=kept_by(box))
        assert output(finished, "title") == "Home"
        return finished

    first = run_it()
    assert site.sign_ins == 1
    assert TOKEN in json.dumps(box["state"])
    assert output(first, "cookie") == "***"
    assert TOKEN not in first.journal.read_text()
    run_it()
    assert site.sign_ins == 1
    site.valid = "the site has ended all sessions"
    run_it()
    assert site.sign_ins == 2
    assert f"{TOKEN}2" in json.dumps(box["state"])


def test_a_sign_in_that_does_not_work_or_is_not_declared_is_an_error(tmp_path: Path, site: Site) -> None:
    box: dict[str, Any] = {"state": None}
    wrong = Project(tmp_path, SIGNED_IN % ("wrong-password", "portal/clerk"))
    refused = wrong.run("work", parameters={"address": site.url}, also=kept_by(box)).lines[-1].error
    other = Project(tmp_path / "other", SIGNED_IN % ("right-password", "portal/clark"))
    undeclared = other.run("work", parameters={"address": site.url}, also=kept_by(box)).lines[-1].error

    assert refused is not None
    assert (refused["code"], refused["kind"]) == ("SIGN_IN", "application")
    assert undeclared is not None
    assert (undeclared["code"], undeclared["hint"]) == ("BOT_ACCOUNT", "did you mean 'portal/clerk'?")


def test_a_step_leaves_a_picture_where_it_is_asked_for_but_none_that_shows_a_secret(
    tmp_path: Path, site: Site
) -> None:
    source = """
    from runner import bot, secret, step, web

    @bot(secrets=["word"])
    def work(address: str) -> None:
        with web.page(base_url=address) as page:
            with step("open", picture=True):
                page.goto("/secret")
            with step("nothing"):
                pass
            with step("type", picture=True):
                page.get_by_label("Number").fill(secret("word"))
    """
    finished = Project(tmp_path, source).run(
        "work", parameters={"address": site.url}, secrets={"word": "word-to-hide"}
    )

    (picture,) = finished.events("evidence")
    began = next(line.seq for line in finished.events("step.started") if line.step == "open")
    assert (picture.step, picture.parent, picture.data["kind"]) == ("open", began, "step")
    assert (finished.folder / str(picture.evidence)).read_bytes().startswith(b"\x89PNG")


def test_a_pause_holds_the_pages_open_until_somebody_says_go(tmp_path: Path, site: Site) -> None:
    asked: list[str] = []

    def pause(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["message"])
        return {"go": len(asked) == 3}

    finished = work(
        tmp_path, site, "", "page.goto('/ask')", "raise ApplicationError('stop here')",
        also={"pause": pause}, viewing={"pause_on_error": True},
    )  # fmt: skip

    assert asked == ["APPLICATION: stop here", "", ""]
    assert [line.data["kind"] for line in finished.events("evidence")][:2] == ["page", "screenshot"]
