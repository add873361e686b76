"""Takes texts out of a stream that comes in pieces: the same result however it was cut. Pure.

Theory. What may still become a match waits: the longest end of what has come that is the beginning of a sought
text. So a line that has nothing to do with a secret is handed on at once, and no more is held than the longest text.
Matches are taken from the left, at each place the longest.

Most pieces hold nothing, which a plain search for each text tells at memory speed; the expression is made only of the
texts that are there. Bytes are searched as the text that Latin-1 makes of them, one character each.
"""

import functools
import re
from collections.abc import Iterable


class Finder:
    """The texts that are looked for; shared by all streams."""

    def __init__(self, texts: Iterable[str], mask: str) -> None:
        self._texts = tuple(sorted(texts, key=len, reverse=True))
        self.mask = mask
        # Last character of a beginning -> the beginnings that end so, as (text, length), the longest first.
        self._beginnings: dict[str, list[tuple[str, int]]] = {}
        for text in self._texts:
            for length in range(1, len(text)):
                self._beginnings.setdefault(text[length - 1], []).append((text, length))
        for found in self._beginnings.values():
            found.sort(key=lambda each: each[1], reverse=True)

    def expression(self, data: str) -> re.Pattern[str] | None:
        """Return what matches the texts that stand in `data`, None when there is none."""
        # A loop, and no generator: this runs for every line.
        present = [text for text in self._texts if text in data]
        return _compiled(tuple(present)) if present else None

    def replace(self, data: str) -> str:
        """Return `data` with each text replaced."""
        found = self.expression(data)
        return data if found is None else found.sub(lambda _: self.mask, data)

    def unfinished(self, data: str, start: int) -> int:
        """Return where the longest end of `data` from `start` on begins that is the beginning of a text."""
        most = len(data) - start
        for text, length in self._beginnings.get(data[-1:], ()) if most else ():
            if length <= most and data.endswith(text[:length]):
                return len(data) - length
        return len(data)


@functools.lru_cache(maxsize=256)
def _compiled(texts: tuple[str, ...]) -> re.Pattern[str]:
    """An alternation, the longest first; `texts` come in that order."""
    return re.compile("|".join(map(re.escape, texts)))


class StreamMask:
    """One stream of text. Holds no more than the longest text that is looked for."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._held = ""

    def feed(self, data: str) -> str:
        """Take a piece, return what is certain by now."""
        data = self._held + data
        finder = self._finder
        done, hold = 0, finder.unfinished(data, 0)
        found = finder.expression(data)
        pieces: list[str] = []
        for match in found.finditer(data) if found is not None else ():
            if match.start() >= hold:
                break
            pieces += data[done : match.start()], finder.mask
            done = match.end()
            if done > hold:
                hold = finder.unfinished(data, done)
        self._held = data[hold:]
        pieces.append(data[done:hold])
        return "".join(pieces)

    def finish(self) -> str:
        """The stream has ended: return what was held."""
        held, self._held = self._held, ""
        return self._finder.replace(held)


class BytesMask:
    """One stream of bytes."""

    def __init__(self, finder: Finder) -> None:
        """`finder` looks for the texts as `as_latin` makes them."""
        self._stream = StreamMask(finder)

    def feed(self, data: bytes) -> bytes:
        """Take a piece, return what is certain by now."""
        return self._stream.feed(data.decode("latin-1")).encode("latin-1")

    def finish(self) -> bytes:
        """The stream has ended: return what was held."""
        return self._stream.finish().encode("latin-1")


def as_latin(text: str) -> str:
    """Return the text whose characters are the bytes of this one in UTF-8."""
    return text.encode().decode("latin-1")
