"""engine/process.py and engine/group.py with real children: every line kept, and nothing left behind."""

import os
import signal
from pathlib import Path

import pytest
import trio
import trio.testing
from offspring import nothing_new
from shells import PATIENCE

from quaero_cli.engine.process import run_process
from quaero_cli.errors import StepFailed

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
GRACE = 0.3  # seconds; the real one only costs time here
NEVER = 10 * PATIENCE  # seconds; nobody waits for a grace that long


@pytest.fixture(autouse=True)
def nothing_left():
    """No child, no zombie and no file descriptor may outlive a test."""
    before = descriptors()
    with nothing_new():
        yield
    assert descriptors() == before


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class Child:
    """Runs a child and keeps its lines; `ready` is set by a line "ready"."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.ready = trio.Event()

    def on_pieces(self, source: str, pieces) -> None:
        self.lines += [(source, text) for text, _ in pieces]
        if ("ready", False) in pieces:
            self.ready.set()

    async def run(self, *argv: str, cwd: Path = Path("/"), grace: float = GRACE, **options) -> int:
        room = options.pop("room", trio.lowlevel.checkpoint)
        return await run_process(argv, env=ENV, cwd=cwd, on_pieces=self.on_pieces, room=room, grace=grace, **options)

    async def run_and_cancel(self, *argv: str, **options) -> float:
        """Run until it is ready, cancel, return the seconds that its end took."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: self.run(*argv, **options))
            with trio.fail_after(PATIENCE):
                await self.ready.wait()
            begin = trio.current_time()
            nursery.cancel_scope.cancel()
        return trio.current_time() - begin

    def texts(self, source: str = "stdout") -> list[str]:
        return [text for origin, text in self.lines if origin == source]


async def test_output_and_exit_code():
    """A step's output would be missing, or a failed program would pass for a good one."""
    child = Child()
    assert await child.run("sh", "-c", "echo out; echo err >&2; printf 'no newline'; exit 3") == 3
    assert child.texts() == ["out", "no newline"]
    assert child.texts("stderr") == ["err"]


async def test_signal_is_a_negative_code():
    """A crash would pass for an ordinary failure."""
    assert await Child().run("sh", "-c", "kill -SEGV $$") == -signal.SIGSEGV


async def test_environment_and_directory_are_as_given(tmp_path):
    """A child would see the runner's own environment, secrets of other jobs among it."""
    child = Child()
    await child.run("/usr/bin/env", cwd=tmp_path)
    assert sorted(child.texts()) == sorted(f"{name}={value}" for name, value in ENV.items())
    await child.run("pwd", cwd=tmp_path)
    assert child.texts()[-1] == str(tmp_path)


async def test_standard_input_is_empty():
    """A program that asks a question would wait for ever, or read the user's terminal."""
    assert await Child().run("cat") == 0


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["no-such-program"], "program 'no-such-program' not found", f"PATH is {ENV['PATH']}"),
        (["./none"], "program './none' not found", "it is looked for from"),
        (["./plain"], "program './plain' is not executable", "chmod +x ./plain"),
        (["./binary"], "'./binary' is not a program that this system can run", "begin a script"),
        (["./lost"], "the interpreter in the first line of './lost' does not exist", None),
        (["true", "a\0b"], "cannot start 'true': embedded null byte", None),
        (["true", "x" * 200_000], "cannot start 'true': Argument list too long", None),
        ([""], "the command is empty", None),
        ([], "the command is empty", None),
    ],
)
async def test_why_it_cannot_start(tmp_path, argv, message, hint):
    """The author would get a traceback instead of the reason."""
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    for name, content in (("binary", "\x01\x02"), ("lost", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    with pytest.raises(StepFailed) as caught:
        await Child().run(*argv, cwd=tmp_path)
    assert caught.value.message == message
    assert (caught.value.hint or "").startswith(hint or "")


async def test_missing_working_directory(tmp_path):
    """The program would be blamed for a directory that does not exist."""
    with pytest.raises(StepFailed, match=r"the working directory .*/none does not exist"):
        await Child().run("true", cwd=tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(StepFailed, match="cannot be used: Not a directory"):
        await Child().run("true", cwd=tmp_path / "file")


async def test_a_burst_arrives_whole_and_in_order():
    """Lines of a fast program would be dropped."""
    child = Child()
    assert await child.run("seq", "200000") == 0
    assert child.texts() == [str(number) for number in range(1, 200_001)]


async def test_a_slow_recorder_slows_the_child():
    """A recorder that is behind would lose lines, or pile them up in memory."""
    gate = trio.Event()
    child = Child()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: child.run("seq", "200000", room=gate.wait))
        with trio.fail_after(PATIENCE):
            while not child.lines:
                await trio.testing.wait_all_tasks_blocked(0.01)
        await trio.testing.wait_all_tasks_blocked(0.2)
        assert 0 < len(child.lines) < 30_000, "one chunk is taken, the rest waits in the pipe and in the child"
        gate.set()
    assert len(child.lines) == 200_000


async def test_100_megabytes_without_newline():
    """A disk image on stdout would eat the runner's memory."""
    sizes = []

    async def endless() -> int:
        return await run_process(
            ["head", "-c", "100000000", "/dev/zero"],
            env=ENV,
            cwd=Path("/"),
            on_pieces=lambda source, pieces: sizes.extend(len(text) for text, _ in pieces),
            room=trio.lowlevel.checkpoint,
        )

    before = resident()
    assert await endless() == 0
    assert sum(sizes) == 4 * 100_000_000, "each NUL is written with four characters"
    assert max(sizes) == 65536
    assert resident() - before < 32 * 1024 * 1024


def resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    "script",
    [
        "sleep 1000 & echo done",  # holds the pipes
        "sleep 1000 >/dev/null 2>&1 & echo done",  # holds nothing
        "(sleep 1000 & sleep 1000) & echo done",
        "for i in $(seq 50); do sleep 1000 & done; echo done",
    ],
)
async def test_background_processes_end_with_the_child(script):
    """A forgotten `&` would hang the step, or leave a process running for ever."""
    child = Child()
    with trio.fail_after(PATIENCE):
        assert await child.run("sh", "-c", script, grace=NEVER) == 0
    assert child.texts() == ["done"]


async def test_what_a_grandchild_wrote_in_time_is_kept():
    """The last lines of `child | tee` would be lost."""
    child = Child()
    await child.run("sh", "-c", "(sleep 0.1; echo late) & echo early", drain=PATIENCE)
    assert child.texts() == ["early", "late"]


async def test_a_grandchild_that_ignores_term_is_killed(tmp_path):
    """A stubborn background process would outlive its job."""
    child = Child()
    script = "trap '' TERM; (echo ready; echo >mark; sleep 1000; sleep 1000) & until [ -e mark ]; do sleep 0.01; done"
    with trio.fail_after(PATIENCE):
        code = await child.run("sh", "-c", script, cwd=tmp_path, drain=0.05)
    assert code == 0
    assert child.texts() == ["ready"]


async def test_cancelled_child_gets_term_and_its_last_words_are_kept():
    """A program could not tidy up when its job is cancelled, or nobody would read what it said then."""
    child = Child()
    script = "trap 'echo tidying; sleep 0.05; echo tidy; exit' TERM; echo ready; while :; do sleep 0.01; done"
    assert await child.run_and_cancel("sh", "-c", script, grace=NEVER) < PATIENCE
    assert child.texts() == ["ready", "tidying", "tidy"]


@pytest.mark.parametrize(
    "script",
    [
        "trap '' TERM INT HUP; echo ready; sleep 1000; sleep 1000",
        "trap '' TERM; (echo ready; echo >mark; sleep 1000; sleep 1000) & until [ -e mark ]; do sleep 0.01; done",
        "trap '' TERM; echo ready; while :; do sleep 0.01 & done",  # forks without end
        "trap '' TERM; for i in $(seq 50); do (sleep 1000; sleep 1000) & done; echo ready; wait",
    ],
)
async def test_what_ignores_term_is_killed_after_the_grace(tmp_path, script):
    """A cancelled job would never end."""
    child = Child()
    assert await child.run_and_cancel("sh", "-c", script, cwd=tmp_path) < PATIENCE


async def test_stopped_child_ends():
    """A job whose process was stopped (Ctrl-Z, a debugger) could not be cancelled without a kill."""
    child = Child()
    watch = "(until grep -q '^State:.T' /proc/$$/status; do :; done; echo ready) &"
    script = f"trap 'echo tidy; exit' TERM; {watch} kill -STOP $$; sleep 1000"
    assert await child.run_and_cancel("sh", "-c", script, grace=NEVER) < PATIENCE
    assert child.texts() == ["ready", "tidy"]


async def test_kill_now_cuts_the_grace():
    """A second Ctrl-C would be of no use."""
    child = Child()
    kill_now = trio.Event()
    async with trio.open_nursery() as nursery:
        script = "trap 'echo again' TERM; echo ready; while :; do sleep 0.01; done"
        nursery.start_soon(lambda: child.run("sh", "-c", script, grace=NEVER, kill_now=kill_now))
        await child.ready.wait()
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True), trio.fail_after(PATIENCE):
            while "again" not in child.texts():
                await trio.testing.wait_all_tasks_blocked(0.01)
            kill_now.set()
    assert "again" in child.texts()


async def test_a_broken_recorder_ends_the_child():
    """A program would run on although nothing it says is kept."""

    async def room() -> None:
        raise OSError("disk full")

    with trio.fail_after(PATIENCE), pytest.raises(OSError, match="disk full"):
        await Child().run("sh", "-c", "echo a; sleep 1000", room=room)


async def test_cancelled_before_the_start():
    """A job cancelled at once would still start its program."""
    child = Child()
    with trio.CancelScope() as scope:
        scope.cancel()
        await child.run("echo", "started")
    assert scope.cancelled_caught
    assert child.lines == []


async def test_many_at_once():
    """Hundreds of workers would hang, mix their exit codes, or leak."""
    codes = {}

    async def one(number: int) -> None:
        codes[number] = await Child().run("sh", "-c", f"exit {number % 7}")

    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(one, number)
    assert codes == {number: number % 7 for number in range(100)}
