"""What an author may ask of a crawl."""

from pathlib import Path
from typing import Any

import pytest
from crawling import make_options

from quaero_cli.crawl.dates import latest_moment
from quaero_cli.crawl.options import ca_file, parse_since, start_urls, user_agent, with_login
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
        ({"timeout_first_byte": 0.0}, "timeout_first_byte: 0 s is no time at all"),
        ({"timeout_connect": -1.0}, "timeout_connect: -1 s is no time at all"),
        ({"headers": {"Host": "evil"}}, "headers: 'Host' is set by the crawler itself"),
        ({"headers": {"accept-encoding": "br"}}, "headers: 'accept-encoding' is set by the crawler itself"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers: 'X-A' holds a line break or another control character"),
        ({"headers": {"X-A": "1\x1b[2J"}}, "headers: 'X-A' holds a line break or another control character"),
        ({"headers": {"X A:": "1"}}, "headers: 'X A:' is not a header that can be sent"),
        ({"headers": {"X A": "1"}}, "headers: 'X A' is not a header that can be sent"),
        ({"user_agent": "a\nb"}, "user_agent: 'a\\nb' is not plain text in one line"),
        ({"user_agent": "a\x7fb"}, "user_agent: 'a\\x7fb' is not plain text in one line"),
        ({"user_agent": "caf\u00e9/1"}, "user_agent: 'caf\u00e9/1' is not plain text in one line"),
        ({"user_agent": " "}, "user_agent: is empty"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], words: str) -> None:
    """A wrong value would show as a traceback, a hang, or a request that was smuggled in."""
    with pytest.raises(StepFailed) as caught:
        make_options(["http://h/"], **changes)
    assert caught.value.message == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cookies": {"a b": "1"}}, "cookies: 'a b' is not a cookie that can be sent"),
        ({"cookies": {"a": "1; b=2"}}, "cookies: 'a' is not a cookie that can be sent"),
        ({"cookies": {"a": "\x01"}}, "cookies: 'a' is not a cookie that can be sent"),
        ({"proxy": "http://h:1\x00"}, "proxy: not the address of a proxy"),
        ({"proxy": "ftp://h"}, "proxy: not the address of a proxy"),
        ({"proxy": "http://user:secret@h:1 x"}, "proxy: not the address of a proxy"),
    ],
)
def test_secrets_are_not_shown_in_mistakes(changes: dict[str, Any], words: str) -> None:
    """A password would stand in the log because of a typo beside it."""
    with pytest.raises(StepFailed) as caught:
        make_options(["http://h/"], **changes)
    assert caught.value.message == words


@pytest.mark.parametrize(
    ("contact", "sent"),
    [
        ("", "me/1"),
        ("https://example.org/bot", "me/1 (+https://example.org/bot)"),
        ("me@example.org", "me/1 (+mailto:me@example.org)"),
    ],
)
def test_the_user_agent_says_whom_to_ask(contact: str, sent: str) -> None:
    """A site's owner could not reach whoever crawls."""
    assert user_agent("me/1", contact) == sent


def test_a_contact_must_lead_somewhere() -> None:
    """A contact that leads nowhere is none."""
    for contact, words in (
        ("me", "is neither"),
        ("https://h/\x1b", "is not plain text"),
        ("me@h\u00e4", "is not plain"),
    ):
        with pytest.raises(StepFailed, match=rf"^contact: .* {words}") as caught:
            user_agent("me/1", contact)
        assert caught.value.hint


def test_a_login_is_a_header() -> None:
    """A site that asks for a password could only be crawled by whoever encodes it by hand."""
    assert with_login({}, "") == {}
    assert with_login({"X-A": "1"}, "jo:p:w\u00e4") == {"X-A": "1", "authorization": "Basic am86cDp3w6Q="}
    with pytest.raises(StepFailed, match=r"^login: headers have an Authorization already$"):
        with_login({"AUTHORIZATION": "x"}, "jo:pw")


@pytest.mark.parametrize("login", ["jo", ":pw", "jo:p\nw"])
def test_a_login_that_is_none(login: str) -> None:
    """A typo would send a wrong password, or show the right one."""
    with pytest.raises(StepFailed) as caught:
        with_login({}, login)
    assert caught.value.message == "login: not a user and a password"


def test_a_file_of_authorities_must_be_there(tmp_path: Path) -> None:
    """Every page would fail, and not say why."""
    (tmp_path / "ca.pem").touch()
    assert ca_file(tmp_path, Path("ca.pem")) == str(tmp_path / "ca.pem")
    assert ca_file(tmp_path, None) == ""
    with pytest.raises(StepFailed, match=r"^ca_file: .*none.pem: no such file$"):
        ca_file(tmp_path, Path("none.pem"))


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("1h30m", NOW - 5400),
        ("2026-01-15", 1_768_435_200.0),
        ("2026-01-15T01:00:00+01:00", 1_768_435_200.0),
    ],
)
def test_since(text: str, moment: float | None) -> None:
    """The limit would be another one than was written."""
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["yesterday", "7", "2026-13-01", "-1h", "400d"])
def test_a_since_that_is_none(text: str) -> None:
    """A typo would show as a crawl without a limit."""
    with pytest.raises(StepFailed, match=r"^since: "):
        parse_since(text, NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T00:00:00Z", 1_768_435_200.0),
        ("2026-01-15", 1_768_435_200.0 + 86_400),
        ("2026-01-15T00:00:00", 1_768_435_200.0 + 43_200),
        ("Thu, 15 Jan 2026 01:00:00 +0100", 1_768_435_200.0),
        ("soon", None),
        ("2026-99-99", None),
        ("", None),
    ],
)
def test_dates_mean_their_last_moment(text: str, moment: float | None) -> None:
    """An article of the limit's own day, or of another time zone, would be left out."""
    assert latest_moment(text) == moment
