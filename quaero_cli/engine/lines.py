r"""From a child's bytes to lines of text: pure, bounded in memory, and the same however the bytes were chunked.

What becomes of a line:

* It ends at `\n`; one `\r` right before that is dropped. Any other `\r` (a progress bar's) stays, as do all
  other control characters: whoever shows the text neutralises them.
* It is decoded as UTF-8. Bytes that are not UTF-8 (surrogates among them) become `\xNN`, four characters each,
  and so does NUL, which SQLite's text functions stop at. Nothing is dropped; only whether a line held the byte or
  the four characters can no longer be told.
* A text of more than 64 KiB of UTF-8 becomes several pieces, cut at a character's boundary, each as long as fits.
  Every piece but the last has `continued` true; the pieces joined are the line. Whoever logs them puts
  `{"continued": true}` into the fields of those.

How it stays fast: of each chunk the part up to its last newline is decoded and split at once (8 million lines a
second against 2.5 million line by line); only what needs care takes the slow way, a line at a time.
"""

import codecs
import re

from quaero_cli.model import MAX_ENTRY_BYTES

# A line, or a part of one, and whether the next piece goes on with the same line. A plain tuple: millions are made.
Piece = tuple[str, bool]

# What `surrogateescape` makes of bytes that are not UTF-8.
_NOT_TEXT = re.compile("[\udc80-\udcff]+")


class LineSplitter:
    """Cuts one stream of bytes into pieces. Holds two limits and one chunk at most."""

    def __init__(self, limit: int = MAX_ENTRY_BYTES) -> None:
        self._limit = limit
        self._raw = bytearray()  # bytes of the unfinished line that are not decoded yet
        self._text = ""  # decoded text of the unfinished line, before them; at most `limit` bytes of UTF-8

    def feed(self, data: bytes) -> list[Piece]:
        """Take a chunk, return the pieces that are certain by now."""
        end = data.rfind(b"\n")
        if end < 0:
            self._raw += data
            return self._overflow()
        first = data.find(b"\n")
        self._raw += data[:first]
        pieces = self._line()
        if end > first:
            pieces += self._lines(data[first + 1 : end])
        self._raw += data[end + 1 :]
        return pieces + self._overflow()

    def finish(self) -> list[Piece]:
        """The stream has ended: return what is left of a last line without a newline."""
        return self._take(bytes(self._raw)) if self._raw or self._text else []

    def _lines(self, block: bytes) -> list[Piece]:
        """Whole lines, joined by newlines, without the last one's newline."""
        if len(block) <= self._limit and b"\0" not in block:
            try:
                text = block.decode()
            except UnicodeDecodeError:
                pass  # the slow way escapes what is not text
            else:
                if "\r" in text:
                    text = text.replace("\r\n", "\n").removesuffix("\r")
                return [(line, False) for line in text.split("\n")]
        return [piece for line in block.split(b"\n") for piece in self._take(line.removesuffix(b"\r"))]

    def _line(self) -> list[Piece]:
        """The unfinished line has met its newline."""
        return self._take(bytes(self._raw.removesuffix(b"\r")))

    def _take(self, raw: bytes) -> list[Piece]:
        """Finish the line in hand with `raw`, and be ready for the next."""
        text, self._text = self._text + _escape(raw.decode("utf-8", "surrogateescape")), ""
        self._raw.clear()
        *whole, last = _cut(text, self._limit)
        return [*((part, True) for part in whole), (last, False)]

    def _overflow(self) -> list[Piece]:
        """Cut pieces off an unfinished line that is certainly longer than one piece."""
        if len(self._text) + len(self._raw) <= self._limit:
            return []
        # A \r at the end may belong to the line's end, and a cut character needs its rest: both wait.
        known = bytes(self._raw.removesuffix(b"\r"))
        text, used = codecs.utf_8_decode(known, "surrogateescape", False)
        del self._raw[:used]
        *whole, self._text = _cut(self._text + _escape(text), self._limit)
        return [(part, True) for part in whole]


def _escape(text: str) -> str:
    """Write as `\\xNN` what decoding kept aside, and NUL. (`backslashreplace` calls back for each byte: slow.)"""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text if text.isascii() else _NOT_TEXT.sub(_escaped_run, text)


def _escaped_run(match: re.Match[str]) -> str:
    hexadecimal = match[0].encode("ascii", "surrogateescape").hex("x")
    return "\\x" + hexadecimal.replace("x", "\\x")


def _cut(text: str, limit: int) -> list[str]:
    """Cut into parts of at most `limit` bytes of UTF-8, each as long as fits, never within a character."""
    if len(text) * 4 <= limit:  # four bytes a character is the most: no need to count
        return [text]
    encoded = text.encode()
    parts = []
    start = 0
    while len(encoded) - start > limit:
        end = start + limit
        while encoded[end] & 0xC0 == 0x80:  # within a character: a continuation byte
            end -= 1
        parts.append(encoded[start:end].decode())
        start = end
    parts.append(encoded[start:].decode())
    return parts
