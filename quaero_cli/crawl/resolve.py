"""Names to addresses that may be connected to, remembered for a while.

A name is resolved once, every address is judged, and the connection is pinned to what was judged: a name server
that answers differently the second time gains nothing. Failures are remembered, too, so a dead host costs one look.
"""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from quaero_cli.crawl.addresses import Policy, literal
from quaero_cli.crawl.answers import FetchError

# Seconds an answer is kept: longer than a burst of requests to a host, shorter than a site's move.
KEEP = 300.0

Lookup = Callable[[str], Awaitable[list[str]]]


async def system_lookup(host: str) -> list[str]:
    """Addresses of a name by the system's resolver, in its order. Raises OSError."""
    found = await trio.socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(slots=True)
class _Answer:
    """What is known of a name. `until` is set, and `known` fires, when the look is over."""

    known: trio.Event = field(default_factory=trio.Event)
    until: float = 0.0
    result: list[str] | FetchError | None = None


class Resolver:
    """Resolves hosts of normalised URLs under a policy."""

    def __init__(self, policy: Policy, *, timeout: float, lookup: Lookup = system_lookup) -> None:
        self._policy = policy
        self._timeout = timeout
        self._lookup = lookup
        self._answers: dict[str, _Answer] = {}
        self._approved: dict[str, set[str]] = {}

    def approved(self, host: str, address: str) -> bool:
        """Whether `address` was judged fit for `host` before: the last check, when a socket is opened."""
        return address in self._approved.get(host, ())

    async def addresses(self, host: str) -> list[str] | FetchError:
        """Addresses to connect to, best first. One address that may not be used spoils a name as a whole."""
        answer = self._answers.get(host)
        if answer is None or (answer.known.is_set() and trio.current_time() >= answer.until):
            answer = self._answers[host] = _Answer()
            try:
                answer.result = self._judge(host, await self._look(host))
                answer.until = trio.current_time() + KEEP
            finally:
                answer.known.set()  # a cancelled look has `until` in the past: the next one looks again
        if not answer.known.is_set():
            await answer.known.wait()
        return answer.result if answer.result is not None else await self.addresses(host)

    async def _look(self, host: str) -> list[str] | FetchError:
        address = literal(host)
        if address is not None:
            return [address]
        try:
            with trio.fail_after(self._timeout):
                return await self._lookup(host)
        except trio.TooSlowError:
            return FetchError("timeout", f"no answer about {host} from the name server in {self._timeout:g} s")
        except OSError as error:
            return FetchError("resolve", f"{host} does not resolve: {error.strerror or error}")
        except UnicodeError:
            return FetchError("resolve", f"{host} does not resolve: not a host name")

    def _judge(self, host: str, found: list[str] | FetchError) -> list[str] | FetchError:
        if isinstance(found, FetchError):
            return found
        if not found:
            return FetchError("resolve", f"{host} does not resolve: no address")
        for address in found:
            refusal = self._policy.refuses(host, address)
            if refusal is not None:
                return FetchError("address", f"{host}: {refusal}" if refusal.split()[0] != host else refusal)
        self._approved.setdefault(host, set()).update(found)
        return found
