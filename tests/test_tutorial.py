"""The tutorial and the recipes, from the first command to the last, as somebody would who knows nothing else."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from documents import ROOT
from shells import PATIENCE, Shell, read_line

from quaero_cli.steps.registry import load_step_types

_BLOCK = re.compile(r"(?:<!-- exit code (\d+) -->\n)?^```(sh|toml|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tutorial_can_be_followed(tmp_path):
    """Whoever begins with it would be stopped by the first thing that has changed."""
    shell = Shell(tmp_path, extra={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
    server = None
    try:
        for code, kind, text in _BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text()):
            if kind != "sh":
                _write(tmp_path, text)
                continue
            for line in text.splitlines():
                if line.startswith("quaero serve"):
                    server = shell.start("serve", "--port", "0", "--json")
                    assert json.loads(read_line(server.stdout))["viewer_url"]
                    _wait_for_two_jobs(shell)
                else:
                    _run(shell, line, int(code or 0))
        assert server is not None, "the tutorial serves nothing"
        assert [job["definition"] for job in shell.json("jobs")] == ["report", "report", "news", "news"]
        assert [job["trigger"] for job in shell.json("jobs", "--definition", "news")] == ["schedule", "cli"]
        (news,) = [each for each in shell.json("defs") if each["id"] == "news"]
        assert news["next_fire_at"]
        assert shell.json("docs")
    finally:
        if server is not None:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=PATIENCE)


def test_every_recipe_works(tmp_path):
    """Somebody would copy a file and a command, and learn that quaero does something else."""
    shell = Shell(tmp_path, extra={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
    text = (ROOT / "docs" / "how-to.md").read_text()
    for code, kind, block in _BLOCK.findall(text):
        if kind != "sh":
            _write(tmp_path, block)
            continue
        for line in block.splitlines():
            _run(shell, line, int(code or 0))
    assert all(f'type = "{name}"' in text for name in load_step_types())
    assert {job["status"] for job in shell.json("jobs", "--limit", "100")} <= {"completed", "warning", "failed"}


def _write(folder: Path, text: str) -> None:
    """Write a block of a page to the file that its first line names."""
    path = folder / text.splitlines()[0].removeprefix("# ")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def _wait_for_two_jobs(shell: Shell) -> None:
    """Wait until the job that starts with the server is there: a person needs longer to change to a terminal."""
    while len(shell.json("jobs", "--definition", "news")) < 2:
        pass


def _run(shell: Shell, line: str, code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", line], cwd=shell.folder, env=shell.environment(), capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == code, f"{line}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
