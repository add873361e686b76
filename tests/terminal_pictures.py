"""Takes the README's pictures of the terminal: `python terminal_pictures.py FOLDER` runs real jobs on a terminal.

What a person would see is drawn as SVG: text, which stays sharp, needs no font of its own, and shows in a diff.
"""

import io
import re
import sys
import tempfile
from pathlib import Path

from ptys import Pseudo, on_a_terminal
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text
from shells import Shell

COLUMNS, ROWS = 100, 28
# Rich's picture names a font on somebody's server; a reader's own will do.
_FONT_FACE = re.compile(r"@font-face \{.*?\}\n?", re.DOTALL)
_FAMILY = re.compile(r"font-family: (?:Fira Code, monospace|arial)")
# A fan-out that is about half done.
_UNDERWAY = re.compile(r" [4-6]\d%  ")
_IMPORT = """
name = "Nightly import"
[params.broken]
default = ""
[step.fetch]
type = "shell"
command = "for n in 1 2 3; do echo fetched part $n of 3; sleep 0.1; done; echo rows=4213 >>$QUAERO_OUTPUT"
[step.load]
type = "shell"
depends = ["fetch"]
for_each = [
    "customers", "orders", "invoices", "payments", "products", "prices", "stock", "suppliers", "returns", "reviews",
    "coupons", "visits",
]
concurrency = 4
levels = true
command = '''
echo "loading {item}"; sleep 0.4
[ {item} != prices ] || echo "WARN 2 prices are older than their products"
[ {item} != {params.broken} ] || { echo "ERROR duplicate key: order 17"; exit 3; }
sleep 0.4; echo "{item}: 351 rows in place"
'''
[step.index]
type = "shell"
depends = ["load"]
command = "sleep 0.3; echo {steps.fetch.outputs.rows} rows indexed"
"""


def main(folder: Path) -> None:
    """Write the pictures into a folder."""
    with tempfile.TemporaryDirectory() as place:
        shell = Shell(Path(place), extra={"TZ": "UTC"})
        (shell.folder / "jobdefs").mkdir()
        (shell.folder / "jobdefs" / "nightly-import.toml").write_text(_IMPORT)
        (folder / "terminal.svg").write_text(running(shell))
        (folder / "terminal-failed.svg").write_text(failed(shell))


def running(shell: Shell) -> str:
    """Return the picture of a job under way."""
    with on_a_terminal(shell, "run", "nightly-import", columns=COLUMNS, rows=ROWS) as terminal:
        while not _UNDERWAY.search("\n".join(terminal.screen.lines()[-8:])):
            assert terminal.read(), "the job ended before its picture was taken"
        shown = picture(screenful(terminal), "quaero run nightly-import")
        assert terminal.wait() == 0
    return shown


def failed(shell: Shell) -> str:
    """Return the picture of a job that has failed, with its summary."""
    words = ("run", "nightly-import", "-p", "broken=orders")
    with on_a_terminal(shell, *words, columns=COLUMNS, rows=ROWS) as terminal:
        assert terminal.wait() == 1
    return picture(screenful(terminal), f"quaero {' '.join(words)}")


def screenful(terminal: Pseudo) -> list[str]:
    """Return what stands on the screen, with its colours."""
    rows: list[str] = terminal.screen.painted_rows()
    return rows


def picture(lines: list[str], title: str) -> str:
    """Return lines with escape sequences as SVG."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(Text.from_ansi("\n".join(lines)), no_wrap=True, crop=True, soft_wrap=False)
    drawn = console.export_svg(title=title, theme=MONOKAI, unique_id="quaero")
    return _FAMILY.sub("font-family: ui-monospace, Menlo, Consolas, monospace", _FONT_FACE.sub("", drawn))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
