"""`/api/job-definitions`: what can be run, and running it."""

import re

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.errors import NotFoundError
from quaero_cli.server.bodies import json_object
from quaero_cli.server.desk import Desk
from quaero_cli.server.params import read_query
from quaero_cli.server.responses import json_answer

# Looks like a definition's id at all; the session knows which exist. Nothing that could be a path.
_DEFINITION_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)
_MAX_SHOWN = 60


class DefinitionRoutes:
    """Job definitions."""

    def __init__(self, desk: Desk) -> None:
        self._actions = desk.parts.actions

    def add_to(self, app: QuartTrio) -> None:
        """Add the routes."""
        base = "/api/job-definitions"
        app.add_url_rule(base, "definitions", self.list, methods=["GET"])
        app.add_url_rule(f"{base}/<definition_id>", "definition", self.show, methods=["GET"])
        app.add_url_rule(f"{base}/<definition_id>/execute", "definition_execute", self.execute, methods=["POST"])

    async def list(self) -> Response:
        """Answer with every definition, with the error of one that does not load."""
        read_query(request.query_string, {})
        return json_answer({"definitions": await self._actions.definitions()})

    async def show(self, definition_id: str) -> Response:
        """Answer with one definition."""
        read_query(request.query_string, {})
        return json_answer(await self._actions.definition(_possible(definition_id)))

    async def execute(self, definition_id: str) -> Response:
        """Start a job; the body is a JSON object of parameters, or empty."""
        read_query(request.query_string, {})
        wanted = _possible(definition_id)
        job_id, status = await self._actions.execute(wanted, await json_object())
        return json_answer({"job_id": job_id, "status": status}, 202)


def _possible(definition_id: str) -> str:
    if _DEFINITION_ID.fullmatch(definition_id) is None:
        raise NotFoundError(
            f"no job definition {definition_id[:_MAX_SHOWN]}", hint="list them with: GET /api/job-definitions"
        )
    return definition_id
