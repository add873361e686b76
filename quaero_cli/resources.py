"""Where the shipped data lies: `viewer/` and `jobdefs/`, in a wheel or in a checkout.

A wheel holds a copy of both beside the code (`_viewer`, `_jobdefs`); a checkout and an editable install have the
real folders one level up. The viewer's npm packages are copied into the wheel when it is built; a checkout serves
them from where `npm ci` put them.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

# Name under /static/vendor/ -> file below node_modules/. The build hook copies by this very table.
VENDOR_FILES = {
    "alpine.js": "@alpinejs/csp/dist/module.esm.min.js",
    "eventsource-parser.js": "eventsource-parser/dist/index.js",
}


def shipped(name: str) -> Path:
    """Return the folder `viewer` or `jobdefs`."""
    packaged = _PACKAGE / f"_{name}"
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def vendor_file(name: str) -> Path | None:
    """Return the path of an npm asset of the viewer, or None when it is unknown or not installed."""
    source = VENDOR_FILES.get(name)
    if source is None:
        return None
    viewer = shipped("viewer")
    for path in (viewer / "vendor" / name, viewer / "node_modules" / source):
        if path.is_file():
            return path
    return None


def missing_vendor_files() -> list[str]:
    """Return the names of npm assets that are not installed; empty in any wheel."""
    return [name for name in VENDOR_FILES if vendor_file(name) is None]
