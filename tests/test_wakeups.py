"""Wake-ups between processes: a commit is seen at once or soon, and dead sockets harm nobody."""

import subprocess
import sys
from contextlib import aclosing

import pytest
import trio
from following import texts
from shells import PATIENCE
from stores import new_home, start_job

from quaero_cli.errors import StoreError
from quaero_cli.model import LogQuery
from quaero_cli.session.failing import unwrapped
from quaero_cli.stream.events import Logs, StatusChange
from quaero_cli.stream.follow import follow
from quaero_cli.stream.nudge import nudge
from quaero_cli.stream.wakeups import Wakeups

WRITE = (
    "import sys, pathlib\n"
    "sys.path.insert(0, sys.argv[2])\n"
    "from contextlib import closing\n"
    "from stores import Scribe, line\n"
    "from quaero_cli.settings import Settings\n"
    "from quaero_cli.stream.nudge import nudge\n"
    "home = Settings(home=pathlib.Path(sys.argv[1]))\n"
    "with closing(Scribe(home)) as scribe:\n"
    "    sys.stdin.readline()\n"
    "    scribe.write([line('aaaa', 'from elsewhere')])\n"
    "    if sys.argv[3] == 'nudge': nudge(home.wake)\n"
    "    sys.stdin.readline()\n"
)


@pytest.mark.parametrize("how", ["nudge", "silent"])
async def test_a_commit_of_another_process_is_seen(home, how):
    """`tail` in a second shell is live; a lost datagram costs one slow look, never a line."""
    start_job(home, "aaaa")
    wakeups = Wakeups(home.wake, home.database)
    folder = __file__.rpartition("/")[0]
    child = subprocess.Popen([sys.executable, "-c", WRITE, str(home.home), folder, how], stdin=subprocess.PIPE)
    assert child.stdin is not None
    async with trio.open_nursery() as nursery:
        await nursery.start(wakeups.run)
        # No ping within the test's patience: a reader that only looked then would hang.
        query = LogQuery(("aaaa",))
        async with aclosing(follow(home.database, wakeups, query, ping_after=2 * PATIENCE)) as events:
            assert isinstance(await anext(events), StatusChange)
            assert isinstance(await anext(events), Logs)
            child.stdin.write(b"go\n")
            child.stdin.flush()
            with trio.fail_after(PATIENCE):
                async for event in events:
                    if isinstance(event, Logs):
                        break
            assert texts([event]) == ["from elsewhere"]
        nursery.cancel_scope.cancel()
    child.communicate(b"done\n")


async def test_sockets_of_dead_processes_are_cleared_away(home):
    """A data directory must not fill with sockets of processes that were killed."""
    import socket

    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(home.wake / "dead"))
    dead.close()
    wakeups = Wakeups(home.wake, home.database)
    async with trio.open_nursery() as nursery:
        await nursery.start(wakeups.run)
        waiter = wakeups.waiter()
        nudge(home.wake)
        with trio.fail_after(PATIENCE):
            await waiter.wait()
        assert not (home.wake / "dead").exists()
        assert len(list(home.wake.iterdir())) == 1
        nursery.cancel_scope.cancel()
    assert list(home.wake.iterdir()) == []


async def test_a_long_data_directory_path_works(tmp_path):
    """A Unix socket's address is short; a home deep in a tree must be live all the same."""
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    home = new_home(deep)
    wakeups = Wakeups(home.wake, home.database)
    async with trio.open_nursery() as nursery:
        await nursery.start(wakeups.run)
        assert len(list(home.wake.iterdir())) == 1
        waiter = wakeups.waiter()
        nudge(home.wake)
        with trio.fail_after(PATIENCE):
            await waiter.wait()
        nursery.cancel_scope.cancel()


async def test_a_database_that_cannot_be_read_any_more_is_named(home):
    """Somebody would be told "file is not a database", and not which one, nor what to do."""
    home.database.write_bytes(b"garbage " * 5000)
    with pytest.raises(StoreError, match=r"quaero\.db: file is not a database") as caught, unwrapped():
        await Wakeups(home.wake, home.database).run()
    assert "move the file aside" in str(caught.value.hint)
