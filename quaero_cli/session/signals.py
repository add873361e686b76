"""Ctrl-C and its kin, for a command that runs jobs: first ask, then insist, then leave."""

import os
import signal
from collections.abc import Callable
from types import FrameType

import trio

WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LEAVE_AT = 3


async def watch_signals(
    ask: Callable[[signal.Signals], None],
    insist: Callable[[], None],
    leave: Callable[[], None],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Call `ask` at the first signal, `insist` at the second; leave the process at the third. Until cancelled.

    The third one leaves at once, without tidying but for `leave`: what is stored is stored, and the next look marks
    the job as interrupted. It is counted in the signal handler, because a step that never yields holds up this task.
    """
    arrived = 0
    hand_on: Callable[[int, FrameType | None], object]

    def count(number: int, frame: FrameType | None) -> None:
        nonlocal arrived
        arrived += 1
        if arrived >= _LEAVE_AT:
            leave()
            os._exit(128 + number)
        hand_on(number, frame)

    # `nohup quaero run …` has HUP ignored, and means it.
    watched = [each for each in WATCHED if signal.getsignal(each) is not signal.SIG_IGN]
    with trio.open_signal_receiver(*watched) as received:
        trios = signal.getsignal(watched[0])  # leaving the receiver puts back what was there before
        assert callable(trios)
        hand_on = trios
        for each in watched:
            signal.signal(each, count)
        task_status.started()
        told = 0
        async for number in received:  # two of a kind that come together are one here
            while told < arrived:
                told += 1
                if told == 1:
                    ask(signal.Signals(number))
                else:
                    insist()
