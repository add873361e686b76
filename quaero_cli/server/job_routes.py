"""`/api/jobs`: lists, one job with everything, and what can be done with them."""

from quart import Response, request
from quart_trio import QuartTrio

from quaero_cli.errors import NotFoundError, UsageError
from quaero_cli.server.bodies import json_object
from quaero_cli.server.desk import Desk
from quaero_cli.server.filters import DEFAULT_JOBS, JOB_RULES
from quaero_cli.server.params import is_job_id, read_query
from quaero_cli.server.responses import json_answer


class JobRoutes:
    """Jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, app: QuartTrio) -> None:
        """Add the routes."""
        app.add_url_rule("/api/jobs", "jobs", self.list, methods=["GET"])
        app.add_url_rule("/api/jobs/<job_id>", "job", self.show, methods=["GET"])
        app.add_url_rule("/api/jobs/<job_id>", "job_delete", self.delete, methods=["DELETE"])
        app.add_url_rule("/api/jobs/<job_id>/cancel", "job_cancel", self.cancel, methods=["POST"])
        app.add_url_rule("/api/jobs/<job_id>/retry", "job_retry", self.retry, methods=["POST"])

    async def list(self) -> Response:
        """Answer with jobs, newest first."""
        values = read_query(request.query_string, JOB_RULES)
        before = values.one("before", None)
        if before is not None:
            self._known(before)
        jobs = await self._desk.in_thread(
            lambda reader: reader.list_jobs(
                statuses=values.all("status"),
                definition=values.one("definition", None),
                limit=values.one("limit", DEFAULT_JOBS),
                before=before,
            )
        )
        return json_answer({"jobs": jobs})

    async def show(self, job_id: str) -> Response:
        """Answer with one job: its steps, workers, counts, parameters and outputs."""
        read_query(request.query_string, {})
        known = self._known(job_id)
        return json_answer(await self._desk.in_thread(lambda reader: reader.details(known)))

    async def cancel(self, job_id: str) -> Response:
        """Ask for a job to be cancelled; it takes its time."""
        read_query(request.query_string, {})
        known = self._known(job_id)
        return json_answer({"job_id": known, "status": await self._desk.parts.actions.cancel(known)}, 202)

    async def retry(self, job_id: str) -> Response:
        """Run a job again as a new one; the body may be `{"failed": true}`."""
        read_query(request.query_string, {})
        known = self._known(job_id)
        options = await json_object()
        failed = options.pop("failed", False)
        if options or not isinstance(failed, bool):
            raise UsageError(
                'the body may hold "failed" alone, true or false', hint='send {"failed": true}, or nothing'
            )
        new, status = await self._desk.parts.actions.retry(known, failed=failed)
        return json_answer({"job_id": new, "status": status}, 202)

    async def delete(self, job_id: str) -> Response:
        """Delete a job that has ended; nobody sees it any more, and its entries are cleared away by and by."""
        read_query(request.query_string, {})
        known = self._known(job_id)
        await self._desk.parts.actions.delete(known)
        return json_answer({"job_id": known, "status": "deleted"}, 202)

    def _known(self, job_id: str) -> str:
        """Return the ID. Raises NotFoundError."""
        if is_job_id(job_id) and self._desk.reader.job_exists(job_id):
            return job_id
        raise NotFoundError(f"no job {job_id[:60]}", hint="list the jobs with: GET /api/jobs")
