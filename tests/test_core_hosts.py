"""Sites that something may reach: how they are written, which addresses they cover, and the pattern for all others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import UsageError
from runner.core.hosts import names_of, others_than, reaches, site_of, sites_of

YES = [
    ("portal.example", "https://portal.example/login"),
    ("portal.example", "https://portal.example:8443/"),
    ("portal.example", "https://PORTAL.example./x"),
    ("*.portal.example", "https://eu.portal.example/"),
    ("*.portal.example", "https://a.b.portal.example/"),
    ("portal.example:8443", "https://portal.example:8443/"),
    ("portal.example:443", "https://portal.example/"),
    ("http://portal.intern", "http://portal.intern/"),
    ("http://portal.intern", "https://portal.intern/"),
    ("http://portal.intern:8080", "http://portal.intern:8080/x"),
    ("127.0.0.1", "http://127.0.0.1:5000/"),
    ("localhost:5000", "http://localhost:5000/"),
    ("[::1]", "http://[::1]:5000/"),
    ("*", "http://anything.example/"),
    ("portal.example", "https://user:word@portal.example/"),
]
NO = [
    ("portal.example", "http://portal.example/"),  # in clear
    ("https://portal.example", "http://portal.example/"),
    ("portal.example", "https://portal.example.evil.example/"),
    ("portal.example", "https://evilportal.example/"),
    ("portal.example", "https://portal.example@evil.example/"),
    ("portal.example", "https://evil.example/?https://portal.example/"),
    ("portal.example", "https://evil.example/#@portal.example"),
    ("*.portal.example", "https://portal.example/"),
    ("portal.example:8443", "https://portal.example/"),
    ("http://portal.intern:8080", "http://portal.intern/"),
    ("localhost:5000", "http://localhost:5001/"),
]
NO_PLACE = [
    "about:blank",
    "data:text/html,x",
    "file:///etc/passwd",
    "",
    "https://",
    "https://[",
    "https://x:99999/",
]


@pytest.mark.parametrize(("site", "url"), YES)
def test_an_address_that_a_site_covers(site: str, url: str) -> None:
    assert reaches(sites_of([site]), url)
    assert not others_than(sites_of([site])).match(url)


@pytest.mark.parametrize(("site", "url"), NO)
def test_an_address_that_a_site_does_not_cover(site: str, url: str) -> None:
    assert not reaches(sites_of([site]), url)
    assert others_than(sites_of([site])).match(url)


@pytest.mark.parametrize("url", NO_PLACE)
def test_what_is_no_address_of_the_web_is_no_site(url: str) -> None:
    assert not reaches(("*",), url)
    assert site_of(url) == ""


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://Portal.example/login?a=b", "portal.example"),
        ("https://portal.example:8443/", "portal.example:8443"),
        ("http://portal.intern/", "http://portal.intern"),
        ("http://127.0.0.1:5000/x", "127.0.0.1:5000"),
        ("http://[::1]:80/", "[::1]"),
    ],
)
def test_the_site_of_an_address_covers_it(url: str, site: str) -> None:
    assert site_of(url) == site
    assert sites_of([site]) == (site,)
    assert reaches((site,), url)


def test_sites_come_in_one_text_or_several_and_each_once() -> None:
    assert sites_of(["b.example, A.example\n*.c.example", "a.example/"]) == (
        "*.c.example",
        "a.example",
        "b.example",
    )
    assert names_of(sites_of(["http://b.example:80 *.c.example"])) == ["*.c.example", "b.example"]
    assert names_of(["*", "a.example"]) is None


@pytest.mark.parametrize(
    "text", ["ftp://a.example", "a b/c", "https://a.example/path", "-a", "*.", "a..*", "**"]
)
def test_what_names_no_site_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no site") as refused:
        sites_of([text])
    assert refused.value.stable_code == "HOSTS"


@given(
    st.sampled_from(["a.example", "*.a.example", "http://a.example", "a.example:8443", "127.0.0.1"]),
    st.from_regex(
        r"https?://([a-z.@:]{0,8})(a\.example|127\.0\.0\.1)([a-z.:0-9]{0,6})([/?#][a-z@./]{0,6})?",
        fullmatch=True,
    ),
)
def test_the_pattern_for_others_lets_nothing_pass_that_is_not_covered(site: str, url: str) -> None:
    if not others_than((site,)).match(url) and site_of(url):
        assert reaches((site,), url)
