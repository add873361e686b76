"""`quaero.toml`, the environment and options: who is heard, and what a mistake in them looks like."""

import json
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shells import PATIENCE, entries, read_line

from quaero_cli.cli.configuration import configured, from_environment, from_tables, places
from quaero_cli.errors import UsageError
from quaero_cli.settings import KNOWN, Given, ServerSettings, StreamSettings, build

HOME = Path("/nowhere")


def test_the_defaults_are_those_of_the_records():
    """A program that builds its own settings would get others than the command line."""
    settings = build(HOME, {})
    assert (settings.stream, settings.server) == (StreamSettings(), ServerSettings())


def test_every_setting_reaches_its_place():
    """A setting would be read, and be without effect."""
    table = {
        "logging": {
            "stream": {"batch_interval_ms": 20, "ping_interval_sec": 1, "default_limit": 7, "max_limit": 70},
        },
        "server": {"host": "::1", "port": 1, "hosts": ["a.example"], "max_streams": 3},
    }
    settings = build(HOME, from_tables(table, Path("quaero.toml")))
    assert settings.stream == StreamSettings(0.02, 1.0, 7, 70)
    assert settings.server == ServerSettings("::1", 1, ("a.example",), 3)


def test_every_variable_is_read():
    """A container is configured by its environment alone."""
    texts = {"int": "3", "float": "2.5", "str": "::1", "tuple": "a.example, b.example"}
    environment = {setting.variable: texts[type(setting.default).__name__] for setting in KNOWN}
    settings = build(HOME, from_environment(environment))
    assert settings.stream == StreamSettings(0.003, 2.5, 3, 3)
    assert settings.server == ServerSettings("::1", 3, ("a.example", "b.example"), 3)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("[logging.stream]\nbatch_intervall_ms = 1", "logging.stream.batch_intervall_ms", "batch_interval_ms"),
        ("[loging.stream]\nmax_limit = 1", "loging", "logging.stream"),
        ("max_limit = 1", "max_limit", "logging.stream.max_limit"),
        ("port = 1", "port", "server.port"),
        ("[server]\nport = '8420'", "server.port: must be an integer from 0 to 65535, not '8420'", None),
        ("[server]\nport = true", "not true", None),
        ("[server]\nport = 65536", "65536", None),
        ("[server]\nhost = ''", "server.host: must be a string", None),
        ("[server]\nhosts = 'a'", "a list of strings", None),
        ("[logging.stream]\nping_interval_sec = nan", "nan", None),
        ("[logging]\nstream = 1", "logging.stream must be a table", None),
        ("[server\n", "", None),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path, text, says, hint):
    """A typing error would be without effect, and nobody would know why."""
    (tmp_path / "quaero.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        configured(tmp_path, None, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert str(tmp_path / "quaero.toml") in caught.value.message
    assert says in caught.value.message
    assert (hint or "") in (caught.value.hint or "")


@given(st.dictionaries(st.sampled_from([each.name for each in KNOWN]), st.from_type(object) | st.integers()))
def test_any_value_is_taken_or_refused(values):
    """A value that nobody thought of would end in a traceback."""
    with suppress(UsageError):
        build(HOME, {name: Given(value, name) for name, value in values.items()})


def test_the_first_file_wins_and_is_read_alone(tmp_path, monkeypatch):
    """Two files that both count, or the wrong one of them, are searched for a long time."""
    work, home, user = tmp_path / "work", tmp_path / "home", tmp_path / "user"
    environment = {"XDG_CONFIG_HOME": str(user)}
    work.mkdir()
    monkeypatch.chdir(work)
    for number, place in reversed(list(enumerate(places(home, environment)))):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"[server]\nport = {number}\nmax_streams = {number + 1}\n")
        settings = configured(home, None, environment)
        assert (settings.server.port, settings.file) == (number, place)
    (tmp_path / "own.toml").write_text("[server]\nport = 9\n")
    for found in (
        configured(home, str(tmp_path / "own.toml"), environment),
        configured(home, None, {**environment, "QUAERO_CONFIG": str(tmp_path / "own.toml")}),
    ):
        assert (found.server.port, found.server.max_streams) == (9, ServerSettings().max_streams)
    assert configured(home, None, {**environment, "QUAERO_SERVER_PORT": "5"}).server.port == 5


def test_a_file_that_was_named_must_be_there(shell):
    """A service would run with defaults, and everybody would look for the reason elsewhere."""
    error = shell.run("--config", "nope.toml", "jobs", code=2).stderr
    assert error.startswith("error: nope.toml: No such file or directory\nhint: ")


def test_tail_and_server_follow_the_file_and_options_win(shell):
    """The file would be read, and the commands would not know."""
    shell.run("run", shell.define("many", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 50'\n"))
    (shell.folder / "quaero.toml").write_text(
        "[server]\nhost = '127.0.0.2'\nport = 0\n[logging.stream]\ndefault_limit = 5\nmax_limit = 10\n"
    )
    assert len(entries(shell.lines("tail", "last"))) == 5
    assert len(entries(shell.lines("tail", "last", "-n", "20"))) == 20
    (job,) = shell.json("jobs")
    with shell.serving() as server:  # its `--port 0` says the same as the file
        pass
    child = shell.start("serve", "--json", "--host", "127.0.0.1")
    facts = json.loads(read_line(child.stdout))
    assert facts["host"] == "127.0.0.1"
    server.port, server.token = facts["port"], facts["token"]
    assert len(server.get(f"/api/logs?scope=job&job_id={job['id']}")["logs"]) == 5
    status, answer = server.request("GET", f"/api/logs?scope=job&job_id={job['id']}&limit=11")
    assert (status, "from 0 to 10" in answer["hint"]) == (400, True)
    child.send_signal(signal.SIGTERM)
    _, error = child.communicate(timeout=PATIENCE)
    assert "warning: logging.stream.max_limit = 10 is less than the viewer" in error  # which would only say "Refused"


def test_a_bad_variable_is_told_by_its_name(shell):
    """`QUAERO_SERVER_PORT=http` in a unit file: which of its twenty lines was it?"""
    shell.extra["QUAERO_SERVER_PORT"] = "http"
    error = shell.run("serve", code=2).stderr
    assert error.startswith("error: QUAERO_SERVER_PORT: must be an integer from 0 to 65535, not 'http'\nhint: ")
