"""engine/strays.py with real processes: nothing of a job outlives it, and nobody's exit status is stolen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from offspring import children, nothing_new
from shells import PATIENCE

from quaero_cli.engine import procfs
from quaero_cli.engine.process import run_process
from quaero_cli.engine.strays import PART, RUNNER, find_strays, kill_strays, reap_orphans

JOB = f"test{os.getpid()}"
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "QUAERO_JOB_ID": JOB, "QUAERO_STEP": "one"}
GRACE = 0.3  # seconds; the real one only costs time here

OWN_GROUP = 'import os; os.setpgid(0, 0); os.execlp("sleep", "sleep", "1000")'
# What a script leaves behind outside its process group. `$0` is a file that says when it is there.
SHAPES = {
    "setsid": "setsid sh -c 'echo >$0; exec sleep 1000' $0 & ",
    "setsid that holds the pipe": "setsid sh -c 'echo >$0; exec sleep 1000' $0 & echo held; ",
    "double fork": "(setsid sh -c '(echo >$0; exec sleep 1000) & exit' $0 &) ",
    "ignores TERM": """setsid sh -c 'trap "" TERM; echo >$0; sleep 1000; sleep 1000' $0 & """,
    "stopped": "setsid sh -c 'echo >$0; kill -STOP $$; sleep 1000' $0 & ",
    "fifty": """for i in $(seq 50); do setsid sh -c 'echo >>$0.each; sleep 1000; sleep 1000' $0 & done
    until [ $(wc -l <$0.each) = 50 ]; do sleep 0.01; done; echo >$0""",
    "own process groups": f"""{sys.executable} -Sc '{OWN_GROUP}' &
    until grep -q sleep /proc/$!/comm; do :; done; echo >$0""",
    "forks on and on": """setsid sh -c 'trap "" TERM; echo >$0; while :; do setsid sleep 0.1 & sleep 0.01; done' """
    "$0 & ",
}


@pytest.fixture(autouse=True)
def nothing_left():
    """No process of the test's job and no zombie of ours may outlive a test."""
    with nothing_new() as others:
        yield others
        assert find_strays(JOB) == []
        reap_orphans(idle=True)


async def run(script: str, mark: Path, lines: list[str] | None = None) -> int:
    """Run a shell script that waits until what it leaves behind is there."""
    wait = "until [ -e $0 ]; do sleep 0.01; done"
    return await run_process(
        ["sh", "-c", f"{script}\n{wait}", str(mark)],
        env=ENV,
        cwd=mark.parent,
        on_pieces=lambda source, pieces: (lines if lines is not None else []).extend(text for text, _ in pieces),
        room=trio.lowlevel.checkpoint,
        grace=GRACE,
        drain=0.2,
    )


def start_exiting(code: int, new_session: bool) -> subprocess.Popen[bytes]:
    """Start a child as a library in a python step would, and let it become a zombie."""
    child = subprocess.Popen(["sh", "-c", f"exit {code}"], start_new_session=new_session)
    wait_until_zombie(child.pid)
    return child


def wait_until_zombie(pid: int) -> None:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize("shape", SHAPES)
async def test_nothing_outlives_the_job(tmp_path, shape, nothing_left):
    """A daemon that a step left behind would run for ever, or hang the job."""
    lines: list[str] = []
    with trio.fail_after(PATIENCE):
        assert await run(SHAPES[shape], tmp_path / "mark", lines) == 0
        assert find_strays(JOB) != []
        killed = await kill_strays(JOB, grace=GRACE)
    if shape != "forks on and on":  # there some die as leaders of a session before anybody saw them
        assert children() <= nothing_left
    assert len(killed) >= (50 if shape == "fifty" else 1)
    assert any("sleep" in stray.command for stray in killed)
    assert lines == (["held"] if "pipe" in shape else [])


async def test_only_the_named_job_and_step():
    """Cancelling one step would kill another's processes."""
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process(["sleep", "1000"], env=ENV)
        nursery.start_soon(process.wait)
        assert [stray.pid for stray in find_strays(JOB)] == [process.pid]
        assert [stray.pid for stray in find_strays(JOB, step="one")] == [process.pid]
        assert find_strays(JOB, step="two") == []
        assert find_strays(JOB[:-1]) == []
        assert find_strays("") == []
        process.kill()


async def test_a_job_never_finds_its_own_runner(tmp_path):
    """`quaero` started by a step of the job would kill itself."""
    code = (
        f"from quaero_cli.engine.strays import find_strays\nprint([stray.command for stray in find_strays({JOB!r})])"
    )
    done = await trio.run_process(
        ["sh", "-c", '"$0" -c "$1"; true', sys.executable, code],
        env={**ENV, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_stdout=True,
    )
    assert done.stdout == b"[]\n"


async def test_what_another_runner_looks_after_is_its_own(tmp_path):
    """Of two workers on one machine the one that lost a job would kill the processes of the one that has it now."""
    with subprocess.Popen(["sleep", "1000"]) as other:
        stat = procfs.read_stat(other.pid)
        assert stat is not None
        env = {**ENV, "QUAERO_RUNNER": f"{other.pid}-{stat.started}"}
        with subprocess.Popen(["sleep", "1000"], env=env, start_new_session=True) as child:
            assert [stray.pid for stray in find_strays(JOB)] == [child.pid]
            assert await kill_strays(JOB, grace=GRACE) == []
            other.kill()
            other.wait()
            killing = [stray.pid for stray in await kill_strays(JOB, ours=False, grace=GRACE)]
            assert killing == [child.pid]
    env = {**ENV, "QUAERO_RUNNER": procfs.identity()}
    with subprocess.Popen(["sleep", "1000"], env=env, start_new_session=True) as child:
        assert await kill_strays(JOB, ours=False, grace=GRACE) == [], "an attempt that runs here"
        assert [stray.pid for stray in await kill_strays(JOB, grace=GRACE)] == [child.pid]


async def test_an_items_processes_are_ended_with_it_and_not_before():
    """A machine that ends one item of a job, or the job, would kill other items of it that run beside."""
    mine = {**ENV, RUNNER: procfs.identity()}
    one, two = (
        subprocess.Popen(["sleep", "1000"], env=mine | {PART: name}, start_new_session=True) for name in ("p1", "p2")
    )
    try:
        assert await kill_strays(JOB, grace=GRACE) == []
        assert [stray.pid for stray in await kill_strays(JOB, part="p1", grace=GRACE)] == [one.pid]
        assert [stray.pid for stray in find_strays(JOB)] == [two.pid]
    finally:
        for child in (one, two):
            child.kill()
            child.wait()


async def test_kill_now(tmp_path):
    """A second Ctrl-C would still wait for a stubborn daemon."""
    await run(SHAPES["ignores TERM"], tmp_path / "mark")
    kill_now = trio.Event()
    kill_now.set()
    with trio.fail_after(PATIENCE):
        assert len(await kill_strays(JOB, grace=10 * PATIENCE, kill_now=kill_now)) >= 1


async def test_cancellation_does_not_stop_the_killing(tmp_path):
    """A cancelled job would leave its daemons behind."""
    await run(SHAPES["setsid"], tmp_path / "mark")
    with trio.CancelScope() as scope:
        scope.cancel()
        assert len(await kill_strays(JOB, grace=GRACE)) == 1


async def test_without_strays_nothing_is_met():
    """The end of an ordinary job would name processes that are none."""
    assert await kill_strays(JOB, grace=GRACE) == []


async def test_exit_statuses_are_not_stolen():
    """A python step's own child would seem to have ended well although it failed."""
    ours, leader = (start_exiting(code, new_session) for code, new_session in ((7, False), (8, True)))
    await kill_strays(JOB, grace=GRACE)
    reap_orphans()
    assert (ours.wait(), leader.wait()) == (7, 8)


async def test_idle_reaps_what_died_unseen(tmp_path):
    """A long-lived server would gather zombies of daemons that came and went."""
    mark = tmp_path / "mark"
    script = "(setsid sh -c 'echo $$ >$0.new; mv $0.new $0' $0 &)"
    await run(script, mark)
    pid = int(mark.read_text())
    wait_until_zombie(pid)
    reap_orphans()
    assert procfs.read_stat(pid) is not None, "it might be somebody's child"
    assert reap_orphans(idle=True) >= 1  # beside it what earlier tests left
    assert procfs.read_stat(pid) is None
