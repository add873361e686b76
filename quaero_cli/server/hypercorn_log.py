"""What Hypercorn has to say, in the service log. Requests are not logged at all."""

import traceback

from quaero_cli.model import Level
from quaero_cli.server.actions import ServiceLog


class HypercornLog:
    """Has the methods of Hypercorn's logger that its workers call."""

    def __init__(self, log: ServiceLog) -> None:
        self._log = log

    async def access(self, *_: object) -> None:
        """Drop it: an access log would hold whatever people put into URLs."""

    async def info(self, *_: object) -> None:
        """Drop it: we say ourselves where we listen."""

    async def warning(self, message: str, *_: object) -> None:
        """Keep a warning."""
        self._log(Level.WARN, message, {})

    async def exception(self, message: str, *_: object) -> None:
        """Keep an error with its traceback: an answer was cut short."""
        self._log(Level.ERROR, message, {"traceback": traceback.format_exc()})
