"""The sanitiser: what makes text from a log harmless to a terminal. Pure functions on strings, nothing else.

Log text is data. Whoever can get a line into a log must not be able to move the cursor, set the title, hide or
re-order words, or ring the bell of whoever reads it later. So no control character of a log line is passed on,
except tab; each is shown as the escape that a programmer would write for it (`\\x1b`, `\\u202e`). The same is done
for pipes and files: they end in a pager or on a terminal sooner or later.

Escaped are C0 (tab apart), DEL, C1, every character with the Unicode property Bidi_Control, the line and paragraph
separators, and lone surrogates. Nothing that is only unusual (combining marks, joiners, emoji) is touched.
"""

import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # C0 but tab, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # Bidi_Control
    "\u2028\u2029"  # separators at which some readers break a line
    "\ud800-\udfff]"  # lone surrogates: no encoding takes them
)
_SHORT = {"\n": "\\n", "\r": "\\r"}


def clean(text: str) -> str:
    """Return `text` as one line that is safe to show; the same object when there is nothing to do."""
    # Unicode's "printable" excludes all that is escaped here, and is asked for in C: the usual line ends here.
    if text.isprintable():
        return text
    return _UNSAFE.sub(_escape, text)


def flat(text: str) -> str:
    """Return `text` clean, and of a width that can be known: for names and reasons in columns and live regions.

    A tab becomes a blank. Joiner and emoji selector go: terminals do not agree on the width of what they make.
    """
    if text.isascii() and text.isprintable():
        return text
    return clean(text).replace("\t", " ").replace("\u200d", "").replace("\ufe0f", "")


def clean_lines(text: str) -> list[str]:
    """Split `text` at its newlines (`\\n` or `\\r\\n`) and clean each line; a newline at the end makes none."""
    if "\n" not in text:
        return [clean(text)]
    return [clean(line.removesuffix("\r")) for line in text.removesuffix("\n").split("\n")]


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
