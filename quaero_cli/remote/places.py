"""What a person means, asked of a server: which job, and where in its log to begin."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from quaero_cli.errors import NotFoundError, ServerError
from quaero_cli.model import Level, LogQuery
from quaero_cli.remote.address import Address
from quaero_cli.remote.events import Parser
from quaero_cli.remote.follow import filters_of
from quaero_cli.remote.http import get, get_json

_PAGE = 500  # jobs
_MOST = 500  # entries of a page: as many as the service's log gives


async def find_job(address: Address, reference: str) -> str:
    """Return the ID that `reference` means: an ID, `last`, a definition's id (its newest job), a unique prefix.

    Raises NotFoundError, with the candidates when a prefix is not unique, and what `get_json` does.
    """
    if reference == "last":
        newest = await _jobs(address, limit="1")
        if not newest:
            raise NotFoundError("no job has run yet", hint="run one with: quaero run DEFINITION")
        return str(newest[0]["id"])
    if reference and reference.isascii() and reference.isalnum():
        try:
            return str((await get_json(address, f"/api/jobs/{quote(reference)}"))["job"]["id"])
        except NotFoundError:
            pass
    if reference and (of_definition := await _jobs(address, definition=reference, limit="1")):
        return str(of_definition[0]["id"])
    found = await _beginning_with(address, reference) if reference else []
    if len(found) > 1:
        raise NotFoundError(f"{reference} begins several job IDs", hint="one of: " + ", ".join(found[:6]))
    if not found:
        raise NotFoundError(f"no job {reference or repr(reference)}", hint="list the jobs with: quaero jobs")
    return found[0]


async def _beginning_with(address: Address, prefix: str) -> list[str]:
    found: list[str] = []
    page = await _jobs(address, limit=str(_PAGE))
    while page:
        found += [job["id"] for job in page if job["id"].startswith(prefix)]
        page = await _jobs(address, limit=str(_PAGE), before=page[-1]["id"]) if len(page) == _PAGE else []
    return found


async def _jobs(address: Address, **parameters: str) -> Sequence[dict[str, Any]]:
    answer = await get_json(address, f"/api/jobs?{urlencode(parameters)}")
    try:
        jobs: Sequence[dict[str, Any]] = answer["jobs"]
    except (KeyError, TypeError) as error:
        raise ServerError(f"{address} is no quaero server", hint="is it another program's port?") from error
    return jobs


async def epoch(address: Address, query: LogQuery) -> str:
    """Return the tag with which this server's cursors begin."""
    target = f"/api/logs/stream?{urlencode([*filters_of(query), ('limit', '0')])}"
    async with await get(address, target) as answer:
        parser = Parser()
        while piece := await answer.piece():
            for message in parser.feed(piece):
                return message.id.rpartition("-")[0]
    raise ServerError(f"{address}: the stream ended before it began", hint="try again")


async def newest_id(address: Address, query: LogQuery) -> int:
    """Return the id of the newest entry that matches; 0 when there is none."""
    return int((await _page(address, query, limit=1))["meta"]["newest_id"] or 0)


async def before_newest(address: Address, query: LogQuery, count: int) -> int:
    """Return the id after which the newest `count` matching entries come; 0 when there are not so many."""
    place: int | None = None
    while count > 0:
        more = {} if place is None else {"before": place}
        found = (await _page(address, query, limit=min(count, _MOST), **more))["logs"]
        if not found:
            return 0
        count -= len(found)
        place = found[0]["id"]
    return await newest_id(address, query) if place is None else place - 1


async def at_time(address: Address, query: LogQuery, time_us: int) -> int:
    """Return the id after which entries of these jobs are not older than a time: by halving, 30 small requests."""
    every = LogQuery(query.jobs, level=Level.DEBUG)
    low, high = 0, await newest_id(address, every)
    while low < high:
        middle = (low + high) // 2
        (entry,) = (await _page(address, every, limit=1, since=middle))["logs"] or (None,)
        if (
            entry is not None
            and datetime.fromisoformat(entry["timestamp"]).timestamp() * 1e6 < time_us // 1000 * 1000
        ):
            low = entry["id"]
        else:
            high = middle
    return low


async def _page(address: Address, query: LogQuery, **more: int) -> Any:  # noqa: ANN401  # a LogsView
    pairs = [*filters_of(query), *((name, str(value)) for name, value in more.items())]
    return await get_json(address, f"/api/logs?{urlencode(pairs)}")
