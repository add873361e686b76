"""Clearing away deleted jobs beside whatever runs: a short piece, then room for the writers, again and again."""

from collections.abc import Callable

import trio

from quaero_cli.errors import StoreError
from quaero_cli.settings import Settings
from quaero_cli.store.deletion import Clearing

# Seconds between two pieces: longer than a piece, so that a waiting writer, who looks again and again, is next.
_ROOM = 0.03


async def clear_deleted(settings: Settings) -> None:
    """Clear away what deleted jobs have left, and give their room back to the disk. Raises StoreError."""
    with Clearing(settings.database) as clearing:
        await _all(clearing.clear_piece)
    await give_back(settings)


async def clear_quietly(settings: Settings, tell: Callable[[str], None]) -> None:
    """Clear away what deleted jobs have left, in the background of something that matters more."""
    try:
        await clear_deleted(settings)
    except StoreError as error:  # the next one goes on with it
        tell(f"Clearing away deleted jobs was cut short: {error.message}")


async def give_back(settings: Settings) -> None:
    """Give the file's free room back to the disk. Raises StoreError."""
    with Clearing(settings.database) as clearing:
        await _all(clearing.give_back_piece)


async def _all(piece: Callable[[], bool]) -> None:
    left = True
    while left:
        left = await trio.to_thread.run_sync(piece)
        if left:
            await trio.sleep(_ROOM)
