"""What a `quaero serve --engine` does beside serving: the log of all machines in, its own jobs and words out."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio

from quaero_cli.cluster.dispatch import Dispatcher
from quaero_cli.cluster.shipper import Shipper
from quaero_cli.cluster.viewing import Viewing
from quaero_cli.model import EngineView
from quaero_cli.model.taking import DEFAULT_QUEUE
from quaero_cli.session.cluster import open_engine, role_of_home
from quaero_cli.settings import Settings
from quaero_cli.store.fresh import FreshRows
from quaero_cli.store.outbox import Outbox

if TYPE_CHECKING:
    from quaero_cli.cluster.ports import Connection
    from quaero_cli.session.core import Session


@asynccontextmanager
async def joined(settings: Settings) -> AsyncIterator["Connection"]:
    """Connect to the engine of the settings. Raises UsageError, StateError and ServerError."""
    async with AsyncExitStack() as stack:
        stack.enter_context(role_of_home(settings, "view"))
        engine = await stack.enter_async_context(open_engine(settings, "quaero serve"))
        await engine.prepare_view(settings.cluster.replicas, [DEFAULT_QUEUE])
        yield engine


async def view_cluster(session: "Session", engine: "Connection", sight: EngineView, fresh: FreshRows) -> None:
    """Take in, ship and hand over, until cancelled; `sight` is kept up to date.

    What the store cannot take now waits in the engine's log and on the workers. Raises StoreError when it fails for
    good.
    """
    settings, log, trouble = session.settings, session.source_log("cluster"), session.trouble
    assert trouble is not None
    name = settings.cluster.name or socket.gethostname()
    viewing = Viewing(settings.database, engine, engine, session.wakeups.committed, log.info, name, sight)
    dispatcher = Dispatcher(settings.database, session.wakeups, engine, session.emit, log.info)
    session.hand_over = dispatcher.hand_over
    with Outbox(settings.database) as outbox:
        shipper = Shipper(outbox, engine, engine, log.info, archives=settings.cluster.archives, fresh=fresh)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trouble.outlived, "intake", viewing.run)
            nursery.start_soon(trouble.outlived, "queue", dispatcher.run)
            nursery.start_soon(trouble.outlived, "machines", partial(dispatcher.watch_nodes, engine))
            nursery.start_soon(trouble.outlived, "outbox", shipper.run)
