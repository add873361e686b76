"""HTTP/1.1 and nothing else, with limits: Hypercorn's protocol object, narrowed.

An `Upgrade` header (h2c, WebSocket) is ignored, as HTTP allows; sizes are looked at one by one before any application
is asked; an answer's bytes are passed on as they are, not copied for each reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import h11
from hypercorn.events import Closed
from hypercorn.events import Event as HypercornEvent
from hypercorn.protocol.h11 import H11Protocol

from quaero_cli.server.answers import BARE_HEADERS, error_body
from quaero_cli.server.bounds import reason, refusal
from quaero_cli.server.limits import Limits

Sendable = h11.Data | h11.EndOfMessage | h11.InformationalResponse | h11.Response


@dataclass(frozen=True)
class Pieces(HypercornEvent):
    """Bytes to send one after the other. Not joined: those of a batch are shared by all readers who are sent it."""

    pieces: Sequence[bytes]


class _Refused(Exception):
    """The request breaks a limit; it is answered with `status` and the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Http11(H11Protocol):
    """HTTP/1.1 and nothing else, with limits."""

    limits: Limits

    async def handle(self, event: HypercornEvent) -> None:
        try:
            await super().handle(event)
        except _Refused as refusal:
            await self._send_error_response(refusal.status)
            await self.send(Closed())

    async def _send_h11_event(self, event: Sendable) -> None:
        if not isinstance(event, h11.Data):
            await super()._send_h11_event(event)
            return
        try:
            pieces = cast("h11.Connection", self.connection).send_with_data_passthrough(event)
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
        else:
            await self.send(Pieces(pieces or ()))

    async def _check_protocol(self, event: h11.Request) -> None:
        status = refusal(event, self.limits)
        if status is not None:
            raise _Refused(status)

    async def _create_stream(self, request: h11.Request) -> None:
        headers = [(name, value) for name, value in request.headers if name != b"upgrade"]
        plain = h11.Request(
            method=request.method, headers=headers, target=request.target, http_version=request.http_version
        )
        await super()._create_stream(plain)

    async def _send_error_response(self, status_code: int) -> None:
        unread = self.connection.their_state is h11.ERROR
        if status_code == 431 and unread and b"\n" not in self.connection.trailing_data[0]:
            status_code = 414  # not even the first line had come to its end
        body = error_body(*reason(status_code, self.limits))
        headers = [*BARE_HEADERS, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        headers += self.config.response_headers("h11")
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())
