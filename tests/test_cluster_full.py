"""An engine whose log is full refuses: what a job says then waits on its worker, and comes when there is room."""

import threading
from pathlib import Path
from time import monotonic

import trio
from engines import PATIENCE, ask, needs_nats
from machines import Machines, machines, until
from saying import begin, numbers, service

from quaero_cli.cluster.nats.engine import _streams
from quaero_cli.store.intake import log_place

pytestmark = needs_nats

FULL = 300_000  # bytes of the log
FULL_NOW, BACK = "The engine is full, entries wait in the outbox", "The engine is back, entries are sent"
_never = threading.Event()  # waiting for it is waiting


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


def said(home: Path, text: str) -> int:
    return sum(text in message for message in service(home))


def assert_told_in_turns(worker: Path) -> None:
    """That it is full is said once, not at each try, and that it has room again as often."""
    told = [text for message in service(worker) for text in (FULL_NOW, BACK) if text in message]
    assert told == [FULL_NOW, BACK] * (len(told) // 2) + [FULL_NOW] * (len(told) % 2)


def test_what_a_full_log_refuses_comes_when_there_is_room(tmp_path, campaign):
    """A full engine would cost lines, show some twice or out of order, or nobody would know why it stands still."""
    with machines(tmp_path) as found:
        size_of_log(found, "CREATE", FULL)
        found.start_view()
        found.start_worker("w1")
        gate = begin(found)
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
                assert monotonic() < deadline, (last_number(found), log_place(view / "quaero.db"), service(view))
                if turn % 2 == 0 and not unread(view, last_number(found)):
                    purge(found)  # what was sent beyond the hole has filled it once more
        size_of_log(found, "UPDATE", -1)
        gate.touch()
        until(lambda: found.view.json("jobs")[0]["status"] == "completed")
        until(lambda: not found.lacks("w1"))
        assert numbers(view) == numbers(worker)
