"""Texts in one line: of a request's head, a log, a list. A control character would end the line, or hide it."""

import re
import unicodedata

# The name of a header (RFC 9110, 5.6.2), which libcurl does not check.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BREAKS = "\u2028\u2029"  # what Unicode calls the end of a line


def holds_control(text: str) -> bool:
    """Return whether a text has a control character (C0, DEL, C1), a line break of any kind among them."""
    return not text.isprintable() and any(unicodedata.category(char) == "Cc" or char in _BREAKS for char in text)


def is_header_name(name: str) -> bool:
    """Return whether this can be the name of a header."""
    return _TOKEN.fullmatch(name) is not None


def is_header_value(value: str) -> bool:
    """Return whether this can be the value of a header; a tab may be in one."""
    return not holds_control(value.replace("\t", " "))
