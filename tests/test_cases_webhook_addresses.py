"""Where webhooks may go: addresses inside are refused, and the one that was checked is the one that is used (HT12)."""

from __future__ import annotations

import socket

import pytest

from runner.cases.webhook_addresses import allow_list, checked
from runner.cases.webhook_posting import Outcome, post
from runner.core.errors import UsageError
from tests.webhook_receiver import Receiver

ALLOWED = ["127.0.0.1"]


def test_a_message_goes_to_the_address_that_was_checked(told: Receiver) -> None:
    asked = []

    def find(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    target = checked(f"http://hooks.example:{told.port}/x", ["hooks.example"], find)

    assert post(target, b"{}", {}) == Outcome(200)
    assert told.messages[0].headers["Host"] == f"hooks.example:{told.port}"
    assert asked == [("hooks.example", told.port)]  # looked up once


def test_an_address_that_nobody_listens_at_is_an_outcome() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = post(checked(f"http://127.0.0.1:{port}/", ALLOWED), b"{}", {})

    assert (outcome.taken, outcome.http_status) == (False, None)
    assert "refused" in outcome.error.lower()


INSIDE = (
    ("http://169.254.169.254/", "169.254.169.254"),
    ("http://[::1]:5432", "::1"),
    ("https://intern.example/", "127.0.0.1"),
    ("https://intern.example/", "10.1.2.3"),
    ("https://intern.example/", "192.168.0.1"),
    ("https://intern.example/", "::ffff:10.0.0.1"),
    ("https://intern.example/", "64:ff9b::7f00:1"),
    ("https://intern.example/", "fd00::1"),
    ("https://intern.example/", "0.0.0.0"),
    ("https://intern.example/", "224.0.0.1"),
    ("https://intern.example/", "100.64.0.1"),
    ("https://2130706433/", "127.0.0.1"),
)


@pytest.mark.parametrize(("url", "ip"), INSIDE)
def test_ht12_an_address_inside_is_refused_unless_it_is_on_the_allow_list(url: str, ip: str) -> None:
    with pytest.raises(UsageError, match="address not allowed") as refused:
        checked(url, [], lambda _host, _port: [ip])
    assert refused.value.stable_code == "API_URL"
    assert "allow-list" in refused.value.hint

    assert checked(url, [ip], lambda _host, _port: [ip]).host in url


def test_a_name_that_stands_for_an_address_inside_too_is_refused() -> None:
    with pytest.raises(UsageError, match="address not allowed"):
        checked("https://both.example/", [], lambda _host, _port: ["93.184.216.34", "127.0.0.1"])


@pytest.mark.parametrize(
    ("entry", "fits"),
    [("hooks.intern", True), ("HOOKS.intern", True), ("hooks.intern:8443", True), ("hooks.intern:80", False),
     ("10.0.0.0/8", True), ("10.0.0.0/8:8443", True), ("10.9.9.9", False), ("intern", False), ("*", False)],
)  # fmt: skip
def test_the_allow_list_names_hosts_addresses_and_networks(entry: str, fits: bool) -> None:
    def target() -> str:
        return checked("http://hooks.intern:8443/x", [entry], lambda _host, _port: ["10.1.2.3"]).ip

    if fits:
        assert target() == "10.1.2.3"
    else:
        with pytest.raises(UsageError, match="address not allowed"):
            target()


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.com/", "https://", "https://me:pw@example.com/", "https://example.com/#x", "https://exa mple.com",
     "https://example.com:99999/", "https://example.com:0/", "javascript:alert(1)", "https://例子.cn/", "x" * 2000,
     "http://example.com/", "https://[::1", "https://nowhere.invalid/"],
)  # fmt: skip
def test_what_is_no_address_to_send_to_is_refused(url: str) -> None:
    def find(host: str, _port: int) -> list[str]:
        if host.endswith(".invalid"):
            raise socket.gaierror(-2, "Name or service not known")
        return ["93.184.216.34"]

    with pytest.raises(UsageError) as refused:
        checked(url, [], find)
    assert refused.value.stable_code == "API_URL"


def test_a_public_address_is_taken() -> None:
    target = checked("https://example.com:8443/a?b=c", [], lambda _host, _port: ["93.184.216.34"])

    assert (target.scheme, target.host, target.port, target.path) == ("https", "example.com", 8443, "/a?b=c")
    assert allow_list("a, b  c:1,10.0.0.0/8") == ["a", "b", "c:1", "10.0.0.0/8"]
