"""Addresses of engines: what nobody can have is a mistake of whoever typed it, and is told at once."""

from pathlib import Path

import pytest
from shells import Shell

from quaero_cli.cluster.address import check_server, file_of
from quaero_cli.errors import UsageError

WRONG = {
    "nats://": "no host",
    "nats://:4222": "no host",
    "nats://:::": "no host",
    "nats://[::1": "IPv6",
    "nats://[x]:1": "IPv6",
    "nats://[::1]x:5": "'x'",
    "nats://a..b": "'a..b'",
    "nats://a b": "'a b'",
    "nats://x:abc": "port 'abc'",
    "nats://h:-1": "port '-1'",
    "nats://h:0": "port '0'",
    "tls://user:pass@localhost:99999": "port '99999'",
    "nats://h/x": "follow",
    "nats://user:pass#word@h:4222": "password in it cannot have",
}


@pytest.mark.parametrize("server", WRONG)
def test_an_address_that_nobody_can_have_is_told_with_its_wrong_part(server):
    """Somebody would look for a server that is away, for a typing error; and a log must not have the password."""
    with pytest.raises(UsageError, match="--engine: ") as caught:
        check_server(server)
    assert WRONG[server] in caught.value.message
    assert "pass#" not in caught.value.message
    assert "user:" not in caught.value.message


@pytest.mark.parametrize(
    "server",
    [
        "nats://h",
        "nats://h:4222/",
        "tls://u:p@a_b.example:1",
        "nats://[::1]:4222",
        "nats://münchen.de",
        "nats://10.0.0.1",
    ],
)
def test_an_address_that_may_be_one_is_tried(server):
    """A cluster that works would be refused."""
    check_server(server)


def test_a_file_is_named_by_its_whole_path():
    """A file of a strange name would be made somewhere, or somebody would get Python's words."""
    assert file_of("sqlite:///tmp/a b.db") == Path("/tmp/a b.db")
    for wrong in ("sqlite:////", "sqlite:///.", "sqlite:///", "sqlite://x", "sqlite:///tmp/x/", "sqlite:///tmp/.."):
        with pytest.raises(UsageError, match="--engine: "):
            file_of(wrong)


def test_the_command_says_so_at_once(tmp_path):
    """A worker would try for 15 seconds what can never be."""
    shell = Shell(tmp_path)
    error = shell.run("worker", "--engine", "nats://127.0.0.1:1,nats://x:abc", code=2).stderr
    assert error.splitlines()[0] == "error: --engine: nats://x:abc: its port 'abc' is no number from 1 to 65535"
    assert "sqlite:////" in shell.run("worker", "--engine", "sqlite:////", code=2).stderr
