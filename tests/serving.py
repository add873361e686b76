"""For tests of the server: a real one on a free port, over a real store, with a plain client (`webclient`).

    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "hello")
        answer = await web.get("/api/jobs")

The server runs in the test's own loop. `web.said` is its service log.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio
from webclient import Answer, Client, Event, read_events

from quaero_cli.errors import NotFoundError, OverlapError, ParameterError
from quaero_cli.model import (
    Document,
    DocumentFound,
    EngineView,
    JobChanged,
    Level,
    LogLine,
    NewJob,
    Status,
    StepChanged,
    StepRow,
)
from quaero_cli.server.app import build_app, viewer_files
from quaero_cli.server.desk import ServerParts, open_desk
from quaero_cli.server.files import Files
from quaero_cli.server.limits import Limits
from quaero_cli.server.serve import Bound, ServeOptions, serve
from quaero_cli.store.deletion import discard
from quaero_cli.store.queue import claim, enqueue, request_cancel
from quaero_cli.store.schema import prepare
from quaero_cli.store.writer import Writer
from quaero_cli.stream.wakeups import Wakeups

TOKEN = "tok" * 15
DEFINITIONS = ("hello", "news-crawler")


# Seconds until a test that hangs fails; nothing here takes a tenth of it, even on a busy machine.
PATIENCE = 60.0


# Seconds that never pass: a limit that long holds nobody up, and what needs it to pass hangs.
NEVER = 10 * PATIENCE


class FakeActions:
    """The session's side, in memory: two definitions; `news-crawler` runs already, `hello` wants `n` as a number."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.executed: list[tuple[str, dict[str, object]]] = []
        self.failure: Exception | None = None

    async def definitions(self) -> list[dict[str, Any]]:
        if self.failure is not None:
            raise self.failure
        return [{"id": name} for name in DEFINITIONS]

    async def definition(self, definition_id: str) -> dict[str, Any]:
        if definition_id not in DEFINITIONS:
            raise NotFoundError(f"no job definition {definition_id}")
        return {"id": definition_id}

    async def execute(self, definition_id: str, parameters: Mapping[str, object]) -> tuple[str, str]:
        await self.definition(definition_id)
        if definition_id == "news-crawler":
            raise OverlapError("news-crawler is running already as job j1")
        if not isinstance(parameters.get("n", 0), int):
            raise ParameterError("n: not a number")
        self.executed.append((definition_id, dict(parameters)))
        return "new1", "pending"

    async def delete(self, job_id: str) -> None:
        discard(self._database, job_id)

    async def retry(self, job_id: str, *, failed: bool) -> tuple[str, str]:
        self.executed.append((job_id, {"failed": failed}))
        return "new2", "pending"

    async def cancel(self, job_id: str) -> str:
        return request_cancel(self._database, job_id)


class Said(list[tuple[int, str, dict[str, Any]]]):
    """The service log; can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.more = trio.Event()

    def log(self, level: int, message: str, fields: Mapping[str, Any]) -> None:
        self.append((level, message, dict(fields)))
        self.more.set()
        self.more = trio.Event()


@dataclass
class Web:
    """A running server and its store."""

    database: Path
    wakeups: Wakeups
    writer: Writer
    actions: FakeActions
    bound: Bound
    stop: trio.Event
    said: "Said"
    token: str | None = TOKEN
    _sequence: int = 1

    @property
    def parts(self) -> ServerParts:
        """What another server on the same store is made of; its service log goes nowhere."""
        return ServerParts(self.database, self.wakeups, self.actions, lambda *_: None, None, "")

    # -------------------------------------------------------------- the store

    def add_job(self, job: str, steps: Sequence[str] = ("fetch",), definition: str = "demo") -> None:
        rows = tuple(StepRow(step, "shell") for step in steps)
        enqueue(self.database, NewJob(job, definition, "Demo", "api", "", "", "", {}, rows, overlap="allow"))
        assert claim(self.database, job) == 1
        for step in steps:
            self.apply(StepChanged(job, step, Status.RUNNING, 1_700_000_000_000_000))

    def log(
        self, job: str | None, *messages: str, step: str | None = None, level: Level = Level.INFO, **fields
    ) -> None:
        now = 1_700_000_000_000_000
        self.apply(*[LogLine(job, step, None, now, level, text, "", "", fields or None) for text in messages])

    def finish(self, job: str, status: Status = Status.COMPLETED) -> None:
        line = LogLine(job, None, None, 1_700_000_001_000_000, Level.INFO, f"Status changed: {status}", "", "", None)
        self.apply(line, JobChanged(job, status, 1_700_000_001_000_000, 1))

    def keep(self, url: str, job: str = "j1", **facts: Any) -> None:
        told = {"title": "T", "text": "Text", "content_hash": "h", "status": 200, "fetched_at": 1_700_000_000_000_000}
        self.apply(DocumentFound(job, Document(url=url, canonical_url=url, **{**told, **facts})))

    async def says(self, message: str) -> None:
        """Wait for a line of the service log."""
        while message not in [line[1] for line in self.said]:
            await self.said.more.wait()

    def apply(self, *facts) -> None:
        self.writer.apply(self._sequence, facts)
        self._sequence += len(facts)
        self.wakeups.set()

    # -------------------------------------------------------------- requests

    def headers(self, *, token: str | None = None, **more: str) -> list[tuple[str, str]]:
        headers = [("Host", f"127.0.0.1:{self.bound.port}")]
        given = self.token if token is None else token
        if given:
            headers.append(("Authorization", f"Bearer {given}"))
        return headers + [(name.replace("_", "-"), value) for name, value in more.items()]

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[Client, None]:
        stream = await trio.open_tcp_stream("127.0.0.1", self.bound.port)
        async with stream:
            yield Client(stream)

    async def request(
        self, method: str, target: str, headers: Sequence[tuple[str, str]] | None = None, body: bytes = b""
    ) -> Answer:
        with trio.fail_after(PATIENCE):
            async with self.connect() as client:
                given = self.headers() if headers is None else list(headers)
                if body or method == "POST":
                    given.append(("Content-Length", str(len(body))))
                await client.send(method, target, given, body)
                return await client.answer()

    async def get(self, target: str, **more: str) -> Answer:
        return await self.request("GET", target, self.headers(**more))

    async def post(self, target: str, value: object = None, content_type: str = "application/json") -> Answer:
        body = b"" if value is None else json.dumps(value).encode()
        headers = self.headers(Content_Type=content_type) if body else self.headers()
        return await self.request("POST", target, headers, body)

    async def raw(self, data: bytes) -> bytes:
        """Send bytes; return all that comes until the server closes."""
        with trio.fail_after(PATIENCE):
            async with self.connect() as client:
                await client.stream.send_all(data)
                return await client.rest()

    @asynccontextmanager
    async def stream(
        self, query: str, **more: str
    ) -> AsyncGenerator[tuple[int, AsyncGenerator[Event | int, None]], None]:
        """Ask for `/api/logs/stream?query`: the answer's status and its events."""
        with trio.fail_after(PATIENCE):
            async with self.connect() as client:
                await client.send("GET", f"/api/logs/stream?{query}", self.headers(**more))
                head = await client.head()
                async with aclosing(client.body()) as body, aclosing(read_events(body)) as events:
                    yield head.status_code, events

    @asynccontextmanager
    async def events(self, query: str, **more: str) -> AsyncGenerator[AsyncGenerator[Event | int, None], None]:
        """Open a stream."""
        async with self.stream(query, **more) as (status, events):
            assert status == 200
            yield events

    async def all_events(self, query: str, **more: str) -> list[Event | int]:
        async with self.events(query, **more) as events:
            return [event async for event in events]


@asynccontextmanager
async def running(
    folder: Path,
    *,
    limits: Limits | None = None,
    options: ServeOptions | None = None,
    files: Files | None = None,
    engine: EngineView | None = None,
) -> AsyncGenerator[Web, None]:
    """Run a server; leaving stops it and waits for its end. `engine`: it is a view of a cluster."""
    database = folder / "quaero.db"
    prepare(database)
    (folder / "wake").mkdir(exist_ok=True)
    wakeups = Wakeups(folder / "wake", database)
    actions, stop, said = FakeActions(database), trio.Event(), Said()
    options = options or ServeOptions(port=0, token=TOKEN)
    parts = ServerParts(database, wakeups, actions, said.log, lambda: as_text, "2026-01-15T10:30:45.123Z", engine)
    writer = Writer(database)
    async with trio.open_nursery() as nursery:
        bound = await nursery.start(_serve, parts, options, stop, limits or Limits(), files)
        try:
            yield Web(database, wakeups, writer, actions, bound, stop, said, options.token)
        finally:
            stop.set()
            writer.close()


async def _serve(parts, options, stop, limits, files, *, task_status) -> None:
    await serve(parts, options, stop=stop, limits=limits, files=files, task_status=task_status)


def all_routes(folder: Path) -> list[tuple[str, str]]:
    """Every (rule, method) of the application's router."""
    database = folder / "quaero.db"
    prepare(database)
    parts = ServerParts(
        database, Wakeups(folder, database), FakeActions(database), lambda *_: None, lambda: as_text, ""
    )
    with open_desk(parts, Limits()) as desk:
        app = build_app(desk, viewer_files())
    return [(rule.rule, method) for rule in app.url_map.iter_rules() for method in sorted(rule.methods)]


def as_text(entries) -> str:
    return "".join(f"{entry['level']} {entry['message']}\n" for entry in entries)
