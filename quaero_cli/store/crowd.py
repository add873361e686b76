"""A cluster as a view knows it: the machines that were heard of, and the queues with what waits in them."""

from contextlib import closing
from pathlib import Path
from typing import TypedDict

from quaero_cli.model import EngineView
from quaero_cli.store.dispatch import NodeView, nodes
from quaero_cli.store.engine import connect, translated


class QueueView(TypedDict):
    """A queue of jobs: of those that this store knows, how many wait in it and how many run."""

    name: str
    waiting: int
    running: int
    workers: list[str]  # that are there and take jobs of it, by name


class ClusterView(TypedDict):
    """The worker machines and the queues of a cluster."""

    engine: EngineView | None  # None: the server is no view of a cluster
    workers: list[NodeView]
    queues: list[QueueView]


def crowd(path: Path, now: int, engine: EngineView | None) -> ClusterView:
    """Return what is known of a cluster. `now`: UTC microseconds; `engine`: as this process sees it."""
    found = nodes(path, now)
    return ClusterView(engine=engine, workers=found, queues=_queues(path, found))


def _queues(path: Path, found: list[NodeView]) -> list[QueueView]:
    with closing(connect(path, readonly=True)) as connection, translated(path):
        rows = connection.execute(
            "SELECT queue, sum(status = 'pending'), sum(status = 'running') FROM job"
            " WHERE elsewhere AND queue IS NOT NULL AND status IN ('pending', 'running') GROUP BY queue"
        ).fetchall()
    jobs = {name: (waiting, running) for name, waiting, running in rows}
    taking = [node for node in found if node["state"] == "ready"]
    names = sorted(jobs.keys() | {name for node in taking for name in node["queues"]})
    return [
        QueueView(
            name=name, waiting=jobs.get(name, (0, 0))[0], running=jobs.get(name, (0, 0))[1],
            workers=[node["name"] for node in taking if name in node["queues"]],
        )
        for name in names
    ]  # fmt: skip
