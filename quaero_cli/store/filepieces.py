"""Files that steps have left on a worker, cut into facts there, and put together again beside the stores of views.

They travel as all facts do, through the outbox and the log of all: so what is not lost of a line is not lost of a
file. A file grows under a name of its own in the job's folder, and gets the name it is known by when it is whole.
What takes a piece in does so before the fact counts as stored, and may do so again: the same bytes at the same place.

What comes is from whoever may say what jobs say, so its names are looked at part by part, and no link is followed.
"""

import errno
import os
from collections.abc import Collection, Generator, Mapping
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path

from quaero_cli.model import FilePiece
from quaero_cli.store.artifacts import Key, Stamp, open_listed
from quaero_cli.store.engine import translated

# Bytes of a piece. In base64 it fits a row of the outbox beside what is in it already.
PIECE = 128 * 1024
_COMING = ".coming-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What says of a name that it cannot be one here: another kind of thing has it, or the disk takes none like it.
_NO_NAME = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ}
# What says that there is no room for files at all, whatever their names.
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.EACCES, errno.EPERM, errno.EROFS}
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def pieces(database: Path, job: str, wanted: Collection[Key]) -> Generator[tuple[Key, FilePiece]]:
    """Yield the pieces of a job's files, each file as it was long when it was opened; `wanted`: steps and names.

    A file that is cut short meanwhile does not become whole: its last piece is missing.
    """
    with closing(open_listed(database, job)) as files:
        for view, name, file in files:
            key = (view["step"], view["name"])
            if key not in wanted:
                continue
            size, offset = os.fstat(file.fileno()).st_size, 0
            while data := file.read(min(PIECE, size - offset)) if offset < size else b"":
                yield key, FilePiece(job, key[0], name, offset, size, data)
                offset += len(data)
            if not size:
                yield key, FilePiece(job, key[0], name, 0, 0, b"")


def fitting(files: Mapping[Key, Stamp], most: int) -> dict[Key, Stamp]:
    """Return those of a job's files that have no more than `most` bytes together: the first that do."""
    found = {}
    for key, stamp in files.items():
        if stamp.bytes <= most:
            most -= stamp.bytes
            found[key] = stamp
    return found


def take_piece(database: Path, piece: FilePiece) -> str | None:
    """Put a piece where it belongs, on disk. Return why its file cannot be kept here, once for each; else None.

    What stands in the way of files alone must not hold up lines. Raises StoreError when the disk takes nothing now.
    """
    parts = [os.fsencode(piece.step), *piece.name.split(b"/")]
    if any(part in (b"", b".", b"..") or b"/" in part or b"\0" in part for part in parts):
        return None if piece.offset else "its name leads out of the folder of its step"
    home = database.parent / "artifacts" / piece.job
    with translated(home):
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(home, _FOLDER)
        except OSError as error:
            if error.errno not in _NO_FOLDER:
                raise
            return None if piece.offset else f"{home} cannot be made: {error.strerror}"
        try:
            coming = _COMING + sha256(b"/".join(parts)).hexdigest()[:32]
            if _written(folder, coming, piece):
                return _named(folder, coming, parts)
        finally:
            os.close(folder)
    return None


def clear_coming(database: Path, job: str) -> None:
    """Remove what has come of a job's files that did not become whole: nothing more comes."""
    folder = database.parent / "artifacts" / job
    for path in folder.glob(f"{_COMING}*"):
        with suppress(OSError):  # it takes room, no more
            path.unlink()


def _written(folder: int, coming: str, piece: FilePiece) -> bool:
    """Write a piece into the file that grows; return whether that is whole now."""
    begins = os.O_CREAT | os.O_TRUNC if piece.offset == 0 else 0
    try:
        file = os.open(coming, _WRITE | begins, 0o600, dir_fd=folder)
    except FileNotFoundError:
        return False  # it was whole before and comes once more, or its beginning is lost with the log's
    try:
        if os.fstat(file).st_size < piece.offset:
            return False
        written = 0
        while written < len(piece.data):
            written += os.pwrite(file, piece.data[written:], piece.offset + written)
        os.fsync(file)
    finally:
        os.close(file)
    return piece.offset + len(piece.data) >= piece.size


def _named(folder: int, coming: str, parts: list[bytes]) -> str | None:
    """Give a whole file its name; return why it cannot have it."""
    *above, name = parts
    place = os.dup(folder)
    try:
        for part in above:
            inner = _entered(place, part)
            os.close(place)
            place = inner
        os.replace(coming, name, src_dir_fd=folder, dst_dir_fd=place)
        os.fsync(place)
    except OSError as error:
        if error.errno not in _NO_NAME:
            raise
        os.unlink(coming, dir_fd=folder)
        return f"it cannot have its name here: {error.strerror}"
    finally:
        os.close(place)
    return None


def _entered(place: int, part: bytes) -> int:
    """Open the folder of that name in a folder, made if it is missing."""
    with suppress(FileExistsError):
        os.mkdir(part, 0o700, dir_fd=place)
    return os.open(part, _FOLDER, dir_fd=place)
