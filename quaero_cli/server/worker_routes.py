"""`GET /api/workers`: the worker machines and the queues of a cluster, as this view knows them."""

import time

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.server.desk import Desk
from quaero_cli.server.params import read_query
from quaero_cli.server.responses import json_answer
from quaero_cli.store.crowd import ClusterView, crowd


class WorkerRoutes:
    """Machines and queues."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.add_url_rule("/api/workers", "workers", self.workers, methods=["GET"])

    async def workers(self) -> Response:
        """Answer with all of them; without a cluster there are none."""
        read_query(request.query_string, {})
        parts = self._desk.parts

        def look() -> ClusterView:
            return crowd(parts.database, time.time_ns() // 1000, parts.engine)

        return json_answer(await self._desk.apart(look))
