"""How many columns text takes on a terminal, and cutting it to a number of them. Pure.

Nearly all text is ASCII and needs no table; Rich's tables are loaded for the rest.
"""


def cells(text: str) -> int:
    """Return the width of clean text in columns."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fit(text: str, width: int, *, unicode: bool = True) -> str:
    """Return `text` cut to at most `width` columns, with an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    mark = "…" if unicode else "~"
    if width < 2:
        return mark[:width]
    if text.isascii():
        return text[: width - 1] + mark
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1).rstrip() + mark


def fit_end(text: str, width: int, *, unicode: bool = True) -> str:
    """Return the end of `text` in at most `width` columns, an ellipsis before it where something is missing."""
    if cells(text) <= width:
        return text
    mark = "…" if unicode else "~"
    start = max(0, len(text) - max(0, width - 1))
    while start < len(text) and cells(text[start:]) > width - 1:
        start += 1
    return (mark + text[start:])[: max(0, width)]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` with blanks up to `width` columns, at its end or (`right`) before it."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def wrap(text: str, width: int) -> list[str]:
    """Return `text` as lines of at most `width` columns, broken between words; a longer word is broken within."""
    lines, line, room = [], "", max(1, width)
    for word in text.split(" "):
        while True:
            longer = f"{line} {word}" if line else word
            if cells(longer) <= room:
                line = longer
                break
            if line:
                lines.append(line)
                line = ""
                continue
            head = _head(word, room)
            lines.append(head)
            word = word[len(head) :]
    return [*lines, line] if line or not lines else lines


def _head(word: str, room: int) -> str:
    """Return the longest beginning of `word` that fits, and at least one character of it."""
    end = min(len(word), room)
    while end > 1 and cells(word[:end]) > room:
        end -= 1
    return word[:end]
