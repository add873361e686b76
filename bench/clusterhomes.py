"""A whole cluster of real processes on this machine: an engine, a view, workers; each with a data directory."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.homes import PATIENCE, Home, Server, ending, new_home
from bench.nats import NatsServer, nats_servers
from quaero_cli.store.engine import connect

_SETTINGS = """
[cluster]
engine = "{engine}"
lease_sec = {lease}
replicas = {replicas}
"""
LOOK = 0.002  # seconds between looks for something that nothing tells


@dataclass(frozen=True, slots=True)
class Cluster:
    """What runs. Definitions are written for `view`, and asked for by `server`."""

    engines: list[NatsServer]
    view: Home
    server: Server
    workers: Mapping[str, Home]
    processes: Mapping[str, Any]
    lease: float

    def define(self, name: str, text: str) -> None:
        """Write a definition where the view finds it."""
        folder = self.view.data / "jobdefs"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(text)

    def start_job(self, definition: str) -> str:
        """Have the view start a job; return its ID. Raises RuntimeError when it refuses."""
        return str(self._post(f"/api/job-definitions/{definition}/execute")["job_id"])

    def cancel(self, job: str) -> None:
        """Ask for a job to be cancelled. Raises RuntimeError when the view refuses."""
        self._post(f"/api/jobs/{job}/cancel")

    def _post(self, path: str) -> dict[str, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)) as connection:
            connection.request("POST", path, headers={"Authorization": f"Bearer {self.server.token}"})
            answer = connection.getresponse()
            value: dict[str, Any] = json.load(answer)
        if answer.status != 202:
            raise RuntimeError(f"{path} answered {answer.status}: {value}")
        return value


class Asking:
    """Questions to a data directory's store, over one connection."""

    def __init__(self, home: Home) -> None:
        self._connection = connect(home.database, readonly=True)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def one(self, sql: str, *values: object) -> Any:
        """Return the first value of the first row; None: there is none."""
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def has(self, sql: str, *values: object) -> bool:
        """Return whether there is such a row."""
        return self.one(sql, *values) is not None

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return [tuple(row) for row in self._connection.execute(sql, values)]

    def status(self, job: str) -> str | None:
        """Return a job's status; None: it is not known here."""
        found = self.one("SELECT status FROM job WHERE id = ?", job)
        return None if found is None else str(found)

    def lines(self, jobs: list[str]) -> int:
        """Return how many entries so many jobs have."""
        marks = ",".join("?" * len(jobs))
        return int(self.one(f"SELECT coalesce(sum(entries), 0) FROM job WHERE id IN ({marks})", *jobs))

    def ended(self, jobs: list[str]) -> bool:
        """Return whether all of these jobs are here, and have ended."""
        marks = ",".join("?" * len(jobs))
        open_ = "status NOT IN ('pending', 'running')"
        return int(self.one(f"SELECT count(*) FROM job WHERE id IN ({marks}) AND {open_}", *jobs)) == len(jobs)


def until(condition: Callable[[], bool], pause: float = LOOK) -> float:
    """Wait for something; return the seconds since 1970 at which it was seen. Raises RuntimeError."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("what was waited for did not come")
        time.sleep(pause)  # noqa: TID251 - another process changes it
    return time.time()


@contextmanager
def cluster(workers: int, slots: int, *, lease: float, servers: int = 1) -> Iterator[Cluster]:
    """Run a cluster for the length of the block."""
    with ExitStack() as stack:
        home = stack.enter_context(new_home())
        engines = stack.enter_context(nats_servers(home.folder, servers))
        settings = _SETTINGS.format(
            engine=",".join(each.url for each in engines), lease=lease, replicas=3 if servers >= 3 else 1
        )
        view = _home(home.folder / "view", settings)
        server = stack.enter_context(view.serving())
        homes, processes = {}, {}
        for number in range(1, workers + 1):
            name = f"w{number}"
            homes[name] = _home(home.folder / name, settings)
            words = ("worker", "--name", name, "--slots", str(slots))
            processes[name] = stack.enter_context(ending(homes[name].start(*words)))
        with closing(Asking(view)) as asking:
            until(lambda: asking.one("SELECT count(*) FROM node") == workers)
        yield Cluster(engines, view, server, homes, processes, lease)


def _home(folder: Path, settings: str) -> Home:
    home = Home(folder)
    home.data.mkdir(parents=True)
    (home.data / "quaero.toml").write_text(settings)
    return home
