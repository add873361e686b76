"""Waiting until a service can be used: asks a port or a URL again and again, or listens to its log.

What is asked may not answer yet, not answer at all, or belong to somebody else; all that counts is the time. The last
answer is the reason when time is up.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from quaero_cli.errors import StepFailed
from quaero_cli.jobdef.model import Ready

# Seconds between two looks, from the first to the longest: most services are up within a second.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
# Seconds for one answer: a service that takes longer to say that it is there is not there yet.
_PATIENCE = 5.0
_BAD_STATUS = 400
_HOSTS = ("127.0.0.1", "::1")


class Readiness:
    """One wait of one attempt. `hear` and `call` are told what the step says; `wait` waits."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._token = trio.lowlevel.current_trio_token()
        self._event = trio.Event()
        self._outputs: dict[str, Any] = {}
        self._last = _NEVER[ready.kind]
        self._pattern = _compile(ready.value) if ready.kind == "log" else None

    def started(self) -> None:
        """What the step runs has begun."""
        if self._ready.kind == "started":
            self._event.set()

    def called(self) -> None:
        """The step has called `ctx.ready`."""
        if self._ready.kind == "call":
            self._event.set()

    @property
    def hear(self) -> Callable[[str], None] | None:
        """To be called with each message of the step, in any thread; None: nobody listens."""
        return self._hear if self._ready.kind == "log" else None

    def _hear(self, message: str) -> None:
        if self._event.is_set():
            return
        found = self._pattern.search(message) if self._pattern is not None else None
        if found is None and self._ready.value not in message:
            return
        if found is not None:
            self._outputs = {key: text for key, text in found.groupdict().items() if text is not None}
        self._token.run_sync_soon(self._event.set)

    async def wait(self) -> dict[str, Any]:
        """Return the outputs that came with being ready. Raises StepFailed, with the last answer, when time is up."""
        with trio.move_on_after(self._ready.timeout):
            match self._ready.kind:
                case "port":
                    await self._poll(self._port_answers)
                case "url":
                    await self._poll(self._url_answers)
                case _:
                    await self._event.wait()
            return self._outputs
        hint = "give it longer: ready = { timeout = ... }"
        raise StepFailed(f"not ready after {self._ready.timeout:g} s: {self._last}", hint=hint)

    async def _poll(self, answers: Callable[[], Awaitable[bool]]) -> None:
        pause = _FIRST_PAUSE
        while not await answers():
            await trio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _port_answers(self) -> bool:
        for host in _HOSTS:
            with trio.move_on_after(_PATIENCE):
                try:
                    stream = await trio.open_tcp_stream(host, self._ready.value)
                except OSError:
                    continue
                await stream.aclose()
                return True
        self._last = f"nothing listens on port {self._ready.value}"
        return False

    async def _url_answers(self) -> bool:
        problem: str | None = await trio.to_thread.run_sync(_ask, self._ready.value, abandon_on_cancel=True)
        self._last = f"{self._ready.value} {problem}"
        return problem is None


_NEVER = {
    "port": "nothing answered",
    "url": "nothing answered",
    "log": "no line of its log said so",
    "call": "it never called ctx.ready()",
    "started": "it has not started",
}


def _compile(text: str) -> re.Pattern[str] | None:
    """A regular expression, or None for a text that is none and stands for itself."""
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return None


def _ask(url: str) -> str | None:
    """Return what is wrong with the answer of a URL, None when it is fine. Blocks for `_PATIENCE` at most."""
    # Not at the top: few services have a URL, and these take longer to load than a step.
    import urllib.error
    import urllib.request

    # Never over a proxy: it would answer for a service that is not there.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_PATIENCE):
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"answered {error.code}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return f"did not answer: {words.lower()}"
    except Exception as error:  # not HTTP at all; a URL that cannot be one
        return f"did not answer: {type(error).__name__}: {error}"
