"""Addresses that people type, and links that other programs make: `/jobs/ID` leads to the viewer's `#/job/ID`. Pure.

The viewer is one page, and its own addresses stand after the `#`, which browsers keep to themselves: what comes here
is an address that somebody guessed. It is answered only where a page is asked for (`Accept: text/html`, which no
script sends by itself); for everybody else such a path does not exist. What is answered tells nothing: whether there
is such a job is found out by the viewer, with the token.
"""

import re
from collections.abc import Iterable

# The words of the API and of the viewer, in both numbers, and what the viewer calls them.
_VIEWS = {
    "job": "job", "jobs": "job", "document": "document", "documents": "document", "docs": "document",
}  # fmt: skip
_LISTS = {
    "job": "", "jobs": "", "document": "documents", "documents": "documents", "docs": "documents",
    "definitions": "definitions", "defs": "definitions", "job-definitions": "definitions",
    "service": "service", "workers": "workers",
}  # fmt: skip
_PATH = re.compile(r"/(?P<word>[a-z-]+)(?:/(?P<id>[A-Za-z0-9_-]{1,100})?)?", re.ASCII)


def viewer_address(method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return where the viewer has what a person means by `path`, relative to it; None where nobody means anything.

    Relative, so that it holds behind a proxy that serves us below a path of its own.
    """
    found = _PATH.fullmatch(path)
    if found is None or method not in ("GET", "HEAD") or not _wants_page(headers):
        return None
    word, ident = found["word"], found["id"]
    if word not in (_VIEWS if ident else _LISTS):
        return None
    up = "../" if path.count("/") > 1 else "./"
    return f"{up}#/{_VIEWS[word]}/{ident}" if ident else f"{up}#/{_LISTS[word]}"


def _wants_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    accepted = b",".join(value for name, value in headers if name == b"accept").lower()
    return any(kind.partition(b";")[0].strip() == b"text/html" for kind in accepted.split(b","))
