"""The definitions on disk, loaded again when a file has come, gone or changed. Sync: for a thread.

Looking is cheap (one `stat` a file), loading is not, so the two are apart: nothing is parsed while nothing changes.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from quaero_cli.jobdef.find import Found, listing
from quaero_cli.jobdef.model import StepType

# What a file looks like from outside: path, time of change, size, number. Another one: it may hold something else.
_Look = tuple[str, int, int, int]


class Folders:
    """Folders of definitions, of which the first wins. `current` answers with what they hold now."""

    def __init__(self, folders: Sequence[Path], step_types: Mapping[str, StepType]) -> None:
        self._folders = [folder.absolute() for folder in folders]
        self._types = step_types
        self._seen: list[_Look] | None = None
        self._found: list[Found] = []

    def current(self) -> list[Found]:
        """Return the definitions that win, and those that do not load: the same list while no file has changed."""
        seen = [look for folder in self._folders for look in _looks(folder)]
        if seen != self._seen:
            # Taken before the files are read: what changes meanwhile is seen the next time.
            self._seen = seen
            self._found = [each for each in listing(self._folders, self._types) if each.shadowed_by is None]
        return self._found


def _looks(folder: Path) -> list[_Look]:
    try:
        with os.scandir(folder) as entries:
            return sorted(_look(entry) for entry in entries if entry.name.endswith(".toml"))
    except OSError:
        return []  # no such folder; one that cannot be read has its say when it is listed


def _look(entry: "os.DirEntry[str]") -> _Look:
    try:
        state = entry.stat()
    except OSError:
        return (entry.path, 0, 0, 0)  # a link to nowhere, or gone this moment
    return (entry.path, state.st_mtime_ns, state.st_size, state.st_ino)
