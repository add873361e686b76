"""A job without a terminal: `--detach` hands it to a process of its own, which runs it to its end.

That process is a fresh one, never a fork of this one: a fork of a process with threads has their locks, and not them.
The job is handed over as JSON, so that no parameter is in the list of processes for others to read.
"""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

import orjson
import trio

from quaero_cli.jobdef.load import parse
from quaero_cli.jobdef.model import StepType
from quaero_cli.plaindata import text_of
from quaero_cli.session.core import open_session
from quaero_cli.session.failing import unwrapped
from quaero_cli.session.handle import Handle
from quaero_cli.session.prepare import Prepared
from quaero_cli.session.signals import WATCHED, watch_signals
from quaero_cli.settings import Settings
from quaero_cli.store.factcodec import pack_job, unpack_job


def pack(prepared: Prepared) -> bytes:
    """Return a job as JSON, for `unpack` in another process."""
    value = {"job": pack_job(prepared.job), "parameters": dict(prepared.parameters)}
    return orjson.dumps(value, default=text_of, option=orjson.OPT_NON_STR_KEYS)


def unpack(data: bytes, step_types: Mapping[str, StepType]) -> Prepared:
    """Return the job that `pack` has packed."""
    value = orjson.loads(data)
    job = unpack_job(value["job"])
    definition = parse(job.definition_text, path=Path(job.definition_path), step_types=step_types)
    return Prepared(job, definition, value["parameters"])


async def run_detached(
    settings: Settings,
    prepared: Prepared,
    on_stored: Callable[[Handle], None],
    *,
    environment: Mapping[str, str],
    step_types: Mapping[str, StepType],
) -> None:
    """Run a job to its end and show nothing. `on_stored` is told when it is stored.

    SIGTERM and SIGINT cancel it, also while it is being stored: whoever is told its ID may send one at once. The end
    of a terminal is not its end. Raises what `Session.submit` raises.
    """
    signal.signal(signal.SIGHUP, _live_on)  # not SIG_IGN: the job's own children would inherit that
    watched = [each for each in WATCHED if each is not signal.SIGHUP]
    with unwrapped():
        async with open_session(settings, environment=environment, step_types=step_types) as session:
            handle: Handle | None = None
            early: list[str] = []  # why it is to be cancelled, before it is there

            def ask(number: signal.Signals) -> None:
                reason = f"cancelled by {number.name}"
                if handle is None:
                    early.append(reason)
                else:
                    handle.cancel(reason)

            async with trio.open_nursery() as nursery:
                await nursery.start(watch_signals, ask, session.kill_children, _leave, watched)
                handle = await session.submit(prepared)
                for reason in early:
                    handle.cancel(reason)
                on_stored(handle)
                await handle.done.wait()
                nursery.cancel_scope.cancel()


def _live_on(number: int, frame: FrameType | None) -> None:
    """A terminal went away: it was not ours."""


def _leave() -> None:
    """There is no terminal to put in order."""
