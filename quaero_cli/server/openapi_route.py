"""`GET /api/openapi.json`: the API's description of itself."""

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.server.encode import to_json
from quaero_cli.server.openapi import describe
from quaero_cli.server.params import read_query
from quaero_cli.server.responses import json_bytes


class OpenApiRoute:
    """The description; it never changes while the server runs."""

    def __init__(self) -> None:
        self._body = b""

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.add_url_rule("/api/openapi.json", "openapi", self.show, methods=["GET"])

    async def show(self) -> Response:
        """Answer with the description; made when it is asked for first."""
        read_query(request.query_string, {})
        self._body = self._body or to_json(describe())
        return json_bytes(self._body)
