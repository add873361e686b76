"""Takes the README's pictures: `python screenshots.py FOLDER` runs real jobs and looks at them in Chromium."""

import sys
import tempfile
from pathlib import Path

from browsing import ARTICLE, World, look
from shells import PATIENCE, first_job


def main(folder: Path) -> None:
    """Write the pictures into a folder."""
    with tempfile.TemporaryDirectory() as place:
        world = World(Path(place))
        (Path(place) / "jobdefs" / "broken.toml").unlink()
        world.shell.run("run", "hello", "--quiet")
        world.shell.run("run", "nightly-import", "--quiet", code=1)
        world.add_big_job("archive1")
        world.add_document("archive1", "Harbour reopens", ARTICLE)
        with world.shell.serving() as server:
            runner = world.shell.start("run", "news-crawler", "--json")
            job = first_job(runner)
            look("tests/screenshots.mjs", server, QUAERO_JOB=job, QUAERO_SHOTS=str(folder.resolve()))
            runner.communicate(timeout=PATIENCE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
