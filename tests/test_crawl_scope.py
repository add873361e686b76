"""The fence around a crawl."""

import pytest

from quaero_cli.crawl.scope import EXCLUDED, NOT_INCLUDED, OUTSIDE, Scope
from quaero_cli.errors import StepFailed


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://example.org/", True),
        ("http://example.org/", True),
        ("https://news.example.org/x", True),
        ("https://example.org:8443/", False),
        ("https://notexample.org/", False),
        ("https://example.org.evil.test/", False),
        ("https://org/", False),
        ("http://127.0.0.1:8000/", True),
        ("http://127.0.0.1:8001/", False),
        ("http://127.0.0.1/", False),
    ],
)
def test_the_start_urls_servers_are_the_fence(url: str, inside: bool) -> None:
    """A crawl would leave its site, or reach another service of the same machine."""
    scope = Scope(["https://example.org/start", "http://127.0.0.1:8000/"], max_depth=1)
    assert scope.covers(url) is inside


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://example.org:8443/", True),
        ("https://a.b.example.org/", True),
        ("https://xn--bcher-kva.example/", True),
        ("http://host:81/", True),
        ("http://host/", False),
        ("http://[::1]:9/", True),
        ("http://1.127.0.0.1/", False),
        ("http://start.test/", False),
    ],
)
def test_named_domains_are_the_fence(url: str, inside: bool) -> None:
    """A domain would not cover its subdomains and ports, or cover more than was named."""
    domains = [".Example.org", "*.bücher.example", "bücher.example", "host:81", "::1"]
    assert Scope(["http://start.test/"], domains=domains, max_depth=1).covers(url) is inside


def test_patterns() -> None:
    """What was excluded would be fetched, or a start URL refused."""
    scope = Scope(["http://h/"], include=["/news/", r"\.html$"], exclude=["(?i)login"], max_depth=1)
    assert scope.refuses("http://h/news/1") is None
    assert scope.refuses("http://h/a.html") is None
    assert scope.refuses("http://h/news/Login") == EXCLUDED
    assert scope.refuses("http://h/shop") == NOT_INCLUDED
    assert scope.refuses("http://h/shop", start=True) is None
    assert scope.refuses("http://h/login", start=True) == EXCLUDED
    assert scope.refuses("http://other/news/") == OUTSIDE


def test_patterns_take_linear_time() -> None:
    """An address made for it would keep the crawl busy for years."""
    scope = Scope(["http://h/"], exclude=["(a+)+$", "(.*)*x"], max_depth=1)
    assert scope.refuses("http://h/" + "a" * 1900 + "!") is None


def test_paths_that_repeat_themselves_are_traps() -> None:
    """A relative link that is wrong by a level would lead the crawl ever deeper."""
    scope = Scope(["http://h/"], max_depth=100)
    assert scope.refuses("http://h" + "/news/a" * 5) == "repeats itself"
    assert scope.refuses("http://h" + "/news/a" * 3 + "/x/y/z/w/v") is None
    assert scope.refuses("http://h/2026/01/01/01/01/a") is None
    assert scope.refuses("http://h/?" + "/a" * 20) is None


def test_what_patterns_lack_is_told() -> None:
    """Whoever writes a lookahead would not know what is wrong with it."""
    with pytest.raises(StepFailed, match=r"^include_patterns: '\(\?!x\)' is not a regular expression") as caught:
        Scope(["http://h/"], include=["(?!x)"], max_depth=1)
    assert "lookarounds" in (caught.value.hint or "")


@pytest.mark.parametrize("changes", [{"include": ["("]}, {"exclude": ["a", "[z-a]"]}, {"domains": ["a/b"]}])
def test_mistakes_are_named(changes: dict[str, list[str]]) -> None:
    """A typo in a pattern would show as a traceback, or as a crawl of nothing."""
    with pytest.raises(StepFailed, match=r"^(include_patterns|exclude_patterns|allowed_domains): '"):
        Scope(["http://h/"], max_depth=1, **changes)
