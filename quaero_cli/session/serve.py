"""`quaero serve`, and the server beside a foreground job."""

import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from quaero_cli.jobdef.model import StepType
from quaero_cli.model import EngineView
from quaero_cli.server.desk import ServerParts
from quaero_cli.server.limits import CONNECTIONS_PER_STREAM, Limits
from quaero_cli.server.serve import Bound
from quaero_cli.server.serve import ServeOptions as ListenOptions
from quaero_cli.server.serve import serve as serve_http
from quaero_cli.session.actions import SessionActions
from quaero_cli.session.clearing import clear_quietly
from quaero_cli.session.core import Session, open_session
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.leased import Shipping
from quaero_cli.session.scheduling import make_scheduler
from quaero_cli.session.signals import watch_signals
from quaero_cli.settings import Settings
from quaero_cli.store.encode import timestamp
from quaero_cli.store.queue import now_us
from quaero_cli.terminal.lines import LineFormat
from quaero_cli.terminal.palette import Paint

if TYPE_CHECKING:
    from quaero_cli.cluster.ports import Connection


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How to serve: where to listen, and the folders of the definitions that may be executed."""

    listen: ListenOptions
    folders: tuple[Path, ...]


async def serve(
    settings: Settings,
    options: ServeOptions,
    announce: Callable[[Bound], None],
    tell: Callable[[str], None],
    *,
    environment: Mapping[str, str],
    step_types: Mapping[str, StepType],
) -> None:
    """Serve, and start what is scheduled, until a signal; then cancel the jobs that run here, and leave.

    All that they said is stored then. `tell` is given words for stderr: the store cannot be written, or can again.
    With an engine in the settings this is a view of its cluster: what is started here is run by workers.

    Raises ServerError when it cannot listen, StoreError when the store fails for good, or while the server stops.
    """
    with unwrapped():
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(_joined(settings))
            shipping = None if engine is None else Shipping(None)
            opening = open_session(
                settings,
                environment=environment,
                step_types=step_types,
                tell=tell,
                shipping=shipping,
            )
            session = await stack.enter_async_context(opening)
            nursery = await stack.enter_async_context(trio.open_nursery())
            stop = _Stop(session)
            await nursery.start(watch_signals, stop.ask, session.kill_children, _leave)
            sight = None
            if engine is not None and shipping is not None:
                from quaero_cli.session.view import view_cluster

                sight = EngineView(reachable=True, behind=0)
                session.background.start_soon(view_cluster, session, engine, sight, shipping.fresh)
            announce(await start_server(session, options, step_types, nursery, stop.asked, sight))
            session.background.start_soon(clear_quietly, settings, session.log.warn)  # what others have left
            if not options.listen.read_only:
                with stop.scheduling:
                    await make_scheduler(session, options.folders, step_types).run()
            await stop.asked.wait()
            while session.handles:  # one may have been started in the last moment
                handle = next(iter(session.handles.values()))
                handle.cancel(stop.reason)
                await handle.done.wait()
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def _joined(settings: Settings) -> "AsyncIterator[Connection | None]":
    """Connect to the engine, where there is one; few need what that takes."""
    if not settings.cluster.engine:
        yield None
        return
    from quaero_cli.session.view import joined

    async with joined(settings) as engine:
        yield engine


class _Stop:
    """The wish to stop: nothing is started any more, then what runs is cancelled."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.asked = trio.Event()
        self.scheduling = trio.CancelScope()
        self.reason = ""

    def ask(self, number: signal.Signals) -> None:
        """A signal came."""
        self.reason = f"the server was stopped by {number.name}"
        self.scheduling.cancel()
        self._session.lose_patience()
        for handle in list(self._session.handles.values()):
            handle.cancel(self.reason)
        self.asked.set()


def _leave() -> None:
    """The terminal is as it was."""


async def start_server(
    session: Session,
    options: ServeOptions,
    step_types: Mapping[str, StepType],
    nursery: trio.Nursery,
    stop: trio.Event,
    engine: EngineView | None = None,
) -> Bound:
    """Start the server in `nursery` and return where it listens, once it does. Raises ServerError.

    `engine`: of the cluster that this process is a view of, kept up to date by whoever looks at it.
    """
    parts = ServerParts(
        database=session.settings.database,
        wakeups=session.wakeups,
        actions=SessionActions(session, options.folders, step_types),
        log=lambda level, message, fields: session.service_log(level, message, fields, source="server"),
        text=lambda: LineFormat(Paint(color=False)).batch,
        started_at=timestamp(now_us()),
        engine=engine,
    )

    stream, most = session.settings.stream, session.settings.server.max_streams
    limits = Limits(
        streams=most, connections=most * CONNECTIONS_PER_STREAM, default_entries=stream.default_limit,
        most_entries=stream.max_limit, batch_seconds=stream.batch_interval, ping_seconds=stream.ping_after,
    )  # fmt: skip

    async def serving(*, task_status: trio.TaskStatus[Bound]) -> None:
        await serve_http(parts, options.listen, stop=stop, limits=limits, task_status=task_status)

    bound: Bound = await nursery.start(serving)
    return bound
