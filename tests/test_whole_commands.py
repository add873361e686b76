"""Commands as people and scripts use them: real processes, exit codes, one clear line for each mistake."""

import json
import socket
import sqlite3 as _sqlite3  # noqa: TID251 - looks at the file from outside, as a user would
import subprocess
import sys

import pytest
from shells import PATIENCE, entries, until_says


def test_hello_runs_in_an_empty_home(shell):
    """The first command that the help names must work at once."""
    done = shell.run("run", "hello", "-p", "who=Ann")
    assert "Hello, Ann" in done.stdout
    assert "\x1b" not in done.stdout
    assert "completed" in done.stderr
    (job,) = shell.json("jobs")
    assert (job["definition"], job["status"], job["trigger"]) == ("hello", "completed", "cli")
    shown = shell.json("show", "last")
    assert (shown["job"]["id"], shown["parameters"]) == (job["id"], {"who": "Ann"})


def test_json_of_a_run_is_the_wire_record_by_record(shell):
    """Scripts read `run --json` and the stream with the same code."""
    events = shell.lines("run", "hello")
    assert {event["event"] for event in events} == {"status", "log", "end"}
    assert events[-1] == {"event": "end", "job_id": events[0]["job"]["id"], "status": "completed", "exit_code": 0}
    stored = entries(shell.lines("tail", "last", "-n", "all", "--level", "debug"))
    assert entries(events) == stored
    assert [entry["job_line"] for entry in stored] == list(range(1, len(stored) + 1))


BAD = {
    "unknown_key": ("[step.a]\ntype = 'shell'\ncommand = 'true'\nretry = 3\n", "step a", "retry"),
    "cycle": ("[step.a]\ntype = 'shell'\ncommand = 'true'\ndepends = ['b']\n[step.b]\ntype = 'shell'\n"
              "command = 'true'\ndepends = ['a']\n", "a", "b"),
    "wrong_type": ("timeout = 5\n[step.a]\ntype = 'shell'\ncommand = 'true'\n", "timeout", "5"),
    "missing_step": ("[step.a]\ntype = 'shell'\ncommand = 'true'\ndepends = ['nope']\n", "depends", "nope"),
    "no_type": ("[step.a]\ncommand = 'true'\n", "step a", "type"),
    "not_toml": ("id = [1\n", "toml", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_definition_is_one_line_that_says_where(shell, name):
    """File, step and key, and no traceback: the author mends it without reading our code."""
    text, *words = BAD[name]
    path = shell.define(name, text)
    for command in ("run", "check"):
        error = shell.run(command, path, code=2).stderr
        first, *rest = error.splitlines()
        assert first.startswith("error: ")
        assert f"{name}.toml" in first
        assert all(word in error for word in words)
        assert len(rest) <= 1
        assert all(line.startswith("hint: ") for line in rest)
    assert shell.json("jobs") == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["run", "nonsense"], 4, "nonsense"),
        (["run", "hello", "-p", "whom=Ann"], 2, "whom"),
        (["run", "hello", "-p", "who"], 2, "KEY=VALUE"),
        (["run", "hello", "--step", "nope"], 2, "nope"),
        (["run", "hello", "--level", "loud"], 2, "loud"),
        (["tail", "nonsense"], 4, "nonsense"),
        (["tail", "last"], 4, "no job has run yet"),
        (["tail"], 2, "name the jobs"),
        (["show", "nonsense"], 4, "nonsense"),
        (["cancel", "nonsense"], 4, "nonsense"),
        (["jobs", "--status", "great"], 2, "great"),
        (["check", "nonsense"], 4, "nonsense"),
        (["steps", "nonsense"], 4, "nonsense"),
        (["docs", "show", "17"], 4, "17"),
        (["serve", "--port", "99999"], 2, "99999"),
        (["run", "hello", "--port", "0"], 2, "--serve"),
        (["frobnicate"], 2, "no such command"),
        (["run"], 2, "missing argument"),
        (["run", "hello", "who=Ann"], 2, "-p KEY=VALUE"),
        (["jobs", "--nope"], 2, "no such option: --nope"),
        (["jobs", "--home", ""], 2, "names no directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_told_in_one_line(shell, words, code, says):
    """Exit codes are for scripts, the line is for people."""
    error = shell.run(*words, code=code).stderr
    assert says in error
    assert error.startswith("error: ")
    assert error.count("\n") <= 2


def test_an_error_ends_with_the_way_out(shell):
    """A hint saves a search."""
    assert "hint: " in shell.run("run", "helo", code=4).stderr
    assert "hello" in shell.run("run", "helo", code=4).stderr


def test_a_port_in_use_is_told(shell):
    """`serve` twice is the most common mistake."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = shell.run("serve", "--port", str(taken.getsockname()[1]), code=7).stderr
    assert error.startswith("error: ")
    assert "hint: " in error


@pytest.mark.parametrize(
    "command", [["jobs"], ["run", "hello"], ["serve", "--port", "0"], ["tail", "last"], ["token"]]
)
def test_a_home_that_cannot_be_used_is_told(shell, command):
    """A path that is a file, a folder without rights: exit code 6 and what to do."""
    (shell.folder / "home").write_text("a file")
    error = shell.run(*command, code=6).stderr
    assert error.startswith("error: ")
    assert "--home" in error


def test_a_database_that_is_none_is_told_and_kept(shell):
    """Whatever it is, it is not ours to overwrite."""
    shell.home.mkdir()
    (shell.home / "quaero.db").write_bytes(b"precious " * 1000)
    assert "not a database" in shell.run("jobs", code=6).stderr
    assert (shell.home / "quaero.db").read_bytes().startswith(b"precious ")


def test_a_failing_job_says_why_and_exits_with_1(shell):
    """The reason and the last lines stand at the end, where people look."""
    path = shell.define("bad", "[step.build]\ntype = 'shell'\ncommand = 'echo compiling; echo broken >&2; exit 7'\n")
    done = shell.run("run", path, code=1)
    assert "exit code 7" in done.stderr
    assert "broken" in done.stderr
    assert "quaero show" in done.stderr
    assert shell.run("tail", "last", code=1)
    shown = shell.json("show", "bad")
    assert shown["job"]["error"] == "step build failed: exit code 7"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://no-such-host.invalid/", "does not resolve"),
        ("http://127.0.0.1:1/", "refused"),
        ("ftp://example.org/", "is not the address of a page"),
    ],
)
def test_a_start_url_that_cannot_be_crawled_says_why(shell, url, says):
    """The commonest mistake of a first crawl: one clear line, and what to look at."""
    error = shell.run("run", "news-crawler", "-p", f"start_urls={url}", code=1).stderr
    assert says in error
    assert "hint: " in error
    shown = shell.json("show", "last")
    assert shown["job"]["status"] == "failed"
    assert [step["status"] for step in shown["steps"]] == ["skipped", "failed"]  # no demo site beside another one


def test_a_second_run_is_refused_while_one_runs(shell):
    """`overlap` is refuse unless the definition says otherwise."""
    path = shell.define("slow", "[step.a]\ntype = 'shell'\ncommand = 'echo up; sleep 60'\n")
    first = shell.start("run", path, "--json")
    until_says(first, '"message":"up"')
    error = shell.run("run", path, code=2).stderr
    assert "running already as job" in error
    shell.run("cancel", "slow")
    first.communicate(timeout=PATIENCE)
    assert first.returncode == 3


def test_names_and_paths_cannot_steer_the_terminal(shell):
    """A definition from somewhere else could clear the screen, or set its title, before it was ever run."""
    path = shell.define("esc\x1b[2J", "id = 'esc'\n[step.a]\ntype = 'shell'\ncommand = 'true \u009b2J'\n")
    named = shell.define("named", "name = 'a\u009b2Jb'\n[step.a]\ntype = 'shell'\ncommand = 'true'\n")
    broken = shell.define("broken\x1b[2J", "nme = 1")
    said = [shell.run("run", path, "--dry-run"), shell.run("check", path), shell.run("check", broken, code=2)]
    said += [shell.run("run", broken, code=2), shell.run("tail", "\x1b[2J", code=4), shell.run("run", named, code=2)]
    assert not {"\x1b", "\x9b"} & set("".join(each.stdout + each.stderr for each in said))


def test_what_nobody_expected_is_one_line_too(shell):
    """A stray byte in an argument would end in forty lines of Python, and in no advice."""
    error = shell.run("jobs", "--definition", "\udcff", code=1).stderr
    assert error.startswith("error: UnicodeEncodeError: ")
    assert "--debug" in error.splitlines()[1]


def test_dry_run_runs_nothing(shell):
    """What would run, for the careful."""
    plan = shell.json("run", "test-job-generator", "--dry-run")
    assert plan["steps"][0]["name"] == "fast_generator"
    assert shell.json("jobs") == []


def test_the_store_is_one_plain_sqlite_file(shell):
    """Months later the log is read with whatever tool is at hand."""
    shell.run("run", "hello")
    with _sqlite3.connect(shell.home / "quaero.db") as database:
        rows = database.execute(
            "SELECT step_name, level, message FROM log_view WHERE message LIKE 'Hello%'"
        ).fetchall()
    database.close()
    assert rows == [("greet", "info", "Hello, world")]


def test_lists_fit_pipes(shell):
    """`quaero jobs | head` is silent, and a list in a pipe is not cut."""
    for _ in range(3):
        shell.run("run", "hello")
    program = f"{sys.executable} -m quaero_cli"
    path = shell.define("many", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 30000'\n")
    shell.run("run", path, "--quiet")
    for words, begins in (("jobs", "ID"), ("tail many -n all", "20"), ("tail many -n all --json", '{"event"')):
        command = f"set -o pipefail; {program} {words} | head -1"
        done = subprocess.run(
            ["bash", "-c", command],
            env=shell.environment(),
            cwd=shell.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(begins)


def test_defs_and_steps_and_help(shell):
    """What can be run, and how: the way in for a newcomer."""
    names = {definition["id"]: definition for definition in shell.json("defs")}
    assert {"hello", "news-crawler", "test-job-generator"} <= set(names)
    assert all(definition["error"] is None for definition in names.values())
    types = {kind["type"] for kind in shell.json("steps")}
    assert types >= {"shell", "python", "job", "crawler", "demo_site", "test_job_generator"}
    for command in ("run", "tail", "serve", "jobs", "show", "cancel", "defs", "check", "steps", "docs", "token"):
        assert f"quaero {command}" in shell.run(command, "--help").stdout.partition("Example: ")[2]


def test_docs_are_listed_with_or_without_the_word(shell):
    """Whoever writes `docs list` would be told that documents cannot be listed."""
    assert shell.json("docs") == shell.json("docs", "list") == []
    shell.run("docs", "list", "17", code=2)


def test_a_step_that_prints_leaves_json_whole(shell):
    """A script that reads `run --json` would stumble over the first print of a Python step."""
    (shell.folder / "says.py").write_text("def say(): print('said')")
    (shell.folder / "says.toml").write_text("[step.say]\ntype = 'python'\ncall = 'says.py:say'\n")
    said = [line for line in shell.lines("run", "says.toml") if line.get("message") == "said"]
    assert [line["source"] for line in said] == ["stdout"]


def test_a_definition_here_hides_the_shipped_one(shell):
    """The first folder wins, and `defs` shows which."""
    (shell.folder / "jobdefs").mkdir()
    (shell.folder / "jobdefs" / "hello.toml").write_text("[step.mine]\ntype = 'shell'\ncommand = 'echo mine'\n")
    assert "mine" in shell.run("run", "hello").stdout
    mine = next(each for each in shell.json("defs") if each["id"] == "hello")
    assert mine["path"].startswith("jobdefs")


def test_parameters_from_a_file_are_overruled_by_the_command_line(shell):
    """A file for the usual, -p for today."""
    (shell.folder / "values.json").write_text(json.dumps({"who": "File"}))
    assert "Hello, File" in shell.run("run", "hello", "--params", "values.json").stdout
    assert "Hello, Line" in shell.run("run", "hello", "--params", "values.json", "-p", "who=Line").stdout


def test_the_token_is_made_once(shell):
    """Scripts and the printed address must agree."""
    token = shell.run("token").stdout
    assert token == shell.run("token").stdout
    assert (shell.home / "token").stat().st_mode & 0o777 == 0o600
    with shell.serving() as server:
        assert server.token == token.strip()


def test_a_file_of_parameters_that_is_nested_without_end_is_an_error(shell):
    """A generated file that went wrong would end in a traceback of the JSON parser."""
    (shell.folder / "deep.json").write_text("[" * 100_000)
    assert shell.run("run", "hello", "--params", "deep.json", code=2).stderr.startswith("error: --params deep.json: ")


@pytest.mark.parametrize(("name", "line"), [("http-example", "200, then 404"), ("job-example", "counted 3 lines")])
def test_examples_of_step_types_run(shell, name, line):
    """Whoever tries an example that travels with quaero would see it fail."""
    assert line in shell.run("run", name).stdout
