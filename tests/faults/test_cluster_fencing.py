"""Many queued jobs while workers and the engine are killed, and one worker sleeps through the loss of its job: each
has one end, that of the worker that has it by then.

The engine keeps every state of every job here, and tells in the end what it accepted, one after the other.
"""

import json
import signal
import threading
from base64 import b64decode
from collections import defaultdict
from contextlib import closing
from functools import partial
from random import Random
from typing import Any

import trio
from engines import ask, needs_nats
from machines import Machines, machines, until
from shells import Server

from quaero_cli.cluster.nats.engine import _streams, open_nats
from quaero_cli.store.engine import connect

pytestmark = needs_nats

WORKERS = ("w1", "w2", "w3", "w4")
SHORT = """
    overlap = "allow"
    [step.work]
    type = "shell"
    command = "echo $QUAERO_JOB_ID; sleep 0.1"
"""
# Runs until it may end; only the worker sleeps, not what it has started.
HELD = """
    overlap = "allow"
    [step.work]
    type = "shell"
    command = "until [ -e {gate} ]; do sleep 0.05; done"
"""
HISTORY = 60  # states of each job that the engine keeps
_never = threading.Event()  # waiting for it is waiting


def _serving(found: Machines) -> Server:
    url, _, token = found.start_view().partition("/#t=")
    return Server(int(url.rpartition(":")[2].strip("/")), token, found.running["view"])


def _start(server: Server, definition: str) -> str:
    status, answer = server.request("POST", f"/api/job-definitions/{definition}/execute", {})
    assert status == 202, answer
    return str(answer["job_id"])


def _jobs(found: Machines) -> dict[str, tuple[str, int, str]]:
    """Status, attempt and worker of each job, as the view has them."""
    with closing(connect(found.view.home / "quaero.db", readonly=True)) as connection:
        return {row[0]: row[1:] for row in connection.execute("SELECT id, status, attempt, node FROM job")}


async def _history(found: Machines) -> dict[str, list[dict[str, Any]]]:
    """Return all states of each job that the engine accepted, in order."""
    states: dict[str, list[dict[str, Any]]] = defaultdict(list)
    async with open_nats([found.url], "test") as engine:
        last = (await engine._thread.call(lambda: engine._wire.api("STREAM.INFO.QSTATE")))["state"]["last_seq"]
        for number in range(1, last + 1):
            get = partial(engine._wire.api, "STREAM.MSG.GET.QSTATE", {"seq": number})
            message = (await engine._thread.call(get))["message"]
            states[message["subject"].removeprefix("q.state.")].append(json.loads(b64decode(message["data"])))
    return states


def _sleep_through(found: Machines, server: Server, gate: Any) -> str:
    """Let a worker sleep until another one has its job, and the job end meanwhile; return the job."""
    job = _start(server, "held")
    until(lambda: _jobs(found).get(job, ("",))[0] == "running")
    sleeper = _jobs(found)[job][2]
    found.running[sleeper].send_signal(signal.SIGSTOP)
    until(lambda: _jobs(found)[job][1] > 1)
    gate.touch()
    until(lambda: _jobs(found)[job][0] == "completed")
    found.running[sleeper].send_signal(signal.SIGCONT)
    assert _jobs(found)[job][2] != sleeper
    return job


def test_each_job_has_one_end_whatever_is_killed(tmp_path, campaign):
    """A job would run for ever, end twice, or end as a worker says that was thought to be dead."""
    for seed in range(campaign(1, 10)):
        chance, number = Random(seed), campaign(12, 300)
        folder = tmp_path / str(seed)
        with machines(folder, lease=campaign(4.0, 5.0)) as found:
            (config,) = (each for each in _streams(1) if each["name"] == "QSTATE")
            trio.run(ask, found.servers, "STREAM.CREATE.QSTATE", {**config, "max_msgs_per_subject": HISTORY})
            (folder / "view" / "jobdefs").mkdir(parents=True)
            for name, text in (("short", SHORT), ("held", HELD.format(gate=folder / "gate"))):
                found.shell("view").define(f"jobdefs/{name}", text)
            server = _serving(found)
            for name in WORKERS:
                found.start_worker(name, "--slots", "4")
            jobs = {_start(server, "short") for _ in range(number)}
            for victim in chance.sample(["server", "server", *WORKERS[:2]], campaign(2, 4)):
                done = chance.uniform(0, 0.8) * number
                until(lambda done=done: sum(row[0] == "completed" for row in _jobs(found).values()) >= done)
                if victim == "server":
                    found.server.kill()
                    _never.wait(chance.uniform(0, campaign(0.1, 1.0)))
                    trio.run(found.server.start)
                else:
                    found.kill(victim)
                    _never.wait(chance.uniform(0, campaign(0.1, 1.0)))
                    found.start_worker(victim, "--slots", "4")
            jobs.add(_sleep_through(found, server, folder / "gate"))
            until(lambda: all(row[0] == "completed" for row in _jobs(found).values()), 280)
            assert _jobs(found).keys() == jobs
            until(lambda: not any(map(found.lacks, WORKERS)))
            for name in WORKERS:
                found.stop(name)
            history = trio.run(_history, found)
        ends = {job: [state["status"] for state in history[job] if state["status"]] for job in jobs}
        assert ends == {job: ["completed"] for job in jobs}
        for job in jobs:
            attempts = [state["attempt"] for state in history[job]]
            assert attempts == sorted(attempts)
            assert history[job][-1]["status"] == "completed"
        again = sum(history[job][-1]["attempt"] > 1 for job in jobs)
        print(f"seed {seed}: {len(jobs)} jobs, {again} of them taken over, each with one end", flush=True)
