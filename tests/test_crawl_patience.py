"""When a page is asked for again."""

import email.utils
import time

import pytest

from quaero_cli.crawl.answers import FetchError, Kind, Response
from quaero_cli.crawl.patience import Patience, is_busy


def _answer(status: int, **headers: str) -> Response:
    return Response("http://a/", status, {name.replace("_", "-"): value for name, value in headers.items()}, b"", 0.0)


@pytest.mark.parametrize("status", [200, 301, 400, 403, 404, 410, 451, 501, 505])
def test_definite_answers_are_final(status: int) -> None:
    """A site would be asked again for what it has refused."""
    assert Patience().wait(_answer(status), 1) is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(status: int) -> None:
    """One hiccup would lose a page; a broken server would be asked for ever."""
    patience = Patience()
    assert 0.5 <= (patience.wait(_answer(status), 1) or 0) <= 0.75
    assert 1.0 <= (patience.wait(_answer(status), 2) or 0) <= 1.5
    assert patience.wait(_answer(status), 3) is None


@pytest.mark.parametrize(
    ("kind", "attempts"),
    [("refused", 3), ("reset", 3), ("timeout", 2), ("resolve", 1), ("address", 1), ("tls", 1), ("protocol", 1),
     ("content_type", 1), ("too_large", 1), ("encoding", 1)],
)  # fmt: skip
def test_errors(kind: Kind, attempts: int) -> None:
    """A refused certificate would be tried again, or a reset connection would not."""
    error = FetchError(kind, "x")
    tries = next(n for n in range(1, 10) if Patience().wait(error, n) is None)
    assert tries == attempts


def test_retry_after() -> None:
    """A server that says when to come back would be asked too early, or be waited for all day."""
    patience = Patience()
    assert patience.wait(_answer(429, retry_after="7"), 1) == 7
    assert patience.wait(_answer(503, retry_after="3600"), 1) is None
    soon = email.utils.formatdate(time.time() + 20, usegmt=True)
    assert 15 < (patience.wait(_answer(503, retry_after=soon), 1) or 0) <= 20
    past = email.utils.formatdate(time.time() - 20, usegmt=True)
    assert patience.wait(_answer(503, retry_after=past), 1) == 0
    for nonsense in ("", "soon", "-1", "9" * 400, "Mon, 99 Foo 2026"):
        assert (patience.wait(_answer(503, retry_after=nonsense), 1) or 0) < 1


def test_busy() -> None:
    """A page's own error would hold up its whole server."""
    assert is_busy(_answer(429))
    assert is_busy(_answer(503))
    assert not is_busy(_answer(500))
    assert not is_busy(FetchError("timeout", "x"))
