"""The contract of the command line, sentence by sentence, with real processes: references, options, shapes, codes."""

import json
import re
import shlex
import signal
import sys

import pytest
from shells import PATIENCE, Shell, entries, first_job, read_line, until_says

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
TWO_STEPS = """
    [step.one]
    type = "shell"
    command = "echo first; echo second"
    [step.two]
    type = "shell"
    depends = "one"
    command = "echo third"
"""
FAILING = "[step.a]\ntype = 'shell'\ncommand = 'echo broken; exit 7'\n"
SLEEPER = "[step.a]\ntype = 'shell'\ncommand = 'echo up; exec sleep 600'\n"


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


def messages(text: str) -> list[str]:
    """Return what the plain lines of `tail` say, without time, level and origin, and without statuses."""
    found = [re.sub(r"^\S+ +[A-Z]+ +(\S+ \[\w+\])? *", "", line) for line in text.splitlines()]
    return [each for each in found if not each.startswith("Status changed")]


def sleeping(shell: Shell, *words: str):
    child = shell.start("run", shell.define("sleeper", SLEEPER), "--json", *words)
    job = first_job(child)
    until_says(child, '"message":"up"')
    return child, job


# ------------------------------------------------------------------ help, references


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


# ------------------------------------------------------------------ run


def test_run_takes_steps_levels_and_files_of_parameters(shell):
    """Options of the contract would be refused, or be without effect."""
    path = shell.define("steps", TWO_STEPS)
    assert messages(shell.run("run", path, "--step", "two").stdout) == ["third"]
    assert shell.run("run", path, "--level", "error").stdout == ""
    (shell.folder / "who.toml").write_text('who = "Toml"')
    (shell.folder / "who.json").write_text('{"who": "Json"}')
    for kind in ("toml", "json"):
        done = shell.run("run", "hello", "--params", f"who.{kind}")
        assert messages(done.stdout) == [f"Hello, {kind.title()}"]


def test_quiet_leaves_the_summary(shell):
    """For cron: nothing on stdout, one look at how it went."""
    done = shell.run("run", "hello", "--quiet")
    assert done.stdout == ""
    assert "completed" in done.stderr


def test_a_dry_run_has_the_plan_and_the_parameters(shell):
    """Careful people look first."""
    plan = shell.json("run", shell.define("steps", TWO_STEPS), "--dry-run")
    assert [(step["name"], step["depends"]) for step in plan["steps"]] == [("one", []), ("two", ["one"])]
    assert shell.json("run", "hello", "--dry-run", "-p", "who=Ann")["parameters"] == {"who": "Ann"}
    text = shell.run("run", "hello", "--dry-run").stdout
    assert "greet" in text
    assert "who" in text
    assert shell.json("jobs") == []


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("command = 'true'", 0, "completed"),
        ("command = 'false'", 1, "failed"),
    ],
)
def test_run_and_tail_end_with_the_jobs_code(shell, text, code, status):
    """`quaero run x && deploy` must not deploy what failed."""
    path = shell.define("ends", f"[step.a]\ntype = 'shell'\n{text}\n")
    events = shell.lines("run", path, code=code)
    end = {"event": "end", "job_id": events[0]["job"]["id"], "status": status, "exit_code": code}
    assert events[-1] == end
    assert shell.lines("tail", "last", code=code)[-1] == end


def test_a_tolerated_failure_is_a_warning_and_no_failure(shell):
    """A crawl with one dead page would fail the night's pipeline."""
    generator = "type = 'test_job_generator'\nworker_count = 4\nlog_count = 1\nlog_delay_ms = 0\nfailure_rate = 1.0\n"
    text = f"[error_tolerance]\nmax_child_failures = 100\n[step.a]\n{generator}child_count = 0\n"
    events = shell.lines("run", shell.define("warns", text), code=0)
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("warning", 0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 3)])
def test_the_end_event_has_the_exit_code_of_the_process(shell, number, code):
    """A script that reads `run --json` would believe another end than its caller."""
    runner, job = sleeping(shell)
    runner.send_signal(number)
    out, _ = runner.communicate(timeout=PATIENCE)
    end = json.loads(out.splitlines()[-1])
    assert end == {"event": "end", "job_id": job, "status": "cancelled", "exit_code": code}
    assert runner.returncode == code
    assert shell.run("tail", job, code=3).returncode == 3  # for whoever looks later it was cancelled


# ------------------------------------------------------------------ tail


def test_tail_begins_with_a_hundred_or_as_many_as_asked_for(shell):
    """Ten thousand lines would scroll by, or the wanted one would be missing."""
    shell.run("run", shell.define("many", "[step.a]\ntype = 'shell'\ncommand = 'seq 1 300'\n"))
    assert len(entries(shell.lines("tail", "last"))) == 100
    assert len(entries(shell.lines("tail", "last", "-n", "7"))) == 7
    assert entries(shell.lines("tail", "last", "-n", "0")) == []
    whole = entries(shell.lines("tail", "last", "-n", "all"))
    assert len(whole) == 304
    assert entries(shell.lines("tail", "last", "--since", "10m", "-n", "5")) == whole[-5:]


def test_tail_narrows_by_level_step_worker_and_text(shell):
    """Each is in the contract; an ignored one would bury what is looked for."""
    generator = "type = 'test_job_generator'\nworker_count = 2\nlog_count = 20\nlog_delay_ms = 0\nfailure_rate = 0\n"
    shell.run(
        "run", shell.define("load", f"[step.a]\n{generator}child_count = 0\n[step.b]\n{generator}child_count = 0")
    )
    everything = entries(shell.lines("tail", "last", "-n", "all", "--level", "debug"))

    def tailed(*words: str) -> list[dict]:
        return entries(shell.lines("tail", "last", "-n", "all", "--level", "debug", *words))

    assert tailed("--step", "a") == [each for each in everything if each.get("step_name") == "a"]
    assert tailed("--step", "a", "--step", "b") == [each for each in everything if "step_name" in each]
    assert tailed("--worker", "b-2") == [each for each in everything if each.get("worker") == "b-2"] != []
    assert tailed("--grep", "STATUS") == [each for each in everything if "status" in each["message"].lower()]
    warned = entries(shell.lines("tail", "last", "-n", "all", "--level", "warn"))
    assert warned == [each for each in everything if each["level"] in ("warn", "error")]


def test_a_workers_entries_of_several_jobs(shell):
    """The second job's would be missing without a word."""
    generator = "type = 'test_job_generator'\nworker_count = 2\nlog_count = 2\nlog_delay_ms = 0\nfailure_rate = 0\n"
    for name in ("ann", "bob"):
        shell.run("run", shell.define(name, f"[step.load]\n{generator}child_count = 0\n"))
    found = entries(shell.lines("tail", "ann", "bob", "--worker", "load-1"))
    assert len({entry["job_id"] for entry in found}) == 2


def test_tail_goes_on_from_a_cursor(shell):
    """A script that comes back would see lines twice, or miss some."""
    runner, job = sleeping(shell)
    first = shell.run("tail", job, "--no-follow", "--show-cursor", "--json")
    (place,) = re.findall(r"^cursor: (\S+)$", first.stderr, re.MULTILINE)
    shell.run("cancel", job)
    runner.communicate(timeout=PATIENCE)
    rest = shell.lines("tail", job, "--since", place, "--level", "debug", code=3)
    seen = entries([json.loads(line) for line in first.stdout.splitlines()])
    whole = entries(shell.lines("tail", job, "-n", "all", "--level", "debug", code=3))
    assert seen + entries(rest) == whole
    assert entries(rest)


def test_the_command_that_is_printed_goes_on(shell):
    """Ctrl-C in `tail` names the way back; it would be a dead end."""
    runner, job = sleeping(shell)
    watcher = shell.start("tail", job, "--json")
    until_says(watcher, '"message":"up"')
    watcher.send_signal(signal.SIGINT)
    _, err = watcher.communicate(timeout=PATIENCE)
    assert watcher.returncode == 130
    assert "the job goes on" in err
    words = shlex.split(err.partition("Resume with: quaero ")[2])
    shell.run("cancel", job)
    runner.communicate(timeout=PATIENCE)
    assert "up" not in [entry["message"] for entry in entries(shell.lines(*words, code=3))]


def test_since_takes_ages_and_times(shell):
    """`10m` is what people type, a time is what they copy from the line they saw."""
    shell.run("run", "hello")
    whole = shell.lines("tail", "last")
    started = entries(whole)[0]["timestamp"]
    for since in ("10m", "1h30m", "2h", "1d", started, "2020-01-01", "2020-01-01T10:30:00", "00:00:00"):
        assert entries(shell.lines("tail", "last", "--since", since)) == entries(whole), since
    assert entries(shell.lines("tail", "last", "--since", "2999-01-01")) == []
    for wrong in ("yesterday", "10", "0000-1", "10mm", ""):
        assert "hint: give 10m" in shell.run("tail", "last", "--since", wrong, code=2).stderr


@pytest.mark.parametrize("timeout", ["0.3", "1", "300ms", "1s"])
def test_a_timeout_is_seconds_or_a_length(shell, timeout):
    """Every other length of time in quaero has a unit; `--timeout 10m` must not be refused."""
    runner, job = sleeping(shell)
    assert "the job goes on" in shell.run("tail", job, "--timeout", timeout, code=124).stderr
    shell.run("cancel", job)
    runner.communicate(timeout=PATIENCE)
    assert "no length of time" in shell.run("tail", job, "--timeout", "soon", code=2).stderr
    assert shell.run("tail", job, "--timeout", timeout, code=3)  # it has ended, so there is nothing to wait for


def test_tail_of_several_jobs_ends_with_the_worst_code(shell):
    """One failure among several would go unnoticed."""
    shell.run("run", "hello")
    shell.run("run", shell.define("bad", FAILING), code=1)
    events = shell.lines("tail", "hello", "bad", code=1)
    ends = {event["job_id"]: event["exit_code"] for event in events if event["event"] == "end"}
    assert sorted(ends.values()) == [0, 1]
    lines = shell.run("tail", "hello", "bad", code=1).stdout.splitlines()
    assert {line.split(" │ ")[0] for line in lines} == set(ends)


def test_raw_is_the_messages_and_nothing_else(shell):
    """`quaero tail x --raw | jq` would choke on our timestamps."""
    path = shell.define("raw", '[step.a]\ntype = \'shell\'\ncommand = ["printf", "{}\\\\n\\\\033[31mred\\\\n"]\n')
    shell.run("run", path)
    assert "\x1b[31mred\n" in shell.run("tail", "last", "--raw").stdout
    assert "\x1b" not in shell.run("tail", "last").stdout


# ------------------------------------------------------------------ shapes, streams, environment


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
