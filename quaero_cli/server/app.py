"""The web application: its routes, put together, and its errors, as JSON.

Quart is set up so that it does only what is asked for: no sessions, no files of its own, no redirects that would
repair a path, no answers to OPTIONS, no time limit on answers (the guard has one on progress).
"""

import traceback

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from quaero_cli.errors import QuaeroError
from quaero_cli.model import Level
from quaero_cli.resources import VENDOR_FILES, shipped, vendor_file
from quaero_cli.server.answers import error_body
from quaero_cli.server.artifact_route import ArtifactRoute
from quaero_cli.server.bundle_route import BundleRoute
from quaero_cli.server.definition_routes import DefinitionRoutes
from quaero_cli.server.desk import Desk
from quaero_cli.server.document_routes import DocumentRoutes
from quaero_cli.server.files import Files
from quaero_cli.server.health_route import HealthRoute
from quaero_cli.server.job_routes import JobRoutes
from quaero_cli.server.log_routes import LogRoutes
from quaero_cli.server.metrics_route import MetricsRoute
from quaero_cli.server.openapi_route import OpenApiRoute
from quaero_cli.server.overview_routes import OverviewRoutes
from quaero_cli.server.responses import error_answer, json_bytes
from quaero_cli.server.search_route import SearchRoute
from quaero_cli.server.static_routes import StaticRoutes
from quaero_cli.server.stream_route import StreamRoute
from quaero_cli.server.worker_routes import WorkerRoutes

_HINTS = {
    404: "the routes are described by GET /api/openapi.json",
    405: "this route takes other methods; see the Allow header",
    408: "send the body at once",
    413: "parameters of a job are small",
    415: "send JSON: Content-Type: application/json",
}


def viewer_files() -> Files:
    """Return the table of the viewer's files."""
    return Files(shipped("viewer"), vendor_file, frozenset(VENDOR_FILES))


def build_app(desk: Desk, files: Files) -> QuartTrio:
    """Return the application, without the policy in front of it (see `gate`)."""
    app = QuartTrio("quaero", static_folder=None, template_folder=None)
    app.config["RESPONSE_TIMEOUT"] = None
    app.config["BODY_TIMEOUT"] = desk.limits.body_seconds
    app.config["MAX_CONTENT_LENGTH"] = desk.limits.body_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.url_map.redirect_defaults = False
    api = (
        StreamRoute(desk), BundleRoute(desk), LogRoutes(desk), JobRoutes(desk), DefinitionRoutes(desk),
        DocumentRoutes(desk), OverviewRoutes(desk), ArtifactRoute(desk), SearchRoute(desk), HealthRoute(desk),
        WorkerRoutes(desk), MetricsRoute(desk),
    )  # fmt: skip
    for routes in (*api, OpenApiRoute(), StaticRoutes(files)):
        routes.add_to(app)
    _handle_errors(app, desk)
    return app


def _handle_errors(app: QuartTrio, desk: Desk) -> None:
    async def on_quaero_error(error: QuaeroError) -> Response:
        return error_answer(error)

    async def on_http_error(error: HTTPException) -> Response:
        return _http_error(error)

    async def on_failure(error: Exception) -> Response:
        trace = "".join(traceback.format_exception(error))
        # The path without its query; a log is no place for what people put there.
        desk.parts.log(
            Level.ERROR,
            "Request failed",
            {"method": request.method, "path": request.path, "error": type(error).__name__, "traceback": trace},
        )
        return json_bytes(error_body("the server failed on this request", "the service log says why"), 500)

    app.register_error_handler(QuaeroError, on_quaero_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_failure)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    answer = json_bytes(error_body(_words(error), _HINTS.get(status)), status)
    for name, value in error.get_headers():
        if name.lower() == "allow":
            answer.headers["Allow"] = value
    return answer


def _words(error: HTTPException) -> str:
    name = (error.name or "error").lower()
    return f"{request.method} {request.path[:100]}: {name}"
