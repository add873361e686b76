"""Driving a display by the stream: the loop of `tail`, and of `run`'s own output."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import trio

from quaero_cli.errors import OutputError
from quaero_cli.model import LogQuery
from quaero_cli.session.signals import stop_on_ctrl_z
from quaero_cli.stream.events import Ended, Gap, Logs, Ping, StatusChange, StreamEvent
from quaero_cli.stream.follow import follow
from quaero_cli.stream.wakeups import Wakeups
from quaero_cli.terminal.codes import exit_code
from quaero_cli.terminal.display import TICK_S, Display

_WRITERS = trio.CapacityLimiter(4)  # steps may fill the common threads


@dataclass(slots=True)
class Shown:
    """What a display has been shown: the worst exit code of the jobs that ended, and the last cursor.

    `code_of` says what a status means for the exit code of this process; what a display was told holds.
    """

    code: int = 0
    cursor: int = 0
    ended: int = 0
    code_of: Callable[[str], int] = exit_code
    writing: trio.Lock = field(default_factory=trio.Lock)  # a display is used from one thread at a time


async def show(
    path: Path,
    wakeups: Wakeups,
    query: LogQuery,
    display: Display,
    shown: Shown,
    *,
    limit: int,
    after: int | None,
    interval: float,
    live: bool = True,
) -> None:
    """Show what `query` asks for until its jobs have ended; entries gather for `interval` seconds at most.

    Raises BrokenPipeError when the terminal has gone, OutputError when it cannot be written.

    The display writes in a thread: a terminal stopped with Ctrl-S and a pipe that nobody reads hold up this loop, and
    nothing else of the process. The store keeps the place, so nothing piles up meanwhile.
    """
    stream = follow(path, wakeups, query, limit=limit, after=after, batch_interval=interval, live=live)
    await show_stream(stream, display, shown)


async def show_stream(stream: AsyncGenerator[StreamEvent, None], display: Display, shown: Shown) -> None:
    """Show what a stream tells, to its end, and close it. Raises what `show` does."""
    async with trio.open_nursery() as nursery:
        if display.reads:
            nursery.start_soon(_tick, display, shown)
        if display.moves:
            nursery.start_soon(stop_on_ctrl_z, partial(_suspend, display, shown))
        # The pings are not shown; they bring a cursor that moved over entries which the filter holds back.
        async with aclosing(stream) as events:
            async for event in events:
                async with shown.writing:
                    if display.reads or isinstance(event, Ended | Gap):
                        await _in_thread(partial(_show_one, display, event, shown))
                    else:
                        _show_one(display, event, shown)  # nothing is written
        nursery.cancel_scope.cancel()


async def _in_thread(call: Callable[[], None]) -> None:
    await trio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=_WRITERS)


def _show_one(display: Display, event: StreamEvent, shown: Shown) -> None:
    match event:
        case Logs():
            if event.view["logs"]:
                display.logs(event.view)
        case StatusChange():
            display.status(event.view)
        case Ended():
            code = shown.code_of(event.status)
            shown.code = max(shown.code, code)
            shown.ended += 1
            display.ended(event.job_id, event.status, code, event.counts)
        case Gap():
            display.gap(event)
        case Ping():
            pass
    shown.cursor = event.cursor


def say_soon(nursery: trio.Nursery, display: Display, shown: Shown, text: str) -> None:
    """Say something that is not data beside `show`, without waiting for a terminal that may be stopped."""
    nursery.start_soon(_say, display, shown, text)


async def _say(display: Display, shown: Shown, text: str) -> None:
    with suppress(BrokenPipeError, OutputError):  # nobody is left to be told
        async with shown.writing:
            await _in_thread(partial(display.notice, text))


async def _suspend(display: Display, shown: Shown) -> None:
    async with shown.writing:
        await _in_thread(display.suspend)


async def _tick(display: Display, shown: Shown) -> None:
    while True:
        await trio.sleep(TICK_S)
        async with shown.writing:
            await _in_thread(display.tick)
