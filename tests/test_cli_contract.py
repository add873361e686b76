"""What holds for all commands, with real processes: help, references, shapes, streams, environment."""

import json
import signal
import sys

import pytest
from livejobs import FAILING, TWO_STEPS, sleeping
from shells import PATIENCE, read_line

COMMANDS = (
    "run",
    "tail",
    "serve",
    "jobs",
    "show",
    "cancel",
    "retry",
    "rm",
    "prune",
    "db",
    "defs",
    "check",
    "steps",
    "docs",
    "token",
    "doctor",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_shows_an_example(shell, command):
    """`--help` is where people learn a command; an example says more than ten options."""
    help_ = shell.run(command, "--help").stdout
    assert f"quaero {command}" in help_.partition("Example: ")[2]
    assert help_ == shell.run(command, "-h").stdout


def test_a_job_is_an_id_a_prefix_a_definition_or_last(shell):
    """All four are in the contract, and each is what somebody has at hand."""
    shell.run("run", "hello")
    shell.run("run", shell.define("other", TWO_STEPS))
    other, hello = [job["id"] for job in shell.json("jobs")]
    for reference, wanted in (
        (hello, hello),
        (hello[:7], hello),
        ("hello", hello),
        ("other", other),
        ("last", other),
    ):
        assert shell.json("show", reference)["job"]["id"] == wanted


def test_a_prefix_of_several_jobs_names_them(shell):
    """Another job than the one that was meant would be cancelled."""
    import sqlite3  # noqa: TID251 - two IDs with the same beginning do not happen by themselves

    for _ in range(2):
        shell.run("run", "hello")
    with sqlite3.connect(shell.home / "quaero.db") as database:
        database.execute("UPDATE job SET id = 'zz' || substr(id, 3)")
    database.close()
    error = shell.run("show", "zz", code=4).stderr
    assert "begins several job IDs" in error
    assert all(job["id"] in error for job in shell.json("jobs"))


def test_definitions_are_looked_for_here_then_at_home_then_in_the_box(shell):
    """The wrong file of three would run, and nothing would say so."""
    text = "[step.a]\ntype = 'shell'\ncommand = 'echo from {}'\n"
    assert "Hello, world" in shell.run("run", "hello").stdout
    for place in (shell.home / "jobdefs", shell.folder / "jobdefs"):
        place.mkdir(parents=True)
        (place / "hello.toml").write_text(text.format(place.parent.name))
        assert f"from {place.parent.name}" in shell.run("run", "hello").stdout
        (listed,) = [each for each in shell.json("defs") if each["id"] == "hello"]
        assert (shell.folder / listed["path"]).samefile(place / "hello.toml")
    hidden = [each["shadowed_by"] for each in shell.json("defs", "--all") if each["id"] == "hello"]
    assert [bool(each) for each in hidden] == [False, True, True]
    assert "Hello" not in shell.run("run", "./jobdefs/hello.toml").stdout


def test_home_is_an_option_or_a_variable(shell):
    """A job would be stored where nobody looks for it."""
    for words in (("--home", "a", "run", "hello"), ("run", "hello", "--home", "a")):
        shell.run(*words)
    assert len(shell.json("jobs", "--home", "a")) == 2
    assert shell.json("jobs") == []
    shell.extra["QUAERO_HOME"] = "a"
    assert len(shell.json("jobs")) == 2


def test_json_of_lists_is_one_array_and_of_one_thing_an_object(shell):
    """Scripts would stumble over the shape, not over the facts."""
    shell.run("run", "hello")
    for words in (("jobs",), ("defs",), ("check", "hello"), ("steps",), ("docs",)):
        done = shell.run(*words, "--json")
        assert isinstance(json.loads(done.stdout), list), words
        assert done.stderr == ""
    for words in (("show", "last"), ("steps", "shell"), ("token",), ("run", "hello", "--dry-run")):
        assert isinstance(shell.json(*words), dict), words
    job = shell.json("jobs")[0]
    wanted = {"id", "definition", "status", "started_at", "duration_ms", "total_count", "counts"}
    assert wanted <= job.keys()
    shown = shell.json("show", "last")
    assert {"job", "steps", "workers", "parameters", "outputs", "first_errors"} <= shown.keys()


def test_cancel_and_serve_tell_scripts_what_came_of_it(shell):
    """Words on stderr are no answer for a program."""
    runner, job = sleeping(shell)
    assert shell.json("cancel", job) == [{"job_id": job, "status": "cancelled"}]
    runner.communicate(timeout=PATIENCE)
    server = shell.start("serve", "--port", "0", "--json")
    facts = json.loads(read_line(server.stdout))
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=PATIENCE)
    assert server.returncode == 0
    assert facts["viewer_url"] == f"{facts['url']}/#t={facts['token']}"
    assert facts["token"] == shell.json("token")["token"]


def test_jobs_narrow_by_status_definition_and_number(shell):
    """Each is in the contract."""
    shell.run("run", "hello")
    shell.run("run", shell.define("bad", FAILING), code=1)
    shell.run("run", "hello")
    assert [job["definition"] for job in shell.json("jobs")] == ["hello", "bad", "hello"]
    assert [job["definition"] for job in shell.json("jobs", "--status", "failed")] == ["bad"]
    assert len(shell.json("jobs", "--definition", "hello")) == 2
    assert len(shell.json("jobs", "--limit", "1")) == 1


def test_colour_only_where_it_is_wanted(shell):
    """Escape sequences in a file, or none although they were asked for."""
    shell.run("run", "hello")
    assert "\x1b" not in shell.run("jobs").stdout
    shell.extra["FORCE_COLOR"] = "1"
    assert "\x1b[" in shell.run("jobs").stdout
    marked = shell.run("tail", "last", "--grep", "hello").stdout
    assert "\x1b[7mHello\x1b[0m, world" in marked
    shell.extra["NO_COLOR"] = "1"
    assert "\x1b" not in shell.run("jobs").stdout + shell.run("tail", "last", "--grep", "hello").stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_lists_fit_the_columns(shell, columns):
    """A table that wraps cannot be read."""
    shell.run("run", "hello")
    shell.extra["COLUMNS"] = str(columns)
    for words in (("jobs",), ("show", "last"), ("defs",), ("steps",), ("steps", "crawler")):
        assert max(map(len, shell.run(*words).stdout.splitlines())) <= columns, words


def test_ci_services_get_a_group_for_each_step(shell):
    """A log of ten thousand lines on one page, and the failure at its end."""
    path = shell.define("steps", TWO_STEPS)
    shell.extra["GITHUB_ACTIONS"] = "true"
    lines = shell.run("run", path).stdout.splitlines()
    marks = [line for line in lines if line.startswith("::")]
    assert marks == ["::group::one", "::endgroup::", "::group::two", "::endgroup::"]
    assert "Status changed: completed (job: " in lines[-1]  # outside of all groups
    assert "::" not in shell.run("run", path, "--json").stdout
    with open(shell.folder / "log", "w") as file:
        shell.start("run", path, stdout=file).communicate(timeout=PATIENCE)
    assert "::group" not in (shell.folder / "log").read_text()


def test_debug_shows_the_traceback_and_nothing_else_does(shell):
    """Whoever wants to report an error needs it, everybody else does not."""
    child = shell.start("--debug", "show", "nope")
    assert "Traceback" in child.communicate(timeout=PATIENCE)[1]
    assert child.returncode != 0
    assert shell.run("show", "nope", code=4).stderr == "error: no job nope\nhint: list the jobs with: quaero jobs\n"


def test_it_is_a_module_too(shell):
    """`python -m quaero_cli` is what works when the script is not on the path."""
    assert shell.run("--version").stdout.startswith("quaero ")
    assert sys.executable
