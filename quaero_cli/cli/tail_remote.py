"""`quaero tail --server URL`: the same, over HTTP."""

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from quaero_cli.cli import common
from quaero_cli.cli.loop import run_loop
from quaero_cli.cli.tail import Asked, display_for, say_how_to_resume

if TYPE_CHECKING:
    from quaero_cli.model import LogQuery
    from quaero_cli.remote.address import Address
    from quaero_cli.settings import Settings

# The stream begins with so many entries at most; more are resumed from a place.
_MOST = 500


def tail_server(settings: "Settings", server: str, token: str | None, asked: Asked) -> int:
    """Follow what a server serves; return the exit code. Raises ServerError when it cannot be reached."""
    from quaero_cli.remote.address import parse_address

    address = parse_address(server)
    token = token or address.token or os.environ.get("QUAERO_TOKEN") or None
    if token is None and address.loopback:
        token = _own_token(settings)
    address = replace(address, token=token)
    return run_loop(lambda: _follow(settings, address, asked))


def _own_token(settings: "Settings") -> str | None:
    """Return this machine's token, if there is one: a server on it is most likely ours."""
    from quaero_cli.server.token import load

    return load(settings.token_file)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """Where to begin: with the newest `limit`, or after the place `after`; `until`: where to leave."""

    query: "LogQuery"
    epoch: str
    limit: int
    after: int | None
    until: int | None


async def _follow(settings: "Settings", address: "Address", asked: Asked) -> int:
    from quaero_cli.session.tail import TailOptions, tail_remote

    begin = await _begin(settings, address, asked)
    options = TailOptions(begin.query, begin.limit, None, asked.timeout, live=asked.live)
    place = None if begin.after is None else f"{begin.epoch}-{begin.after}"

    def on_stop(cursor: int) -> None:
        say_how_to_resume(begin.query, f"{begin.epoch}-{cursor}", ("--server", str(address)))

    def on_end(cursor: int) -> None:
        if asked.show_cursor:
            common.err().write(f"cursor: {begin.epoch}-{cursor}\n")

    display = display_for(asked, begin.query)
    return await tail_remote(address, options, place, begin.until, display, on_stop, on_end)


async def _begin(settings: "Settings", address: "Address", asked: Asked) -> _Beginning:
    """Ask the server for everything that the screen's first line depends on."""
    from quaero_cli.remote import places

    jobs = [await places.find_job(address, name) for name in asked.names]
    query = replace(asked.query, jobs=tuple(dict.fromkeys(jobs)))
    epoch = await places.epoch(address, query)
    limit = settings.stream.default_limit if asked.number is None else asked.number
    after = await _after(address, asked, query, epoch)
    if after is None and limit > _MOST:
        after = await places.before_newest(address, query, limit)
    until = None if asked.live else await places.newest_id(address, query)
    return _Beginning(query, epoch, min(limit, _MOST), after, until)


async def _after(address: "Address", asked: Asked, query: "LogQuery", epoch: str) -> int | None:
    from quaero_cli.cli.moments import parse_cursor, parse_moment
    from quaero_cli.remote import places

    if asked.since is None:
        return 0 if asked.lines == "all" else None
    place = parse_cursor(asked.since, epoch)
    if place is None:
        place = await places.at_time(address, query, parse_moment(asked.since))
    if asked.number is None or asked.lines == "all":
        return place
    return max(place, await places.before_newest(address, query, asked.number))
