"""Ctrl-C and its kin, for a command that runs jobs: first ask, then insist, then leave."""

import os
import signal
from collections.abc import Callable

import trio

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def watch_signals(
    ask: Callable[[signal.Signals], None],
    insist: Callable[[], None],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Call `ask` at the first signal, `insist` at the second; leave the process at the third. Until cancelled.

    The third one leaves at once, without tidying: what is stored is stored, and the next look marks the job as
    interrupted.
    """
    with trio.open_signal_receiver(*WATCHED) as received:
        task_status.started()
        count = 0
        async for number in received:
            count += 1
            if count == 1:
                ask(signal.Signals(number))
            elif count == 2:
                insist()
            else:
                os._exit(128 + number)
