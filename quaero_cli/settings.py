"""Settings of one process: built once by the command line, frozen, handed down as plain keyword arguments.

`KNOWN` is the one table of what can be set, with the bounds and the reason of each; `build` checks values against it.
Where values come from (options, the environment, `quaero.toml`) is the command line's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from quaero_cli.errors import UsageError

Value = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set. Its type is that of its default; an integer is taken where a float is wanted."""

    name: str  # tables and key, with dots between them
    default: Value
    help: str
    low: float | None = None
    high: float | None = None

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "QUAERO_" + self.name.upper().replace(".", "_")

    @property
    def expects(self) -> str:
        """What a value must be, for people."""
        kind = {
            bool: "true or false",
            int: "an integer",
            float: "a number",
            str: "a string",
            tuple: "a list of strings",
        }
        words = kind[type(self.default)]
        return words if self.low is None else f"{words} from {self.low:g} to {self.high:g}"

    def fits(self, value: object) -> bool:
        """Return whether `value` has the type and lies within the bounds."""
        if isinstance(self.default, tuple):
            return isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value)
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(self.default, str):
            return isinstance(value, str) and bool(value.strip())
        if not isinstance(value, int | float) or (isinstance(self.default, int) and not isinstance(value, int)):
            return False
        return self.low is None or self.high is None or self.low <= value <= self.high


KNOWN = (
    Setting("logging.stream.batch_interval_ms", 150, "gathers entries for so long before they are sent", 0, 10_000),
    Setting("logging.stream.ping_interval_sec", 5.0, "says that it is alive after so long a silence", 0.1, 3600),
    Setting(
        "logging.stream.default_limit", 100, "newest entries to begin with, of `tail` and of the API", 0, 100_000
    ),
    Setting(
        "logging.stream.max_limit", 5000, "most entries that a client of the API may ask for at once", 1, 100_000
    ),
    Setting("server.host", "127.0.0.1", "address that `serve` listens on"),
    Setting("server.port", 8420, "its port; 0 picks one", 0, 65_535),
    Setting("server.hosts", (), "more names under which it is reached, for example behind a proxy"),
    Setting("server.max_streams", 1024, "live streams at once", 1, 10_000),
    Setting(
        "cluster.engine",
        "",
        "engine of a cluster, see [cluster](cluster.md): `nats://HOST`, several with commas, or `sqlite:///FILE`",
    ),
    Setting("cluster.ca_file", "", "file with the authority that signed its certificate, for `tls://`"),
    Setting("cluster.cert_file", "", "file with a certificate of this machine's, where the engine wants one"),
    Setting("cluster.key_file", "", "file with that certificate's key, unless it is in the same file"),
    Setting("cluster.credentials", "", "file with credentials: a `.creds` of NATS, or the seed of an nkey"),
    Setting("cluster.replicas", 1, "servers that keep each message: 3 where there are three", 1, 5),
    Setting(
        "cluster.lease_sec", 30.0, "a worker that says nothing for so long is lost, its jobs begin anew", 1, 3600
    ),
    Setting("cluster.name", "", "name of this view or worker; the machine's unless it is set"),
    Setting("cluster.archives", (), "views that must all have a line before a worker forgets it; none: any one"),
    Setting("cluster.labels", (), "what this machine has, `key=value`: a worker takes jobs that ask for it"),
    Setting(
        "cluster.outbox_mb", 1024, "megabytes that may wait on a worker's disk before its jobs wait", 1, 1_000_000
    ),
    Setting(
        "cluster.artifacts_mb",
        100,
        "megabytes of files that a job left on a worker and that the views get",
        0,
        1_000_000,
    ),
)


class Given(NamedTuple):
    """A value and where it comes from, for messages: `quaero.toml: server.port`, `QUAERO_SERVER_PORT`."""

    value: object
    source: str


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How entries are sent to whoever follows."""

    batch_interval: float = 0.15  # seconds
    ping_after: float = 5.0  # seconds
    default_limit: int = 100
    max_limit: int = 5000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where `serve` listens, unless its options say otherwise, and for how many."""

    host: str = "127.0.0.1"
    port: int = 8420
    hosts: tuple[str, ...] = ()
    max_streams: int = 1024


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """The engine of a cluster, and what may wait for it. The address may hold a password."""

    engine: str = field(default="", repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    credentials: Path | None = None
    replicas: int = 1
    lease: float = 30.0  # seconds
    name: str = ""
    archives: tuple[str, ...] = ()  # names of views
    labels: tuple[str, ...] = ()  # `key=value`, of this machine
    outbox_bytes: int = 1024 * 1024 * 1024
    artifacts_bytes: int = 100 * 1024 * 1024  # of one job's files that go to the views


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things lie and how words are shown."""

    home: Path  # the data directory: database, locks, sockets, token
    debug: bool = False  # show tracebacks of errors
    stream: StreamSettings = field(default_factory=StreamSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    file: Path | None = None  # the quaero.toml that was read

    @property
    def database(self) -> Path:
        """The one database file."""
        return self.home / "quaero.db"

    @property
    def locks(self) -> Path:
        """One lock file per job; its runner holds it."""
        return self.home / "locks"

    @property
    def wake(self) -> Path:
        """Unix datagram sockets of the processes that follow the store."""
        return self.home / "wake"

    @property
    def token_file(self) -> Path:
        """The server's token, mode 0600."""
        return self.home / "token"

    @property
    def definitions(self) -> tuple[Path, ...]:
        """Folders with job definitions of the user's, the first wins; the shipped ones come after them."""
        return (Path("jobdefs"), self.home / "jobdefs")


def build(home: Path, given: Mapping[str, Given], *, file: Path | None = None) -> Settings:
    """Return the settings: `given` by name, defaults for the rest. Raises UsageError for one that does not fit."""
    values: dict[str, object] = {each.name: each.default for each in KNOWN}
    for setting in KNOWN:
        if (found := given.get(setting.name)) is not None:
            if not setting.fits(found.value):
                hint = f"without it, it is {shown(setting.default)}: {setting.help}"
                raise UsageError(f"{found.source}: must be {setting.expects}, not {shown(found.value)}", hint=hint)
            values[setting.name] = found.value
    return _settings(home, values, file)


def _settings(home: Path, values: Mapping[str, object], file: Path | None) -> Settings:
    def of(table: str) -> dict[str, object]:
        prefix = f"{table}."
        return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}

    stream, server, cluster = of("logging.stream"), of("server"), of("cluster")
    default, most = _integer(stream["default_limit"]), _integer(stream["max_limit"])
    return Settings(
        home=home,
        stream=StreamSettings(
            batch_interval=_number(stream["batch_interval_ms"]) / 1000,
            ping_after=_number(stream["ping_interval_sec"]),
            default_limit=min(default, most),
            max_limit=most,
        ),
        server=ServerSettings(
            host=str(server["host"]),
            port=_integer(server["port"]),
            hosts=_strings(server["hosts"]),
            max_streams=_integer(server["max_streams"]),
        ),
        cluster=ClusterSettings(
            engine=str(cluster["engine"]),
            ca_file=_path(cluster["ca_file"]),
            cert_file=_path(cluster["cert_file"]),
            key_file=_path(cluster["key_file"]),
            credentials=_path(cluster["credentials"]),
            replicas=_integer(cluster["replicas"]),
            lease=_number(cluster["lease_sec"]),
            name=str(cluster["name"]),
            archives=_strings(cluster["archives"]),
            labels=_strings(cluster["labels"]),
            outbox_bytes=_integer(cluster["outbox_mb"]) * 1024 * 1024,
            artifacts_bytes=_integer(cluster["artifacts_mb"]) * 1024 * 1024,
        ),
        file=file,
    )


def _path(value: object) -> Path | None:
    return Path(str(value)).expanduser() if value else None


def _integer(value: object) -> int:
    assert isinstance(value, int)
    return value


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _strings(value: object) -> tuple[str, ...]:
    assert isinstance(value, list | tuple)
    return tuple(value)


def shown(value: object) -> str:
    """Return a value for a message."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)[:60]
