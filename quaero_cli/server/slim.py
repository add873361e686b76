"""The viewer's files as they travel: without comments and indentation, and the page with its views put in. Pure.

No build makes the viewer, so what its authors write for each other is left out here, line by line. A file's lines
stay lines, so that an error in the browser's console is found; where files are joined, each begins with its name.

A line is left out when all of it is a comment: it begins with `//`, or lies between a line that begins with `/*` and
the one that ends with `*/`. Code never looks like that in these files (no template text spans lines; a test of the
viewer holds it). A comment behind code goes, too, unless a quote follows: then `//` may lie in a text.
"""

import re
from collections.abc import Callable

_BEHIND_CODE = re.compile(rb" +// [^\"'`]*$")
_TEXT = re.compile(rb"(\"[^\"]*\")")
_EMPTY_LINES = re.compile(rb"\n+")
_AFTER_SIGN = re.compile(rb"([:;,{]) +")
_BEFORE_BRACE = re.compile(rb" +([{}])")
_VIEW = re.compile(rb"^[ \t]*<!-- view: ([a-z][a-z-]{0,39}) -->[ \t]*$", re.MULTILINE)


def slim_code(body: bytes) -> bytes:
    """Return JavaScript or CSS without comment lines and indentation."""
    kept = []
    inside = False
    for line in body.split(b"\n"):
        text = line.strip()
        begins = text.startswith(b"/*")
        if inside or begins:
            inside = not text.endswith(b"*/")
            kept.append(b"")
        elif text.startswith(b"//"):
            kept.append(b"")
        else:
            kept.append(_BEHIND_CODE.sub(b"", text))
    return b"\n".join(kept)


def slim_style(body: bytes) -> bytes:
    """Return CSS without comment lines, empty lines, and blanks that say nothing; nobody is told of lines in it."""
    parts = _TEXT.split(slim_code(body))
    return b"".join([part if number % 2 else _without_blanks(part) for number, part in enumerate(parts)])


def _without_blanks(part: bytes) -> bytes:
    return _BEFORE_BRACE.sub(rb"\1", _AFTER_SIGN.sub(rb"\1", _EMPTY_LINES.sub(b"\n", part)))


def slim_page(body: bytes) -> bytes:
    """Return HTML without indentation."""
    return b"\n".join([line.strip() for line in body.split(b"\n")])


def with_views(page: bytes, view: Callable[[str], bytes | None]) -> bytes:
    """Return the page with each line `<!-- view: NAME -->` replaced by that view; one that is missing by nothing."""
    return _VIEW.sub(lambda found: view(found.group(1).decode()) or b"", page)
