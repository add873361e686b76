"""Who is let into a cluster: TLS, certificates, passwords, keys, and the least rights, as they are shipped."""

import json
import re
import socket
import threading
from base64 import b32encode, urlsafe_b64encode
from binascii import crc_hqx
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from documents import ROOT
from engines import PATIENCE, nats_server, needs_nats
from machines import Machines, machines, until
from shells import first_job, read_line

from quaero_cli.cluster.nats.access import Access
from quaero_cli.cluster.nats.engine import open_nats
from quaero_cli.cluster.nats.wire import ApiError
from quaero_cli.cluster.ports import EngineAway
from quaero_cli.errors import QuaeroError
from quaero_cli.store.outbox import Shipment

pytestmark = needs_nats

CONFIG = ROOT / "docs" / "nats-server.conf"
SECRET = "kept-to-itself-4711"


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy answers late, and is not away."""
    monkeypatch.setattr("quaero_cli.cluster.nats.wire.CONNECT_DEADLINE", PATIENCE)
    monkeypatch.setattr("quaero_cli.cluster.nats.wire._TRY_DEADLINE", PATIENCE)


@dataclass
class Authority:
    """Certificates of one authority, as files."""

    folder: Path
    ca: trustme.CA

    @classmethod
    def new(cls, folder: Path) -> "Authority":
        folder.mkdir()
        ca = trustme.CA()
        ca.cert_pem.write_to_path(folder / "ca.pem")
        return cls(folder, ca)

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return a certificate and its key."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        if cert.exists():
            return cert, key
        issued = self.ca.issue_cert(name)
        issued.private_key_pem.write_to_path(key)
        for blob in issued.cert_chain_pems:
            blob.write_to_path(cert, append=True)
        return cert, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority.new(tmp_path_factory.mktemp("pki") / "one")


def _tls(authority: Authority, *, verify: bool = False) -> str:
    cert, key = authority.issue("127.0.0.1")
    more = f'ca_file: "{authority.file}", verify: true' if verify else ""
    return f'tls {{ cert_file: "{cert}", key_file: "{key}", {more} }}\n'


async def _reach(url: str, access: Access) -> None:
    async with open_nats([url], "test", access=access):
        pass


async def _refusal(url: str, access: Access | None = None) -> str:
    """Return the one error with which somebody is refused, and its hint."""
    with pytest.raises(QuaeroError) as caught:
        await _reach(url, access or Access())
    assert caught.value.hint
    return f"{caught.value.message} | {caught.value.hint}"


# ------------------------------------------------------------------ TLS


async def test_tls_is_what_it_says(tmp_path, authority):
    """A line, or a password, would travel past a stranger who only pretends to be the engine."""
    other = Authority.new(tmp_path / "other")
    with trio.fail_after(PATIENCE):
        async with nats_server(tmp_path / "engine", _tls(authority)) as server:
            at = f"127.0.0.1:{server.port}"
            await _reach(f"tls://{at}", Access(ca_file=authority.file))
            await _reach(f"nats://{at}", Access(ca_file=authority.file))
            assert "cluster.ca_file" in await _refusal(f"tls://{at}", Access(ca_file=other.file))
            assert "not trusted" in await _refusal(f"tls://{at}")
            assert "not trusted" in await _refusal(f"nats://{at}")
            assert "cluster.ca_file" in await _refusal(
                f"tls://localhost:{server.port}", Access(ca_file=authority.file)
            )
            assert "No such file" in await _refusal(f"tls://{at}", Access(ca_file=tmp_path / "none"))


async def test_an_engine_may_want_a_certificate(tmp_path, authority):
    """A machine could not be told from a stranger that has found the password."""
    cert, key = authority.issue("worker.example")
    stranger = Authority.new(tmp_path / "other").issue("worker.example")
    with trio.fail_after(PATIENCE):
        async with nats_server(tmp_path / "engine", _tls(authority, verify=True)) as server:
            url = f"tls://127.0.0.1:{server.port}"
            await _reach(url, Access(authority.file, cert, key))
            both = tmp_path / "both.pem"
            both.write_bytes(key.read_bytes() + cert.read_bytes())
            await _reach(url, Access(authority.file, both))
            assert "cluster.cert_file" in await _refusal(url, Access(authority.file))
            assert "cluster.cert_file" in await _refusal(url, Access(authority.file, *stranger))
            assert "cluster.key_file" in await _refusal(url, Access(authority.file, cert))


@contextmanager
def _stranger(info: dict[str, Any]):
    """Says that it is a server, and keeps what it is told."""
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                connection.sendall(b"INFO " + json.dumps(info).encode() + b"\r\n")
                while data := connection.recv(4096):
                    told.append(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], told
        thread.join()


async def test_a_password_never_travels_in_clear_where_tls_was_asked_for():
    """Whoever sits between a machine and its engine would say that TLS is not needed, and be told the password."""
    info = {"server_id": "x", "version": "2.9.10", "max_payload": 1048576, "auth_required": True}
    with _stranger(info) as (port, told):
        assert "no TLS" in await _refusal(f"tls://worker:{SECRET}@127.0.0.1:{port}")
    assert told == []


# ------------------------------------------------------------------ passwords and keys


async def test_passwords_and_tokens(tmp_path):
    """Whoever reaches the port would run what he likes on every machine."""
    with trio.fail_after(PATIENCE):
        async with nats_server(tmp_path / "token", f"authorization {{ token: {SECRET} }}") as server:
            await _reach(f"nats://{SECRET}@127.0.0.1:{server.port}", Access())
            for wrong in ("", "guess@", "user:guess@"):
                told = await _refusal(f"nats://{wrong}127.0.0.1:{server.port}")
                assert "Authorization Violation" in told
                assert "guess" not in told, "a password is not for the screen"


def _seed(prefix: int, key: Ed25519PrivateKey) -> bytes:
    data = bytes([18 << 3 | prefix >> 5, (prefix & 31) << 3]) + key.private_bytes_raw()
    return b32encode(data + crc_hqx(data, 0).to_bytes(2, "little"))


def _name(prefix: int, key: Ed25519PrivateKey) -> str:
    data = bytes([prefix]) + key.public_key().public_bytes_raw()
    return b32encode(data + crc_hqx(data, 0).to_bytes(2, "little")).rstrip(b"=").decode()


_OPERATOR, _ACCOUNT, _USER = 14 << 3, 0, 20 << 3


def _token(issuer: tuple[int, Ed25519PrivateKey], subject: str, kind: str, facts: dict[str, Any]) -> str:
    """Return what `nsc` would have signed."""

    def part(value: object) -> bytes:
        return urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=")

    claims = {
        "jti": "x", "iat": 1_700_000_000, "iss": _name(*issuer), "name": kind, "sub": subject,
        "nats": {**facts, "type": kind, "version": 2},
    }  # fmt: skip
    text = part({"typ": "JWT", "alg": "ed25519-nkey"}) + b"." + part(claims)
    return (text + b"." + part(issuer[1].sign(text))).decode()


async def test_keys_and_creds_files(tmp_path):
    """Whoever has his users in NATS's own way would have to make passwords for quaero."""
    user, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    mine, wrong, none = tmp_path / "user.nk", tmp_path / "other.nk", tmp_path / "none.nk"
    mine.write_bytes(_seed(_USER, user) + b"\n")
    wrong.write_bytes(_seed(_USER, other))
    none.write_bytes(_seed(_ACCOUNT, other))
    with trio.fail_after(PATIENCE):
        config = f"authorization {{ users: [ {{ nkey: {_name(_USER, user)} }} ] }}"
        async with nats_server(tmp_path / "nkey", config) as server:
            await _reach(server.url, Access(credentials=mine))
            assert "Authorization Violation" in await _refusal(server.url, Access(credentials=wrong))
            assert "cluster.credentials" in await _refusal(server.url)
            assert "neither" in await _refusal(server.url, Access(credentials=none))
            assert "No such file" in await _refusal(server.url, Access(credentials=tmp_path / "missing"))
        operator, account = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
        of_account = _token((_OPERATOR, operator), _name(_ACCOUNT, account), "account", {"limits": limits})
        of_user = _token((_ACCOUNT, account), _name(_USER, user), "user", {"subs": -1, "data": -1, "payload": -1})
        config = (
            f"operator: {_token((_OPERATOR, operator), _name(_OPERATOR, operator), 'operator', {})}\n"
            f"resolver: MEMORY\nresolver_preload: {{ {_name(_ACCOUNT, account)}: {of_account} }}\n"
        )
        creds = tmp_path / "user.creds"
        creds.write_text(
            f"-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{mine.read_text()}------END USER NKEY SEED------\n"
        )
        async with nats_server(tmp_path / "creds", config) as server:
            await _reach(server.url, Access(credentials=creds))
            assert "Authorization Violation" in await _refusal(server.url, Access(credentials=mine))


# ------------------------------------------------------------------ the least rights, and secrets

TELLS = """
    [secrets]
    KEY = "env:THE_KEY"
    [params.word]
    default = "a-plain-word"
    [step.work]
    type = "shell"
    for_each = [1]
    spread = true
    command = "echo {{params.word}}; echo it is $KEY; echo $KEY >&2; until [ -e {gate} ]; do sleep 0.02; done"
"""


@contextmanager
def _shipped(folder: Path, authority: Authority):
    """Run a cluster with the configuration that is shipped: its paths are those of this machine."""
    cert, key = authority.issue("127.0.0.1")
    text = CONFIG.read_text()
    for given, here in (("/var/lib/nats", folder / "engine" / "jetstream"), ("/etc/nats/server.pem", cert),
                        ("/etc/nats/server.key", key)):  # fmt: skip
        assert f'"{given}"' in text
        text = text.replace(f'"{given}"', f'"{here}"')
    names = {"VIEW_PASSWORD": "v-4711-secret", "WORKER_PASSWORD": "w-4711-secret"}
    with machines(folder, config=text, environment=names) as found:
        at = f"127.0.0.1:{found.server.port}"
        found.view_url, found.worker_url = f"tls://view:v-4711-secret@{at}", f"tls://worker:w-4711-secret@{at}"
        found.extra = {"QUAERO_CLUSTER_CA_FILE": str(authority.file)}
        yield found


def test_the_shipped_configuration_is_enough_and_not_too_much(tmp_path, authority):
    """It would not let a worker work, or let it delete or read everybody's log; or a secret would lie there."""
    with _shipped(tmp_path, authority) as found:
        found.start_view()
        found.extra["THE_KEY"] = SECRET
        found.start_worker("w1")
        del found.extra["THE_KEY"]
        path = found.view.define("tells", TELLS.format(gate=tmp_path / "never"))
        child = found.view.start("run", path, "--on", "cluster", "--json")
        job = first_job(child)
        while "it is ***" not in (line := read_line(child.stdout)):
            assert line
        found.view.run("cancel", "--no-wait", job)
        child.communicate(timeout=PATIENCE)
        assert child.returncode == 3
        until(lambda: found.lacks("w1") == 0)
        trio.run(_try_what_a_worker_may_not, found, Access(ca_file=authority.file))
        found.view.run("tail", job, "-n", "all", code=3)
        (worker,) = found.view.json("workers")
        assert worker["alive"]
        told = _refused(found, f"tls://worker:guess@127.0.0.1:{found.server.port}")
        assert "Authorization Violation" in told
        assert "guess" not in told, "a password is not for the screen"
        carried = trio.run(_read_log, found, Access(ca_file=authority.file))
        found.server.kill()
        kept = b"".join(path.read_bytes() for path in found.server.store.rglob("*") if path.is_file())
    assert b"a-plain-word" in carried
    assert SECRET.encode() not in carried
    assert SECRET.encode() not in kept  # the log is packed there; jobs, items and states are not


def _refused(found: Machines, url: str) -> str:
    wrong = found.shell("w2")
    wrong.extra["QUAERO_CLUSTER_ENGINE"] = url
    err = wrong.run("worker", code=7).stderr
    assert err.count("\n") == 2, err
    return err


async def _read_log(found: Machines, access: Access) -> bytes:
    """Return all that the engine's log has carried, unpacked."""
    bodies: list[bytes] = []
    place, behind = None, 1
    async with open_nats([found.view_url], "test", access=access) as engine:
        while behind:
            reading = await engine.read(place, 1.0)
            bodies += [shipment.body for shipment in reading.shipments]
            place, behind = reading.place, reading.behind
    return b"".join(bodies)


async def _try_what_a_worker_may_not(found: Machines, access: Access) -> None:
    async with open_nats([found.worker_url], "test", access=access) as engine:
        calls: list[Callable[[], Any]] = [
            partial(engine._wire.api, "STREAM.PURGE.QLOG"),
            partial(engine._wire.api, "STREAM.DELETE.QJOBS"),
            partial(engine._wire.api, "STREAM.MSG.GET.QLOG", {"seq": 1}),
            partial(engine._wire.api, "STREAM.INFO.QLOG"),
            partial(engine._wire.store, "q.jobs.default.forged", b"{}"),
            partial(engine._wire.store, "q.jobs.other.forged", b"{}"),
        ]

        async def refused(call: Callable[[], Any]) -> None:
            with pytest.raises((EngineAway, ApiError)):
                await engine._thread.call(call)

        async with trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(refused, call)
        await engine.publish(Shipment("a-test", 1, 1, b"[]"))  # the connection is as good as before
    async with open_nats([found.view_url], "test", access=access) as engine:
        info = await engine._thread.call(lambda: engine._wire.api("STREAM.INFO.QJOBS"))
        assert info["state"]["messages"] == 0


def test_the_documentation_names_the_rights_that_are_shipped():
    """Two texts would say two things, and one of them would be tried."""
    text = (ROOT / "docs" / "cluster.md").read_text()
    assert "nats-server.conf" in text
    assert re.search(r"publish: \[", text) is None
