"""The viewer: `/`, `/static/...` and the icon. Open to all who reach the server; it holds no data."""

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import NotFound

from quaero_cli.server.files import Asset, Files
from quaero_cli.server.responses import plain_answer

_INSTALL = """\
The viewer's npm packages are not installed: {missing}

Install them with:

    npm ci --prefix viewer
"""
_NO_VIEWER = "This installation has no viewer. The API works; so does the command line.\n"


class StaticRoutes:
    """The viewer's files."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def add_to(self, app: QuartTrio) -> None:
        """Add the routes."""
        app.add_url_rule("/", "viewer", self.index, methods=["GET"])
        app.add_url_rule("/static/<path:name>", "static_file", self.static, methods=["GET"])
        for name in ("favicon.ico", "favicon.svg"):
            app.add_url_rule(f"/{name}", name.replace(".", "_"), self.icon, methods=["GET"])

    async def index(self) -> Response:
        """Answer with the page, or with what is missing to show it."""
        if missing := self._files.missing():
            return plain_answer(_INSTALL.format(missing=", ".join(missing)), 503)
        page = self._files.index()
        return plain_answer(_NO_VIEWER, 503) if page is None else _answer(page)

    async def static(self, name: str) -> Response:
        """Answer with a file of the table."""
        asset = self._files.get(name)
        if asset is not None:
            return _answer(asset)
        if self._files.is_vendor(name):
            return plain_answer(_INSTALL.format(missing=name), 503)
        raise NotFound

    async def icon(self) -> Response:
        """Answer with the icon, where the viewer has one of that kind."""
        asset = self._files.get(request.path.removeprefix("/"))
        if asset is None:
            raise NotFound
        return _answer(asset)


def _answer(asset: Asset) -> Response:
    # Always asked again, answered with 304 in a millisecond: a new version is seen at once.
    headers = {"ETag": f'"{asset.etag}"', "Cache-Control": "no-cache"}
    if asset.etag in request.if_none_match:
        return Response(b"", 304, headers=headers)
    return Response(asset.body, 200, headers=headers, content_type=asset.content_type)
