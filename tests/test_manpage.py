"""The manual page is that of the commands as they are, and `man` can show it."""

import os
import shutil
import subprocess

import pytest
from documents import ROOT
from manpage import manual_page

from quaero_cli.cli.commands import COMMANDS

FILE = ROOT / "docs" / "quaero.1"


def test_the_page_is_that_of_the_commands():
    """`man quaero` would promise options that are gone, or keep new ones to itself."""
    text = manual_page()
    if os.environ.get("UPDATE_GOLDEN"):
        FILE.write_text(text)
    assert FILE.read_text() == text, "docs/quaero.1 differs: run with UPDATE_GOLDEN=1"
    assert all(f".SS \\fBquaero {name}\\fR" in text for name in COMMANDS)
    assert "\\fB\\-\\-older\\-than AGE\\fR" in text


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_groff_finds_nothing_wrong_with_it():
    """A page would be shown with holes, or a line that begins with a dot would be lost."""
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(FILE)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    assert "QUAERO_HOME" in done.stdout
    assert "Example:" in done.stdout
