"""engine/levels.py and engine/output.py: the level of a child's line, and how its pieces are logged."""

import pytest
from fakes import FakeLog, Line

from quaero_cli.engine.levels import read_level
from quaero_cli.engine.output import line_logger
from quaero_cli.model import Level


@pytest.mark.parametrize(
    ("text", "level", "message", "fields"),
    [
        ("ERROR disk full", Level.ERROR, "disk full", {}),
        ("WARNING  low", Level.WARN, "low", {}),
        ("[warn] low", Level.WARN, "low", {}),
        ("[ INFO ]: up", Level.INFO, "up", {}),
        ("error: no such file", Level.ERROR, "no such file", {}),
        ("INFO:root:hello", Level.INFO, "root:hello", {}),
        ("DEBUG x", Level.DEBUG, "x", {}),
        ("FATAL: gone", Level.ERROR, "gone", {"level": "FATAL"}),
        ("Error handling is on", None, "Error handling is on", {}),
        ("INFORMER started", None, "INFORMER started", {}),
        ("plain", None, "plain", {}),
        ("", None, "", {}),
        ('{"level":"warn","msg":"slow","ms":41}', Level.WARN, "slow", {"ms": 41}),
        ('{"severity":"CRITICAL","message":"x"}', Level.ERROR, "x", {"level": "CRITICAL"}),
        ('{"lvl":50,"msg":"x","pid":1}', Level.ERROR, "x", {"level": 50, "pid": 1}),
        ('{"level":"info","msg":"a\\u0000b"}', Level.INFO, "a\\x00b", {}),
        ('{"level":"odd","msg":"x"}', None, '{"level":"odd","msg":"x"}', {}),
        ('{"level":true,"msg":"x"}', None, '{"level":true,"msg":"x"}', {}),
        ('{"level":["info"],"msg":"x"}', None, '{"level":["info"],"msg":"x"}', {}),
        ('{"msg":"x"}', None, '{"msg":"x"}', {}),
        ('{"level":"info","msg":1}', None, '{"level":"info","msg":1}', {}),
        ("{broken", None, "{broken", {}),
    ],
)
def test_levels(text, level, message, fields):
    """A child's error would be shown as an ordinary line, or an ordinary one as an error."""
    assert read_level(text) == (level, message, fields)


def test_lines_are_logged_under_their_source():
    """Nobody could tell a program's errors from its output, or join a long line."""
    lines: list[Line] = []
    on_pieces = line_logger(FakeLog(lines))
    on_pieces("stdout", [("ERROR a", False)])
    on_pieces("stderr", [("b", True)])
    assert lines == [
        Line(Level.INFO, "ERROR a", "stdout", {}, None),
        Line(Level.INFO, "b", "stderr", {"continued": True}, None),
    ]


def test_pieces_of_a_long_line_keep_its_level():
    """The tail of a long error would be lost to a reader who asks for errors only."""
    lines: list[Line] = []
    on_pieces = line_logger(FakeLog(lines), read_levels=True)
    on_pieces("stdout", [("ERROR head", True)])
    on_pieces("stderr", [("WARN other", False)])
    on_pieces("stdout", [("INFO is only text here", True)])
    on_pieces("stdout", [("tail", False)])
    on_pieces("stdout", [("next", False)])
    assert [(line.level, line.message) for line in lines] == [
        (Level.ERROR, "head"),
        (Level.WARN, "other"),
        (Level.ERROR, "INFO is only text here"),
        (Level.ERROR, "tail"),
        (Level.INFO, "next"),
    ]
    assert [bool(line.fields) for line in lines] == [True, False, True, False, False]
