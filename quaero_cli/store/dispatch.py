"""Jobs that others run, as a view keeps them: on their way to the queue, cancelled, ended; and the machines.

What is kept here may be undone by a power cut: all of it is done, or said, again then, which harms nobody.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from quaero_cli.model.taking import Needs, Offer
from quaero_cli.store.encode import decode_json, encode_json, timestamp
from quaero_cli.store.engine import Connection, connect, snapshot, transaction, translated

_OPEN = "job.status IN ('pending', 'running') AND job.elsewhere"
_CLAIMED_ORDER = "ORDER BY job.key"
# Seconds after which a machine that says nothing is thought to be gone: three of its words.
GONE_AFTER = 30.0
# Microseconds for which one that left, or was lost, is still named: a container's name never comes back.
_NAMED_FOR = 24 * 3600 * 1_000_000


class Waiting(NamedTuple):
    """A job that is to be handed to its queue, or was."""

    job: str
    needs: Needs
    body: bytes
    time_us: int
    sent: bool
    told: str | None  # why no worker may take it, as it was last told


class Wish(NamedTuple):
    """An open job that somebody wants to be cancelled, and its open steps. `unsent`: it was never handed over.

    `attempt`: the newest that was heard of.
    """

    job: str
    name: str
    steps: tuple[str, ...]
    unsent: bool
    attempt: int


class NodeView(TypedDict):
    """A worker machine, as it last said."""

    name: str
    alive: bool
    state: str  # ready, draining; left: it said so; lost: it says nothing any more
    seen_at: str
    version: str
    host: str
    queues: list[str]
    labels: dict[str, str]
    slots: int
    jobs: list[str]
    items: int  # of steps with `spread` that it does
    outbox_bytes: int  # that no view is known to have
    outbox_entries: int
    draining: bool


class Errands(NamedTuple):
    """What a view has to do for the jobs of others, as of one commit."""

    waiting: list[
        Waiting
    ]  # pending jobs that this store hands over, or has handed over, in the order of their making
    wishes: list[Wish]  # open jobs of other machines that somebody here wants to be cancelled
    ended: list[tuple[str, str]]  # jobs that were handed over and have ended, or are gone, with their statuses


class ErrandBook:
    """Where to look for what there is to do, often: it keeps its connection, which takes longer to open than to ask.

    Used by one thread at a time. The caller closes it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, readonly=True)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def look(self) -> Errands:
        """Return what there is to do."""
        connection = self._connection
        with translated(self._path), snapshot(connection):
            return Errands(_waiting(connection), _wishes(connection), _ended(connection))


def _waiting(connection: Connection) -> list[Waiting]:
    rows = connection.execute(
        "SELECT job.id, job.queue, job.labels, dispatch.body, job.created_at, dispatch.sent, dispatch.told"
        " FROM dispatch JOIN job ON job.id = dispatch.job"
        f" WHERE job.status = 'pending' AND NOT job.cancel_requested {_CLAIMED_ORDER}"
    ).fetchall()
    return [
        Waiting(job, Needs(queue, decode_json(labels)), body, time_us, bool(sent), told)
        for job, queue, labels, body, time_us, sent, told in rows
    ]


def open_needs(path: Path) -> list[Needs]:
    """Return what the open jobs of other machines need, each once."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        rows = connection.execute(f"SELECT DISTINCT queue, labels FROM job WHERE {_OPEN} AND queue IS NOT NULL")
        return [Needs(queue, decode_json(labels)) for queue, labels in rows]


def mark_sent(path: Path, jobs: Sequence[str]) -> None:
    """Keep that jobs were handed over."""
    with closing(connect(path, lazy=True)) as connection, translated(path), transaction(connection):
        connection.executemany("UPDATE dispatch SET sent = 1 WHERE job = ?", [(job,) for job in jobs])


def mark_told(path: Path, job: str, reason: str | None) -> None:
    """Keep what was told of why no worker may take a job; None: one may."""
    with closing(connect(path, lazy=True)) as connection, translated(path), transaction(connection):
        connection.execute("UPDATE dispatch SET told = ? WHERE job = ?", (reason, job))


def _wishes(connection: Connection) -> list[Wish]:
    find_steps = "SELECT name FROM step WHERE job = ? AND status IN ('pending', 'running') ORDER BY key"
    jobs = connection.execute(
        "SELECT job.key, job.id, job.name, coalesce(dispatch.sent = 0, 0), job.attempt FROM job"
        f" LEFT JOIN dispatch ON dispatch.job = job.id WHERE {_OPEN} AND job.cancel_requested {_CLAIMED_ORDER}"
    ).fetchall()
    found = []
    for key, job, name, unsent, attempt in jobs:
        steps = tuple(row[0] for row in connection.execute(find_steps, (key,)))
        found.append(Wish(job, name, steps, bool(unsent), int(attempt)))
    return found


def _ended(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute(
        "SELECT dispatch.job, coalesce(job.status, 'cancelled') FROM dispatch"
        " LEFT JOIN job ON job.id = dispatch.job"
        " WHERE job.status IS NULL OR job.status NOT IN ('pending', 'running')"
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def forget_dispatch(path: Path, jobs: Sequence[str]) -> None:
    """Forget how jobs were handed over: the queue knows that they have ended."""
    with closing(connect(path, lazy=True)) as connection, translated(path), transaction(connection):
        connection.executemany("DELETE FROM dispatch WHERE job = ?", [(job,) for job in jobs])


def keep_node(path: Path, name: str, facts: Mapping[str, Any], seen: int) -> None:
    """Keep what a worker machine said, and when."""
    with closing(connect(path, lazy=True)) as connection, translated(path), transaction(connection):
        connection.execute("INSERT OR REPLACE INTO node VALUES (?, ?, ?)", (name, encode_json(dict(facts)), seen))


def nodes(path: Path, now: int) -> list[NodeView]:
    """Return the worker machines that were heard of, by name. `now`: UTC microseconds."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        rows = connection.execute(
            "SELECT name, facts, seen FROM node WHERE seen > ? ORDER BY name", (now - _NAMED_FOR,)
        ).fetchall()
    return [_node(name, decode_json(facts), seen, now) for name, facts, seen in rows]


class LiveOffers:
    """What the worker machines that live and take jobs offer; read when it is first asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: tuple[Offer, ...] | None = None

    def all(self) -> tuple[Offer, ...]:
        """Return the offers."""
        if self._known is None:
            rows = self._connection.execute("SELECT name, facts, seen FROM node").fetchall()
            now = time.time_ns() // 1000
            nodes = [_node(name, decode_json(facts), seen, now) for name, facts, seen in rows]
            self._known = tuple(
                Offer(tuple(node["queues"]), node["labels"])
                for node in nodes
                if node["alive"] and not node["draining"]
            )
        return self._known


def live_offers(path: Path) -> tuple[Offer, ...]:
    """Return what the worker machines that live and take jobs offer."""
    with closing(connect(path, readonly=True)) as connection, translated(path):
        return LiveOffers(connection).all()


def _node(name: str, facts: dict[str, Any], seen: int, now: int) -> NodeView:
    left, draining = bool(facts.get("left", False)), bool(facts.get("draining", False))
    alive = now - seen < GONE_AFTER * 1_000_000 and not left
    state = "left" if left else "lost" if not alive else "draining" if draining else "ready"
    return NodeView(
        name=name, alive=alive, state=state, seen_at=timestamp(seen), version=facts.get("version", ""),
        host=facts.get("host", ""),
        queues=facts.get("queues", []), labels=facts.get("labels", {}), slots=facts.get("slots", 0),
        jobs=facts.get("jobs", []) if alive else [],
        items=facts.get("items", 0) if alive else 0,
        outbox_bytes=facts.get("outbox_bytes", 0), outbox_entries=facts.get("outbox_entries", 0), draining=draining,
    )  # fmt: skip
