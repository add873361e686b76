"""The viewer on a view of a cluster: its workers and queues, and which worker ran what, in a real browser."""

import pytest
from browsing import LIVELY, look
from engines import needs_nats
from machines import machines, until
from shells import Server

from quaero_cli.store.dispatch import keep_node
from quaero_cli.store.queue import now_us

pytestmark = [pytest.mark.browser, needs_nats]

_MINUTE = 60_000_000


def test_workers_and_queues_are_shown(tmp_path):
    """Nobody would see on which machine a job runs, that a machine is lost, or that a queue has nobody."""
    lost = {
        "queues": ["gpu"],
        "slots": 4,
        "host": "rack9",
        "version": "0.1",
        "jobs": ["abc"],
        "outbox_bytes": 5_000_000,
        "outbox_entries": 40_000,
    }
    with machines(tmp_path) as found:
        url, _, token = found.start_view().partition("/#t=")
        found.start_worker("w1", "--slots", "2", "--label", "gpu=a100")
        until(lambda: bool(found.view.json("workers")))
        keep_node(found.view.home / "quaero.db", "w2", lost, now_us() - _MINUTE)
        folder = found.view.home / "jobdefs"
        folder.mkdir()
        for name in ("lively", "beside"):
            (folder / f"{name}.toml").write_text(LIVELY.replace('id = "lively"', f'id = "{name}"'))
        job = found.view.run("run", "lively", "--on", "cluster", "--detach").stdout.strip()
        waits = found.view.run("run", "hello", "--on", "cluster", "--queue", "gpu", "--detach").stdout.strip()
        alone = found.shell("alone")
        alone.extra["QUAERO_CLUSTER_ENGINE"] = ""
        with alone.serving() as other:
            plain = {"QUAERO_PLAIN_URL": f"http://127.0.0.1:{other.port}", "QUAERO_PLAIN_TOKEN": other.token}
            server = Server(int(url.rpartition(":")[2]), token, found.running["view"])
            look("tests/browser/cluster.test.mjs", server, QUAERO_JOB=job, QUAERO_WAITS=waits, **plain)
        found.view.run("cancel", job)
