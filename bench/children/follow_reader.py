"""A reader in another process, without a display: `follow_reader DATABASE WAKE JOB`.

Says `ready` when it has begun to follow the job, and in the end when each of its entries was seen: nanoseconds since
1970, in their order.
"""

import json
import sys
import time
from contextlib import aclosing
from pathlib import Path

import trio

from quaero_cli.model import Level, LogQuery
from quaero_cli.stream.events import Logs
from quaero_cli.stream.follow import follow
from quaero_cli.stream.wakeups import Wakeups


async def read(database: Path, wake: Path, job: str) -> list[tuple[int, int]]:
    """Follow the job to its end; return number and moment of each entry."""
    seen: list[tuple[int, int]] = []
    following = False
    wakeups = Wakeups(wake, database)
    query = LogQuery((job,), level=Level.DEBUG)
    async with trio.open_nursery() as nursery:
        await nursery.start(wakeups.run)
        async with aclosing(follow(database, wakeups, query, batch_interval=0.0)) as events:
            async for event in events:
                if isinstance(event, Logs):
                    now = time.time_ns()
                    seen += [(entry["job_line"], now) for entry in event.view["logs"]]
                    if not following:
                        following = True
                        print("ready", flush=True)
        nursery.cancel_scope.cancel()
    return seen


if __name__ == "__main__":
    print(json.dumps({"seen": trio.run(read, Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])}))
