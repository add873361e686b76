"""The fake terminal of the tests does what terminals do."""

import pytest
from screen import Screen


def shown(screen):
    return [row.text for row in screen.rows]


def test_text_wraps_at_the_edge_and_not_before():
    """A line as wide as the screen would seem to take two rows."""
    screen = Screen(5, 4)
    screen.feed("abcde\nfghijk\n日本語\n")
    assert shown(screen) == ["abcde", "fghij", "k", "日本", "語", ""]
    assert screen.lines() == ["abcde", "fghijk", "日本語"]


def test_erasing_at_the_edge_takes_the_last_character():
    """The trap of every live display would not be seen by the tests."""
    screen = Screen(5, 4)
    screen.feed("abcde\x1b[K")
    assert shown(screen) == ["abcd"]


def test_the_cursor_stays_on_the_screen():
    """Going up could change lines that have scrolled away."""
    screen = Screen(5, 2)
    screen.feed("a\nb\nc\x1b[9A\rX")
    assert shown(screen) == ["a", "X", "c"]
    screen.feed("\x1b[J")
    assert shown(screen) == ["a", "X"]
    screen.feed("\r\x1b[A")
    with pytest.raises(AssertionError, match="clear"):
        screen.feed("\x1b[J")


def test_narrowing_wraps_and_widening_joins():
    """Leftovers after a resize would not be seen by the tests."""
    screen = Screen(8, 4)
    screen.feed("abcdefgh\nxyz")
    screen.resize(3)
    assert shown(screen) == ["abc", "def", "gh", "xyz"]
    assert (screen.row, screen.column) == (3, 3)
    screen.resize(8)
    assert shown(screen) == ["abcdefgh", "xyz"]
    assert (screen.row, screen.column) == (1, 3)


@pytest.mark.parametrize("hostile", ["\x1b]0;t\x07", "\x9b2J", "\u202e", "\x07", "\x1b[2J", "\x1b[?1049h"])
def test_what_quaero_never_sends_is_refused(hostile):
    """A sanitiser that lets it through would pass."""
    with pytest.raises(AssertionError):
        Screen(80, 24).feed(hostile)
