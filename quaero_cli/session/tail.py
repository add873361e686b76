"""`quaero tail`: follow jobs, wherever they run, from this shell. Reads only; Ctrl-C stops watching."""

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import trio

from quaero_cli.errors import ServerError
from quaero_cli.model import LogQuery
from quaero_cli.remote.address import Address
from quaero_cli.remote.follow import RemoteLog
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.show import Shown, say_soon, show, show_stream
from quaero_cli.session.signals import WATCHED
from quaero_cli.session.sweep import sweep
from quaero_cli.settings import Settings
from quaero_cli.stream.wakeups import Wakeups
from quaero_cli.terminal.display import Display

TIMED_OUT = 124
INTERRUPTED_BY_USER = 130


@dataclass(frozen=True, slots=True)
class TailOptions:
    """How to follow: the newest `limit` entries first, or from the cursor `after` on; `timeout` in seconds."""

    query: LogQuery
    limit: int = 100
    after: int | None = None
    timeout: float | None = None
    live: bool = True  # False: what is stored, then leave


async def tail(
    settings: Settings,
    options: TailOptions,
    display: Display,
    on_stop: Callable[[int], None],
    on_end: Callable[[int], None] = lambda cursor: None,
) -> int:
    """Follow to the end of the jobs and return the exit code: the job's, 124 for the timeout, 130 for Ctrl-C.

    `on_stop` is told the cursor when the end is not the job's, `on_end` in any case and last. BrokenPipeError leaves
    unchanged.
    """
    wakeups = Wakeups(settings.wake, settings.database)

    async def follow(nursery: trio.Nursery, shown: Shown) -> None:
        await nursery.start(wakeups.run)
        nursery.start_soon(sweep, settings, wakeups, partial(say_soon, nursery, display, shown))
        await show(
            settings.database, wakeups, options.query, display, shown,
            limit=options.limit, after=options.after, interval=settings.stream.batch_interval, live=options.live,
        )  # fmt: skip

    return await _watch(follow, display, options.timeout, on_stop, on_end)


async def tail_remote(
    address: Address,
    options: TailOptions,
    place: str | None,
    until: int | None,
    display: Display,
    on_stop: Callable[[int], None],
    on_end: Callable[[int], None] = lambda cursor: None,
) -> int:
    """The same over HTTP, from the cursor `place` on; `until`: the entry behind which to leave.

    Raises ServerError when the server cannot be reached, or not any more; then `on_stop` is told, too.
    """

    async def follow(nursery: trio.Nursery, shown: Shown) -> None:
        say = partial(say_soon, nursery, display, shown)
        log = RemoteLog(address, options.query, options.limit, place, say, until)
        await show_stream(log.follow(), display, shown)

    return await _watch(follow, display, options.timeout, on_stop, on_end)


async def _watch(
    follow: Callable[[trio.Nursery, Shown], Awaitable[None]],
    display: Display,
    timeout: float | None,
    on_stop: Callable[[int], None],
    on_end: Callable[[int], None],
) -> int:
    """Follow until the end, the timeout or a signal."""
    shown = Shown()
    code: list[int] = []
    try:
        with unwrapped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_leave_on_signal, nursery.cancel_scope, code)
                with trio.move_on_after(timeout if timeout is not None else float("inf")) as limit, display:
                    await follow(nursery, shown)
                if limit.cancelled_caught:
                    code.append(TIMED_OUT)
                nursery.cancel_scope.cancel()
    except ServerError:
        if shown.cursor:
            on_stop(shown.cursor)
        raise
    if code:
        on_stop(shown.cursor)
    on_end(shown.cursor)
    return code[0] if code else shown.code


async def _leave_on_signal(scope: trio.CancelScope, code: list[int]) -> None:
    watched = [each for each in WATCHED if signal.getsignal(each) is not signal.SIG_IGN]
    with trio.open_signal_receiver(*watched) as received:
        async for _ in received:
            code.append(INTERRUPTED_BY_USER)
            scope.cancel()
