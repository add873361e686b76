"""`quaero doctor` and `quaero` alone: the way in, and the way out of what is wrong."""

import os
import re
import shlex
import sqlite3  # noqa: TID251 - makes a database that is another program's

import pytest
from shells import Shell

from quaero_cli.errors import StoreError
from quaero_cli.session import doctor
from quaero_cli.settings import Settings

CHECKS = ["program", "engine", "settings", "home", "disk", "store", "definitions", "token", "server", "viewer"]


@pytest.fixture
def shell(tmp_path):
    """A shell whose server would be where nothing listens."""
    return Shell(tmp_path, extra={"QUAERO_SERVER_PORT": "1", "XDG_CONFIG_HOME": str(tmp_path)})


def findings(shell: Shell, check: str, code: int = 0) -> list[dict]:
    return [each for each in shell.json("doctor", code=code) if each["check"] == check]


def test_quaero_alone_says_what_it_is_and_what_to_try(shell):
    """The first thing that anybody types; a page of options is no welcome."""
    said = shell.run().stdout
    assert "runs jobs" in said
    tried = re.findall(r"^  (quaero \S.*?)   ", said.partition("Try these:")[2].partition("Then")[0], re.MULTILINE)
    assert len(tried) == 3
    for command in tried[:2]:
        shell.run(*shlex.split(command)[1:])
    assert tried[2].startswith("quaero serve")


def test_everything_is_well_in_a_new_place_and_nothing_is_made(shell):
    """Whoever is unsure looks first; the look must not be the first change."""
    found = shell.json("doctor")
    assert [each["check"] for each in found] == CHECKS
    assert {each["state"] for each in found} == {"ok"}
    assert not shell.home.exists()
    shell.run("run", "hello")
    assert {each["state"] for each in shell.json("doctor")} == {"ok"}
    text = shell.run("doctor").stdout
    assert all(check in text for check in CHECKS)


def test_a_broken_definition_is_found_with_its_hint(shell):
    """It would be found at night, by the schedule."""
    (shell.folder / "jobdefs").mkdir()
    (shell.folder / "jobdefs" / "bad.toml").write_text("[step.a]\ntype = 'shell'\ncomand = 'true'\n")
    fine, bad = findings(shell, "definitions", code=2)
    assert (fine["state"], bad["state"]) == ("ok", "problem")
    assert "bad.toml" in bad["message"]
    assert bad["hint"]
    assert bad["hint"] in " ".join(shell.run("doctor", code=2).stdout.split())


def test_a_mistake_in_the_settings_does_not_stop_the_look(shell):
    """The command that is there to find mistakes would end at the first."""
    (shell.folder / "quaero.toml").write_text("[server]\nprot = 1\n")
    found = shell.json("doctor", code=2)
    assert sorted(each["check"] for each in found) == sorted(CHECKS)
    assert found[0]["state"] == "problem"
    assert "server.port" in found[0]["hint"]


def test_a_home_that_is_a_file_is_a_problem(shell):
    """Every other command would end with code 6."""
    shell.home.write_text("a file")
    (home,) = findings(shell, "home", code=6)
    assert (home["state"], "--home" in home["hint"]) == ("problem", True)


def test_a_home_that_others_can_read_is_told(shell):
    """A log has what nobody else should read."""
    shell.run("run", "hello")
    shell.home.chmod(0o755)
    (shell.home / "quaero.db").chmod(0o644)
    (home,) = findings(shell, "home")
    assert (home["state"], home["hint"]) == ("warning", f"chmod 700 {shell.home}")
    assert findings(shell, "store")[1]["hint"] == f"chmod 600 {shell.home / 'quaero.db'}"


def test_another_programs_database_is_a_problem(shell):
    """Jobs could not be stored, and the reason would come with the first one."""
    shell.home.mkdir(mode=0o700)
    (shell.home / "quaero.db").write_bytes(b"precious" * 1000)
    assert findings(shell, "store", code=6)[0]["state"] == "problem"
    (shell.home / "quaero.db").unlink()
    with sqlite3.connect(shell.home / "quaero.db") as database:
        database.execute("CREATE TABLE precious (a)")
    database.close()
    assert findings(shell, "store", code=6)[0]["state"] == "problem"


@pytest.mark.parametrize(
    ("sql", "words"), [("PRAGMA user_version = 99", "newer quaero"), ("DROP TABLE log_count", "no table log_count")]
)
def test_a_store_that_no_command_could_use_is_a_problem(shell, sql, words):
    """The look would find everything well where nothing works."""
    shell.run("run", "hello", "--quiet")
    database = sqlite3.connect(shell.home / "quaero.db")
    database.execute(sql)
    database.close()
    (store,) = findings(shell, "store", code=6)
    assert (store["state"], words in store["message"]) == ("problem", True)
    assert store["hint"]


def test_a_token_that_others_can_read_is_a_problem(shell):
    """The server would not start."""
    shell.run("token")
    (shell.home / "token").chmod(0o644)
    (token,) = findings(shell, "token", code=7)
    assert "other users" in token["message"]
    assert token["hint"]


def test_a_server_is_told_from_another_program(shell):
    """`--port` is what helps against one, and nothing is needed with the other."""
    import socket

    with shell.serving() as server:
        shell.extra["QUAERO_SERVER_PORT"] = str(server.port)
        assert "runs at" in findings(shell, "server")[0]["message"]
    with socket.create_server(("127.0.0.1", 0)) as other:
        shell.extra["QUAERO_SERVER_PORT"] = str(other.getsockname()[1])
        (found,) = findings(shell, "server")
    assert (found["state"], "--port" in found["hint"]) == ("warning", True)


def test_little_space_is_told_before_there_is_none(tmp_path, monkeypatch):
    """A full disk ends every job with code 6."""
    for limit, state, code in (("_LITTLE_SPACE", "warning", 0), ("_NO_SPACE", "problem", StoreError.exit_code)):
        monkeypatch.setattr(doctor, limit, 1 << 70)
        found = doctor.examine(Settings(home=tmp_path / "home"), [], dict)
        (disk,) = [each for each in found if each.check == "disk"]
        assert (disk.state, disk.exit_code) == (state, code)


def test_a_network_file_system_is_recognised():
    """SQLite's locks do not hold there, and two runners would write at once."""
    from pathlib import Path

    assert doctor._file_system(Path("/proc/self")) == "proc"
    assert doctor._file_system(Path(os.devnull)) != ""
