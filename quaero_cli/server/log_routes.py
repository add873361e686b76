"""`GET /api/logs` (a page) and a job's whole log as a file, which is streamed page by page."""

from collections.abc import AsyncIterator, Callable, Sequence

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.errors import NotFoundError
from quaero_cli.model import Entry, Level, LogQuery
from quaero_cli.server.desk import Desk
from quaero_cli.server.encode import to_json
from quaero_cli.server.filters import PageRequest, read_page_request
from quaero_cli.server.gate import stack_of
from quaero_cli.server.params import is_job_id, read_query
from quaero_cli.server.responses import json_bytes, stream_answer
from quaero_cli.server.streams import slices
from quaero_cli.store.reader import Reader

# Entries read and sent at once: 10 ms of reading, 300 KB.
_EXPORT_PAGE = 2000

Encode = Callable[[Sequence[Entry]], bytes]


class LogRoutes:
    """Stored entries."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the routes."""
        app.add_url_rule("/api/logs", "logs", self.page, methods=["GET"])
        app.add_url_rule("/api/jobs/<job_id>/logs.txt", "logs_txt", self.text, methods=["GET"])
        app.add_url_rule("/api/jobs/<job_id>/logs.ndjson", "logs_ndjson", self.ndjson, methods=["GET"])

    async def page(self) -> Response:
        """Answer with a page of entries."""
        asked = read_page_request(request.query_string, self._desk.limits)
        place = self._place(asked)

        def read(reader: Reader) -> bytes:
            return to_json(reader.page(asked.query, limit=asked.limit, **place))

        return json_bytes(await self._desk.in_thread(read))

    async def text(self, job_id: str) -> Response:
        """Answer with the whole log as lines for people."""
        lines = self._desk.parts.text()
        return await self._whole(job_id, "txt", "text/plain; charset=utf-8", lambda page: lines(page).encode())

    async def ndjson(self, job_id: str) -> Response:
        """Answer with the whole log, one JSON object a line."""

        def encode(page: Sequence[Entry]) -> bytes:
            return b"".join([to_json(entry) + b"\n" for entry in page])

        return await self._whole(job_id, "ndjson", "application/x-ndjson", encode)

    def _place(self, asked: PageRequest) -> dict[str, int]:
        if asked.place is None or asked.cursor is None:
            return {}
        return {asked.place: self._desk.id_of(asked.cursor, asked.place)}

    async def _whole(self, job_id: str, kind: str, content_type: str, encode: Encode) -> Response:
        read_query(request.query_string, {})
        if not is_job_id(job_id) or not self._desk.reader.job_exists(job_id):
            raise NotFoundError(f"no job {job_id[:60]}", hint="list the jobs with: GET /api/jobs")
        headers = {
            "Content-Type": content_type,
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{job_id}.{kind}"',
        }
        if request.method == "HEAD":
            return stream_answer(b"", headers)
        stack_of(request.scope).enter_context(self._desk.streams.slot())
        return stream_answer(self._pages(LogQuery((job_id,), level=Level.DEBUG), encode), headers)

    async def _pages(self, query: LogQuery, encode: Encode) -> AsyncIterator[bytes]:
        """Yield everything up to the entry that is the newest now: a job that logs on must not keep us for ever."""
        newest = await self._desk.in_thread(lambda reader: reader.page(query, limit=1)["meta"]["newest_id"])
        cursor = 0
        while newest is not None and cursor < newest:
            body, cursor = await self._desk.in_thread(_Next(query, cursor, newest, encode))
            for part in slices(body):
                yield part


class _Next:
    """Reads and encodes the entries after a place, in a thread."""

    def __init__(self, query: LogQuery, cursor: int, newest: int, encode: Encode) -> None:
        self._query = query
        self._cursor = cursor
        self._newest = newest
        self._encode = encode

    def __call__(self, reader: Reader) -> tuple[bytes, int]:
        view = reader.page(self._query, limit=_EXPORT_PAGE, since=self._cursor)
        page = [entry for entry in view["logs"] if entry["id"] <= self._newest]
        # Retention may have taken the rest while we read.
        last = view["logs"][-1]["id"] if view["logs"] else self._newest
        return self._encode(page), last
