"""What a connection needs to be let in: TLS, a certificate, credentials; and what to say when it is not."""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from quaero_cli.errors import ServerError, UsageError

# The parts of a `.creds` file; any other is nothing but a seed.
_TOKEN = re.compile(rb"-+BEGIN NATS USER JWT-+\s+(\S+)")
_SEED = re.compile(rb"-+BEGIN USER NKEY SEED-+\s+(\S+)")


@dataclass(frozen=True, slots=True)
class Access:
    """Files: the authority of the servers' certificate; our certificate and its key; a `.creds` or an nkey's seed."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    credentials: Path | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client is given, and the public nkey where that is our name."""

    options: dict[str, Any] = field(default_factory=dict)
    nkey: str | None = None


class NoTls(NatsError):
    """TLS was asked for, and the server would go on without."""

    def __str__(self) -> str:
        return "the server offers no TLS"


class SafeClient(Client):
    """The client, which otherwise sends a password in clear to whoever says that TLS is not needed. For one try."""

    def __init__(self, *, must_encrypt: bool = False, nkey: str | None = None) -> None:
        super().__init__()
        self.must_encrypt = must_encrypt
        self._public_nkey = nkey

    def _connect_command(self) -> bytes:
        if self.must_encrypt and not self._server_info.get("tls_required"):
            raise NoTls
        return super()._connect_command()

    def let_go(self) -> None:
        """End what is left by its own closing, which stops in its midst when the connection breaks then."""
        for subscription in self._subs.values():
            if subscription._wait_for_msgs_task is not None:
                subscription._wait_for_msgs_task.cancel()
        self._subs.clear()
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]


def encryption(servers: list[str], access: Access) -> ssl.SSLContext | None:
    """Return how to encrypt; None: as the server wants. Raises ServerError for a file that cannot be used."""
    if not (access.ca_file or access.cert_file or any(server.startswith("tls://") for server in servers)):
        return None
    try:
        context = ssl.create_default_context(cafile=access.ca_file)
    except OSError as error:
        raise _unusable(access.ca_file, error, "cluster.ca_file") from error
    if access.cert_file is not None:
        try:
            context.load_cert_chain(access.cert_file, access.key_file)
        except OSError as error:
            raise _unusable(access.cert_file, error, "cluster.cert_file and cluster.key_file") from error
    return context


def credentials(path: Path | None) -> Credentials:
    """Read a file with credentials, each time anew: it may be renewed. Raises ServerError and UsageError."""
    if path is None:
        return Credentials()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unusable(path, error, "cluster.credentials") from error
    try:
        from quaero_cli.cluster.nats.nkey import Nkey
    except ModuleNotFoundError as error:
        raise UsageError("credentials need the package cryptography", hint="pip install 'quaero[nats]'") from error
    token, seed = _TOKEN.search(data), _SEED.search(data)
    try:
        key = Nkey.parse(data if seed is None else seed[1])
    except ValueError as error:
        raise ServerError(
            f"{path}: neither a .creds file nor the seed of an nkey", hint="cluster.credentials names it"
        ) from error
    if token is None:
        return Credentials({"signature_cb": key.sign}, key.public)
    return Credentials({"signature_cb": key.sign, "user_jwt_cb": lambda: bytearray(token[1])})


def _unusable(path: Path | None, error: OSError, setting: str) -> ServerError:
    return ServerError(f"{path}: {error.strerror or error}", hint=f"see {setting}")


def refusal(error: Exception) -> str | None:
    """Return what to do about an error that will be the same next time; None: it may pass."""
    if isinstance(error, NoTls):
        return "nats:// is without TLS"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "cluster.ca_file names the authority that signed its certificate, for the name in the address"
    if isinstance(error, ssl.SSLError) and "ALERT" in str(error.reason):
        return "the server may want a certificate: cluster.cert_file and cluster.key_file"
    if "authorization violation" in str(error).lower():
        return "the address has to name a user that the servers know, or cluster.credentials a file of one"
    return None


def words(error: Exception) -> str:
    """Return an error of the client's for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).removeprefix("nats: ").strip("'") or type(error).__name__
