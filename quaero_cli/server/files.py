"""The files of the viewer that may be served: a table, made once. Nothing from a request ever becomes a path.

A name that is not in the table does not exist, so there is nothing to traverse. The npm packages have fixed names of
their own; whether they are installed is looked at when they are asked for, so that `npm ci` needs no restart.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quaero_cli.server.join import Read, join_modules, join_styles
from quaero_cli.server.slim import slim_code, slim_page, slim_style, with_views

# Extension -> content type. A file of another kind is not served.
_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
# Folders of the viewer that are for its makers; `vendor` is served by its own names.
_NOT_SERVED = frozenset({"eslint.config.js", "node_modules", "tests", "vendor"})
_INDEX = "index.html"
_VENDOR = "vendor/"
# Files that are handed out with all that they import.
_ENTRIES: Mapping[str, Callable[[str, Read], str]] = {
    "css/page.css": join_styles,
    "js/app.js": join_modules,
    "js/stream-worker.js": join_modules,
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's content as it is served."""

    body: bytes
    content_type: str
    etag: str


@dataclass(slots=True)
class _Kept:
    """A file and what it held when it was read last."""

    path: Path
    slim: bool = True  # ours; a package is served as it is
    stamp: tuple[int, int] = (0, 0)  # modified (ns), size
    asset: Asset | None = None


@dataclass(slots=True)
class Files:
    """The table. `vendor` finds an npm asset by its name, or returns None."""

    root: Path
    vendor: Callable[[str], Path | None]
    vendor_names: frozenset[str]
    _table: dict[str, _Kept] = field(init=False)
    _vendored: dict[Path, _Kept] = field(default_factory=dict)
    _joined: dict[str, tuple[list[str], Asset]] = field(default_factory=dict)  # with the tags of all of its kind

    def __post_init__(self) -> None:
        self._table = {name: _Kept(path) for name, path in _servable(self.root)}

    def names(self) -> list[str]:
        """Return the names below /static/, without the npm assets."""
        return sorted(self._table)

    def missing(self) -> list[str]:
        """Return the npm assets that are not installed."""
        return sorted(name for name in self.vendor_names if self.vendor(name) is None)

    def is_vendor(self, name: str) -> bool:
        """Return whether `name` is that of an npm asset, installed or not."""
        return name.startswith(_VENDOR) and name.removeprefix(_VENDOR) in self.vendor_names

    def index(self) -> Asset | None:
        """Return the page itself with its views, or None when there is no viewer."""
        page = self.get(_INDEX)
        if page is None:
            return None
        body = with_views(page.body, self._view)
        return Asset(body, page.content_type, _etag(body))

    def _view(self, name: str) -> bytes | None:
        view = self.get(f"views/{name}.html")
        return None if view is None else view.body

    def get(self, name: str) -> Asset | None:
        """Return the asset with this name, or None. Reads a changed file anew."""
        if self.is_vendor(name):
            path = self.vendor(name.removeprefix(_VENDOR))
            return None if path is None else _read(self._vendored.setdefault(path, _Kept(path, slim=False)))
        kept = self._table.get(name)
        if kept is None:
            return None
        return self._whole(name) if name in _ENTRIES else _read(kept)

    def _whole(self, name: str) -> Asset | None:
        """Return an entry file with what it imports, made anew when a file of its kind has changed."""
        kind = Path(name).suffix
        parts = {each: _read(kept) for each, kept in self._table.items() if kept.path.suffix == kind}
        tags = [part.etag for part in parts.values() if part is not None]
        found = parts[name]
        if found is not None and self._joined.get(name, ([],))[0] != tags:

            def read(each: str) -> str | None:
                part = parts.get(each)
                return None if part is None else part.body.decode()

            body = _ENTRIES[name](name, read).encode()
            self._joined[name] = (tags, Asset(body, found.content_type, _etag(body)))
        return None if found is None else self._joined[name][1]


def _servable(root: Path) -> list[tuple[str, Path]]:
    found = []
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        if path.name.startswith(".") or path.name in _NOT_SERVED or path.is_symlink():
            continue
        if path.is_dir():
            found += [(f"{path.name}/{name}", file) for name, file in _servable(path)]
        elif path.suffix in _TYPES:
            found.append((path.name, path))
    return found


# What is left out of a file of ours, by its extension.
_SLIM: Mapping[str, Callable[[bytes], bytes]] = {".js": slim_code, ".css": slim_style, ".html": slim_page}


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _read(kept: _Kept) -> Asset | None:
    try:
        about = kept.path.stat()
        stamp = (about.st_mtime_ns, about.st_size)
        if kept.asset is None or kept.stamp != stamp:
            body = kept.path.read_bytes()
            if kept.slim:
                body = _SLIM.get(kept.path.suffix, bytes)(body)
            kept.stamp, kept.asset = stamp, Asset(body, _TYPES[kept.path.suffix], _etag(body))
    except OSError:
        return None  # removed since the table was made
    return kept.asset
