"""A job on a worker that says numbers, and bytes that no compression makes smaller, until it may end; and what the
stores of a cluster's machines have of it.
"""

import sys
from contextlib import closing
from pathlib import Path

from machines import Machines

from quaero_cli.store.engine import connect

_SCRIPT = """
import os, sys, time
number, gate = 0, sys.argv[1]
while not os.path.exists(gate):
    for _ in range(50):
        number += 1
        print(number, os.urandom(200).hex())
    sys.stdout.flush()
    time.sleep(0.02)
"""
_JOB = """
    [step.say]
    type = "shell"
    command = "exec {python} {script} {gate}"
"""
_LINES = "SELECT message FROM log JOIN job ON job.key = log.job WHERE source = 'stdout' ORDER BY log.id"
_SERVICE = "SELECT message FROM log WHERE source = 'cluster' ORDER BY id"


def begin(found: Machines) -> Path:
    """Start the job; return the file whose coming ends it."""
    script, gate = found.folder / "says.py", found.folder / "gate"
    script.write_text(_SCRIPT)
    text = _JOB.format(python=sys.executable, script=script, gate=gate)
    found.view.run("run", found.view.define("says", text), "--on", "cluster", "--detach")
    return gate


def numbers(home: Path) -> list[int]:
    """Return the numbers that the job has said, as a store has them; each once, in order."""
    found = [int(message.partition(" ")[0]) for message in _rows(home, _LINES)]
    assert found == list(range(1, len(found) + 1))
    return found


def service(home: Path) -> list[str]:
    """Return what a machine has said of the cluster in its service log."""
    return _rows(home, _SERVICE)


def _rows(home: Path, query: str) -> list[str]:
    with closing(connect(home / "quaero.db", readonly=True)) as connection:
        return [row[0] for row in connection.execute(query)]
