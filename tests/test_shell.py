"""steps/shell.py with real shells: what runs, what is logged, which failures are told, which outputs are read."""

import pytest
import trio
from fakes import FakeContext
from shells import PATIENCE

from quaero_cli.model import Level
from quaero_cli.steps.contract import MAX_OUTPUT_BYTES, StepFailed
from quaero_cli.steps.shell import shell


@pytest.fixture
def ctx(tmp_path):
    return FakeContext(tmp_path)


async def test_a_line_runs_in_the_shell(ctx):
    """A command with a pipe would not run, or its output would be missing."""
    assert await shell(ctx, command="echo one | tr a-z A-Z; echo two >&2") == {}
    assert [(line.message, line.source, line.level) for line in sorted(ctx.lines)] == [
        ("ONE", "stdout", Level.INFO),
        ("two", "stderr", Level.INFO),
    ]


async def test_a_list_runs_without_a_shell(ctx):
    """A word with blanks or a dollar sign would be taken apart."""
    await shell(ctx, command=["echo", "$HOME  and; more"])
    assert ctx.messages() == ["$HOME  and; more"]


async def test_another_shell(ctx):
    """A command written for bash would run in sh."""
    await shell(ctx, command="echo ${BASH_VERSION:+bash}", shell="bash")
    assert ctx.messages() == ["bash"]


async def test_levels_are_read_when_asked_for(ctx):
    """An error that a program reports would pass for an ordinary line."""
    command = ["printf", r"%s\n", "ERROR disk full", '{"level":"warn","msg":"slow","ms":4}']
    await shell(ctx, command=command, levels=True)
    assert [(line.level, line.message, line.fields) for line in ctx.lines] == [
        (Level.ERROR, "disk full", {}),
        (Level.WARN, "slow", {"ms": 4}),
    ]


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("exit 3", "exit code 3", None),
        ("kill -KILL $$", "killed by SIGKILL", None),
        ("sh -c 'kill -TERM $$'; exit $?", "exit code 143", "143 is how a shell reports SIGTERM"),
        ("exit 255", "exit code 255", None),
        ("no-such-command", "exit code 127", "127 is how a shell says that a command was not found"),
        ("/etc", "exit code 126", "126 is how a shell says that a command cannot be run"),
        ([], "the command is empty", None),
        (["no-such-program"], "program 'no-such-program' not found", "PATH is /usr/local/bin:/usr/bin:/bin"),
    ],
)
async def test_failures_say_why(ctx, command, message, hint):
    """The author would have to guess why a step failed."""
    with pytest.raises(StepFailed) as caught:
        await shell(ctx, command=command)
    assert (caught.value.message, caught.value.hint) == (message, hint)


async def test_environment(ctx):
    """A command could not find out its job, or the variables that its definition gives it."""
    ctx.environment = {**ctx.environment, "FROM_JOB": "job", "BOTH": "job"}
    names = "$FROM_JOB $BOTH $OWN $QUAERO_JOB_ID $QUAERO_STEP"
    await shell(ctx, command=f"echo {names}", env={"OWN": "own", "BOTH": "step", "QUAERO_JOB_ID": "forged"})
    assert ctx.messages() == ["job step own fakejob1 step"]


async def test_working_directory(ctx, tmp_path):
    """A relative path in a definition would mean another folder with each shell that starts it."""
    (tmp_path / "sub").mkdir()
    await shell(ctx, command="pwd")
    await shell(ctx, command="pwd", working_dir="sub")
    await shell(ctx, command="pwd", working_dir="/")
    assert ctx.messages() == [str(tmp_path), str(tmp_path / "sub"), "/"]


@pytest.mark.parametrize(
    ("written", "outputs"),
    [
        ("", {}),
        ("\n \n", {}),
        ("A=1\nb-c=x=y\r\nempty=\n", {"A": "1", "b-c": "x=y", "empty": ""}),
        ("A= kept \nA=last", {"A": "last"}),
        (
            'list=["a", 1]\ntable={"k": null}\ntext=[draft] x',
            {"list": ["a", 1], "table": {"k": None}, "text": "[draft] x"},
        ),
        ('{"count": 3,\n "deep": {"x": [true]}}\n', {"count": 3, "deep": {"x": [True]}}),
        ("grün=1", None),
        ("ok=1\nno equals", None),
        ("=x", None),
        ("export A=1", None),
        ('{"a": 1,\n "b": }', None),
        ('{"a": 1}\nB=2', None),
        ("a=\xff", None),
        ("a=\0", None),
        ("a=" + "x" * MAX_OUTPUT_BYTES, None),
    ],
)
async def test_outputs(ctx, tmp_path, written, outputs):
    """A later step would get a wrong value, or a mistake in the file would go unnoticed."""
    (tmp_path / "written").write_text(written, encoding="latin-1")
    command = 'cat written >"$QUAERO_OUTPUT"'
    if outputs is None:
        with pytest.raises(StepFailed, match=r"\$QUAERO_OUTPUT"):
            await shell(ctx, command=command)
    else:
        assert await shell(ctx, command=command) == outputs
    assert list(ctx.state_directory.glob(".output*")) == []


async def test_a_mistake_in_the_outputs_is_placed(ctx):
    """The author would have to search a long file for the line that is wrong."""
    with pytest.raises(StepFailed, match=r"^\$QUAERO_OUTPUT line 2: not KEY=VALUE: 'oops'$"):
        await shell(ctx, command='echo a=1 >"$QUAERO_OUTPUT"; echo oops >>"$QUAERO_OUTPUT"')
    with pytest.raises(StepFailed, match=r"^\$QUAERO_OUTPUT line 3: not JSON"):
        await shell(ctx, command="""printf '{\n"a":1,\n!}' >"$QUAERO_OUTPUT" """)


async def test_outputs_file_that_is_gone(ctx):
    """A command that removes the file would end in a traceback."""
    with pytest.raises(StepFailed, match="cannot be read: No such file"):
        await shell(ctx, command='rm "$QUAERO_OUTPUT"')


async def test_two_at_once_have_outputs_of_their_own(ctx):
    """Workers of one step would read one another's outputs."""
    found = {}

    async def one(number):
        found[number] = await shell(ctx, command=f'echo n={number} >"$QUAERO_OUTPUT"')

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(one, number)
    assert found == {number: {"n": str(number)} for number in range(5)}


async def test_artifacts_are_kept(ctx):
    """A file that a step leaves behind would be lost."""
    await shell(ctx, command='echo kept >"$QUAERO_ARTIFACTS/report.txt"')
    assert (ctx.state_directory / "step" / "report.txt").read_text() == "kept\n"


async def test_cancelled(ctx):
    """A cancelled step would leave its command running."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: shell(ctx, command="trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.01; done")
        )
        with trio.fail_after(PATIENCE):
            while ctx.messages() != ["up"]:
                await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    assert [line.message for line in ctx.lines if line.source == "stdout"] == ["up", "bye"]
    assert list(ctx.state_directory.glob(".output*")) == []
