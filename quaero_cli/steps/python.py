"""The step type `python`: calls a Python function, inside quaero's own process.

Its parts are in `quaero_cli/pycall/`: finding the function, fitting its arguments, capturing what it logs and prints,
running it in a thread. What needs the event loop is imported when a step starts, so that listing step types is quick.
"""

import functools
import inspect
import json
from collections.abc import Awaitable, Mapping
from typing import Any

from quaero_cli.pycall.arguments import fit
from quaero_cli.pycall.capture import Sink, captured
from quaero_cli.pycall.load import load
from quaero_cli.steps.contract import MAX_OUTPUT_BYTES, StepContext, StepFailed

SERVICE = "started"


async def python(ctx: StepContext, *, call: str, args: dict[str, Any] | None = None) -> Mapping[str, Any] | None:
    """Call a Python function; a mapping that it returns becomes the step's outputs.

    An async function runs on quaero's (Trio) event loop, any other in a thread. A parameter named `ctx` gets the
    step's context: ctx.log, ctx.report, ctx.directory, ctx.artifacts and more, in an async function also
    ctx.open_workers, ctx.run_process and ctx.run_job. What the function and its libraries write to the standard
    `logging` becomes the step's log, with level, logger and `extra` fields; what they print, too, line by line at
    level info.

    An exception fails the step, and its traceback is kept. A function in a thread cannot be stopped from outside:
    one that runs long calls trio.from_thread.check_cancelled() now and then, or it is abandoned when it is cancelled.

    call: "package.module:function", or "file.py:function" with a path from the definition's folder
    args: the function's arguments, by name
    """
    with captured(ctx.log, ctx.mask) as sink:
        try:
            return outputs_of(call, await _call(ctx, sink, call, args or {}))
        except SystemExit as error:  # would end quaero itself
            raise StepFailed(f"{call} called sys.exit({error.code!r})") from error


async def _call(ctx: StepContext, sink: Sink, call: str, args: Mapping[str, Any]) -> object:
    from quaero_cli.pycall.thread import ThreadContext, run_in_thread

    find = functools.partial(load, call, ctx.directory)
    function = await run_in_thread(find, name=f"the import of {call}", log=ctx.log)
    ctx.started()
    if inspect.iscoroutinefunction(function):
        return await function(**fit(call, function, args, ctx))
    prepared = functools.partial(function, **fit(call, function, args, ThreadContext(ctx, sink)))
    result = await run_in_thread(prepared, name=call, log=ctx.log)
    # What an async function behind a decorator gave is still to be run, and here on the loop.
    return await result if isinstance(result, Awaitable) else result


def outputs_of(call: str, result: object) -> dict[str, Any] | None:
    """Return the outputs as plain data. Raises StepFailed, naming the key, for what JSON cannot hold."""
    if result is None:
        return None
    if not isinstance(result, Mapping):
        kind = type(result).__name__
        raise StepFailed(f"{call} returned {kind}", hint="return a mapping of outputs, or nothing")
    outputs = {}
    size = 0
    for key, value in result.items():
        if not isinstance(key, str):
            raise StepFailed(f"{call} returned an output whose name is not text: {key!r}")
        try:
            text = json.dumps(value, allow_nan=False)
            outputs[key] = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise StepFailed(f"{call} returned an output that JSON cannot hold: {key}: {error}") from error
        size += len(text)
        if size > MAX_OUTPUT_BYTES:
            hint = "leave files in the folder ctx.artifacts, and return their names"
            raise StepFailed(f"{call} returned outputs of more than {MAX_OUTPUT_BYTES} bytes", hint=hint)
    return outputs
