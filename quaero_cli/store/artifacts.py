"""The files that steps have left with a job: `artifacts/JOB/STEP/...` beside the database: listed, and opened.

Names come from whatever a step ran: they are told as text, whatever bytes they are, and links are not followed.
What is opened is found by walking anew: a name that is asked for is compared, and never becomes part of a path.
"""

import os
import shutil
import stat
from collections.abc import Collection, Generator, Mapping
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from quaero_cli.model import ArtifactView
from quaero_cli.store.engine import translated

# Files that are listed of one job. More are data of the step's own, and counted by nobody.
MAX_LISTED = 500


# A device or a pipe that took a file's place must not hold us, a link not lead elsewhere.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def listing(database: Path, job_id: str) -> list[ArtifactView]:
    """Return the job's files by step and name; `name` is the path below the step's folder."""
    with closing(_walk(_home(database, job_id))) as files:
        return [found.view for found in islice(files, MAX_LISTED)]


Key = tuple[str, str]  # step and name


class Stamp(NamedTuple):
    """What tells a file from the one that it was: its bytes, and when they were changed (ns)."""

    bytes: int
    changed_at: int


def stamps(database: Path, job_id: str) -> tuple[dict[Key, Stamp], bool]:
    """Return the listed files, by step and name, and whether there are more."""
    with closing(_walk(_home(database, job_id))) as files:
        listed = {(found.view["step"], found.view["name"]): found.stamp for found in islice(files, MAX_LISTED)}
        return listed, next(files, None) is not None


def remove_sent(database: Path, job_id: str, sent: Mapping[Key, Stamp]) -> None:
    """Remove those of a job's files that are still what they were when they were sent, and folders that are empty."""
    home = _home(database, job_id)
    with closing(_walk(home)) as files:
        for found in islice(files, MAX_LISTED):
            if sent.get((found.view["step"], found.view["name"])) == found.stamp:
                with suppress(OSError):  # somebody else did
                    os.unlink(found.name, dir_fd=found.folder)
    for folder, _, _ in os.walk(home, topdown=False):
        with suppress(OSError):  # it is not empty
            os.rmdir(folder)


def open_artifact(database: Path, job_id: str, step: str, name: str) -> BinaryIO | None:
    """Open the listed file with this step and name for reading; None when there is none. The caller closes it."""
    with closing(_walk(_home(database, job_id))) as files:
        for found in islice(files, MAX_LISTED):
            if (found.view["step"], found.view["name"]) == (step, name):
                return _opened(found.folder, found.name)
    return None


def open_listed(database: Path, job_id: str) -> Generator[tuple[ArtifactView, bytes, BinaryIO]]:
    """Yield each of the listed files with its path below the step's folder, as the system has it, open for reading.

    A file is closed when the next one is asked for; the caller closes the generator.
    """
    with closing(_walk(_home(database, job_id))) as files:
        for found in islice(files, MAX_LISTED):
            file = _opened(found.folder, found.name)
            if file is not None:
                with file:
                    yield found.view, os.fsencode(found.path), file


def _opened(folder: int, name: str) -> BinaryIO | None:
    try:
        descriptor = os.open(name, _OPEN, dir_fd=folder)
    except OSError:
        return None  # gone since it was listed, or a link now
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return open(descriptor, "rb", buffering=0)


class _Found(NamedTuple):
    """A file: `name` in `folder`, an open descriptor, which holds until the next one; `path` below its step's."""

    view: ArtifactView
    stamp: Stamp
    folder: int
    name: str
    path: str


def _walk(home: Path) -> Generator[_Found]:
    """Yield each file."""
    for step in sorted(_folders(home)):
        for folder, folders, names, descriptor in os.fwalk(home / step):
            folders.sort()
            for name in sorted(names):
                try:
                    about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except OSError:
                    continue  # gone
                if stat.S_ISREG(about.st_mode):
                    path = os.path.relpath(os.path.join(folder, name), home / step)
                    view = ArtifactView(step=step, name=_text(path), bytes=about.st_size)
                    yield _Found(view, Stamp(about.st_size, about.st_mtime_ns), descriptor, name, path)


def _home(database: Path, job_id: str) -> Path:
    return database.parent / "artifacts" / job_id


def copy_artifacts(database: Path, source: str, target: str, steps: Collection[str]) -> None:
    """Give a job the files that steps of another have left. Raises StoreError when they cannot be copied."""
    for step in steps:
        folder = database.parent / "artifacts" / source / step
        if folder.is_dir() and not folder.is_symlink():
            copy = database.parent / "artifacts" / target / step
            with translated(copy):
                copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _copy_tree(folder, copy)


def remove_artifacts(database: Path, job_id: str) -> None:
    """Remove the files of a job, if there are any. Raises StoreError when they cannot be."""
    folder = _home(database, job_id)
    with translated(folder):
        if folder.is_dir():
            shutil.rmtree(folder)


def _copy_tree(folder: Path, copy: Path) -> None:
    """Copy files, folders and links: what else a step may have left (a pipe, a socket) is no file to keep."""
    try:
        shutil.copytree(folder, copy, symlinks=True, dirs_exist_ok=True, ignore=_no_files)
    except shutil.Error as error:  # a list of all that went wrong
        source, _, reason = error.args[0][0]
        raise OSError(f"{source}: {reason}") from error


def _no_files(folder: str, names: list[str]) -> list[str]:
    kinds = ((name, os.lstat(os.path.join(folder, name)).st_mode) for name in names)
    return [name for name, mode in kinds if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))]


def _folders(home: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(home) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _text(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")
