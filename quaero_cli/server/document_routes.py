"""`/api/documents`: what crawlers collected: the list, the search, one article."""

import re
from typing import Any

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.errors import NotFoundError
from quaero_cli.server.desk import Desk
from quaero_cli.server.filters import DEFAULT_DOCUMENTS, DOCUMENT_RULES
from quaero_cli.server.params import BadParameter, read_query
from quaero_cli.server.responses import json_answer
from quaero_cli.store.documents import DocumentQuery

_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_MAX_SHOWN = 60


class DocumentRoutes:
    """Documents."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the routes."""
        app.add_url_rule("/api/documents", "documents", self.list, methods=["GET"])
        app.add_url_rule("/api/documents/<document_id>", "document", self.show, methods=["GET"])

    async def list(self) -> Response:
        """Answer with documents without their texts: the newest first, or of a search the best first."""
        values = read_query(request.query_string, DOCUMENT_RULES)
        text = values.one("q", None)
        if text is not None and not any(char.isalnum() for char in text):
            raise BadParameter("q", "there is no word in it", DOCUMENT_RULES["q"].allowed)
        query = DocumentQuery(values.one("job_id", None), values.one("site", None), values.one("since", None), text)
        limit, offset = values.one("limit", DEFAULT_DOCUMENTS), values.one("offset", 0)
        page = await self._desk.in_thread(lambda reader: reader.documents.find(query, limit=limit, offset=offset))
        more = offset + len(page.documents) < page.total
        return json_answer({"documents": page.documents, "total": page.total, "has_more": more})

    async def show(self, document_id: str) -> Response:
        """Answer with one document: its text, and its older versions without theirs."""
        read_query(request.query_string, {})
        if _ID.fullmatch(document_id) is None:
            raise NotFoundError(
                f"no document {document_id[:_MAX_SHOWN]}", hint="list the documents with: GET /api/documents"
            )
        found: dict[str, Any] = await self._desk.in_thread(lambda reader: reader.documents.one(int(document_id)))
        return json_answer(found)
