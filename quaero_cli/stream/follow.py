"""The one loop that every reader is: `tail`, `run`'s own output and the SSE stream.

A reader is a cursor. Its loop: take the waiter, look (one snapshot: entries after the cursor, then states), tell,
wait. No queue exists, so none can overflow; a slow reader only falls behind. Readers that have an outlet and have
been told the same go on together, as long as each keeps up (see `crowd`).
"""

from collections.abc import AsyncGenerator
from pathlib import Path

from quaero_cli.model import LogQuery
from quaero_cli.stream.crowd import Outlet
from quaero_cli.stream.events import StreamEvent
from quaero_cli.stream.follower import Follower
from quaero_cli.stream.pace import BATCH_INTERVAL, PING_AFTER, Pace
from quaero_cli.stream.wakeups import Wakeups


async def follow(
    path: Path,
    wakeups: Wakeups,
    query: LogQuery,
    *,
    limit: int = 100,
    after: int | None = None,
    batch_interval: float = BATCH_INTERVAL,
    ping_after: float | None = PING_AFTER,
    live: bool = True,
    skip: bool = False,
    outlet: Outlet | None = None,
) -> AsyncGenerator[StreamEvent, None]:
    """Yield what happens, from the newest `limit` entries on, or from the cursor `after` on.

    First one StatusChange per job, then one Logs (perhaps empty), then events as they come. Ends after the last
    job's Ended; the service log (no jobs in the query) never ends. `live` false: ends when what is stored is told.
    `skip`: when it is far behind it is moved ahead, and told so by a Gap. `outlet`: it is offered some of the events,
    in their place among the others; what it was offered is not yielded.
    Close it (`contextlib.aclosing`) when done.
    Raises NotFoundError for an unknown job, UsageError for an unknown step, StoreError when the store cannot be read.
    """
    with wakeups.looks.reader() as reader:
        follower = Follower(
            path, wakeups.looks, reader, query, Pace(batch_interval if live else 0.0, ping_after), skip
        )
        waiter = wakeups.waiter()
        events = await follower.begin(limit, after)
        while events:
            yield events.pop(0)  # a suspended generator must not hold what a slow reader was told already
        while not follower.finished and (live or follower.pace.backlog):
            crowd = wakeups.crowd_for(follower) if outlet is not None else None
            if outlet is not None and crowd is not None:
                await crowd.ride(follower, outlet)
                if follower.finished:
                    return
            else:
                await follower.wait(waiter)
            waiter = wakeups.waiter()
            events = await follower.advance()
            while events:
                yield events.pop(0)
