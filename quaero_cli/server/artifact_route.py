"""`GET /api/jobs/{id}/artifacts/{step}/{name}`: a file that a step has left, streamed.

What is asked for is compared with the job's listing; nothing of a request becomes part of a path. What is in the file
is for saving, never for showing: a page that a step wrote would run with the rights of ours.
"""

import os
import re
from collections.abc import AsyncIterator
from typing import BinaryIO
from urllib.parse import quote

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.routing import PathConverter

from quaero_cli.errors import NotFoundError
from quaero_cli.server.desk import Desk
from quaero_cli.server.gate import stack_of
from quaero_cli.server.params import is_job_id, read_query
from quaero_cli.server.responses import stream_answer

# Bytes read and sent at once: the layers below pass as many on without a copy.
_PART = 256 * 1024
_MAX_NAME = 150  # characters of the name that a browser is told to save it under
_MAX_SHOWN = 60
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)


class _AnyPath(PathConverter):
    """A path with whatever is in it: a name may have a line's end."""

    regex = "[^/](?s:.)*?"


class ArtifactRoute:
    """Files of steps."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the route."""
        app.url_map.converters["path"] = _AnyPath
        rule = "/api/jobs/<job_id>/artifacts/<step>/<path:name>"
        app.add_url_rule(rule, "job_artifact", self.file, methods=["GET"])

    async def file(self, job_id: str, step: str, name: str) -> Response:
        """Answer with the file as it is now: what is added while it is sent is left out."""
        read_query(request.query_string, {})
        if not is_job_id(job_id) or not self._desk.reader.job_exists(job_id):
            raise NotFoundError(f"no job {job_id[:_MAX_SHOWN]}", hint="list the jobs with: GET /api/jobs")
        stack = stack_of(request.scope)
        stack.enter_context(self._desk.streams.slot())
        found = await self._desk.in_thread(lambda reader: reader.open_artifact(job_id, step, name))
        if found is None:
            where = f"{step}/{name}"[:_MAX_SHOWN]
            node = await self._desk.in_thread(lambda reader: reader.summary(job_id)["node"])
            hint = f"list them with: GET /api/jobs/{job_id}"
            if node is not None:
                hint = f"files that are too large to be sent stay on the worker {node}, see the job's log"
            raise NotFoundError(f"no file {where} of job {job_id}", hint=hint)
        file = stack.enter_context(found)
        headers = {
            "Content-Type": "application/octet-stream",
            "Cache-Control": "no-store",
            "Content-Disposition": _disposition(name),
        }
        return stream_answer(b"" if request.method == "HEAD" else self._parts(file), headers)

    async def _parts(self, file: BinaryIO) -> AsyncIterator[bytes]:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            part = await self._desk.apart(_Read(file, min(_PART, left)))
            if not part:
                return  # it was cut short meanwhile
            left -= len(part)
            yield part


class _Read:
    """Reads the next bytes, in a thread."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def __call__(self) -> bytes:
        return self._file.read(self._size)


def _disposition(name: str) -> str:
    """Return the header that lets a browser save the file: under its own name, or for old clients a plain one."""
    last = name.rpartition("/")[2][-_MAX_NAME:]
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', last)}\"; filename*=UTF-8''{quote(last, safe='')}"
