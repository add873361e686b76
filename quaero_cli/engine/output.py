"""Joins a child's pieces of output to a log: the `on_pieces` of `run_process`."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from quaero_cli.engine.levels import read_level
from quaero_cli.engine.lines import Piece
from quaero_cli.model import Level
from quaero_cli.steps.contract import Log

# Takes (source, pieces) of what was read at once; source is `stdout` or `stderr`.
OnPieces = Callable[[str, Sequence[Piece]], None]

_CONTINUED = {"continued": True}
_INFO = int(Level.INFO)


class PieceLog(Log, Protocol):
    """A log that takes what a child printed at once."""

    def write_pieces(self, level: int, pieces: Sequence[Piece], source: str) -> None:
        """Log each piece, those that go on with the field `continued`."""


def line_logger(log: PieceLog, *, read_levels: bool = False) -> OnPieces:
    """Log each piece under its source.

    Both sources are level info, since programs write progress to stderr as well as errors, unless `read_levels`
    finds a level in the line. The later pieces of a long line keep the level of the first.
    """
    if not read_levels:
        return lambda source, pieces: log.write_pieces(_INFO, pieces, source)

    within: dict[str, Level] = {}  # source -> level of the long line that it is in the middle of

    def levelled(source: str, pieces: Sequence[Piece]) -> None:
        for text, continued in pieces:
            write_levelled(source, text, continued)

    def write_levelled(source: str, text: str, continued: bool) -> None:
        level = within.pop(source, None)
        fields: dict[str, Any] = {}
        if level is None:
            found, text, fields = read_level(text)
            level = Level.INFO if found is None else found
        if continued:
            within[source] = level
            fields = {**fields, **_CONTINUED}
        log.write(level, text, source=source, fields=fields or None)

    return levelled
