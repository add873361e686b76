"""Looking over one job's log: its map, its errors by kind, where a text occurs, where a line is. All read-only."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.errors import NotFoundError
from quaero_cli.server.desk import Desk
from quaero_cli.server.filters import read_hit_request
from quaero_cli.server.params import Rule, integer, is_job_id, read_query
from quaero_cli.server.responses import json_answer
from quaero_cli.store.reader import Reader

T = TypeVar("T")

MAX_PARTS = 1000  # of a map: more than any screen has rows of pixels for it
DEFAULT_PARTS = 200
MAX_GROUPS = 200
DEFAULT_GROUPS = 50
_LINE = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)

MAP_RULES: Mapping[str, Rule] = {"parts": integer(1, MAX_PARTS)}
ERROR_RULES: Mapping[str, Rule] = {"limit": integer(1, MAX_GROUPS)}


class OverviewRoutes:
    """Overviews of a job's log."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the routes."""
        base = "/api/jobs/<job_id>"
        app.add_url_rule(f"{base}/map", "job_map", self.map, methods=["GET"])
        app.add_url_rule(f"{base}/errors", "job_errors", self.errors, methods=["GET"])
        app.add_url_rule(f"{base}/hits", "job_hits", self.hits, methods=["GET"])
        app.add_url_rule(f"{base}/lines/<line>", "job_line", self.line, methods=["GET"])

    async def map(self, job_id: str) -> Response:
        """Answer with the warnings and errors in each part of the log."""
        parts = read_query(request.query_string, MAP_RULES).one("parts", DEFAULT_PARTS)
        return await self._answer(job_id, lambda reader: reader.log_map(job_id, parts))

    async def errors(self, job_id: str) -> Response:
        """Answer with the errors by kind."""
        limit = read_query(request.query_string, ERROR_RULES).one("limit", DEFAULT_GROUPS)
        return await self._answer(job_id, lambda reader: reader.error_groups(job_id, limit))

    async def hits(self, job_id: str) -> Response:
        """Answer with the places of all entries that the filters let through."""
        query, limit = read_hit_request(request.query_string, job_id)
        return await self._answer(job_id, lambda reader: reader.find_hits(query, limit))

    async def line(self, job_id: str, line: str) -> Response:
        """Answer with the place of a line."""
        read_query(request.query_string, {})
        if not _LINE.fullmatch(line):
            raise NotFoundError(f"no line {line[:20]}", hint="lines are numbered from 1")
        return await self._answer(job_id, lambda reader: reader.find_line(job_id, int(line)))

    async def _answer(self, job_id: str, read: Callable[[Reader], T]) -> Response:
        if not is_job_id(job_id) or not self._desk.reader.job_exists(job_id):
            raise NotFoundError(f"no job {job_id[:60]}", hint="list the jobs with: GET /api/jobs")
        return json_answer(await self._desk.in_thread(read))
