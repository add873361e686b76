"""Names for looks: every colour and every glyph of the terminal output, by what it means. Pure, and without Rich.

Colours are the sixteen of the terminal's own theme, so that they fit whatever background the reader has chosen. A
colour never says anything alone: levels and statuses are always words, too. The style words are Rich's, and are
turned into escape sequences here, because entries are written as ready strings (Rich takes a hundred times longer
for a line) and because pipes and scripts should not pay for importing it.
"""

import zlib
from collections.abc import Mapping

STYLES: Mapping[str, str] = {
    "muted": "dim",
    "title": "bold",
    "debug": "dim",
    "info": "green",
    "warn": "yellow",
    "error": "bold red",
    "bar": "cyan",
    "match": "reverse",
    "pending": "dim",
    "running": "cyan",
    "completed": "green",
    "warning": "yellow",
    "failed": "bold red",
    "cancelled": "magenta",
    "skipped": "dim",
    "interrupted": "magenta",
}
# Steps and jobs are told apart by these; green, yellow and red are left to levels and statuses.
_ORIGIN_STYLES = ("cyan", "magenta", "bright_blue", "bright_cyan", "bright_magenta")

_SGR = {
    "bold": "1",
    "dim": "2",
    "reverse": "7",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
} | {
    "bright_blue": "94",
    "bright_magenta": "95",
    "bright_cyan": "96",
}

_GLYPHS: Mapping[str, tuple[str, str]] = {  # status: (Unicode, ASCII)
    "pending": ("○", "o"),
    "running": ("●", "*"),
    "completed": ("✓", "+"),
    "warning": ("▲", "!"),
    "failed": ("✗", "x"),
    "cancelled": ("■", "-"),
    "skipped": ("·", "."),
    "interrupted": ("↯", "?"),
}
_SPINNER = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "-\\|/")


def origin_style(name: str) -> str:
    """Return the style of a step or job: always the same one for the same name."""
    return _ORIGIN_STYLES[zlib.crc32(name.encode("utf-8", "replace")) % len(_ORIGIN_STYLES)]


def style_of(name: str) -> str:
    """Return Rich's style words for a name in `STYLES`; a name that is not in it is style words already."""
    return STYLES.get(name, name)


def glyph(status: str, *, unicode: bool) -> str:
    """Return the one-cell sign of a status."""
    fancy, ascii_ = _GLYPHS.get(status, ("?", "?"))
    return fancy if unicode else ascii_


def spinner(beat: int, *, unicode: bool) -> str:
    """Return the spinner's sign at the given beat."""
    frames = _SPINNER[0] if unicode else _SPINNER[1]
    return frames[beat % len(frames)]


class Paint:
    """Wraps text in escape sequences, or leaves it alone where there is no colour."""

    def __init__(self, *, color: bool) -> None:
        self.color = color
        self._starts: dict[str, str] = {}

    def __call__(self, name: str, text: str) -> str:
        """Return `text` in the named style. `text` must be clean already."""
        if not self.color or not text or not name:
            return text
        start = self._starts.get(name)
        if start is None:
            codes = ";".join(_SGR[word] for word in style_of(name).split())
            start = self._starts[name] = f"\x1b[{codes}m"
        return f"{start}{text}\x1b[0m"
