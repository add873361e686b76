"""The one place where an event loop is started."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


def run_loop(function: Callable[[], Awaitable[Result]]) -> Result:
    """Run an async function to its end. Ctrl-C is for the function to receive: it opens the receiver itself."""
    import trio

    return trio.run(function)
