"""The policy in front of the application: every request passes here before a route is looked for.

It refuses what `security.Policy` refuses, leads who typed an address to the viewer (see `typed`), adds the security
headers to every answer, and gives each request a stack of things to undo when it is over, however it ends: a route's
own `finally` does not run for an answer whose sending never began.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any

from quaero_cli.server.answers import BARE_HEADERS, error_body
from quaero_cli.server.security import NO_TOKEN, RESPONSE_HEADERS, Policy, Refusal
from quaero_cli.server.typed import viewer_address

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

# Where a request's stack is found in its ASGI scope.
_STACK = "quaero.stack"


def stack_of(scope: Any) -> AsyncExitStack:  # noqa: ANN401  # the frameworks' types know no keys of ours
    """Return what is undone when the request of this ASGI scope is over."""
    stack = scope[_STACK]
    assert isinstance(stack, AsyncExitStack)
    return stack


class Gate:
    """An ASGI application around another. `refused` counts refusals by kind, for the service log."""

    def __init__(self, app: App, policy: Policy) -> None:
        self._app = app
        self._policy = policy
        self.refused: Counter[str] = Counter()

    def take_counts(self) -> dict[str, int]:
        """Return what was refused since the last time, by kind."""
        counts = dict(self.refused)
        self.refused.clear()
        return counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        local = scope["server"][0] if scope["server"] else None
        refusal = self._policy.decide(scope["method"], scope["path"], scope["headers"], local)
        if refusal is None or refusal.kind == NO_TOKEN:
            address = viewer_address(scope["method"], scope["path"], scope["headers"])
            if address is not None:
                await _lead(address, send)
                return
        if refusal is not None:
            self.refused[refusal.kind] += 1
            await _refuse(refusal, send)
            return

        async def send_secured(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *RESPONSE_HEADERS]
            await send(message)

        async with AsyncExitStack() as stack:
            scope[_STACK] = stack
            await self._app(scope, receive, send_secured)


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = error_body(refusal.error, refusal.hint)
    headers = [*BARE_HEADERS, (b"content-length", b"%d" % len(body))]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _lead(address: str, send: Send) -> None:
    headers = [(b"location", address.encode()), (b"cache-control", b"no-store"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 302, "headers": [*headers, *RESPONSE_HEADERS]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
