"""Where something stands, and how a complaint about it is worded. The one maker of this package's errors.

A place is a chain of words, `news.toml: step crawl: max_pages`; it grows with `at` as a reader goes deeper, so the
code that finds a fault need not know the file. Values are shown short and with nothing unprintable in them: they
come from a file that somebody else may have written, and end on a terminal.
"""

import difflib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from quaero_cli.errors import DefinitionError, QuaeroError

# Characters of a value in a message: one terminal line holds the file, the key and this.
MAX_SHOWN = 60

# What takes the secrets of the job that runs out of a value, before it is cut: half a secret cannot be found later.
hide: ContextVar[Callable[[str], str] | None] = ContextVar("quaero_hide", default=None)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a definition (or among the given parameters), and the error class that belongs to it."""

    words: str
    error_type: type[QuaeroError] = DefinitionError

    def at(self, *parts: str) -> "Place":
        """The place further in."""
        return Place(": ".join((self.words, *parts)), self.error_type)

    def error(self, problem: str, *, hint: str | None = None) -> QuaeroError:
        """Make (not raise) the error."""
        return self.error_type(f"{self.words}: {problem}", hint=hint)

    def mismatch(self, expects: str, value: object, *, hint: str | None = None) -> QuaeroError:
        """Make the error for a value that is not what is expected."""
        return self.error(f"must be {expects}, not {shown(value)}", hint=hint)


def shown(value: object) -> str:
    """A value for a message, in one short line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a very large number"  # Python refuses to print one of thousands of digits
    text = repr(value) if isinstance(value, str | int | float) else repr(str(value))
    hiding = hide.get()
    if hiding is not None:
        text = hiding(text)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def plain_name(name: str) -> str:
    """A name from a file for a message: bare when it is harmless, quoted when not."""
    return name if name.isprintable() and name and len(name) <= MAX_SHOWN else shown(name)


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """The way out when a name is unknown: the nearest known one, else all of them."""
    names = [plain_name(name) for name in known]
    close = difflib.get_close_matches(word[:MAX_SHOWN], names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else None
