"""Random bytes in a log, through `run` and `tail` on a terminal: none may reach the terminal as a command."""

import json
import random
import re

import pytest
from ptys import on_a_terminal
from shells import Shell

# Clear, move, hide, title, clipboard, questions that a terminal answers, other screens; then single characters.
_ESCAPED = r"""
    \x1b[2J \x1b[1;1H \x1b[A\x1b[K \x1b]0;title\x07 \x1b]52;c;cm0gLXJm\x1b\\ \x1bP$q\x1b\\ \x1bc \x1b[?1049h \x1b[?25l
    \x9b2J \xc2\x9b2J \xc2\x85 \r \r\r \x08\x08\x08 \x07 \x00 \x7f \x0e \x0b \x0c \x05 \t
    \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\xa8 \xe2\x80\xa9 \xed\xa0\x80 \xff\xfe \xf4\x90\x80\x80
    \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb e\xcc\x81e\xcc\x81 \xe6\xbc\xa2\xe5\xad\x97 ::error::x ##[error]x
"""
NASTY = tuple(each.encode().decode("unicode_escape").encode("latin-1") for each in _ESCAPED.split())
JOB = """
    name = "hostile\\u202e"
    [step.bytes]
    type = "shell"
    command = "cat lines"
    [step.fields]
    type = "shell"
    depends = "bytes"
    levels = true
    command = "cat fields"
"""
# What may be on a terminal that wants no colour and no movement: no control character but these.
_PLAIN = re.compile("[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*")


def lines_of(seed: int, number: int) -> list[bytes]:
    """Return lines that begin with `<k>`, k from 1 on, and go on with anything but a newline."""
    chance = random.Random(seed)
    found = []
    for k in range(1, number + 1):
        parts = [b"<%d>" % k]
        for _ in range(chance.randrange(4)):
            nasty = chance.random() < 0.5
            parts.append(chance.choice(NASTY) if nasty else chance.randbytes(chance.randrange(40)))
        found.append(b"".join(parts).replace(b"\n", b" "))
    return found


def fields_of(seed: int, number: int) -> bytes:
    """Return JSON lines whose message, and whose other keys, hold the same."""
    found = []
    for k, line in enumerate(lines_of(seed, number), 1):
        text = line.decode("utf-8", "replace")
        found.append({"level": "warn", "message": f"{{{k}}} {text}", text[:20]: text, "more": f"{text}\n{text}"})
    return "".join(json.dumps(each) + "\n" for each in found).encode()


@pytest.fixture
def shell(tmp_path, campaign, request):
    """A shell whose folder has the job with its lines."""
    number = campaign(500, 20_000)
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}, {number} lines")
    (tmp_path / "lines").write_bytes(b"\n".join(lines_of(seed, number)) + b"\n")
    (tmp_path / "fields").write_bytes(fields_of(seed, number // 10))
    shell = Shell(tmp_path)
    shell.define("hostile", JOB)
    return shell, number


def numbers(lines: list[str], marks: str) -> list[int]:
    """Return the numbers of the lines that are on the screen, in the order in which they stand there."""
    left, right = marks
    found = [re.search(rf"(?:bytes|fields)\s+{re.escape(left)}(\d+){re.escape(right)}", line) for line in lines]
    return [int(match[1]) for match in found if match]


def check(lines: list[str], number: int) -> None:
    """Every line is there, in order, once: nothing was overwritten, hidden, or made to look like another."""
    assert numbers(lines, "<>") == list(range(1, number + 1))
    assert numbers(lines, "{}") == list(range(1, number // 10 + 1))


def test_random_bytes_through_run_and_tail(shell):
    """Whoever can write a line could clear the screen, forge an entry, or run a command by the terminal's answer."""
    shell, number = shell
    with on_a_terminal(shell, "run", "hostile.toml", columns=79) as terminal:  # compact lines: no tags
        assert terminal.wait() == 0, terminal.raw[-3000:]
    assert "Traceback" not in terminal.raw
    check(terminal.screen.lines(), number)
    with on_a_terminal(shell, "tail", "last", "-n", "all", columns=79) as terminal:
        assert terminal.wait() == 0
    check(terminal.screen.lines(), number)


def test_random_bytes_where_nothing_may_move(shell):
    """A pipe, a file, a CI log, a terminal without colours: somebody looks at them on a terminal later."""
    shell, _ = shell
    shell.extra |= {"NO_COLOR": "1", "TERM": "dumb"}
    with on_a_terminal(shell, "run", "hostile.toml", columns=79) as terminal:
        assert terminal.wait() == 0, terminal.raw[-3000:]
    assert _PLAIN.fullmatch(terminal.raw.replace("\r\n", "\n").replace("\n", " "))
    for words in (("tail", "last", "-n", "all"), ("tail", "last", "-n", "all", "--json"), ("show", "last")):
        said = shell.run(*words)
        assert _PLAIN.fullmatch(said.stdout.replace("\n", " ")), words
        assert _PLAIN.fullmatch(said.stderr.replace("\n", " ")), words
