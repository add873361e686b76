"""The examples of the README, the guide and the command line's page, run one after the other as a reader would."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from documents import Document, documents
from shells import PATIENCE, Shell, read_line

# What ends with another code than 0, and why.
CODES = {
    "quaero cancel last": 2,  # it has ended
    "quaero retry last --failed": 2,  # nothing of it has failed
    "quaero tail --service": 124,  # goes on for ever
}
# Where the pages have the data directory.
_USUAL = "~/.local/share/quaero"
# What needs the network.
ELSEWHERE = "example.org"


@pytest.fixture
def shell(tmp_path):
    """A shell with the definitions that the pages speak of, and jobs and documents to look at."""
    extra = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "QUAERO_SERVER_PORT": "0"}
    (tmp_path / "jobdefs").mkdir()
    (tmp_path / "backups").mkdir()
    (tmp_path / "jobdefs" / "nightly.toml").write_text("[step.a]\ntype = 'shell'\ncommand = 'true'\n")
    return Shell(tmp_path, extra=extra)


def lines(page: Document) -> list[str]:
    """Return the examples that call quaero or sqlite-utils, which comes with it, without their comments."""
    found = [line.partition("  #")[0].strip() for block in page.blocks("sh") for line in block.splitlines()]
    return [line for line in found if line.startswith(("quaero ", "sqlite-utils ")) and ELSEWHERE not in line]


@pytest.mark.parametrize("name", ["README.md", "docs/guide.md", "docs/command-line.md"])
def test_every_example_works(shell, name):
    """A reader would copy a command, and be told that it is wrong."""
    (page,) = [each for each in documents() if each.name == name]
    for block in page.blocks("toml"):
        if 'name = "Words"' in block or block.startswith("# jobdefs/report.toml"):
            (shell.folder / "jobdefs" / ("words.toml" if "Words" in block else "report.toml")).write_text(block)
    shell.run("run", "news-crawler", "--quiet")
    with shell.serving() as server:
        for line in lines(page):
            _run(shell, line, server.port)


def _run(shell: Shell, line: str, port: int) -> None:
    code = CODES.get(line, 0)
    if line.split()[1] == "serve":
        child = shell.start(*shlex.split(line.replace(" --open", ""))[1:])
        assert read_line(child.stdout).startswith("http://127.0.0.1:"), line
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=PATIENCE)
        assert child.returncode == 0
        return
    typed = line.replace("127.0.0.1:8420", f"127.0.0.1:{port}").replace("/backups/", "backups/")
    typed = typed.replace(f"{_USUAL}/", "")
    typed += " --timeout 0.2" if code == 124 else ""
    folder = shell.home if line.startswith("sqlite-utils") else shell.folder  # the guide goes there
    done = subprocess.run(
        ["bash", "-c", typed], cwd=folder, env=shell.environment(), capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == code, f"{typed}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "Traceback" not in done.stderr, typed
