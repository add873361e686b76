"""The crawl's URLs: one page, one spelling."""

import pytest

from quaero_cli.crawl.urls import authority, hostname, is_site_root, normalise, origin, port


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("HTTP://Example.ORG:80/a", "http://example.org/a"),
        ("https://example.org:443", "https://example.org/"),
        ("http://example.org/a/../b/./c", "http://example.org/b/c"),
        ("http://example.org/%7euser/ä b", "http://example.org/~user/%C3%A4%20b"),
        ("http://example.org/%66oo%2fbar%2e?q=%c3%bc", "http://example.org/foo%2Fbar%2E?q=%C3%BC"),
        ("http://example.org/100%/%zz", "http://example.org/100%/%zz"),
        ("http://example.org/a;jsessionid=9F?b=1&PHPSESSID=x", "http://example.org/a?b=1"),
        ("http://example.org/?a=1&utm_source=x&b=2&UTM_Medium=y", "http://example.org/?a=1&b=2"),
        ("http://example.org/?utm_source=x", "http://example.org/"),
        ("http://example.org/?fbclid=1&gclid=2#top", "http://example.org/"),
        ("http://example.org/?", "http://example.org/"),
        ("http://example.org/?a=&&b", "http://example.org/?a=&&b"),
        ("http://example.org/?autm_source=1", "http://example.org/?autm_source=1"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://[::FFFF:127.0.0.1]:8080/", "http://[::ffff:7f00:1]:8080/"),
        ("  http://example.org/\n", "http://example.org/"),
        ("http:\\\\example.org\\a", "http://example.org/a"),
    ],
)
def test_spellings_become_one(href: str, expected: str) -> None:
    """The same page would be fetched and stored under several addresses."""
    assert normalise(href) == expected


@pytest.mark.parametrize(
    "href",
    [
        "", "/a", "//host/a", "mailto:a@b.c", "javascript:alert(1)", "ftp://host/", "file:///etc/passwd", "data:,x",
        "http://", "http://user:pw@host/", "http://user@host/", "http://a b/", "http://host:99999/", "http://%00/",
        "http://example.org/" + "a" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_address(href: str) -> None:
    """Scripts, files and passwords would be asked for over the network."""
    assert normalise(href) is None


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("../c?d#e", "http://h/c?d"),
        ("//other/x", "http://other/x"),
        ("?q", "http://h/a/b?q"),
        ("#x", "http://h/a/b"),
        ("", "http://h/a/b"),
        ("https:/x", "https://x/"),
        ("\t/x\n", "http://h/x"),
    ],
)
def test_links_are_joined(href: str, expected: str) -> None:
    """Links would lead somewhere else than in a browser."""
    assert normalise(href, "http://h/a/b") == expected


def test_parts() -> None:
    """robots.txt would be asked of the wrong server."""
    url = "https://[::1]:8443/a/b?c"
    assert (origin(url), authority(url), hostname(url), port(url)) == (
        "https://[::1]:8443", "[::1]:8443", "[::1]", 8443,
    )  # fmt: skip
    assert (hostname("http://h/"), port("http://h/"), port("https://h/")) == ("h", 80, 443)
    assert (is_site_root("http://h/"), is_site_root("http://h/a/"), is_site_root("http://h/?q")) == (
        True,
        False,
        False,
    )
