"""For tests of the viewer: a data directory with everything there is to see, and node to look at it in Chromium."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from places import OnWorkers
from shells import PATIENCE, Server, Shell, first_job
from stores import Scribe, ended, line, start_job

from quaero_cli.model import Document, DocumentFound, Level
from quaero_cli.settings import Settings
from quaero_cli.store.schema import prepare

VIEWER = Path(__file__).resolve().parent.parent / "viewer"
BIG_LINES = 30_000
_BATCH = 1000

IMPORT = r'''
    id = "nightly-import"
    name = "Nightly import"
    description = "Fetches the day's files, checks them, and rebuilds the index"
    tags = ["import", "nightly"]
    schedule = "30 2 * * 1-5"
    [params.day]
    type = "string"
    default = "2026-01-15"
    description = "The day to import"
    [step.fetch]
    type = "test_job_generator"
    worker_count = 6
    log_count = 60
    log_delay_ms = 4
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
    [step.check]
    type = "shell"
    depends = ["fetch"]
    command = """
    printf '\\033[32mok\\033[0m 1200 rows\\n\\033[31merror:\\033[0m row 17 is broken\\n'
    echo '{"rows": 1200, "broken": [17, 18], "file": "a.csv"}'
    for part in 1 2 3 4 5; do
      echo "checking part $part of 5: all columns are there, and the sums agree with what the provider says in" \
        "its manifest"
    done
    echo "rows=1200" >> "$QUAERO_OUTPUT"
    mkdir "$QUAERO_ARTIFACTS/by day"; echo "17,broken" > "$QUAERO_ARTIFACTS/by day/broken rows.csv"
    """
    [step.thumbnails]
    type = "test_job_generator"
    depends = ["fetch"]
    worker_count = 4
    log_count = 40
    log_delay_ms = 4
    failure_rate = 0.5
    child_count = 0
    recursion_depth = 0
    on_error = "continue"
    [step.index]
    type = "shell"
    depends = ["check", "thumbnails"]
    command = "echo 'cannot open the index: the file is locked' >&2; exit 3"
    [step.tell]
    type = "shell"
    depends = ["index"]
    command = "echo done"
'''
BROKEN = """
    id = "broken"
    [step.x]
    type = "shel"
"""
SLOW = """
    id = "slow"
    [step.tick]
    type = "shell"
    command = "for n in 1 2 3; do echo tick $n; done; sleep 600"
"""
# A job that goes on until it is cancelled, at fifty lines a second.
LIVELY = """
    [step.lively]
    type = "test_job_generator"
    worker_count = 2
    log_count = 100000
    log_delay_ms = 40
    failure_rate = 0
    child_count = 0
    recursion_depth = 0
"""

ARTICLE = """\
The harbour was **closed** for [two years](https://example.test/a "t").

- It has new cranes
- and <b onclick="x">a bridge</b>

![A crane](https://example.test/crane.png)

| Ships |  |
|---|---|
| Year | Number |
|---|---|
| 2025 | 12 \\| 13 |
"""


class World:
    """A folder with definitions, a store with jobs, and a server on it."""

    def __init__(self, folder: Path, shell: Shell | None = None) -> None:
        self.shell = shell or Shell(folder)
        self.settings = Settings(home=self.shell.home)
        prepare(self.settings.database)
        jobdefs = folder / "jobdefs"
        jobdefs.mkdir()
        for name, text in {"nightly-import": IMPORT, "broken": BROKEN, "slow": SLOW}.items():
            os.rename(self.shell.define(name, text), jobdefs / f"{name}.toml")

    def add_big_job(self, job: str, lines: int = BIG_LINES) -> None:
        """A job that has ended, with an error every thousand lines."""
        attempt = start_job(self.settings, job, definition="big")
        facts = [
            line(job, f"row {number} of {lines}{' simulated failure' if number % 1000 == 0 else ''}",
                 level=Level.ERROR if number % 1000 == 0 else Level.INFO)
            for number in range(1, lines + 1)
        ]  # fmt: skip
        with closing(Scribe(self.settings)) as scribe:
            for first in range(0, lines, _BATCH):
                scribe.write(facts[first : first + _BATCH])
            scribe.write(ended(job, attempt))

    def add_document(self, job: str, title: str, text: str, url: str = "https://news.test/harbour") -> None:
        """An article."""
        found = Document(
            url, url, title, text, "0" * 64, 200, 1_768_473_045_000_000, ("Ada Byron",), "2026-01-14", "en", "News"
        )
        with closing(Scribe(self.settings)) as scribe:
            scribe.write([DocumentFound(job, found)])

    @contextmanager
    def running(self, name: str, text: str) -> Iterator[str]:
        """Run a job that goes on until it is cancelled, from the look at it or at the end of the block; its ID."""
        runner = self.shell.start("run", self.shell.define(name, text), "--json")
        try:
            yield first_job(runner)
        finally:
            if isinstance(self.shell, OnWorkers):
                runner.kill()  # its worker will be, too; perhaps no view is left that could cancel it
            runner.terminate()
            runner.communicate(timeout=PATIENCE)


def look(test: str, server: Server, seconds: float = PATIENCE * 4, **variables: str) -> None:
    """Run a file of browser tests against a server, for so long at most; fails with what it says."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: just browser"
    told = {
        "QUAERO_URL": f"http://127.0.0.1:{server.port}", "QUAERO_TOKEN": server.token, "QUAERO_CHROMIUM": chromium,
        **variables,
    }  # fmt: skip
    done = subprocess.run(
        ["node", "--test", test], cwd=VIEWER, env={**os.environ, **told}, capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip
    if done.returncode:
        failed = [
            block for block in done.stdout.split("\n# Subtest: ") if "\nnot ok" in block or block.startswith("not ok")
        ]
        pytest.fail("\n".join(failed)[-8000:] + done.stderr[-2000:])
