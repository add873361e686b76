"""What an author may ask of a crawl."""

from typing import Any

import pytest
from crawling import make_options

from quaero_cli.crawl.options import start_urls
from quaero_cli.errors import StepFailed


def test_start_urls() -> None:
    """A bare host name would be refused, or a page be started from twice."""
    assert start_urls(["example.org", "https://example.org/#x", " http://h/a "]) == (
        "https://example.org/",
        "http://h/a",
    )


@pytest.mark.parametrize("text", ["", "  ", "ftp://h/", "https://user:pw@h/", "http://", "mailto:a@b.c"])
def test_start_urls_that_are_none(text: str) -> None:
    """A typo would show as a crawl of nothing."""
    with pytest.raises(StepFailed, match=r"^start_urls: ") as caught:
        start_urls([text])
    assert caught.value.hint


def test_no_start_url_is_told() -> None:
    """A forgotten parameter would show as a crawl of nothing."""
    with pytest.raises(StepFailed, match=r"^start_urls is empty") as caught:
        start_urls([])
    assert caught.value.hint


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_pages": 0}, "max_pages: 0 is less than 1"),
        ({"max_depth": -1}, "max_depth: -1 is less than 0"),
        ({"per_host": 0}, "per_host: 0 is less than 1"),
        ({"delay": -1.0}, "delay: -1.0 is less than 0"),
        ({"max_bytes": 0}, "max_bytes: 0 is less than 1"),
        ({"timeout_page": 0.0}, "timeout_page: 0 s is no time at all"),
        ({"timeout_connect": -1.0}, "timeout_connect: -1 s is no time at all"),
        ({"headers": {"Host": "evil"}}, "headers: 'Host' is set by the crawler itself"),
        ({"headers": {"accept-encoding": "br"}}, "headers: 'accept-encoding' is set by the crawler itself"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers: 'X-A' is not a header that can be sent"),
        ({"headers": {"X A:": "1"}}, "headers: 'X A:' is not a header that can be sent"),
        ({"user_agent": "a\nb"}, "headers: 'user agent' is not a header that can be sent"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], words: str) -> None:
    """A wrong value would show as a traceback, a hang, or a request that was smuggled in."""
    with pytest.raises(StepFailed) as caught:
        make_options(["http://h/"], **changes)
    assert caught.value.message == words
