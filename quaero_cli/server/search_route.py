"""`GET /api/search`: entries with a text, over all jobs."""

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.model import Level
from quaero_cli.server.desk import Desk
from quaero_cli.server.encode import to_json
from quaero_cli.server.filters import DEFAULT_FOUND, SEARCH_RULES, Moment
from quaero_cli.server.params import Values, read_query
from quaero_cli.server.responses import json_bytes
from quaero_cli.store.reader import Reader
from quaero_cli.store.search import Search


class SearchRoute:
    """The search over all jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.add_url_rule("/api/search", "search", self.search, methods=["GET"])

    async def search(self) -> Response:
        """Answer with a page of what was found."""
        values = read_query(request.query_string, SEARCH_RULES)
        wanted, limit = self._wanted(values), values.one("limit", DEFAULT_FOUND)

        def read(reader: Reader) -> bytes:
            return to_json(reader.search(wanted, limit))

        return json_bytes(await self._desk.in_thread(read))

    def _wanted(self, values: Values) -> Search:
        since, before = values.one("since", None), values.one("before", None)
        return Search(
            text=values.one("q", ""),
            level=values.one("level", Level.INFO),
            jobs=values.all("job_id"),
            definition=values.one("definition", None),
            steps=values.all("step"),
            since=None if since is None or isinstance(since, Moment) else self._desk.id_of(since, "since"),
            since_us=since.us if isinstance(since, Moment) else None,
            before=None if before is None else self._desk.id_of(before, "before"),
        )
