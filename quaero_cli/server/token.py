"""The server's token: 256 random bits in a file that its owner alone can read.

Whoever reads the file may use the server; it is never logged and never part of a URL's path or query. The file is
made whole in one step, so that two servers which start at once agree on one token.
"""

import os
import re
import secrets
import stat
from pathlib import Path

from quaero_cli.errors import ServerError

_BYTES = 32
_PATTERN = re.compile(r"[A-Za-z0-9_-]{43,128}", re.ASCII)
_MAX_FILE = 1024  # bytes; a larger file is not ours


def load_or_create(path: Path) -> str:
    """Return the token in `path`; make it first when there is none.

    Raises ServerError when the file is somebody else's, can be read by others, or does not hold a token.
    """
    try:
        token = load(path)
        if token is None:
            _create(path)
            token = load(path)
    except OSError as error:
        raise ServerError(
            f"{path}: {error.strerror or error}", hint="make the data directory writable, or choose another: --home"
        ) from error
    if token is None:
        raise ServerError(f"{path}: vanished while it was made", hint="start again")
    return token


def load(path: Path) -> str | None:
    """Return the token in `path`, None when there is no such file. Raises ServerError like `load_or_create`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        hint = f"remove it, and a new one is made: rm {path}"
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            raise ServerError(f"{path}: not a file of yours", hint=hint)
        if about.st_mode & 0o077:
            raise ServerError(f"{path}: other users can use the token in it", hint=hint)
        text = file.read(_MAX_FILE).decode("ascii", errors="replace").strip()
    if not _PATTERN.fullmatch(text):
        raise ServerError(f"{path}: does not hold a token", hint=hint)
    return text


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(_BYTES) + "\n")
        # A link, unlike a rename, never replaces what another process made in the meantime.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
