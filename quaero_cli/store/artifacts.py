"""The files that steps have left with a job: `artifacts/JOB/STEP/...` beside the database. Looked at, never read.

Names come from whatever a step ran: they are told as text, whatever bytes they are, and links are not followed.
"""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from quaero_cli.model import ArtifactView
from quaero_cli.store.engine import translated

# Files that are listed of one job. More are data of the step's own, and counted by nobody.
MAX_LISTED = 500


def listing(database: Path, job_id: str) -> list[ArtifactView]:
    """Return the job's files by step and name; `name` is the path below the step's folder."""
    home = database.parent / "artifacts" / job_id
    found: list[ArtifactView] = []
    for step in sorted(_folders(home)):
        for folder, folders, names in os.walk(home / step):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file():
                    continue
                if len(found) == MAX_LISTED:
                    return found
                relative = path.relative_to(home / step)
                found.append(ArtifactView(step=step, name=_text(str(relative)), bytes=path.stat().st_size))
    return found


def copy_artifacts(database: Path, source: str, target: str, steps: Collection[str]) -> None:
    """Give a job the files that steps of another have left. Raises StoreError when they cannot be copied."""
    for step in steps:
        folder = database.parent / "artifacts" / source / step
        if folder.is_dir() and not folder.is_symlink():
            copy = database.parent / "artifacts" / target / step
            with translated(copy):
                copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copytree(folder, copy, symlinks=True, dirs_exist_ok=True)


def _folders(home: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(home) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _text(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")
