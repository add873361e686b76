"""Joins a child's pieces of output to a log: the `on_line` of `run_process`."""

from collections.abc import Callable
from typing import Any

from quaero_cli.engine.levels import read_level
from quaero_cli.model import Level
from quaero_cli.steps.contract import Log

# Takes (source, text, continued); source is `stdout` or `stderr`.
OnLine = Callable[[str, str, bool], None]

_CONTINUED = {"continued": True}


def line_logger(log: Log, *, read_levels: bool = False) -> OnLine:
    """Log each piece under its source.

    Both sources are level info, since programs write progress to stderr as well as errors, unless `read_levels`
    finds a level in the line. The later pieces of a long line keep the level of the first.
    """
    write = log.write
    if not read_levels:

        def plain(source: str, text: str, continued: bool) -> None:
            write(Level.INFO, text, source=source, fields=_CONTINUED if continued else None)

        return plain

    within: dict[str, Level] = {}  # source -> level of the long line that it is in the middle of

    def levelled(source: str, text: str, continued: bool) -> None:
        level = within.pop(source, None)
        fields: dict[str, Any] = {}
        if level is None:
            found, text, fields = read_level(text)
            level = Level.INFO if found is None else found
        if continued:
            within[source] = level
            fields = {**fields, **_CONTINUED}
        write(level, text, source=source, fields=fields or None)

    return levelled
