"""`tail --server`: what another machine shows of a job is what this one shows, over cuts and restarts."""

import json
import signal
import socket
import threading

import pytest
from ports import own_port
from shells import PATIENCE, Shell, entries, first_job, read_line

from quaero_cli.errors import UsageError
from quaero_cli.remote.address import Address, parse_address
from quaero_cli.remote.events import Parser

SLOW = """
id = "slow"
[step.count]
type = "shell"
command = '''i=0; until [ -e enough ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done'''
"""
HELLO = (
    'id = "greet"\n[step.a]\ntype = "shell"\ncommand = "for i in $(seq 250); do echo line $i; done; echo oops >&2"\n'
)


def _remote(shell: Shell, server, *words: str, code: int = 0):
    return shell.run("tail", *words, "--server", f"http://127.0.0.1:{server.port}/#t={server.token}", code=code)


WORDS = (
    (), ("-n", "10", "--raw"), ("-n", "all", "--level", "debug", "--json"), ("-n", "0"), ("--level", "warn"),
    ("-n", "5000", "--step", "a"), ("--grep", "LINE 1", "--json"), ("--no-follow", "--json"), ("--since", "1h"),
    ("--since", "1h", "-n", "7"),
)  # fmt: skip


@pytest.mark.workers_at_night
def test_it_prints_what_the_local_tail_prints(anywhere):
    """Somebody at another machine would see another log."""
    with anywhere.serving() as server:
        anywhere.run("run", anywhere.define("greet", HELLO))
        names = ["last", "greet", anywhere.json("jobs")[0]["id"][:5]]
        for number, words in enumerate(WORDS):
            name = names[number % 3]
            local = anywhere.run("tail", name, *words)
            remote = _remote(anywhere, server, name, *words)
            assert remote.stdout == local.stdout, words
            assert remote.stderr == local.stderr, words


@pytest.mark.workers_at_night
def test_it_refuses_what_the_local_tail_refuses(anywhere):
    """A mistake would be told in the words of the API, and not be found in the help."""
    with anywhere.serving() as server:
        anywhere.run("run", anywhere.define("greet", HELLO))
        for words in (("last", "--step", "b"), ("last", "--worker", "a")):
            local = anywhere.run("tail", *words, code=2)
            assert _remote(anywhere, server, *words, code=2).stderr == local.stderr, words
        for words in (("-n", "1000"), ("-n", "all", "--json")):
            local = anywhere.run("tail", "--service", "--no-follow", *words)
            assert _remote(anywhere, server, "--service", "--no-follow", *words).stdout == local.stdout, words


def test_exit_codes(shell):
    """A script could not tell a failed job from a server that is not there."""
    shell.run("run", shell.define("bad", 'id = "bad"\n[step.a]\ntype = "shell"\ncommand = "exit 3"\n'), code=1)
    with shell.serving("--port", str(own_port())) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert _remote(shell, server, "last", code=1).stdout
        _remote(shell, server, "nothing", code=4)
        _remote(shell, server, "last", "--step", "nope", code=2)
        _remote(shell, server, "last", "--since", "yesterday", code=2)
        refused = shell.run("tail", "last", "--server", url, "--token", "w" * 43, code=7).stderr
        assert "token" in refused
        # The token of this machine's own file, and the environment's before it.
        shell.run("tail", "last", "--server", url, code=1)
        Shell(shell.folder, {"QUAERO_TOKEN": "w" * 43}).run("tail", "last", "--server", url, code=7)
        shell.run("tail", "--service", "--server", url, "--timeout", "0.5", code=124)
    gone = shell.run("tail", "last", "--server", url, code=7)
    assert gone.stderr.startswith(f"error: cannot reach {url}: ")
    assert "hint:" in gone.stderr
    shell.run("tail", "last", "--server", "ftp://x", code=2)
    shell.run("tail", "last", "--token", "x", code=2)


def test_something_else_at_the_address(shell):
    """A port that another program has would be a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answers = threading.Thread(
            target=_answer, args=(taken, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), daemon=True
        )
        answers.start()
        error = shell.run(
            "tail", "last", "--server", f"127.0.0.1:{taken.getsockname()[1]}", "--token", "x", code=7
        ).stderr
    assert "no quaero server" in error


def _answer(listener: socket.socket, data: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.recv(10_000)
        connection.sendall(data)
        connection.close()


@pytest.mark.workers_at_night
def test_no_line_is_lost_over_restarts_of_the_server(anywhere):
    """A tail over HTTP would stop, or lose lines, when its server is updated."""
    port = own_port()
    server = anywhere.start("serve", "--port", str(port))
    read_line(server.stdout)
    runner = anywhere.start("run", anywhere.define("slow", SLOW), "--json")
    job = first_job(runner)
    drain = threading.Thread(target=runner.communicate, daemon=True)
    drain.start()
    url = f"http://127.0.0.1:{port}"
    watcher = anywhere.start("tail", job, "--server", url, "--json", "-n", "all", stderr=None)
    lines = [json.loads(read_line(watcher.stdout)) for _ in range(20)]
    for number, kind in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
        server.send_signal(kind)
        server.communicate(timeout=PATIENCE)
        server = anywhere.start("serve", "--port", str(port))
        read_line(server.stdout)
        while sum(line["event"] == "log" for line in lines) < 60 * (number + 1):
            lines.append(json.loads(read_line(watcher.stdout)))
    (anywhere.folder / "enough").touch()
    out, _ = watcher.communicate(timeout=PATIENCE)
    lines += [json.loads(line) for line in out.splitlines()]
    drain.join(PATIENCE)
    assert watcher.returncode == 0
    seen = [entry["job_line"] for entry in entries(lines)]
    stored = [entry["job_line"] for entry in entries(anywhere.lines("tail", job, "-n", "all"))]
    assert seen == stored
    assert lines[-1] == {"event": "end", "job_id": job, "status": "completed", "exit_code": 0}
    assert lines[-2]["event"] == "status"
    assert lines[-2]["job"]["status"] == "completed"
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=PATIENCE)


def test_over_a_unix_socket(shell, tmp_path):
    """A server that listens on a socket alone could not be followed."""
    shell.run("run", shell.define("greet", HELLO))
    path = tmp_path / "q.sock"
    server = shell.start("serve", "--uds", str(path), "--json")
    facts = json.loads(read_line(server.stdout))
    seen = shell.run("tail", "last", "--server", f"unix:{path}", "--token", facts["token"]).stdout
    assert seen == shell.run("tail", "last").stdout
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8420/#t=abc", Address("http", "127.0.0.1", 8420, token="abc")),
        ("logs.example:8420", Address("http", "logs.example", 8420)),
        ("https://logs.example/quaero/", Address("https", "logs.example", 443, "/quaero")),
        ("http://[::1]:80", Address("http", "::1", 80)),
        ("unix:/run/q.sock", Address("http", "localhost", 0, unix="/run/q.sock")),
        ("unix:/run/q.sock#t=abc", Address("http", "localhost", 0, unix="/run/q.sock", token="abc")),
    ],
)
def test_addresses(text, address):
    """The address that serve prints would not be taken, or its token be sent in the request."""
    found = parse_address(text)
    assert found == address
    assert "abc" not in f"{found}{found!r}"


@pytest.mark.parametrize(
    "text",
    ["", "http://", "ftp://x", "http://u:p@x", "http://x:99999", "http://x?a=b", "unix:", "http://a b", "http://x:y"],
)
def test_addresses_that_are_none(text):
    """A typing mistake would be looked up in DNS, or end with a traceback."""
    with pytest.raises(UsageError):
        parse_address(text)


def test_events_come_in_any_pieces():
    """A line would be lost where a packet ends."""
    text = b'retry: 1000\n\nid: a-1\nevent: logs\ndata: {"logs": []}\n\nevent: ping\ndata: {}\n\n'
    for size in range(1, len(text)):
        parser = Parser()
        parts = [text[start : start + size] for start in range(0, len(text), size)]
        found = [message for part in parts for message in parser.feed(part)]
        assert [(each.name, each.id) for each in found] == [("logs", "a-1"), ("ping", "a-1")]
