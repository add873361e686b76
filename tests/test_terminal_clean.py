"""The sanitiser, for all text there is."""

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from quaero_cli.terminal.clean import clean, clean_lines, flat

ANY_TEXT = st.text(st.characters())  # with surrogates
BIDI = set(map(chr, [0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))


def harmless(text):
    return all(c == "\t" or (unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") and c not in BIDI) for c in text)


@given(ANY_TEXT)
@example("\x1b]0;title\x07 \x9b31m \u202e \ud800 \x7f")
def test_nothing_that_a_terminal_obeys_comes_through(text):
    """A log line could move the cursor, set the title or re-order words on the reader's screen."""
    assert harmless(clean(text))
    assert all(harmless(line) for line in clean_lines(text))


@given(ANY_TEXT.filter(harmless))
@example("évènement — 日本語 👩‍👩‍👧 \tb\u0301")
def test_clean_text_is_left_alone(text):
    """Text of other scripts, emoji or tabs would be garbled."""
    assert clean(text) == text


def test_escapes_are_those_a_programmer_knows():
    """A reader could not tell what the line really contained."""
    assert clean("a\x1b[31mb\x9b\u202ec\r\n\x00\udcff") == "a\\x1b[31mb\\x9b\\u202ec\\r\\n\\x00\\udcff"


def test_lines_are_split_at_newlines_only():
    """A traceback would be shown as one long line, or a carriage return would overwrite what stands before it."""
    assert clean_lines("a\r\nb\nc\rd\n") == ["a", "b", "c\\rd"]
    assert clean_lines("\n\n") == ["", ""]
    assert clean_lines("") == [""]


@given(ANY_TEXT)
@example("a\tb \u200d\ufe0f")
def test_flat_text_has_a_width(text):
    """A tab in a step's name would shift its columns, or wrap a line of the live region."""
    assert harmless(flat(text))
    assert not set("\t\u200d\ufe0f") & set(flat(text))
