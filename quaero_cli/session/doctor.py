"""`quaero doctor`: looks at everything that quaero needs, changes nothing, and says what to do about what it finds.

Each check is a function of its own and returns findings; one that fails itself is a finding, too. A problem carries
the exit code that a command would end with because of it.
"""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from quaero_cli import __version__
from quaero_cli.errors import QuaeroError, ServerError, StoreError
from quaero_cli.jobdef.find import listing
from quaero_cli.jobdef.model import StepType
from quaero_cli.resources import missing_vendor_files
from quaero_cli.server.token import load
from quaero_cli.settings import ServerSettings, Settings
from quaero_cli.store.engine import engine_version, is_safe
from quaero_cli.store.reader import open_reader
from quaero_cli.store.schema import require_usable

OK, WARNING, PROBLEM = "ok", "warning", "problem"

# Bytes: below the first a night of jobs may fill the disk, below the second the store cannot work at all.
_LITTLE_SPACE, _NO_SPACE = 1 << 30, 32 << 20
# Seconds for a server on this machine to answer a probe; more means that it hangs.
_SERVER_PATIENCE = 2.0
_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `hint`: what to do about it; `exit_code`: 0 unless it is a problem."""

    check: str
    state: str
    message: str
    hint: str | None = None
    exit_code: int = 0

    def view(self) -> dict[str, object]:
        """Return it as `--json` prints it."""
        return {key: value for key, value in asdict(self).items() if key != "exit_code"}


def examine(
    settings: Settings, folders: Sequence[Path], types: Callable[[], Mapping[str, StepType]]
) -> list[Finding]:
    """Return all findings, in the order in which things build on one another. Writes nothing."""
    checks: Sequence[tuple[str, Callable[[], Iterator[Finding]]]] = (
        ("program", _program),
        ("engine", _engine),
        ("settings", lambda: _settings(settings)),
        ("home", lambda: _home(settings.home)),
        ("disk", lambda: _disk(settings.home)),
        ("store", lambda: _store(settings.database)),
        ("definitions", lambda: _definitions(folders, types)),
        ("token", lambda: _token(settings.token_file)),
        ("server", lambda: _server(settings.server)),
        ("viewer", _viewer),
    )
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check()
        except QuaeroError as error:
            found.append(Finding(name, PROBLEM, error.message, error.hint, error.exit_code))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            found.append(Finding(name, PROBLEM, f"{where}{error.strerror or error}", None, StoreError.exit_code))
    return found


def _program() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("program", OK, f"quaero {__version__} on Python {python}")


def _engine() -> Iterator[Finding]:
    version = engine_version()
    shown = ".".join(map(str, version))
    if is_safe(version):
        yield Finding("engine", OK, f"SQLite {shown}, free of the WAL-reset race")
    else:
        hint = "install a newer one: pip install -U pysqlite3"
        message = f"SQLite {shown} can lose committed data (WAL-reset race)"
        yield Finding("engine", PROBLEM, message, hint, StoreError.exit_code)


def _settings(settings: Settings) -> Iterator[Finding]:
    said = "defaults; there is no quaero.toml" if settings.file is None else f"read from {settings.file}"
    yield Finding("settings", OK, said)


def _home(home: Path) -> Iterator[Finding]:
    hint = "choose another data directory with --home or QUAERO_HOME"
    if not home.exists():
        parent = _nearest(home)
        if os.access(parent, os.W_OK | os.X_OK) and parent.is_dir():
            yield Finding("home", OK, f"{home}: is made with the first job")
        else:
            yield Finding("home", PROBLEM, f"{home}: cannot be made in {parent}", hint, StoreError.exit_code)
        return
    if not home.is_dir() or not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        why = "cannot be written" if home.is_dir() else "is no directory"
        yield Finding("home", PROBLEM, f"{home}: {why}", f"make it yours, or {hint}", StoreError.exit_code)
        return
    about = home.stat()
    if about.st_uid != os.geteuid():
        yield Finding("home", WARNING, f"{home}: belongs to another user", f"give it to yourself, or {hint}")
    elif about.st_mode & 0o077:
        mode = stat.S_IMODE(about.st_mode)
        yield Finding("home", WARNING, f"{home}: open to other users (mode {mode:o})", f"chmod 700 {home}")
    else:
        yield Finding("home", OK, f"{home}: yours alone, writable")
    if (kind := _file_system(home)) in _NETWORK_FILE_SYSTEMS:
        message = f"{home}: on a network file system ({kind}), where SQLite's locks cannot be relied on"
        yield Finding("home", WARNING, message, "choose a local data directory with --home or QUAERO_HOME")


def _disk(home: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(_nearest(home)).free
    shown = f"{free / 1e9:,.1f} GB free"
    hint = "free space on the disk, or choose a data directory on another one with --home"
    if free < _NO_SPACE:
        yield Finding("disk", PROBLEM, shown, hint, StoreError.exit_code)
    elif free < _LITTLE_SPACE:
        yield Finding("disk", WARNING, shown, hint)
    else:
        yield Finding("disk", OK, shown)


def _store(database: Path) -> Iterator[Finding]:
    if not database.exists():
        yield Finding("store", OK, f"{database}: is made with the first job")
        return
    require_usable(database)
    with open_reader(database) as reader:
        counts, size = reader.job_counts(), reader.store_bytes()
    jobs, running = sum(counts.values()), counts.get("running", 0)
    yield Finding("store", OK, f"{database}: {jobs:,} jobs, {running:,} running, {size / 1e6:,.1f} MB")
    if (mode := stat.S_IMODE(database.stat().st_mode)) & 0o077:
        message = f"{database}: other users can read what jobs have logged (mode {mode:o})"
        yield Finding("store", WARNING, message, f"chmod 600 {database}")


def _definitions(folders: Sequence[Path], types: Callable[[], Mapping[str, StepType]]) -> Iterator[Finding]:
    found = [each for each in listing(folders, types()) if each.shadowed_by is None]
    usable = [each for each in found if each.error is None]
    yield Finding("definitions", OK, f"{len(usable)} can be run")
    for each in found:
        if each.error is not None:
            yield Finding("definitions", PROBLEM, each.error.message, each.error.hint, each.error.exit_code)


def _token(file: Path) -> Iterator[Finding]:
    there = load(file) is not None
    yield Finding("token", OK, f"{file}: {'yours alone' if there else 'is made when the server starts'}")


def _server(server: ServerSettings) -> Iterator[Finding]:
    import http.client

    where = f"{server.host}:{server.port}"
    if server.port == 0:
        yield Finding("server", OK, "picks a free port each time it starts")
        return
    connection = http.client.HTTPConnection(server.host, server.port, timeout=_SERVER_PATIENCE)
    try:
        connection.request("GET", "/api/health")
        answer = connection.getresponse()
        body = answer.read(1000)
    except ConnectionRefusedError:
        yield Finding("server", OK, f"none runs at {where}; start one with: quaero serve --open")
        return
    except (OSError, http.client.HTTPException):
        yield _not_ours(where)
        return
    finally:
        connection.close()
    if answer.status == 200 and body.strip() == b'{"status":"ok"}':
        yield Finding("server", OK, f"runs at http://{where}")
    elif b'"status"' in body and answer.status == 503:
        hint = "look at: quaero tail --service"
        yield Finding("server", PROBLEM, f"the server at {where} cannot read its store", hint, ServerError.exit_code)
    else:
        yield _not_ours(where)


def _not_ours(where: str) -> Finding:
    return Finding("server", WARNING, f"{where} is taken by another program", "serve on another port with --port")


def _viewer() -> Iterator[Finding]:
    if missing := missing_vendor_files():
        message = f"the viewer lacks {', '.join(missing)}"
        yield Finding("viewer", WARNING, message, "run: npm ci --prefix viewer")
    else:
        yield Finding("viewer", OK, "complete")


def _nearest(path: Path) -> Path:
    """Return the path, or the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _file_system(path: Path) -> str:
    """Return the type of the file system that holds `path`; empty where that cannot be told."""
    best, kind = "", ""
    try:
        lines = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    real = str(path.resolve())
    for line in lines:
        fields = line.split(" ")
        mount = fields[1].replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind
