"""Starting and stopping: the socket, the token's file, what is said when it cannot be."""

import os
import socket
import stat
import threading

import pytest
import trio
from serving import TOKEN, Client, running

from quaero_cli.errors import ServerError, UsageError
from quaero_cli.server.listen import open_listener
from quaero_cli.server.serve import Bound, ServeOptions
from quaero_cli.server.token import load_or_create


async def _start(tmp_path, options):
    with pytest.RaisesGroup(ServerError, flatten_subgroups=True) as raised:
        async with running(tmp_path, options=options):
            pass
    return raised.value.exceptions[0]


async def test_port_in_use(tmp_path):
    """The second server would fail with a traceback, or run where nobody finds it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = await _start(tmp_path, ServeOptions(port=port, token=TOKEN))
    assert error.message == f"port {port} on 127.0.0.1 is in use"
    assert "--port" in error.hint
    assert error.exit_code == 7


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "", "256.1.1.1", "a b", "ä" * 80])
async def test_bad_hosts(tmp_path, host):
    """A typing mistake in --host would be a traceback; or the server would listen everywhere."""
    error = await _start(tmp_path, ServeOptions(host=host, port=0, token=TOKEN))
    assert error.hint
    assert error.exit_code == 7


async def test_no_auth_needs_loopback(tmp_path):
    """`--no-auth` would open the server to the whole network."""
    with pytest.RaisesGroup(UsageError, flatten_subgroups=True) as raised:
        async with running(tmp_path, options=ServeOptions(host="0.0.0.0", port=0, token=None)):
            pass
    assert "--no-auth" in raised.value.exceptions[0].message
    for host in ("127.0.0.1", "localhost", "::1"):
        async with running(tmp_path, options=ServeOptions(host=host, port=0, token=None)) as web:
            assert web.bound.port


async def test_addresses_to_open(tmp_path):
    """The printed address would not open the viewer, or would hand the token to a log."""
    for host, shown in (
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("::1", "[::1]"),
        ("0.0.0.0", "127.0.0.1"),
    ):
        async with running(tmp_path, options=ServeOptions(host=host, port=0, token=TOKEN)) as web:
            assert web.bound.url == f"http://{shown}:{web.bound.port}"
            assert web.bound.viewer_url == f"{web.bound.url}/#t={TOKEN}"
            family_host = "::1" if host == "::1" else "127.0.0.1"
            async with await trio.open_tcp_stream(family_host, web.bound.port) as stream:
                client = Client(stream)
                headers = [("Host", f"{shown}:{web.bound.port}"), ("Authorization", f"Bearer {TOKEN}")]
                await client.send("GET", "/api/jobs", headers)
                assert (await client.answer()).status == 200
            assert TOKEN not in repr(web.bound)
            assert TOKEN not in repr(web.said)
    assert Bound("http://x", "x", 1).viewer_url == "http://x/"


async def test_more_names(tmp_path):
    """Behind a proxy the server would answer to none of its names."""
    options = ServeOptions(port=0, token=TOKEN, hosts=("Logs.Example",))
    async with running(tmp_path, options=options) as web:
        for host, status in (("logs.example", 200), ("evil.example", 421)):
            headers = [("Host", f"{host}:{web.bound.port}"), *web.headers()[1:]]
            assert (await web.request("GET", "/api/jobs", headers)).status == status


async def test_listener_options():
    """A machine that vanished would hold its connections for hours."""
    with await open_listener("127.0.0.1", 0, peer_gone_seconds=30) as listener:
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert not os.get_inheritable(listener.fileno())


async def test_unix_socket(tmp_path):
    """Other users could connect; a socket left by a crash would block the next start; a living one would be taken."""
    path = tmp_path / "quaero.sock"
    options = ServeOptions(token=None, unix_socket=path)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    async with running(tmp_path, options=options) as web:
        assert web.bound.viewer_url == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with await trio.open_unix_socket(path) as stream:
            client = Client(stream)
            for host, status in (
                ("localhost", 200),
                ("127.0.0.1", 200),
                ("evil.example", 421),
                ("localhost:80", 421),
            ):
                await client.send("GET", "/api/jobs", [("Host", host)])
                assert (await client.answer()).status == status, host
        error = await _start(tmp_path, options)
        assert "already" in error.message
        assert path.exists()
    assert not path.exists()
    path.write_text("mine")
    assert "not a socket" in (await _start(tmp_path, options)).message
    assert path.read_text() == "mine"


async def test_start_and_stop_are_logged(tmp_path):
    """The service log would not say when the server was there."""
    async with running(tmp_path) as web:
        pass
    assert [line[1] for line in web.said] == ["Server started", "Server stopped"]


# ---------------------------------------------------------------------- the token's file


def test_token_is_made_once(tmp_path):
    """The address in a bookmark would be useless after a restart; or somebody else could read the token."""
    path = tmp_path / "home" / "token"
    previous = os.umask(0)
    try:
        token = load_or_create(path)
    finally:
        os.umask(previous)
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_or_create(path) == token
    assert [entry.name for entry in path.parent.iterdir()] == ["token"]
    assert load_or_create(tmp_path / "other") != token


def test_two_servers_agree_on_one_token(tmp_path):
    """Two that start at once would each have a token, and one file."""
    found = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(load_or_create(tmp_path / "token"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8


@pytest.mark.parametrize("content", ["", "short", "x" * 20_000, "a b" * 20, "ä" * 60])
def test_damaged_tokens_are_refused(tmp_path, content):
    """An empty file would be an empty token, and everybody would be let in."""
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ServerError, match="does not hold a token") as refusal:
        load_or_create(path)
    assert str(path) in refusal.value.hint


def test_readable_tokens_are_refused(tmp_path):
    """A token that others have read would go on being used."""
    path = tmp_path / "token"
    load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(ServerError, match="other users"):
        load_or_create(path)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ServerError):
        load_or_create(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ServerError):
        load_or_create(path)
