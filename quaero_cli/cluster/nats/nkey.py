"""An nkey: the Ed25519 key by which NATS knows a user without ever seeing a password.

The client's own helper is a package that comes as source only; its part that is needed here is this file.
"""

from base64 import b32decode, b32encode, b64encode
from binascii import crc_hqx
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# The first five bits say that it is a seed, the next eight whose (nats-io/nkeys).
_SEED, _USER = 18 << 3, 20 << 3
_LENGTH = 2 + 32 + 2  # prefix, seed, checksum


class Nkey:
    """A user's key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read a seed, as `nsc` and `nk` write it: SU... Raises ValueError for anything else."""
        raw = b32decode(text.strip() + b"=" * (-len(text.strip()) % 8))
        if len(raw) != _LENGTH or crc_hqx(raw[:-2], 0) != int.from_bytes(raw[-2:], "little"):
            raise ValueError("no seed")
        if raw[0] & 0xF8 != _SEED or (raw[0] & 7) << 5 | raw[1] >> 3 != _USER:
            raise ValueError("not the seed of a user")
        return cls(raw[2:-2])

    @property
    def public(self) -> str:
        """The name by which servers know it: U..."""
        data = bytes([_USER]) + self._key.public_key().public_bytes_raw()
        return b32encode(data + crc_hqx(data, 0).to_bytes(2, "little")).rstrip(b"=").decode()

    def sign(self, nonce: str) -> bytes:
        """Return the answer to a server's challenge."""
        return b64encode(self._key.sign(nonce.encode()))
