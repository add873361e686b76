"""`quaero run`: a job in the foreground, shown as it goes, perhaps with the server beside it.

The server is imported when it is asked for: its framework takes longer to load than all the rest of `run`.
"""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import trio

from quaero_cli.errors import OutputError
from quaero_cli.jobdef.model import StepType
from quaero_cli.model import Level, LogQuery
from quaero_cli.session.core import Session, open_session
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.handle import Handle
from quaero_cli.session.prepare import Prepared
from quaero_cli.session.show import Shown, say_soon, show
from quaero_cli.session.signals import watch_signals
from quaero_cli.settings import Settings
from quaero_cli.terminal.codes import exit_code
from quaero_cli.terminal.display import Display

if TYPE_CHECKING:
    from quaero_cli.server.serve import Bound
    from quaero_cli.session.serve import ServeOptions

INTERRUPTED_BY_USER = 130


@dataclass(frozen=True, slots=True)
class Beside:
    """A server for as long as the job runs; `announce` is told where it listens."""

    options: "ServeOptions"
    announce: Callable[["Bound"], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to show of the job (`query` names no job yet), and the server beside it."""

    query: LogQuery
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How the job ended."""

    job_id: str
    status: str
    code: int


async def run(
    settings: Settings,
    prepared: Prepared,
    display: Display,
    options: RunOptions,
    *,
    environment: Mapping[str, str],
    step_types: Mapping[str, StepType],
) -> RunResult:
    """Run a prepared job to its end and show it. The job is not harmed by a terminal that goes away.

    Raises OverlapError, StoreError, and OutputError once the job has ended that could not be shown whole; what the
    job does is in the result.
    """
    asked: list[signal.Signals] = []
    with unwrapped():
        async with open_session(settings, environment=environment, step_types=step_types) as session:
            stop = trio.Event()
            if options.beside is not None:
                from quaero_cli.session.serve import start_server

                beside = options.beside
                beside.announce(await start_server(session, beside.options, step_types, session.nursery, stop))
            handle = await session.submit(prepared)
            shown = Shown(code_of=partial(code_of, asked))
            async with trio.open_nursery() as nursery:
                tell = partial(say_soon, nursery, display, shown)
                ask, insist = partial(_ask, handle, tell, asked), partial(_insist, session, tell)
                await nursery.start(watch_signals, ask, insist, display.abandon)
                unshown = await _show(settings, session, handle, display, shown, options.query)
                await handle.done.wait()
                nursery.cancel_scope.cancel()
            stop.set()  # the server beside it: the job has ended
    if unshown is not None:
        hint = f"the job went on and is {handle.status}; every line is stored: quaero tail {handle.id} -n all"
        raise OutputError(unshown.message, hint=hint)
    code = shown.code if shown.ended else code_of(asked, handle.status)
    return RunResult(handle.id, handle.status, code)


def code_of(asked: list[signal.Signals], status: str) -> int:
    """Return the exit code of this process, which the last line of `--json` tells, too."""
    return INTERRUPTED_BY_USER if signal.SIGINT in asked else exit_code(status)


async def _show(
    settings: Settings, session: Session, handle: Handle, display: Display, shown: Shown, query: LogQuery
) -> OutputError | None:
    """Show the job; return why it could not be shown to its end. Either way the job goes on, and is stored whole."""
    level = query.level if display.reads else Level.ERROR  # there are few, and nobody is shown them
    mine = LogQuery((handle.id,), query.steps, level, query.worker, query.text)
    try:
        with unwrapped(), display:
            interval = settings.stream.batch_interval
            await show(settings.database, session.wakeups, mine, display, shown, limit=0, after=0, interval=interval)
    except BrokenPipeError:
        return None  # `run | head`: the reader has seen enough
    except OutputError as error:
        return error
    return None


def _ask(handle: Handle, tell: Callable[[str], None], asked: list[signal.Signals], number: signal.Signals) -> None:
    asked.append(number)
    handle.cancel(f"cancelled by {number.name}")
    tell(f"{number.name}: cancelling job {handle.id}; again to kill it")


def _insist(session: Session, tell: Callable[[str], None]) -> None:
    session.kill_children()
    tell("killing what still runs; once more to leave at once")
