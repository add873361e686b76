"""Sites whose encryption cannot be trusted, over real TLS: what is wrong is said, and nothing is sent to them."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
import trustme

from quaero_cli.crawl.addresses import Policy
from quaero_cli.crawl.answers import FetchError, Response
from quaero_cli.crawl.fetch import open_fetcher
from quaero_cli.crawl.request import Identity, Limits
from quaero_cli.crawl.resolve import Resolver
from quaero_cli.crawl.tls import explained
from quaero_cli.crawl.transfer import Wanted

THEN, LATER = datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
FAR, FARTHER = datetime(2120, 1, 1, tzinfo=UTC), datetime(2121, 1, 1, tzinfo=UTC)


class Shop:
    """A site behind TLS. `asked`: what it was sent, decrypted."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.asked = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)

    async def serve(self, task_status: trio.TaskStatus[int]) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        task_status.started(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(self._handle, listeners)

    async def _handle(self, stream: trio.SocketStream) -> None:
        secure = trio.SSLStream(stream, self._context, server_side=True, https_compatible=True)
        try:
            async with secure:
                self.asked += await secure.receive_some()
                await secure.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        except (trio.BrokenResourceError, ssl.SSLError):
            return


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def _ask(nursery: trio.Nursery, shop: Shop, ca_file: Path | None) -> Response | FetchError:
    port = await nursery.start(shop.serve)
    resolver = Resolver(Policy(["127.0.0.1"]), timeout=60)
    identity = Identity("probe/1", ca_file=str(ca_file or ""))
    async with open_fetcher(resolver, identity, Limits(60, 60, 60)) as fetcher:
        return await fetcher.get(f"https://127.0.0.1:{port}/", Wanted(limit=100))


@pytest.mark.parametrize(
    ("name", "dates", "trusted", "words"),
    [
        ("127.0.0.1", (None, None), True, None),
        ("127.0.0.1", (None, None), False, "nobody known here vouches for the site's certificate"),
        ("other.test", (None, None), True, "the site's certificate is another host's"),
        ("127.0.0.1", (THEN, LATER), True, "the site's certificate has expired"),
        ("127.0.0.1", (FAR, FARTHER), True, "the site's certificate is not valid yet"),
    ],
)
async def test_wrong_certificates(
    tmp_path: Path,
    nursery: trio.Nursery,
    authority: trustme.CA,
    name: str,
    dates: tuple[datetime | None, datetime | None],
    trusted: bool,
    words: str | None,
) -> None:
    """A login would be sent to whoever sits in between, or a person would not see what is wrong with the site."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    shop = Shop(authority.issue_cert(name, not_before=dates[0], not_after=dates[1]))
    answer = await _ask(nursery, shop, path if trusted else None)
    if words is None:
        assert isinstance(answer, Response)
        assert answer.body == b"hi"
    else:
        assert isinstance(answer, FetchError)
        assert answer.kind == "tls"
        assert answer.reason.startswith(words)
        assert shop.asked == b""


def test_words_that_are_not_known_stay() -> None:
    """An error of a later OpenSSL would lose what it says."""
    assert explained("SSL: something new") == "SSL: something new"
