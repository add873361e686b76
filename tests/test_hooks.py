"""Hooks: what happens when a job has ended. The commands are real; the job's steps are the stage's."""

import json
import sys

import pytest
import trio
import trio.lowlevel
from jobfiles import define
from shells import Shell

from quaero_cli.errors import DefinitionError
from quaero_cli.jobdef.model import Hook
from quaero_cli.model import JobChanged, LogLine, Status

STEP = "[step.a]\ntype = 'shell'\ncommand = 'true'\n"
ALL = """
on_success = "echo well"
on_failure = "echo badly"
on_exit = "echo $QUAERO_JOB_STATUS"
"""


def said(stage) -> list[str]:
    """What the hooks printed, in order."""
    return [fact.message for fact in stage.facts if isinstance(fact, LogLine) and fact.source == "stdout"]


@pytest.mark.parametrize(
    ("step", "lines"),
    [
        ("", ["well", "completed"]),
        ("fail = 'no'", ["badly", "failed"]),
        ("fail = 'no'\non_error = 'continue'", ["well", "warning"]),
    ],
)
async def test_the_hooks_of_an_end_run(stage, step, lines):
    """A message would be sent for the wrong end, or none at all."""
    await stage.play(ALL + f"[step.a]\ntype = 'work'\n{step}\n")
    assert said(stage) == lines


async def test_a_cancelled_job_has_its_exit_hook_alone(stage):
    """A cancel would be reported as a failure."""
    run = stage.prepare(ALL + "[step.a]\ntype = 'work'\nseconds = 1000\n")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await trio.testing.wait_all_tasks_blocked()
        run.cancel("enough")
    assert said(stage) == ["cancelled"]


async def test_hooks_come_after_the_steps_and_before_the_last_entry(stage):
    """Who follows a job would miss what its hooks say, or see a job go on that has ended."""
    await stage.play("on_exit = 'echo bye'\n[step.a]\ntype = 'work'\nsay = 'working'\n")
    lines = [fact.message for fact in stage.facts if isinstance(fact, LogLine)]
    assert lines.index("working") < lines.index("Hook on_exit begins") < lines.index("bye")
    assert lines[-2:] == ["Hook on_exit ended", "Status changed: completed (job: job)"]
    assert isinstance(stage.facts[-1], JobChanged)


async def test_a_hook_is_told_of_its_job(stage):
    """It could say that something failed, and not what."""
    script = "import json, os; print(json.dumps([json.load(open(os.environ['QUAERO_JOB_FILE'])), dict(os.environ)]))"
    command = json.dumps([sys.executable, "-c", script])
    await stage.play(
        f"""
        name = "News"
        on_failure = {command}
        [params.who]
        [step.a]
        type = "work"
        output = {{ count = 3 }}
        [step.b]
        type = "work"
        fail = "no such table"
    """,
        {"who": "Ann"},
    )
    facts, environment = json.loads(said(stage)[0])
    assert facts == {
        "id": "aaaa", "definition": "job", "name": "News", "status": "failed",
        "error": "step b failed: no such table", "steps": {"a": "completed", "b": "failed"},
        "parameters": {"who": "Ann"}, "outputs": {"a": {"count": 3}},
    }  # fmt: skip
    told = {key: value for key, value in environment.items() if key.startswith("QUAERO_") and "FILE" not in key}
    assert told == {
        "QUAERO_JOB_ID": "aaaa", "QUAERO_JOB_STATUS": "failed", "QUAERO_JOB_NAME": "News",
        "QUAERO_JOB_ERROR": "step b failed: no such table", "QUAERO_DEFINITION": "job",
    }  # fmt: skip
    assert not list((stage.tmp_path / "aaaa").iterdir())


async def test_placeholders_are_filled_and_quoted(stage):
    """A failure's text could run a command."""
    await stage.play(
        """
        on_failure = "echo {job.status}: {job.error} for {params.who}"
        [params.who]
        [step.a]
        type = "work"
        fail = "$(touch x); `id`"
    """,
        {"who": "a'; echo b"},
    )
    assert said(stage) == ["failed: step a failed: $(touch x); `id` for a'; echo b"]


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        ("'exit 3'", "Hook on_success failed: exit code 3"),
        ("['no-such-program']", "Hook on_success failed: program 'no-such-program' not found"),
        ("{ command = 'sleep 100', timeout = '100ms' }", "Hook on_success failed: it took longer than 0.1 s"),
        ("'kill -9 $$'", "Hook on_success failed: killed by signal 9"),
    ],
)
async def test_a_hook_that_fails_is_told_and_changes_nothing(stage, hook, says):
    """A mail server that is down would make good jobs fail, or be down unnoticed."""
    status = await stage.play(f"on_success = {hook}\non_exit = 'echo bye'\n[step.a]\ntype = 'work'\n")
    assert status is Status.COMPLETED
    (error,) = [fact.message for fact in stage.facts if isinstance(fact, LogLine) and fact.level >= 40]
    assert error == says
    assert said(stage) == ["bye"]


async def test_a_hook_leaves_nothing_behind(stage):
    """What it put into the background would outlive the job."""
    there = stage.tmp_path / "there"  # written once the child has a session of its own
    away = f'setsid -f sh -c "echo >{there}; exec sleep 1000 <&- >&- 2>&-"; until [ -s {there} ]; do :; done'
    await stage.play(f"on_exit = '''{away}'''\n[step.a]\ntype = 'work'\n")
    assert "Ended a process that had outlived its step" in stage.messages()


async def test_who_does_not_want_to_wait_cuts_the_hooks_short(stage):
    """Ctrl-C would have to wait for a hook's timeout."""
    run = stage.prepare("on_exit = 'echo begins; sleep 1000'\n[step.a]\ntype = 'work'\n")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        while "begins" not in said(stage):
            await trio.lowlevel.checkpoint()
        run.cancel("enough")
    assert stage.facts[-1].status is Status.COMPLETED
    assert "The hooks were cut short" in stage.messages()


@pytest.mark.parametrize(
    ("text", "hook"),
    [
        ("on_exit = 'echo hi'", Hook("on_exit", "echo hi")),
        ("on_success = ['echo', 'hi']", Hook("on_success", ("echo", "hi"))),
        ("on_failure = { command = 'x', timeout = '10s' }", Hook("on_failure", "x", timeout=10.0)),
        ("on_exit = { job = 'tell', params = { what = '{job.error}' } }",
         Hook("on_exit", job="tell", params={"what": "{job.error}"})),
    ],
)  # fmt: skip
def test_hooks_are_read(text, hook):
    """A key would be taken and mean nothing."""
    assert define(text + "\n" + STEP).hooks == (hook,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("on_exit = ''", "on_exit: must be a command or a table, not ''"),
        ("on_exit = 3", "on_exit: must be a command or a table, not 3"),
        ("on_exit = []", "on_exit: names no program"),
        ("on_exit = ['a', 1]", "on_exit: item 2: must be a string, not 1"),
        ("on_exit = {}", "on_exit: must have either a command or a job"),
        ("on_exit = { command = 'a', job = 'b' }", "on_exit: must have either a command or a job"),
        ("on_exit = { comand = 'a' }", "on_exit: unknown key 'comand'"),
        ("on_exit = { job = '' }", "on_exit: job: must be a definition's id"),
        ("on_exit = { command = 'a', params = { x = 1 } }", "on_exit: params: goes with a job only"),
        ("on_exit = { job = 'a', params = { x = 2020-01-01 } }", "on_exit: params: x: a date cannot be used here"),
        ("on_exit = { command = 'a', timeout = 5 }", "on_exit: timeout: must be a duration, not 5"),
        ("on_exit = 'echo {params.who}'", "on_exit: unknown parameter in {params.who}"),
        ("on_exit = 'echo {job.colour}'", "on_exit: {job.colour} is no placeholder"),
        ("on_exit = 'echo {steps.a.outputs.x}'", "on_exit: unknown step in {steps.a.outputs.x}"),
        ("description = 'x'\n[step.b]\ntype = 'shell'\ncommand = 'echo {job.status}'",
         "step b: command: {job.status}: is known when the job has ended"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_when_the_file_is_loaded(text, says):
    """It would be found when a job has failed, and nobody was told."""
    with pytest.raises(DefinitionError) as caught:
        define(text + "\n" + STEP)
    assert says in caught.value.message


def test_hooks_of_a_real_job(tmp_path):
    """All of it together: the hook's lines are in the job's log, and secrets in none of them."""
    shell = Shell(tmp_path, {"TOKEN": "hunter2-hunter2"})
    path = shell.define("job", """
        on_failure = "echo it is $QUAERO_JOB_STATUS with $TOKEN; cat $QUAERO_JOB_FILE"
        [secrets]
        TOKEN = "env:TOKEN"
        [step.a]
        type = "shell"
        command = "echo hunter2-hunter2; exit 3"
    """)  # fmt: skip
    shell.run("run", path, code=1)
    log = shell.run("tail", "last", "-n", "all", "--no-follow", code=1).stdout
    assert "it is failed with " in log
    assert '"steps": {"a": "failed"}' in log
    assert "hunter2" not in log


TELL = """
[params.what]
[params.count]
type = "int"
default = 0
[step.a]
type = "shell"
command = "echo told: {params.what} {params.count}"
"""


def test_a_hook_may_be_a_job(tmp_path):
    """`{ job = ... }` would be read and nothing would come of it."""
    shell = Shell(tmp_path)
    shell.define("tell", TELL)
    hook = "{ job = 'tell.toml', params = { what = '{job.definition} is {job.status}: {job.error}', count = 3 } }"
    path = shell.define("main", f"on_failure = {hook}\n[step.a]\ntype = 'shell'\ncommand = 'exit 3'\n")
    shell.run("run", path, code=1)
    told, main = shell.json("jobs")
    assert (told["definition"], told["trigger"], told["status"]) == ("tell", "hook", "completed")
    assert (told["parent_id"], main["status"]) == (main["id"], "failed")
    log = shell.run("tail", told["id"], "-n", "all", "--no-follow").stdout
    assert "told: main is failed: step a failed: exit code 3 3" in log
    log = shell.run("tail", main["id"], "-n", "all", "--no-follow", code=1).stdout
    assert f"Started job {told['id']}" in log


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        ("nobody", "Hook on_exit failed: no definition with the id 'nobody'"),
        ("main.toml", "Hook on_exit failed: main is running already as job "),
        ("bad.toml", "Hook on_exit failed: job "),
    ],
)
def test_a_hooks_job_that_fails_changes_nothing(tmp_path, hook, says):
    """A report that cannot be sent would make a good job fail, or a job would start itself without end."""
    shell = Shell(tmp_path)
    shell.define("bad", "[step.a]\ntype = 'shell'\ncommand = 'exit 3'\n")
    path = shell.define("main", f"on_exit = {{ job = '{hook}' }}\n[step.a]\ntype = 'shell'\ncommand = 'true'\n")
    shell.run("run", path)
    errors = shell.run("tail", "main", "-n", "all", "--no-follow", "--level", "error").stdout
    assert says in errors
