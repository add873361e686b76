"""Tables of the extractor's Markdown, put right: one header line each, and captions above instead of inside. Pure."""

import re
from collections.abc import Iterator, Sequence

_SEPARATOR = re.compile(r"\|(?:-+\|)+")
_FENCE = "```"


def tidy(text: str) -> str:
    """The text with its tables put right; what stands in fenced code is left alone."""
    if "\n|" not in f"\n{text}":
        return text
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: Sequence[str]) -> Iterator[str]:
    rows: list[str] = []
    in_code = False
    for line in lines:
        in_code ^= line.startswith(_FENCE)
        if line.startswith("|") and not in_code:
            rows.append(line.rstrip())
            continue
        yield from _table(rows)
        rows = []
        yield line
    yield from _table(rows)


def _table(rows: list[str]) -> Iterator[str]:
    if len(rows) < 2:
        yield from rows
        return
    # The caption comes as a first header, with a line of its own below.
    cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
    if len(rows) > 3 and _is_separator(rows[1]) and _is_separator(rows[3]) and cells[0] and not any(cells[1:]):
        yield from (cells[0], "")
        rows = rows[2:]
    head, body = rows[0], [row for row in rows[1:] if not _is_separator(row)]
    yield head
    yield "|" + "---|" * max(1, head.strip("|").count("|") + 1)
    yield from body


def _is_separator(row: str) -> bool:
    return _SEPARATOR.fullmatch(row) is not None
