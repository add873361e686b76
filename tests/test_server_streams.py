"""server/streams.py: places for streams, batches that are encoded once, long answers in slices."""

import pytest
from serving import running

from quaero_cli.errors import NotFoundError
from quaero_cli.model import Level, LogQuery
from quaero_cli.server.desk import open_desk
from quaero_cli.server.limits import Limits
from quaero_cli.server.streams import Busy, SharedBatches, Streams, slices
from quaero_cli.stream.events import Logs


async def test_slots_are_given_back():
    """After enough streams had come and gone, there would be none left."""
    streams = Streams(1)
    for _ in range(3):
        with streams.slot(), pytest.raises(Busy):
            streams.slot().__enter__()
    with pytest.raises(NotFoundError), streams.slot():
        raise NotFoundError("x")
    assert streams.open == 0
    streams.drain()
    with pytest.raises(Busy):
        streams.slot().__enter__()


async def test_batches_are_encoded_once_and_never_mixed_up(tmp_path):
    """A hundred tabs would cost a hundred encodings; or one tab would get what another one filters."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.log("j1", "one", "two")
        with open_desk(web.parts, Limits()) as desk:
            query, other = LogQuery(("j1",)), LogQuery(("j1",), text="one")
            shared = SharedBatches(desk.reader.epoch)
            first = shared.encode(query, Logs(desk.reader.page(query, limit=10), 2))
            assert shared.encode(query, Logs(desk.reader.page(query, limit=10), 2)) is first
            assert shared.encode(query, Logs(desk.reader.page(query, limit=10), 3)) is not first
            assert b"two" not in shared.encode(other, Logs(desk.reader.page(other, limit=10), 2))[0]
            web.log("j1", "three", level=Level.DEBUG)
            later = shared.encode(query, Logs(desk.reader.page(query, limit=10), 2))
            assert b'"total_count":3' in later[0]
            small = SharedBatches(desk.reader.epoch, budget=1)
            assert small.encode(query, Logs(desk.reader.page(query, limit=10), 2)) == later


def test_long_answers_are_sent_in_slices():
    """A stalled reader of an export would keep megabytes; or a byte be lost where it is cut."""
    for size in (0, 1, 524_288, 524_289, 2_000_000):
        body = bytes(index % 251 for index in range(size))
        parts = list(slices(body))
        assert b"".join(parts) == body
        assert max(len(part) for part in parts) <= 524_288
