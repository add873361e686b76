"""What a stream can show, and writing to it."""

import io
import os
import threading

import pytest

from quaero_cli.terminal.console import Terminal


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("env", "tty", "color", "animated"),
    [
        ({}, True, True, True),
        ({}, False, False, False),
        ({"NO_COLOR": "1"}, True, False, True),
        ({"NO_COLOR": ""}, True, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False, True),
        ({"FORCE_COLOR": "1"}, False, True, False),
        ({"FORCE_COLOR": "0"}, False, False, False),
        ({"TERM": "dumb"}, True, False, False),
    ],
)
def test_the_environment_is_honoured(env, tty, color, animated):
    """Colours would end up in files, or a cursor would be moved where there is none."""
    terminal = Terminal(Tty() if tty else io.StringIO(), env)
    assert (terminal.tty, terminal.color, terminal.animated) == (tty, color, animated)


def test_the_command_line_overrules_the_environment():
    """`--color` could not be given where NO_COLOR is set."""
    assert Terminal(io.StringIO(), {"NO_COLOR": "1"}, color=True).color


def test_width_is_columns_the_terminal_or_unlimited():
    """Tables would be cut in a pipe, or not fit where COLUMNS asks for it."""
    assert Terminal(io.StringIO(), {}).width is None
    assert Terminal(io.StringIO(), {"COLUMNS": "66"}).width == 66
    assert Terminal(io.StringIO(), {"COLUMNS": "wide"}).width is None
    assert Terminal(Tty(), {}).width == 80
    assert Terminal(Tty(), {"COLUMNS": "66", "LINES": "9"}).size() == (66, 9)


def test_the_real_size_wins_over_a_larger_columns():
    """A stale COLUMNS would wrap every line of the live region."""
    leader, follower = os.openpty()
    with os.fdopen(follower, "w") as stream:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 70, 0, 0))
        assert Terminal(stream, {"COLUMNS": "200"}).size() == (70, 20)
        assert Terminal(stream, {"COLUMNS": "50"}).size() == (50, 20)
        assert Terminal(stream, {}).width == 70
    os.close(leader)


def test_an_encoding_without_the_characters_is_no_error():
    """In an ASCII locale the first accent would end `tail`."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii", errors="backslashreplace")
    terminal = Terminal(stream, {})
    terminal.write("é\ud800\n")
    assert buffer.getvalue() == b"\\xe9\\ud800\n"
    assert not terminal.unicode


def test_all_is_written_to_a_non_blocking_pipe():
    """A parent that made the terminal non-blocking (Node does) would cost us entries."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    text = "0123456789" * 100_000
    received = []

    def read():
        with os.fdopen(reading, "rb") as stream:
            received.append(stream.read())

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(writing, "w") as stream:
        Terminal(stream, {}).write(text)
    reader.join()
    assert received == [text.encode()]


def test_a_reader_that_has_gone_is_told_at_once():
    """`tail | head` would go on for ever, or end with a traceback when the interpreter exits."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream, pytest.raises(BrokenPipeError):
        Terminal(stream, {}).write("x")


def test_what_was_printed_before_comes_first():
    """Lines would change places with those of a library that prints."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        print("first", file=stream)
        Terminal(stream, {}).write("second\n")
        print("third", file=stream)
    with os.fdopen(reading) as stream:
        assert stream.read() == "first\nsecond\nthird\n"


def test_rich_makes_the_same_decisions():
    """The live picture would have colours where everything else has none."""
    console = Terminal(Tty(), {"COLUMNS": "66", "NO_COLOR": "1"}).rich()
    assert (console.width, console.color_system, console.is_terminal) == (66, None, True)
    assert Terminal(Tty(), {}).rich().color_system == "standard"
