"""Ctrl-C and its kin, for a command that runs jobs: first ask, then insist, then leave."""

import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from types import FrameType

import trio

WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LEAVE_AT = 3
# Seconds to tidy the screen in before Ctrl-Z stops us: a terminal that takes nothing must not keep us from it.
_TIDY_S = 1.0


async def watch_signals(
    ask: Callable[[signal.Signals], None],
    insist: Callable[[], None],
    leave: Callable[[], None],
    numbers: Sequence[signal.Signals] = WATCHED,
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
    watched = [each for each in numbers if signal.getsignal(each) is not signal.SIG_IGN]
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


async def stop_on_ctrl_z(tidy: Callable[[], Awaitable[None]]) -> None:
    """Let `tidy` give the screen back whenever Ctrl-Z is typed, then stop this process until it is continued.

    Until cancelled. Does nothing where a shell without job control has the signal ignored.
    """
    if signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN:
        return
    with trio.open_signal_receiver(signal.SIGTSTP) as received:
        async for _ in received:
            with trio.move_on_after(_TIDY_S):
                await tidy()
            os.kill(os.getpid(), signal.SIGSTOP)
