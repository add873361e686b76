"""Comparing output with a file under `tests/golden/`. To accept what is printed now: `UPDATE_GOLDEN=1 pytest ...`."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check_golden(name, text):
    """Fail when `text` differs from the file of that name."""
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"tests/golden/{name} differs"
