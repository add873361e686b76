"""An engine whose log is full refuses: what a job says then waits on its worker, and comes when there is room."""

import sys
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic

import trio
from engines import PATIENCE, ask, needs_nats
from machines import Machines, machines, until

from quaero_cli.cluster.nats.engine import _streams
from quaero_cli.store.engine import connect
from quaero_cli.store.intake import log_place

pytestmark = needs_nats

# Numbers, and bytes that no compression makes smaller; until it may end.
SAYS = """
import os, sys, time
number, gate = 0, sys.argv[1]
while not os.path.exists(gate):
    for _ in range(50):
        number += 1
        print(number, os.urandom(200).hex())
    sys.stdout.flush()
    time.sleep(0.02)
"""
JOB = """
    [step.say]
    type = "shell"
    command = "exec {python} {script} {gate}"
"""
FULL = 300_000  # bytes of the log
FULL_NOW, BACK = "The engine is full, entries wait in the outbox", "The engine is back, entries are sent"
_LINES = "SELECT message FROM log JOIN job ON job.key = log.job WHERE source = 'stdout' ORDER BY log.id"
_never = threading.Event()  # waiting for it is waiting
_SAID = "SELECT message FROM log WHERE source = 'cluster' ORDER BY id"


def size_of_log(found: Machines, what: str, most: int) -> None:
    """Make (CREATE) or change (UPDATE) the engine's log: as a view makes it, but for its size."""
    (config,) = (each for each in _streams(1) if each["name"] == "QLOG")
    answer = trio.run(ask, found.servers, f"STREAM.{what}.QLOG", {**config, "max_bytes": most})
    assert "error" not in answer, answer


def last_number(found: Machines) -> int:
    """Return the number of the newest message of the log."""
    return int(trio.run(ask, found.servers, "STREAM.INFO.QLOG")["state"]["last_seq"])


def purge(found: Machines) -> None:
    """Make room: delete all messages that are there now."""
    trio.run(ask, found.servers, "STREAM.PURGE.QLOG", {"seq": last_number(found) + 1})


def unread(view: Path, last: int) -> bool:
    """Return whether a view has not read the log up to this message."""
    place = log_place(view / "quaero.db")
    return place is None or int(place.split("|")[1]) < last


def rows(home: Path, query: str) -> list[str]:
    with closing(connect(home / "quaero.db", readonly=True)) as connection:
        return [row[0] for row in connection.execute(query)]


def numbers(home: Path) -> list[int]:
    """Return the numbers that the job has said, as a store has them; each once, in order."""
    found = [int(message.partition(" ")[0]) for message in rows(home, _LINES)]
    assert found == list(range(1, len(found) + 1))
    return found


def said(home: Path, text: str) -> int:
    return sum(text in message for message in rows(home, _SAID))


def assert_told_in_turns(worker: Path) -> None:
    """That it is full is said once, not at each try, and that it has room again as often."""
    told = [text for message in rows(worker, _SAID) for text in (FULL_NOW, BACK) if text in message]
    assert told == [FULL_NOW, BACK] * (len(told) // 2) + [FULL_NOW] * (len(told) % 2)


def test_what_a_full_log_refuses_comes_when_there_is_room(tmp_path, campaign):
    """A full engine would cost lines, show some twice or out of order, or nobody would know why it stands still."""
    gate = tmp_path / "gate"
    with machines(tmp_path / "cluster") as found:
        size_of_log(found, "CREATE", FULL)
        found.start_view()
        found.start_worker("w1")
        (tmp_path / "says.py").write_text(SAYS)
        text = JOB.format(python=sys.executable, script=tmp_path / "says.py", gate=gate)
        found.view.run("run", found.view.define("says", text), "--on", "cluster", "--detach")
        worker, view = found.shell("w1").home, found.view.home
        for turn in range(1, campaign(1, 10) + 1):
            until(lambda: said(worker, FULL_NOW) > said(worker, BACK))
            before = len(numbers(worker))
            until(lambda before=before: len(numbers(worker)) > before + 500)  # the job goes on
            assert found.lacks("w1") > 200_000
            assert_told_in_turns(worker)
            if turn % 2:  # what views have read, as one should; or anything, which then has to be sent again
                last = last_number(found)
                until(lambda last=last: not unread(view, last))
            seen, deadline = len(numbers(view)), monotonic() + PATIENCE
            purge(found)
            while len(numbers(view)) <= seen:
                _never.wait(0.1)
                assert monotonic() < deadline, (last_number(found), log_place(view / "quaero.db"), rows(view, _SAID))
                if turn % 2 == 0 and not unread(view, last_number(found)):
                    purge(found)  # what was sent beyond the hole has filled it once more
        size_of_log(found, "UPDATE", -1)
        gate.touch()
        until(lambda: found.view.json("jobs")[0]["status"] == "completed")
        until(lambda: not found.lacks("w1"))
        assert numbers(view) == numbers(worker)
