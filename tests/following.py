"""Reads what `follow` tells, for tests."""

from contextlib import aclosing

from quaero_cli.stream.events import Logs
from quaero_cli.stream.follow import follow


def texts(events):
    return [entry["message"] for event in events if isinstance(event, Logs) for entry in event.view["logs"]]


async def collect(home, wakeups, query, **kwargs):
    async with aclosing(follow(home.database, wakeups, query, **kwargs)) as events:
        return [event async for event in events]
