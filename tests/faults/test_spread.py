"""A step with `spread` under kill -9: each item is done, and what its machines stored is there once, in order.

At night the engine, a view, a machine that does items and the one that holds the job are killed in turn, with ten
seeds; here it is one that does items and a view.
"""

import json
from collections import defaultdict
from contextlib import closing
from random import Random

import trio
from engines import PATIENCE, needs_nats
from machines import machines
from shells import first_job, read_line

from quaero_cli.store.engine import connect

pytestmark = needs_nats

ITEMS, LINES = 12, 20
# The first four items wait for the gate when they have said what they say, the others find it open.
TALKS = """
    [step.talk]
    type = "shell"
    for_each = {items}
    spread = true
    concurrency = 4
    command = '''
        n=0
        while [ $n -lt {lines} ]; do n=$((n+1)); echo "{{item}} $$ $n"; [ $((n % 5)) != 0 ] || sleep 0.02; done
        until [ -e {gate} ]; do sleep 0.05; done
        echo "DONE={{item}}" >>"$QUAERO_OUTPUT"
    '''
"""
_MESSAGES = (
    "SELECT job_line, message, source FROM log JOIN job ON job.key = log.job WHERE job.id = ? ORDER BY job_line"
)


def _kill(found, victim, job):
    """Kill one part of the cluster, and start another in its place."""
    if victim == "server":
        found.server.kill()
        trio.run(found.server.start)
    elif victim == "view":
        found.kill("view")
        found.start_view()
    else:
        holder = found.view.json("show", job)["job"]["node"]
        name = next(each for each in found.running if each != "view" and (each == holder) == (victim == "holder"))
        found.kill(name)
        found.start_worker(f"{name}x", "--slots", "2")


def _check(found, job):
    """Every item has its outputs and was said whole at least once; in no run of it a line is missing or twice."""
    shown = found.view.json("show", job)
    assert shown["outputs"]["talk"]["items"] == [{"DONE": str(number)} for number in range(ITEMS)]
    assert [each["status"] for each in shown["workers"]] == ["completed"] * ITEMS
    with closing(connect(found.view.home / "quaero.db", readonly=True)) as connection:
        rows = connection.execute(_MESSAGES, (job,)).fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    runs = defaultdict(list)
    for _, message, source in rows:
        if source == "stdout":
            item, process, number = message.split()
            runs[int(item), process].append(int(number))
    for numbers in runs.values():
        assert numbers == list(range(1, len(numbers) + 1))
    assert {item for (item, _), numbers in runs.items() if len(numbers) == LINES} == set(range(ITEMS))


def test_each_item_is_done_whatever_is_killed(tmp_path, campaign):
    """A machine that dies would take its items with it, or some lines would be missing, twice, or after the end."""
    for seed in range(campaign(1, 10)):
        print(f"seed {seed}")
        chance, gate = Random(seed), tmp_path / f"gate-{seed}"
        with machines(tmp_path / str(seed), lease=campaign(6.0, 10.0)) as found:
            found.start_view()
            for name in ("w1", "w2"):
                found.start_worker(name, "--slots", "2")
            text = TALKS.format(items=[str(number) for number in range(ITEMS)], lines=LINES, gate=gate)
            child = found.view.start("run", found.view.define("talks", text), "--on", "cluster", "--json")
            job = first_job(child)
            victims = ["executor", "view", *campaign([], ["server", "holder"])]
            chance.shuffle(victims)
            for victim in victims:
                for _ in range(chance.randint(1, 15)):  # of the 80 lines that come before the gate
                    assert read_line(child.stdout)
                _kill(found, victim, job)
            gate.touch()
            out, _ = child.communicate(timeout=4 * PATIENCE)
            assert json.loads(out.splitlines()[-1])["status"] == "completed"
            _check(found, job)
