"""A store that cannot be written for a while: who met it goes on, and people hear of it once."""

import pytest
import trio

from quaero_cli.errors import StoreError
from quaero_cli.session.trouble import Trouble


def _failure(cause: Exception) -> StoreError:
    error = StoreError("x.db: disk I/O error", hint="free space")
    error.__cause__ = cause
    return error


async def test_tasks_go_on_and_it_is_told_once(autojump_clock):
    """A view would end for everybody when its disk is full; or each of its tasks would complain each second."""
    said, lost, tries = [], [], {"intake": 0, "queue": 0}
    trouble = Trouble(said.append, lost.append)

    async def task(name: str) -> None:
        tries[name] += 1
        async with trio.open_nursery() as nursery:  # as most tasks have one
            nursery.start_soon(trio.sleep_forever)
            if tries[name] <= 3:
                raise _failure(OSError(28, "no space"))
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        for name in tries:
            nursery.start_soon(trouble.outlived, name, lambda name=name: task(name))
        await trio.sleep(2)
        assert trouble.lasts
        trouble.begins("recorder", _failure(OSError(28, "no space")))
        await trio.sleep(60)
        assert trouble.lasts
        trouble.ends("recorder", 7)
        nursery.cancel_scope.cancel()
    assert said == [
        "warning: the store cannot be written: x.db: disk I/O error\nhint: free space\n",
        "the store can be written again\n",
    ]
    assert (tries, lost, trouble.lasts) == ({"intake": 4, "queue": 4}, [7], False)


async def test_damage_is_not_waited_out(autojump_clock):
    """A damaged store would be tried for ever, and nobody would be told."""
    trouble = Trouble(lambda _: None, lambda _: None)

    async def task() -> None:
        raise _failure(ValueError("malformed"))

    with pytest.raises(StoreError, match="disk"):
        await trouble.outlived("intake", task)
    assert not trouble.lasts
