"""`quaero jobs --watch`: the list of jobs, drawn anew whenever something was stored, until Ctrl-C."""

import signal
import time
from collections.abc import Callable, Sequence
from functools import partial

import trio

from quaero_cli.model import JobSummary
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.signals import WATCHED, stop_on_ctrl_z
from quaero_cli.session.sweep import sweep
from quaero_cli.settings import Settings
from quaero_cli.store.reader import Reader, open_reader
from quaero_cli.stream.wakeups import Wakeups
from quaero_cli.terminal.page import Page
from quaero_cli.terminal.watch import Watch

# Seconds between two pictures at least, and at most: durations count on while nothing is stored.
_SOONEST, _LATEST = 0.25, 1.0

# Lines that are not jobs: titles and the way out.
_NO_JOBS = 2

Find = Callable[[Reader, int], list[JobSummary]]
Render = Callable[[Sequence[JobSummary], Page], str]


async def watch_jobs(settings: Settings, watch: Watch, find: Find, render: Render) -> None:
    """Draw what `find` finds (at most so many jobs as there are rows), as `render` shows it, until a signal comes.

    Raises BrokenPipeError when the terminal has gone. Leaves the last picture on the screen.
    """
    wakeups = Wakeups(settings.wake, settings.database)
    with unwrapped():
        async with trio.open_nursery() as nursery:
            await nursery.start(wakeups.run)
            nursery.start_soon(sweep, settings, wakeups, lambda text: None)
            nursery.start_soon(_until_signal, nursery.cancel_scope)
            nursery.start_soon(stop_on_ctrl_z, partial(_tidy, watch))
            try:
                await _draw_again_and_again(settings, wakeups, watch, find, render)
            finally:
                watch.leave(keep=True)


async def _draw_again_and_again(
    settings: Settings, wakeups: Wakeups, watch: Watch, find: Find, render: Render
) -> None:
    with open_reader(settings.database) as reader:
        while True:
            waiter = wakeups.waiter()
            found = find(reader, max(1, watch.rows - _NO_JOBS))
            watch.draw(lambda page, found=found: render(found, page), time.time())  # type: ignore[misc]
            await trio.sleep(_SOONEST)
            with trio.move_on_after(_LATEST - _SOONEST):
                await waiter.wait()


async def _tidy(watch: Watch) -> None:
    watch.leave(keep=False)


async def _until_signal(scope: trio.CancelScope) -> None:
    watched = [each for each in WATCHED if signal.getsignal(each) is not signal.SIG_IGN]
    with trio.open_signal_receiver(*watched) as received:
        async for _ in received:
            scope.cancel()
