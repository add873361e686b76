"""Sizes in definitions."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shells import Shell

from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.place import Place
from quaero_cli.jobdef.sizes import parse_size, size_of

PLACE = Place("max_bytes", StepFailed)


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        (0, 0), (5, 5), ("5", 5), ("10 MiB", 10 << 20), ("10MiB", 10 << 20), ("1.5kB", 1500), ("2G", 2 * 10**9),
        ("1gib", 1 << 30), (" 7 b ", 7),
    ],
)  # fmt: skip
def test_sizes(value: object, bytes_: int) -> None:
    """A limit would be a thousand times another than was written."""
    assert parse_size(value, PLACE) == bytes_


@pytest.mark.parametrize("value", ["", "ten", "10 i", "10 miles", "-1", -1, 1.5, True, None, "1e3", 2**63, "9" * 13])
def test_what_is_no_size(value: object) -> None:
    """A typo would mean no limit, or nothing at all."""
    with pytest.raises(StepFailed) as caught:
        parse_size(value, PLACE)
    assert "a size" in caught.value.message
    assert caught.value.hint


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_none(text: str) -> None:
    """An odd text would show as a traceback."""
    size = size_of(text)
    assert size is None or size >= 0


def test_a_size_in_a_definition(tmp_path: Path) -> None:
    """The way in which the documentation writes sizes would be refused."""
    shell = Shell(tmp_path)
    for written in ('"512 KiB"', "524288"):
        shell.run("check", shell.define("sized", f"""
            [step.crawl]
            type = "crawler"
            start_urls = ["https://example.org/"]
            max_bytes = {written}
            """))  # fmt: skip
    assert "10MiB" in shell.run("steps", "crawler").stdout
