"""`GET /api/health`, for probes: open to all who reach the server, so it says nothing but whether it works."""

from quart import Response
from quart_trio import QuartTrio

from quaero_cli.errors import StoreError
from quaero_cli.server.desk import Desk
from quaero_cli.server.responses import json_answer


class HealthRoute:
    """Whether the server and its store work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.add_url_rule("/api/health", "health", self.health, methods=["GET"])

    async def health(self) -> Response:
        """Answer `ok`, or 503 when the store cannot be read or the server is about to stop."""
        if self._desk.streams.draining:
            return json_answer({"status": "stopping"}, 503)
        try:
            self._desk.reader.list_jobs(limit=1)
        except StoreError:  # its words name files; they are for those with the token
            return json_answer({"status": "failing"}, 503)
        return json_answer({"status": "ok"})
