"""kill -9 of a server that catches up with a schedule: every fire gets its job, and none gets two."""

import random
import signal
import sqlite3 as _sqlite3  # noqa: TID251 - puts the store back in time, which no command does
import threading
import time
from contextlib import closing
from datetime import datetime
from itertools import pairwise

import pytest
from shells import PATIENCE, Shell, service_says

MINUTELY = """
schedule = "* * * * *"
catchup = "all"
[step.a]
type = "shell"
command = "true"
"""
# Minutes that were missed beyond one for each round: a server starts one or two before it is killed.
_MORE = 3


@pytest.mark.parametrize("seed", [20261126])
def test_kill_9_loses_no_fire_and_repeats_none(tmp_path, campaign, seed):
    """A job would be left out, or run twice, because the server died between starting it and writing that down."""
    chance = random.Random(seed)
    rounds = campaign(4, 100)
    shell = Shell(tmp_path)
    (tmp_path / "jobdefs").mkdir()
    (tmp_path / "jobdefs" / "minutely.toml").write_text(MINUTELY)
    (tmp_path / "jobdefs" / "broken.toml").write_text("schedule = 3\n")
    with shell.serving() as server:
        service_says(server, "Not usable: ")  # said when all files have been looked at
    minute = time.time_ns() // 60_000_000_000
    with closing(_sqlite3.connect(shell.home / "quaero.db", isolation_level=None)) as store:
        store.execute("UPDATE schedule SET last_fire = ?", ((minute - rounds - _MORE) * 60_000_000,))
    for _ in range(rounds):
        server = shell.start("serve", "--port", "0")
        killer = threading.Timer(chance.uniform(0.3, 2.0), server.send_signal, [signal.SIGKILL])
        killer.start()
        server.communicate(timeout=PATIENCE)
    with shell.serving() as server:
        for _ in server.stream("/api/logs/stream?scope=service"):
            jobs = server.get("/api/jobs?limit=500")["jobs"]
            if any(due(job) >= minute for job in jobs):  # the one of that moment was the last
                break
    fires = sorted(due(job) for job in shell.json("jobs", "--limit", "500"))
    assert fires[0] == minute - rounds - _MORE + 1, f"seed {seed}"
    assert all(after - before == 1 for before, after in pairwise(fires)), f"seed {seed}: {fires}"


def due(job) -> int:
    """Minutes since 1970."""
    return int(datetime.fromisoformat(job["scheduled_for"]).timestamp()) // 60
